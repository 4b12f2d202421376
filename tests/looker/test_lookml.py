"""LookML equals dbt: its fields run, and give what dbt's metrics and hand-written SQL give."""

import calendar
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from looker import semantic
from tests.looker import lookml_sql, measures_sql, metricflow

VIEWS = lookml_sql.build_views("klaviyo")
SPLITS = {
    "account_daily": ["account_id", "account_currency"],
    "attributed_order": ["account_id", "attribution_method"],
    "audience_growth": ["account_id", "audience_type"],
    "campaign_daily": ["account_id", "send_channel"],
    "campaign_provider": ["account_id", "inbox_provider"],
    "cohort": ["account_id", "first_source"],
    "coupon_performance": ["account_id", "coupon_name"],
    "data_health": ["account_id", "table_name"],
    "deliverability_alert": ["account_id", "inbox_provider"],
    "engagement": ["account_id", "engagement_tier"],
    "finding": ["account_id", "rule_id"],
    "flow_period": ["account_id", "send_channel", "message_id"],
    "flow_step": ["account_id", "message_id"],
    "form_daily": ["account_id", "form_name"],
    "form_version_daily": ["account_id", "version_name"],
    "inbox_provider": ["account_id", "inbox_provider"],
    "link_performance": ["account_id", "link", "message_id"],
    "message_performance": ["account_id", "send_channel", "sent_week"],
    "product_performance": ["account_id", "message_id", "product_name"],
    "profile": ["account_id", "country"],
    "revenue_daily": ["account_id", "is_complete"],
    "rfm": ["account_id", "rfm_group"],
    "send_pressure": ["account_id", "messages_per_week"],
    "subject_line_pattern": ["account_id", "pattern_value"],
    "subject_line_test": ["account_id", "send_channel"],
}


@pytest.fixture(scope="module", name="manifest")
def _manifest(dbt_build: Path) -> dict[str, Any]:
    """The semantic manifest that dbt writes."""
    manifest: dict[str, Any] = json.loads(
        (dbt_build / "target" / "semantic_manifest.json").read_text()
    )
    return manifest


