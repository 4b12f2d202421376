"""Fixtures: the destinations, each empty, each read by its own driver."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from simplyload.destinations.bigquery import BigQueryDestination
from simplyload.destinations.destination import Destination
from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.destinations.parquet import ParquetDestination, ParquetSettings
from simplyload.destinations.postgres import PostgresDestination, PostgresTargetSettings
from simplyload.destinations.snowflake import SnowflakeDestination
from simplyload.engine import Event, Pipeline, PipelineSettings
from simplyload.log import ChangeLog
from simplyload.sources.source import Source
from tests.core.scripted import ORDERS

Row = dict[str, Any]

# What Snowflake is not asked for; test_snowflake.py has what it does instead.
NOT_ON_SNOWFLAKE = {
    "test_r11_columns_widen_from_int_to_text": "it changes no scale, and no number to text",
    "test_a_unique_index_of_the_user_lets_rows_be_replaced": "it has no unique index",
    "test_the_error_of_a_constraint_has_no_value_of_a_row": "it has no unique index",
    "test_a44_freeze_stops_at_any_drift_and_loses_nothing[snowflake-widened]": (
        "int and bigint are both NUMBER(38, 0): the table does not drift"
    ),
    "test_a38_no_ddl_is_sent_within_a_transaction_of_the_embedded_ones": (
        "its lease is taken in a transaction too"
    ),
}
# What BigQuery is not asked for; test_bigquery.py has what it does instead.
NOT_ON_BIGQUERY = {
    "test_r11_columns_widen_from_int_to_text": "it makes no text of a number",
    "test_a_column_of_the_user_keeps_its_default": "the server of the tests has no defaults",
    "test_a_unique_index_of_the_user_lets_rows_be_replaced": "it has no unique index",
    "test_the_error_of_a_constraint_has_no_value_of_a_row": "it has no unique index",
    "test_a44_freeze_stops_at_any_drift_and_loses_nothing[bigquery-widened]": (
        "int and bigint are both INT64: the table does not drift"
    ),
    "test_a38_no_ddl_is_sent_within_a_transaction_of_the_embedded_ones": (
        "its transaction is one script"
    ),
}
# Every statement is a request to a server: seconds for a test.
SNOWFLAKE = pytest.param("snowflake", marks=pytest.mark.chaos)
BIGQUERY = pytest.param("bigquery", marks=pytest.mark.chaos)


@dataclass
class Target:
    """A destination of one kind, a log, and how to look at the rows without our code."""

    kind: str
    settings: Any
    query: Callable[[str], list[Row]]
    log: ChangeLog
    events: list[Event] = field(default_factory=list)

    def destination(self) -> Destination:
        """Connect as a new process does."""
        if self.kind == "duckdb":
            return DuckDBDestination(self.settings)
        if self.kind == "postgres":
            return PostgresDestination(self.settings)
        if self.kind == "snowflake":
            return SnowflakeDestination(self.settings)
        if self.kind == "bigquery":
            return BigQueryDestination(self.settings)
        return ParquetDestination(self.settings)

    def pipeline(self, source: Source, **settings: Any) -> Pipeline:
        """Give a pipeline of stream `shop` with a connection of its own."""
        chosen = PipelineSettings.model_validate(settings)
        return Pipeline("shop", source, self.destination(), self.log, chosen, self.events.append)

    def execute(self, statement: str) -> None:
        """Run a statement of the user's own by the destination's own driver."""
        if self.kind == "duckdb":
            with duckdb.connect(self.settings.path) as connection:
                connection.execute(statement)
        elif self.kind in ("snowflake", "bigquery"):
            self.query(statement)
        else:
            self.query(f"{statement}; COMMIT; SELECT 1")

    def stages(self) -> list[str]:
        """Name the tables that belong to no committed load."""
        if self.kind == "parquet":
            return []
        if self.kind == "bigquery":
            return self.tables("_simplyload_stage")
        names = self.query(
            "SELECT table_name FROM information_schema.tables WHERE lower(table_name) LIKE 'stage%'"
        )
        return [str(row) for row in names]

    def tables(self, schema: str) -> list[str]:
        """Name the tables of a schema."""
        if self.kind == "bigquery":
            with closing(BigQueryDestination(self.settings)) as destination:
                return destination._list_tables(schema)  # noqa: SLF001
        names = self.query(
            "SELECT lower(table_name) AS name FROM information_schema.tables"
            f" WHERE lower(table_schema) = '{schema}'"
        )
        return [str(row["name"]) for row in names]

    def rows(self, table: str = "orders") -> list[Row]:
        """Read a table with its metadata columns by the destination's own driver."""
        return self.query(f'SELECT * FROM shop."{table}" ORDER BY 1')

    def live(self, table: Any = ORDERS) -> dict[tuple[Any, ...], Row]:
        """Read the rows that are not deleted, by key."""
        with closing(self.destination()) as destination:
            rows = [row for part in destination.scan("shop", table) for row in part.to_pylist()]
        found = {tuple(row[name] for name in table.key): row for row in rows}
        assert len(found) == len(rows), "a key is there twice"
        return found


