"""Every rate is a ratio of sums, and equals Klaviyo's for the single message."""

import json
from pathlib import Path
from typing import Any

import pytest

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
def _metrics(built: Path) -> dict[str, Any]:
    """The metrics of dbt's semantic manifest, by name."""
    manifest = json.loads((built / "target" / "semantic_manifest.json").read_text())
    return {metric["name"]: metric for metric in manifest["metrics"]}


def render_sql(metrics: dict[str, Any], name: str) -> str:
    """SQL for a sum or a ratio of two sums, as any tool generates it from the manifest."""
    parameters = metrics[name]["type_params"]
    if metrics[name]["type"] == "simple":
        return f"{parameters['metric_aggregation_params']['agg']}({parameters['expr']})"
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
        where = f"send_channel = '{channel}'"
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
        tracked = f"not contains('{channels}', send_channel)"
        rates[rate] = query_value(warehouse, render_sql(metrics, rate))
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
