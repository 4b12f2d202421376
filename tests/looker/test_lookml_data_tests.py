"""The data tests of the Looker project, run on DuckDB: they pass, and fail for a doubled row."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import lkml
import pytest

from looker import explores, lookml_data_tests, semantic
from tests.looker import lookml_sql, test_lookml_explores
from tests.looker.lookml_sql import Field, View

SEMANTICS = semantic.load()
[(_, TEXT)] = lookml_data_tests.generate_files(SEMANTICS, explores.load(SEMANTICS))
CONTENT = lkml.load(TEXT.replace("@{SCHEMA}", "klaviyo"))
TESTS = {test["name"]: test for test in CONTENT["tests"]}
MEASURES = {view["name"].removeprefix("+"): view["measures"] for view in CONTENT["views"]}
VIEWS = {
    name: replace(view, content={**view.content, "measures": MEASURES[name]})
    for name, view in lookml_sql.build_views("klaviyo").items()
}


@pytest.fixture(name="marts")
def _marts(dbt_build: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of the one build of the shops as views, which a test can replace."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{dbt_build / 'warehouse.duckdb'}' as built (read_only)")
        connection.execute("create schema klaviyo")
        for view in VIEWS.values():
            connection.execute(f"create view {view.table} as from built.{view.table}")
        yield connection


def find_failures(test: Field, marts: duckdb.DuckDBPyConnection) -> list[str]:
    """The assertions of a data test that do not hold in every row of its query."""
    source = test["explore_source"]
    base = VIEWS[source["name"]]
    fields = [column.get("field", f"{base.name}.{column['name']}") for column in source["columns"]]
    joined = {field.partition(".")[0] for field in fields} - {base.name}
    joins = test_lookml_explores.EXPLORES[base.name].get("joins", ())
    chosen = [join for join in joins if join["name"] in joined]
    assert len(chosen) == len(joined)
    shown = [f"{expand(field)} as f{number}" for number, field in enumerate(fields)]
    query = (
        f"select {', '.join(shown)} from {lookml_sql.join_sql(base, chosen, VIEWS)}"
        f" where {write_filters(source)}"
    )
    names = {field: f"f{number}" for number, field in enumerate(fields)}
    failures = []
    for assertion in test["asserts"]:
        holds = re.sub(r"\$\{([\w.]+)\}", lambda part: names[part[1]], assertion["expression"])
        rows = marts.sql(f"select {holds} from ({query})").fetchall()
        failures += [assertion["name"]] if rows != [(True,)] else []
    return failures


def expand(field: str) -> str:
    """DuckDB's SQL of a field, `view.name`."""
    view, _, name = field.partition(".")
    return VIEWS[view].expand(name)


def write_filters(source: Field) -> str:
    """The filters of a query as SQL: only days after a date."""
    [filters] = source.get("filters__all", [[]])
    days = [(expand(field), text) for filter_ in filters for field, text in filter_.items()]
    return " and ".join(f"{sql} >= '{day.removeprefix('after ')}'" for sql, day in days) or "true"


def double_a_row(view: View, marts: duckdb.DuckDBPyConnection, where: str) -> None:
    """Replace a mart by one in which a row is there twice."""
    built = f"built.{view.table}"
    marts.execute(
        f"create or replace view {view.table} as"
        f" from {built} union all (from {built} where {where} limit 1)"
    )


def test_every_explore_equals_its_mart(marts: duckdb.DuckDBPyConnection) -> None:
    """Each explore has a data test, which passes on marts that dbt's tests accept."""
    assert [test["explore_source"]["name"] for test in TESTS.values()] == list(VIEWS)
    assert {name: find_failures(test, marts) for name, test in TESTS.items()} == {
        name: [] for name in TESTS
    }


def test_a_doubled_row_fails(marts: duckdb.DuckDBPyConnection) -> None:
    """For each mart, a row that is there twice fails its data test."""
    missed = []
    for view in VIEWS.values():
        double_a_row(view, marts, "true")
        if "one_row_for_each_key" not in find_failures(
            TESTS[f"{view.name}_equals_its_mart"], marts
        ):
            missed.append(view.name)
    assert missed == []


def test_a_join_that_repeats_rows_fails(marts: duckdb.DuckDBPyConnection) -> None:
    """If a joined mart has a row twice, the explore has more rows and revenue than its mart."""
    test = TESTS["message_performance_equals_its_mart"]
    tested = (
        "message_id in (select message_id from built.klaviyo.klaviyo__message_performance"
        " group by all having sum(conversion_value) > 1)"
    )
    double_a_row(VIEWS["subject_line_test"], marts, tested)
    failures = find_failures(test, marts)
    assert {"row_count_of_the_mart", "conversion_value_of_any_currency_of_the_mart"} <= set(
        failures
    )
