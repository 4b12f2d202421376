"""Explores filter by date, and join marts without repeating a row."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import lkml
import pytest

from looker import declaration, explores, lookml_dashboard, lookml_explores, mart_table, semantic
from looker.errors import LookerError
from looker.yaml_reader import parse_yaml, read_yaml
from tests.looker import lookml_sql

SEMANTICS = semantic.load()
DASHBOARD = declaration.load(SEMANTICS)
DECLARED = explores.load(SEMANTICS)
VIEWS = lookml_sql.build_views("klaviyo")
FILES = dict(lookml_explores.generate_files(SEMANTICS, DASHBOARD, DECLARED))
EXPLORES = {
    explore["name"]: explore for explore in lkml.load(FILES["klaviyo.model.lkml"])["explores"]
}
JOINS = [(name, join) for name, explore in EXPLORES.items() for join in explore.get("joins", ())]


@pytest.fixture(scope="module", name="warehouse")
def _warehouse(dbt_build: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of the one build of the shops."""
    with duckdb.connect(str(dbt_build / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def read_dbt_keys(table: str) -> list[list[str]]:
    """The columns that dbt tests to identify a row of a mart."""
    content = read_yaml(semantic.MODELS / "marts" / f"{table}.yml")
    [mart] = content["models"]
    keys = [
        [column["name"]] for column in mart["columns"] if "unique" in column.get("data_tests", ())
    ]
    tests = [test for test in mart.get("data_tests", ()) if "primary_key" in test]
    return keys + [sorted(test["primary_key"]["arguments"]["columns"]) for test in tests]


def test_joins_are_on_a_key_that_dbt_tests() -> None:
    """The columns of a join, in the joined mart, are unique there by a test of dbt."""
    offenders = []
    for name, join in JOINS:
        view = VIEWS[join["name"]]
        fields = re.findall(rf"\$\{{{join['name']}\.(\w+)\}}", join["sql_on"])
        columns = [view.dimensions[field]["sql"].removeprefix("${TABLE}.") for field in fields]
        is_key = sorted(columns) in read_dbt_keys(view.table.partition(".")[2])
        if not is_key or join["relationship"] not in ("many_to_one", "one_to_one"):
            offenders.append((name, join))
    assert offenders == []
    assert len(JOINS) == sum(map(len, DECLARED.joins.values()))


def test_joins_repeat_no_row(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Each join keeps every row of its explore once, and finds rows of the other mart."""
    offenders = []
    for name, join in JOINS:
        key = f"{join['name']}.{SEMANTICS.model(join['name']).key}"
        explore = lookml_sql.join_sql(VIEWS[name], [join], VIEWS)
        rows, joined, matched = warehouse.sql(
            f"select (select count(*) from {VIEWS[name].table}), count(*), count({key})"
            f" from {explore}"
        ).fetchall()[0]
        if joined != rows or not matched:
            offenders.append((name, join["name"], rows, joined, matched))
    assert offenders == []


@pytest.mark.parametrize("join", ["{cohort: [link_performance]}", "{finding: [flow_step]}"])
def test_a_join_that_could_repeat_rows_is_refused(tmp_path: Path, join: str) -> None:
    """A mart whose key the explore lacks, or that has no tested key, cannot be joined."""
    file = tmp_path / "explores.yml"
    file.write_text(f"daily: []\njoins: {join}\n")
    with pytest.raises(LookerError, match="would repeat its rows"):
        explores.load(SEMANTICS, file)


def test_explores_of_daily_marts_have_a_date_filter() -> None:
    """Each mart with rows per day has a filter on its date, replaced by one on its month or so."""
    daily = {model.name for model in SEMANTICS.models.values() if is_daily(model)}
    assert daily <= set(DECLARED.daily)
    for name in DECLARED.daily:
        [[chosen]] = EXPLORES[name]["conditionally_filter"]["filters__all"]
        group = SEMANTICS.model(name).date.removesuffix("_on")
        assert chosen == {f"{name}.{group}_date": "30 days"}
        longer = EXPLORES[name]["conditionally_filter"]["unless"]
        assert longer == [
            f"{name}.{group}_{timeframe}" for timeframe in ("week", "month", "quarter", "year")
        ]
        assert {field.partition(".")[2] for field in longer} <= VIEWS[name].dimensions.keys()


def is_daily(model: semantic.SemanticModel) -> bool:
    """Whether a row of the mart is of one day."""
    return bool(re.search(r"\b(date|day)\b", mart_table.read_grain(model.description)))


def test_tiles_of_daily_explores_choose_their_days() -> None:
    """No tile shows the default days of its explore: it follows the reader, or has a filter."""
    elements: list[dict[str, Any]] = [
        element
        for _, text in lookml_dashboard.generate_files(DASHBOARD, SEMANTICS, DECLARED)
        for dashboard in parse_yaml(text)
        for element in dashboard["elements"]
        if element["explore"] in DECLARED.daily
    ]
    offenders = []
    for element in elements:
        fields = {*element["filters"], *element["listen"].values()}
        group = SEMANTICS.model(element["explore"]).date.removesuffix("_on")
        dates = {f"{element['explore']}.{group}_{timeframe}" for timeframe in ("date", "month")}
        if len(fields & dates) != 1:
            offenders.append(element["name"])
    assert offenders == []
    assert elements
