"""The commands of each tool: SimplyLoad's own, and those of the rivals in their environments."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from psycopg2.extensions import parse_dsn

from bench.environments import find_program

PROGRAMS = Path(__file__).parent / "programs"
PACKAGE = Path(__file__).parents[1] / "src"
# What a tool runs in its folder for a table of the source.
Command = Callable[["Work"], Sequence[str]]


@dataclass(frozen=True)
class Work:
    """Where a tool reads from, and the folder that it may write to."""

    dsn: str
    table: str
    folder: Path

    @property
    def address(self) -> dict[str, str]:
        """Give host, port, user and dbname."""
        return parse_dsn(self.dsn)

    def url(self, scheme: str = "postgresql") -> str:
        """Give the database as a URL."""
        address = self.address
        host = f"{address['user']}@{address['host']}:{address['port']}"
        return f"{scheme}://{host}/{address['dbname']}"


@dataclass(frozen=True)
class SimplyLoad:
    """One run of the command line, on settings as a user writes them."""

    mode: str
    destination: str
    target_dsn: str = ""

    def __call__(self, work: Work) -> Sequence[str]:
        """Write the settings, give the command."""
        file = work.folder / "simplyload.yml"
        file.write_text(yaml.safe_dump(self._settings(work)))
        return [sys.executable, "-m", "simplyload.cli", "sync", "--once", "--config", str(file)]

    def _sources(self, work: Work) -> Mapping[str, object]:
        source: dict[str, object] = {
            "type": "postgres",
            **_connection(work.dsn),
            "mode": self.mode,
            "tables": [f"public.{work.table}"],
        }
        if self.mode == "poll":
            source["cursors"] = {f"public.{work.table}": "updated_at"}
        return {"shop": source}

    def _settings(self, work: Work) -> object:
        path = str(work.folder / ("parquet" if self.destination == "parquet" else "target.duckdb"))
        place = _connection(self.target_dsn) if self.target_dsn else {"path": path}
        return {
            "sources": dict(self._sources(work)),
            "destination": {"type": self.destination, **place},
            "log": str(work.folder / "log"),
        }


def _connection(dsn: str) -> dict[str, object]:
    address = parse_dsn(dsn)
    return {
        "host": address["host"],
        "port": int(address["port"]),
        "database": address["dbname"],
        "user": address["user"],
    }


def dlt(backend: str, *cursors: str) -> Command:
    """Give a merge by dlt into DuckDB."""

    def give(work: Work) -> Sequence[str]:
        url = work.url("postgresql" if backend == "adbc" else "postgresql+psycopg2")
        program = str(PROGRAMS / "dlt_load.py")
        arguments = [backend, url, work.table, str(work.folder), *cursors]
        return [find_program("dlt"), program, *arguments]

    return give


def copy_with_extension(work: Work) -> Sequence[str]:
    """Copy by DuckDB's own extension: to Parquet, then merged into DuckDB."""
    program = str(PROGRAMS / "extension_copy.py")
    return [find_program("extension"), program, work.dsn, work.table, str(work.folder)]


def rivet(mode: str) -> Command:
    """Give an export by rivet to Parquet, whole or since the last run."""

    def give(work: Work) -> Sequence[str]:
        file = work.folder / "rivet.yml"
        export = {
            "name": work.table,
            "query": f"select * from {work.table}",
            "mode": mode,
            "format": "parquet",
            "columns": {"amount": "decimal(12,2)"},
            "destination": {"type": "local", "path": str(work.folder / "rivet")},
        }
        if mode == "incremental":
            export["cursor_column"] = "updated_at"
        source = {"type": "postgres", "url": work.url()}
        file.write_text(yaml.safe_dump({"source": source, "exports": [export]}))
        return [find_program("rivet", "rivet"), "run", "--config", str(file)]

    return give


def stream_with_debezium(work: Work) -> Sequence[str]:
    """Stream changes by Debezium into lines of JSON, without a merge; its slot exists."""
    file = work.folder / "debezium.json"
    file.write_text(json.dumps(describe_debezium(work.dsn, "debezium", "debezium")))
    program = str(PROGRAMS / "debezium_stream.py")
    return [find_program("debezium"), program, str(file), str(work.folder / "events.jsonl")]


def describe_debezium(dsn: str, slot: str, publication: str) -> dict[str, str]:
    """Give Debezium's properties: stream from a slot that exists, values as exact text."""
    address = parse_dsn(dsn)
    return {
        "name": "judge",
        "topic.prefix": "judge",
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "slot.name": slot,
        "publication.name": publication,
        "publication.autocreate.mode": "disabled",
        "snapshot.mode": "no_data",
        "database.hostname": address["host"],
        "database.port": address["port"],
        "database.user": address["user"],
        "database.password": "unused",  # the server trusts this machine
        "database.dbname": address["dbname"],
        "offset.storage": "org.apache.kafka.connect.storage.MemoryOffsetBackingStore",
        "decimal.handling.mode": "string",
        "skipped.operations": "none",
        "key.converter.schemas.enable": "false",
        "value.converter.schemas.enable": "false",
    }
