"""Rates are ratios of sums and equal Klaviyo's for the single message; currencies do not add."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.looker import metricflow
from tests.warehouse import dbt, shop

MART = "klaviyo__message_performance"
# The channels for which Klaviyo does not count a rate's numerator.
UNTRACKED_CHANNELS = {
    "open_rate": "sms",
    "click_rate": "push-notification",
    "click_to_open_rate": "sms, push-notification",
    "bounce_rate": "sms",
    "failed_rate": "push-notification",
    "unsubscribe_rate": "push-notification",
    "spam_complaint_rate": "sms, push-notification",
    "text_message_roi": "email, push-notification",
}


@pytest.fixture(scope="module", name="metrics")
def _metrics(dbt_build: Path) -> dict[str, Any]:
    """The metrics of dbt's semantic manifest, by name."""
    return {metric["name"]: metric for metric in _read_manifest(dbt_build)["metrics"]}


def _read_manifest(dbt_build: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(
        (dbt_build / "target" / "semantic_manifest.json").read_text()
    )
    return manifest


def render_sql(metrics: dict[str, Any], name: str) -> str:
    """SQL for a sum, an amount or a ratio of two, as any tool generates it from the manifest."""
    parameters = metrics[name]["type_params"]
    if metrics[name]["type"] == "simple":
        aggregation = parameters["metric_aggregation_params"]["agg"]
        opening = {"count_distinct": "count(distinct "}.get(aggregation, f"{aggregation}(")
        return f"{opening}{parameters['expr']})"
    if metrics[name]["type"] == "derived":
        names = "|".join(metricflow.input_names(metrics[name]))
        return re.sub(
            rf"\b({names})\b", lambda match: render_sql(metrics, match[0]), parameters["expr"]
        )
    numerator, denominator = (
        render_sql(metrics, parameters[part]["name"]) for part in ("numerator", "denominator")
    )
    return f"{numerator} / nullif({denominator}, 0)"


def query_value(warehouse: Path, sql: str, where: str = "true") -> float | None:
    """The value of an aggregate over the mart's rows that meet a condition."""
    value: float | None
    [value] = dbt.query(warehouse, f"select {sql} as value from {MART} where {where}")[0].values()
    return value


def test_each_rate_divides_the_sums_of_klaviyos_glossary(
    metrics: dict[str, Any], warehouse: Path
) -> None:
    """Over the messages of one channel, each rate is the ratio of the two sums in the glossary."""
    rates, expected = {}, {}
    for rate, (numerator, denominator) in shop.RATES.items():
        channel = "sms" if rate == "text_message_roi" else "email"
        where = f"send_channel = '{channel}' and currency = 'USD'"
        rates[rate] = query_value(warehouse, render_sql(metrics, rate), where)
        ratio = f"sum({numerator}) / sum({denominator})"
        expected[rate] = query_value(warehouse, ratio, where)

    assert [rate for rate, value in expected.items() if not value] == ["failed_rate"]
    assert rates == expected


def test_a_rate_ignores_channels_without_its_numerator(
    metrics: dict[str, Any], warehouse: Path
) -> None:
    """Over all channels, a rate is that of the channels whose numerator Klaviyo counts."""
    rates, expected = {}, {}
    for rate, channels in UNTRACKED_CHANNELS.items():
        tracked = f"currency = 'USD' and not contains('{channels}', send_channel)"
        rates[rate] = query_value(warehouse, render_sql(metrics, rate), "currency = 'USD'")
        expected[rate] = query_value(warehouse, render_sql(metrics, rate), tracked)

    assert all(expected.values())
    assert rates == expected


def test_a_rate_without_a_denominator_is_null(metrics: dict[str, Any], warehouse: Path) -> None:
    """A rate is NULL, not 0 and no error, if nothing is delivered or its channel has no opens."""
    click_rate, open_rate = (render_sql(metrics, name) for name in ("click_rate", "open_rate"))

    assert query_value(warehouse, click_rate, f"account_id = '{shop.FR}'") is None
    assert query_value(warehouse, open_rate, "send_channel = 'sms'") is None


def test_a_metric_of_klaviyo_has_klaviyos_name(metrics: dict[str, Any]) -> None:
    """A metric that Klaviyo has too is named as in Klaviyo's API."""
    klaviyo_names = {
        name: metric["config"]["meta"]["klaviyo"]
        for name, metric in metrics.items()
        if "klaviyo" in metric["config"]["meta"]
    }

    assert [name for name, klaviyo in klaviyo_names.items() if name != klaviyo] == []
    assert set(shop.RATES) <= set(klaviyo_names)


def test_the_engagement_score_is_derived_from_rates(metrics: dict[str, Any]) -> None:
    """The weights of the score are in its declaration, where every tool can read them."""
    score = metrics["engagement_score"]

    assert score["type"] == "derived"
    assert score["type_params"]["expr"] == "0.7 * open_rate + 0.3 * click_rate"


@pytest.fixture(scope="module", name="answers")
def _answers(dbt_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what MetricFlow answers, one file per saved query and one of all amounts."""
    folder = tmp_path_factory.mktemp("answers")
    manifest = metricflow.copy_project(dbt_build, folder)
    questions = {
        query["name"]: ["--saved-query", query["name"]] for query in manifest["saved_queries"]
    }
    amounts = ",".join(name for _, names in _amounts(manifest) for name in names)
    questions["amounts"] = ["--metrics", amounts]
    metricflow.run_queries(
        folder,
        [[*question, "--csv", str(folder / f"{name}.csv")] for name, question in questions.items()],
    )
    return folder


def _amounts(manifest: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The amounts of each semantic model that has any."""
    suffix = "_currencies"
    for counted in manifest["metrics"]:
        if counted["name"].endswith(suffix):
            names = [
                metric["name"]
                for metric in manifest["metrics"]
                if counted["name"] in metricflow.input_names(metric)
            ]
            yield counted["name"].removesuffix(suffix), names


def _read(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


def test_two_currencies_are_never_one_sum(answers: Path, dbt_build: Path, warehouse: Path) -> None:
    """Asked without a currency, every amount of a mart with several currencies is NULL."""
    [row] = _read(answers / "amounts.csv")
    mixed = 0
    for model, names in _amounts(_read_manifest(dbt_build)):
        [counted] = dbt.query(
            warehouse, f"select count(distinct currency) as currencies from klaviyo__{model}"
        )
        if counted["currencies"] > 1:
            mixed += 1
            assert {row[name] for name in names} == {""}, model
    assert mixed > 4


def test_a_saved_query_gives_each_currency_its_own_sum(answers: Path, warehouse: Path) -> None:
    """The saved query of a month's messages has the mart's revenue, and one currency a row."""
    rows = _read(answers / "messages_by_month.csv")
    sums: dict[str, float] = {}
    for row in rows:
        currency = row["message_performance__currency"]
        sums[currency] = sums.get(currency, 0) + float(row["conversion_value"] or 0)
    expected = dbt.query(
        warehouse,
        f"select currency, coalesce(sum(conversion_value), 0) as value from {MART} group by 1",
    )

    assert len(sums) > 1
    assert sums == {row["currency"]: pytest.approx(row["value"]) for row in expected}


def test_every_saved_query_answers(answers: Path, dbt_build: Path) -> None:
    """Each saved query returns rows, and one with an amount groups by its currency."""
    manifest = _read_manifest(dbt_build)
    amounts = {name for _, names in _amounts(manifest) for name in names}
    assert len(manifest["saved_queries"]) > 5
    for query in manifest["saved_queries"]:
        rows = _read(answers / f"{query['name']}.csv")
        assert rows, query["name"]
        if amounts & rows[0].keys():
            assert any(column.endswith("__currency") for column in rows[0]), query["name"]
