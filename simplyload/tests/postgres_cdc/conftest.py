"""A destination in memory behind the real stream: what it holds is compared with the source."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import parse_dsn

from simplyload.changes import Batch, Changes, State
from simplyload.sources.postgres.connection import Reader, connect, identifier
from simplyload.sources.postgres.copy import copy_table
from simplyload.sources.postgres.discover import SourceTable, discover_tables
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.slot import parse_lsn
from simplyload.sources.postgres.state import CopyState
from simplyload.sources.postgres.stream import ChangeStream

Row = dict[str, Any]
META = {"_op", "_seq", "_cols"}


@dataclass
class Stored:
    """A row of the destination, or the mark that it is deleted."""

    seq: Decimal
    values: Row
    deleted: bool = False


@dataclass
class Memory:
    """The destination: rows by table and key, applied as the contract says."""

    tables: dict[str, dict[tuple[Any, ...], Stored]] = field(default_factory=dict)
    changes: int = 0

    def apply(self, changes: Changes) -> None:
        """Apply changes in their order of `_seq`."""
        rows = self.tables.setdefault(changes.table.name, {})
        for change in sorted(changes.rows.to_pylist(), key=lambda row: row["_seq"]):
            self.changes += 1
            if change["_op"] == "T":
                for stored in rows.values():
                    stored.deleted |= stored.seq < change["_seq"]
                continue
            key = tuple(change[name] for name in changes.table.key)
            stored = rows.get(key)
            if stored is None or change["_seq"] > stored.seq:
                rows[key] = _merged(stored, change)

    def rows(self, table: str) -> list[Row]:
        """List the rows that are not deleted, in key order."""
        rows = self.tables.get(table, {})
        return [rows[key].values for key in sorted(rows) if not rows[key].deleted]


def _merged(stored: Stored | None, change: Row) -> Stored:
    values = {name: value for name, value in change.items() if name not in META}
    carried = change["_cols"]
    if change["_op"] == "D":
        return Stored(change["_seq"], values, deleted=True)
    if carried is not None:
        old = {} if stored is None or stored.deleted else stored.values
        values = old | {name: values[name] for name in values if name in carried or name not in old}
    return Stored(change["_seq"], values)


class Replica:
    """A stream with its destination: each `sync` is one run of the pipeline, in one commit."""

    def __init__(self, dsn: str, **settings: Any) -> None:
        parts = parse_dsn(dsn)
        self.dsn = dsn
        self.settings = PostgresSettings(
            type="postgres",
            host=parts["host"],
            port=int(parts["port"]),
            database=parts["dbname"],
            user=settings.pop("user", parts["user"]),
            slot=f"s_{parts['dbname']}",
            **settings,
        )
        self.memory = Memory()
        self.state: State | None = None
        self.copied: list[str] = []
        self.warnings: list[str] = []
        self.stream = ChangeStream(self.settings, "test")

    def sync(self, *, ack: bool = True) -> list[Batch]:
        """Prepare, copy, read and commit; give the batches of the stream."""
        with closing(connect(self.settings, "test")) as connection:
            found = discover_tables(connection, self.settings)
        refused = [table.refusal or table.cdc_refusal for table in found]
        tables = [t for t, why in zip(found, refused, strict=True) if not why]
        prepared = self.stream.prepare(self.state, tables)
        self.warnings = [why for why in refused if why] + list(prepared.warnings)
        self.copied = sorted(prepared.copy)
        gathered: list[Changes] = []
        for table in prepared.tables:
            if table.source_name in prepared.copy:
                gathered += self._copy(table, prepared.lsn)
        batches = []
        state = prepared.state
        for batch in self.stream.read(prepared.state, prepared.tables):
            batches.append(batch)
            gathered += batch.changes
            self.warnings += batch.warnings
            state = batch.state or state
        for changes in gathered:
            self.memory.apply(changes)
        self.state = state
        if ack and (gathered or batches):
            self.stream.ack(state)
        return batches

    def _copy(self, table: SourceTable, lsn: int) -> list[Changes]:
        with closing(Reader(self.settings, "test")) as reader:
            state = CopyState(seq=lsn * 10**9)
            steps = list(copy_table(reader, table, state, self.settings.chunk_rows))
        return [changes for step in steps for changes in step.changes]

    def rows(self, table: str) -> list[Row]:
        """List the destination's rows."""
        return self.memory.rows(table)

    def restart(self) -> None:
        """Forget everything but the committed state, as a new process does."""
        self.stream.close()
        self.stream = ChangeStream(self.settings, "test")


class Database:
    """The source, as its owner uses it."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.connection = self.connect()

    def connect(self) -> Connection:
        """Open another session in autocommit."""
        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        return connection

    def run(self, *statements: str) -> None:
        """Run statements, each a transaction of its own."""
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def fetch(self, query: str) -> list[Any]:
        """Run a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def confirmed(self) -> int:
        """Give the LSN up to which the slot has let the log go."""
        query = "select confirmed_flush_lsn from pg_replication_slots where database = current_database()"
        return parse_lsn(self.fetch(query)[0][0])


@pytest.fixture
def source(database: str) -> Iterator[Database]:
    """Yield the source database."""
    source = Database(database)
    yield source
    source.connection.close()


@pytest.fixture
def replica(database: str) -> Iterator[Replica]:
    """Yield a replica of every table in `public`."""
    replica = Replica(database)
    yield replica
    replica.stream.close()


__all__ = ["Database", "Replica", "identifier"]
