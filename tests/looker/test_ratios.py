"""No filter and no split turns a ratio of sums into an average of rates."""

from collections import defaultdict
from collections.abc import Sequence

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looker import semantic
from looker.field_mapping import formula
from looker.semantic import Metric
from tests.looker import lookml_sql

SEMANTICS = semantic.load()
RATIOS = [metric for metric in SEMANTICS.metrics.values() if metric.ratio]
VIEWS = lookml_sql.build_views("memory.main")

Row = tuple[str, str, int | None, int | None]  # channel, account, numerator, denominator
COUNTS = st.none() | st.integers(0, 10**9)
ROWS = st.lists(st.tuples(st.sampled_from("ems"), st.sampled_from("AB"), COUNTS, COUNTS))


def quotient(rows: Sequence[Row]) -> float | None:
    """Sum over sum; null where a sum has no values or the denominator is 0."""
    numerators = [row[2] for row in rows if row[2] is not None]
    denominator = sum(row[3] for row in rows if row[3] is not None)
    return sum(numerators) / denominator if numerators and denominator else None


def create_mart(metric: Metric, rows: Sequence[Row]) -> duckdb.DuckDBPyConnection:
    """A mart with the columns of the metric and of two dimensions."""
    connection = duckdb.connect(":memory:")
    parts = ", ".join(f"{SEMANTICS.metric(part).column} bigint" for part in metric.parts)
    table = SEMANTICS.model(metric.model).table
    connection.execute(
        f"create table {table} (send_channel text, account_id text, {parts}, currency text,"
        " period_kind text, period_start date, pattern text)"
    )
    if rows:
        connection.executemany(
            f"insert into {table} values (?, ?, ?, ?, 'EUR', 'month', '2026-11-01', '')", rows
        )
    return connection


@given(metric=st.sampled_from(RATIOS), rows=ROWS, split=st.booleans(), filtered=st.booleans())
def test_looker_divides_sums(
    metric: Metric, rows: list[Row], *, split: bool, filtered: bool
) -> None:
    """For any rows, Looker's measure of a group is the quotient of the group's sums."""
    where = "send_channel = 'e'" if filtered else "true"
    expected = defaultdict(list)
    for row in rows:
        if row[0] == "e" or not filtered:
            expected[row[1] if split else "all"].append(row)
    view = VIEWS[metric.model]
    with create_mart(metric, rows) as connection:
        fields = ["account_id", metric.name] if split else [metric.name]
        result = view.query(connection, fields, where)
    shown = {row.get("account_id", "all"): row[metric.name] for row in result}
    assert {key: value for key, value in shown.items() if value is not None} == pytest.approx(
        {key: quotient(group) for key, group in expected.items() if quotient(group) is not None}
    )


@given(metric=st.sampled_from(RATIOS), rows=ROWS)
def test_data_studio_divides_sums(metric: Metric, rows: list[Row]) -> None:
    """For any rows, the formula in BUILD.md is the same quotient."""
    table = SEMANTICS.model(metric.model).table
    with create_mart(metric, rows) as connection:
        [[shown]] = connection.sql(f"select {formula(metric, SEMANTICS)} from {table}").fetchall()
    assert shown == pytest.approx(quotient(rows))
