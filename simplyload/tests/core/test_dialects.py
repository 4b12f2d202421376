"""The statements for Snowflake and BigQuery.

No such warehouse is at hand: sqlglot reads each statement in its dialect and gives it to DuckDB. So
the meaning of what is sent is executed, but not by the warehouse itself.
"""

import re
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
import sqlglot

from simplyload.catalog import Dialect
from simplyload.changes import Table
from simplyload.destinations.duckdb import DuckDBDestination
from simplyload.destinations.sql import SqlDestination, Tables
from simplyload.engine import Pipeline, PipelineSettings
from simplyload.testing.memory import live_rows
from tests.core.conftest import Target
from tests.core.scripted import ORDERS, ScriptedSource, changes, random_changes, upsert


class Snowflake(DuckDBDestination):
    """Snowflake's statements, executed by DuckDB."""

    dialect: Dialect = "snowflake"
    _merge = SqlDestination._merge  # noqa: SLF001

    def _run(self, statement: str) -> tuple[list[tuple[Any, ...]], int]:
        return super()._run(sqlglot.transpile(statement, read=self.dialect, write="duckdb")[0])

    def _read_columns(self, schema: str) -> Tables:
        written, self.dialect = self.dialect, "duckdb"
        try:
            return super()._read_columns(schema)
        finally:
            self.dialect = written


class BigQuery(Snowflake):
    """BigQuery's statements, executed by DuckDB."""

    dialect: Dialect = "bigquery"


@pytest.fixture(params=[Snowflake, BigQuery])
def warehouse(request: pytest.FixtureRequest, duckdb_target: Target) -> DuckDBDestination:
    """Give each of the two dialects."""
    destination: DuckDBDestination = request.param(duckdb_target.settings)
    return destination


@pytest.mark.slow
@pytest.mark.parametrize(
    "seeds", [range(2), pytest.param(range(2, 8), marks=pytest.mark.chaos)], ids=str
)
def test_r9_a35_a49_the_fold_means_the_same_in_every_dialect(
    warehouse: DuckDBDestination, duckdb_target: Target, seeds: range
) -> None:
    """Random changes with truncates, NULLs and deletes lead to the rows of a naive model."""
    for seed in seeds:
        rows = random_changes(seed, 40, truncates=5)
        parts = [changes(*rows[:25]), changes(*rows[25:])]
        pipeline = Pipeline(
            f"s{seed}",
            ScriptedSource(parts),
            warehouse,
            duckdb_target.log,
            PipelineSettings(max_changes=1),
        )
        pipeline.run_once()
        table = ORDERS
        found = [row for part in warehouse.scan(f"s{seed}", table) for row in part.to_pylist()]
        assert {(row["id"],): row for row in found} == live_rows(parts)


@pytest.mark.slow
@pytest.mark.parametrize(
    "warehouse", [Snowflake, pytest.param(BigQuery, marks=pytest.mark.chaos)], indirect=True
)
def test_r21_strange_names_keep_their_values_in_every_dialect(
    warehouse: DuckDBDestination, duckdb_target: Target, statements: list[str]
) -> None:
    """A reserved table name and 260 odd column names are inserted, merged, widened and read."""
    odd = ["select", "Mixed Case", "größe", "名", "a.b", "%s", "${x}", "1a", 'quo"te', "back`tick"]
    names = [*odd, *(f"c{n}" for n in range(259 - len(odd)))]
    narrow, wide = (
        Table(
            name="order",
            key=("id",),
            schema=pa.schema([("id", pa.int64()), *((name, kind) for name in names)]),
        )
        for kind in (pa.int32(), pa.int64())
    )
    first = {"id": 1, **{name: n for n, name in enumerate(names)}}
    second = {"id": 1, **{name: n + 2**40 for n, name in enumerate(names)}}
    steps = [changes(upsert(1, first), table=narrow), changes(upsert(2, second), table=wide)]
    third = dict.fromkeys(names[3:], 7)
    steps.append(changes(upsert(3, {"id": 1, **third}, names[3:]), table=wide))
    settings = PipelineSettings(max_changes=1)
    Pipeline("größe", ScriptedSource(steps), warehouse, duckdb_target.log, settings).run_once()
    [row] = [row for part in warehouse.scan("größe", wide) for row in part.to_pylist()]
    assert row == second | third
    written = [sql for sql in statements if "Mixed Case" in sql]
    assert len(written) > 3
    for sql in written:
        assert sqlglot.parse_one(sql, dialect=warehouse.dialect).sql(warehouse.dialect) == sql


def test_a38_no_ddl_is_sent_within_a_transaction(
    warehouse: DuckDBDestination, duckdb_target: Target, statements: list[str]
) -> None:
    """A load with a new table, and one with a new column, send DDL before BEGIN or after COMMIT."""
    _assert_ddl_is_outside(warehouse, duckdb_target, statements)


def test_a38_no_ddl_is_sent_within_a_transaction_of_the_embedded_ones(
    sql_target: Target, statements: list[str]
) -> None:
    """DuckDB and Postgres get the same order of statements."""
    _assert_ddl_is_outside(sql_target.destination(), sql_target, statements)


def _assert_ddl_is_outside(destination: Any, target: Target, statements: list[str]) -> None:
    wider = type(ORDERS)(
        name="orders", key=("id",), schema=ORDERS.schema.append(pa.field("c", pa.string()))
    )
    steps = [changes(upsert(1, {"id": 1})), changes(upsert(2, {"id": 1, "c": "x"}), table=wider)]
    settings = PipelineSettings(max_changes=1)
    Pipeline("shop", ScriptedSource(steps), destination, target.log, settings).run_once()
    kinds = "".join(_kind(sql) for sql in statements)
    assert kinds.count("B") == kinds.count("C") == 2
    assert "D" in kinds
    assert not re.search("B[^C]*D", kinds)
    assert all(
        re.fullmatch(".*loads.*", previous.split("VALUES")[0])
        for previous, sql in pairwise(statements)
        if sql == "COMMIT"
    )


def _kind(statement: str) -> str:
    word = statement.split(maxsplit=1)[0]
    return {"BEGIN": "B", "COMMIT": "C", "CREATE": "D", "ALTER": "D", "DROP": "D"}.get(word, ".")