def no_query(sql: str) -> list[Row]:
    """Say that Parquet files take no SQL."""
    pytest.fail(f"there is nothing that runs {sql}")


@pytest.fixture
def duckdb_target(tmp_path: Path) -> Target:
    """Give an empty DuckDB destination."""
    path = tmp_path / "target.duckdb"

    def query(sql: str) -> list[Row]:
        with duckdb.connect(path, read_only=True) as connection:
            rows: list[Row] = connection.sql(sql).to_arrow_table().to_pylist()
            return rows

    return Target("duckdb", DuckDBSettings(path=path), query, ChangeLog(tmp_path / "log"))


@pytest.fixture
def postgres_target(database: str, tmp_path: Path) -> Target:
    """Give an empty Postgres destination."""

    def query(sql: str) -> list[Row]:
        with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    dsn = parse_dsn(database)
    settings = PostgresTargetSettings(
        host=str(dsn["host"]),
        port=int(dsn["port"]),
        database=str(dsn["dbname"]),
        user=str(dsn["user"]),
    )
    return Target("postgres", settings, query, ChangeLog(tmp_path / "log"))


@pytest.fixture
def parquet_target(tmp_path: Path) -> Target:
    """Give an empty Parquet destination."""
    settings = ParquetSettings(path=tmp_path / "lake")
    return Target("parquet", settings, no_query, ChangeLog(tmp_path / "log"))


@pytest.fixture(scope="session")
def snowflake_server() -> Iterator[Any]:
    """Yield fakesnow, or the account that the environment names."""
    pytest.importorskip("snowflake.connector", reason="the extra `snowflake` is not installed")
    from tests.core.snowflake_server import run_server  # noqa: PLC0415 - it needs the extra

    with run_server() as server:
        yield server


@pytest.fixture
def snowflake_target(
    request: pytest.FixtureRequest, snowflake_server: Any, tmp_path: Path
) -> Target:
    """Give an empty Snowflake destination."""
    skip_what_is_not_on(request, "Snowflake", NOT_ON_SNOWFLAKE)
    settings = snowflake_server.settings()
    log = ChangeLog(tmp_path / "log")
    return Target("snowflake", settings, lambda sql: snowflake_server.query(settings, sql), log)


def skip_what_is_not_on(
    request: pytest.FixtureRequest, product: str, reasons: Mapping[str, str]
) -> None:
    """Skip a test of all destinations that a warehouse is not asked for."""
    for name in (request.node.name, request.node.originalname):
        if name in reasons:
            pytest.skip(f"{product}: {reasons[name]}")


@pytest.fixture(scope="session")
def bigquery_server() -> Iterator[Any]:
    """Yield GoogleSQL, or the project that the environment names."""
    pytest.importorskip("google.cloud.bigquery", reason="the extra `bigquery` is not installed")
    from tests.core.bigquery_server import run_server  # noqa: PLC0415 - it needs the extra

    with run_server() as server:
        yield server


@pytest.fixture
def bigquery_target(request: pytest.FixtureRequest, bigquery_server: Any, tmp_path: Path) -> Target:
    """Give an empty BigQuery destination."""
    skip_what_is_not_on(request, "BigQuery", NOT_ON_BIGQUERY)
    settings = bigquery_server.settings()
    log = ChangeLog(tmp_path / "log")
    return Target("bigquery", settings, lambda sql: bigquery_server.query(settings, sql), log)


@pytest.fixture(params=["duckdb", "postgres", SNOWFLAKE, BIGQUERY])
def sql_target(request: pytest.FixtureRequest) -> Target:
    """Give each destination that speaks SQL."""
    target: Target = request.getfixturevalue(f"{request.param}_target")
    return target


@pytest.fixture(params=["duckdb", "postgres", "parquet", SNOWFLAKE, BIGQUERY])
def target(request: pytest.FixtureRequest) -> Target:
    """Give each destination."""
    target: Target = request.getfixturevalue(f"{request.param}_target")
    return target


@pytest.fixture
def statements(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Yield the statements that were sent to a destination, as they come."""
    sent: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: sent.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("simplyload.sql")
    with caplog.at_level(logging.DEBUG, logger="simplyload.sql"):
        logger.addHandler(handler)
        yield sent
        logger.removeHandler(handler)