@pytest.fixture(scope="module", name="warehouse")
def _warehouse(dbt_build: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of the one build of the shops."""
    with duckdb.connect(str(dbt_build / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def to_number(value: object) -> float | None:
    """A figure without its type; null stays null."""
    return None if value in (None, "") else float(str(value))


def join_lines(text: str | None) -> str:
    """A description without its line breaks."""
    return " ".join((text or "").split())


def test_metrics_equal_dbts_manifest(manifest: dict[str, Any]) -> None:
    """The YAML reader gives the names, labels, texts, formats and formulas of dbt's manifest."""
    metrics = {
        metric.name: (
            metric.label,
            metric.description,
            metric.format,
            metric.column or metric.formula or None,
            metric.ratio or metric.inputs,
        )
        for metric in semantic.load().metrics.values()
    }
    declared = {entry["name"]: entry for entry in manifest["metrics"]}
    assert metrics == {
        name: _manifest_metric(entry, declared)
        for name, entry in declared.items()
        if metricflow.is_for_readers(entry)
    }


def _manifest_metric(entry: dict[str, Any], declared: dict[str, dict[str, Any]]) -> tuple[Any, ...]:
    expression, inputs = entry["type_params"]["expr"], metricflow.input_names(entry)
    assert not entry["filter"]
    if inputs and not metricflow.is_for_readers(declared[inputs[-1]]):
        currencies, total = inputs
        assert expression == f"case when {currencies} = 1 then {total} end"
        assert declared[currencies]["type_params"]["expr"] == "coalesce(currency, 'unknown')"
        expression, inputs = declared[total]["type_params"]["expr"], []
    return (
        entry["label"],
        join_lines(entry["description"]),
        entry["config"]["meta"]["format"],
        expression,
        tuple(inputs),
    )


def test_models_and_dimensions_equal_dbts_manifest(manifest: dict[str, Any]) -> None:
    """Every semantic model has the table, key, date and dimensions of dbt's manifest."""
    models = {
        model.name: (
            model.table,
            model.description,
            model.key,
            model.date,
            {name: (field.label, field.description) for name, field in model.dimensions.items()},
        )
        for model in semantic.load().models.values()
    }
    assert models == {
        model["name"]: (
            model["node_relation"]["alias"],
            join_lines(model["description"]),
            next(entity["expr"] for entity in model["entities"] if entity["type"] == "primary"),
            model["defaults"]["agg_time_dimension"],
            {
                field["name"]: (field["label"], join_lines(field["description"]))
                for field in model["dimensions"]
            },
        )
        for model in manifest["semantic_models"]
    }


def test_every_field_runs(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Each field alone is a query that returns rows, in the SQL of every supported engine."""
    fields = [
        (view, field, dialect)
        for view in VIEWS.values()
        for field in (*view.dimensions, *view.measures)
        for dialect in lookml_sql.DIALECTS
    ]
    assert len(fields) > 300
    offenders = [
        f"{view.name}.{field} in {dialect}"
        for view, field, dialect in fields
        if not view.query(warehouse, [field], dialect=dialect)
    ]
    assert offenders == []


def test_measures_equal_hand_written_sql(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Every measure, in each group of several splits, equals SQL without dbt's metrics."""
    assert {name: set(view.measures) for name, view in VIEWS.items()} == {
        name: set(measures) for name, measures in measures_sql.MEASURES.items()
    }
    within = {model.name: model.within for model in semantic.load().models.values()}
    offenders = []
    for view in VIEWS.values():
        currency = ["currency"] if "currency" in view.dimensions else []
        for split in SPLITS[view.name]:
            columns = ", ".join([split, *currency, *within[view.name]])
            by = columns.replace("_start", "_start_date").split(", ")
            for measure, expression in measures_sql.MEASURES[view.name].items():
                sql = f"select {columns}, {expression} from {view.table} group by all"
                expected = {row[:-1]: to_number(row[-1]) for row in warehouse.sql(sql).fetchall()}
                rows = view.query(warehouse, [*by, measure])
                shown = {tuple(row[name] for name in by): to_number(row[measure]) for row in rows}
                if shown != {key: pytest.approx(value) for key, value in expected.items()}:
                    offenders.append((view.name, measure, split, shown, expected))
    assert offenders == []


@pytest.mark.chaos
def test_measures_equal_dbts_metrics(
    dbt_build: Path, warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """In every account each measure equals the metric that dbt's own semantic layer computes."""
    metrics_by_model = metricflow.query_metrics(dbt_build, tmp_path)
    assert metrics_by_model.keys() == VIEWS.keys()
    offenders = []
    for view in VIEWS.values():
        by = [name for name in metricflow.GROUP_BY if name in view.dimensions]
        rows = view.query(warehouse, [*by, *view.measures])
        shown = {tuple(row.pop(name) or "" for name in by): row for row in rows}
        assert shown.keys() == metrics_by_model[view.name].keys()
        for key, metrics in metrics_by_model[view.name].items():
            assert metrics.keys() == view.measures.keys()
            offenders += [
                (view.name, key, name, shown[key][name], value)
                for name, value in metrics.items()
                if to_number(shown[key][name]) != pytest.approx(to_number(value))
            ]
    assert offenders == []


def test_amounts_of_two_currencies_are_not_summed(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Over accounts of two currencies a count is one figure, an amount is one per currency."""
    view = VIEWS["message_performance"]
    assert len(view.query(warehouse, ["delivered"])) == 1
    for amount in ("conversion_value", "revenue_per_recipient", "text_message_roi"):
        assert len(view.query(warehouse, [amount])) == 2


def test_two_periods_are_never_one_sum(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Every measure of people in periods has a figure for each period, also if none is asked."""
    for view in (VIEWS["flow_period"], VIEWS["flow_step"]):
        periods = warehouse.sql(
            f"select count(*) from (select distinct period_kind, period_start from {view.table})"
        ).fetchone()
        for measure in view.measures:
            assert (len(view.query(warehouse, [measure])),) == periods


def test_campaigns_are_compared_at_equal_age(warehouse: duckdb.DuckDBPyConnection) -> None:
    """With a filter on the age, a campaign has what had stood at its end of that day."""
    view = VIEWS["campaign_daily"]
    for age in (3, 48):
        rows = view.query(
            warehouse, ["account_id", "message_id", "delivered_so_far"], where=f"age <= {age}"
        )
        expected = warehouse.sql(
            f"""
            with known as (
                from {view.table} where age <= {age}
                qualify row_number() over (
                    partition by account_id, message_id, variation_id, send_channel
                    order by date desc
                ) = 1
            )
            select account_id, message_id, sum(cumulative_delivered) from known group by all
            """
        ).fetchall()
        assert {tuple(row.values()) for row in rows} == set(expected)
        assert expected


def test_a_week_equals_the_marts_week(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Looker's week of a date is the ISO week in the mart."""
    view = VIEWS["message_performance"]
    shown = [tuple(row.values()) for row in view.query(warehouse, ["sent_date", "sent_week"])]
    rows = warehouse.sql(f"select distinct sent_on, sent_week from {view.table}").fetchall()
    assert sorted(shown) == sorted(rows)


def test_a_weekday_has_the_name_of_the_marts_number(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Looker's day of the week is the weekday in the mart, 1 for Monday."""
    view = VIEWS["message_performance"]
    rows = view.query(warehouse, ["sent_date", "sent_day_of_week"])
    numbers = warehouse.sql(f"select distinct sent_on, sent_weekday from {view.table}").fetchall()
    assert {row["sent_date"]: row["sent_day_of_week"] for row in rows} == {
        day: calendar.day_name[number - 1] for day, number in numbers
    }
