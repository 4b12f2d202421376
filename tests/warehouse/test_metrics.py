"""Every rate is a ratio of sums, and equals Klaviyo's for the single message."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse import dbt, shop

MART = "klaviyo__message_performance"


def declared(built: Path) -> dict[str, Any]:
    """The metrics of dbt's semantic manifest, by name."""
    manifest = json.loads((built / "target" / "semantic_manifest.json").read_text())
    return {metric["name"]: metric for metric in manifest["metrics"]}


def formula(metrics: dict[str, Any], name: str) -> str:
    """SQL for a sum or a ratio of two sums, as any tool would write it from the manifest."""
    parameters = metrics[name]["type_params"]
    if metrics[name]["type"] == "simple":
        return f"{parameters['metric_aggregation_params']['agg']}({parameters['expr']})"
    numerator, denominator = (
        formula(metrics, parameters[part]["name"]) for part in ("numerator", "denominator")
    )
    return f"{numerator} / nullif({denominator}, 0)"


def measure(built: Path, name: str, where: str = "true") -> float | None:
    """The value of a metric over the mart's rows that meet a condition."""
    sql = f"select {formula(declared(built), name)} as value from {MART} where {where}"
    value: float | None = dbt.query(built / "warehouse.duckdb", sql)[0]["value"]
    return value


@pytest.mark.parametrize("rate", shop.RATES)
def test_each_rate_is_declared_as_klaviyo_defines_it(built: Path, rate: str) -> None:
    """Over the messages of one channel a metric divides exactly what Klaviyo's glossary says."""
    channel = "sms" if rate == "text_message_roi" else "email"
    numerator, denominator = shop.RATES[rate]
    where = f"send_channel = '{channel}'"
    warehouse = built / "warehouse.duckdb"
    expected = dbt.query(
        warehouse,
        f"select sum({numerator}) / sum({denominator}) as value from {MART} where {where}",
    )[0]["value"]

    assert expected > 0 or rate == "failed_rate"
    assert measure(built, rate, where) == expected


@pytest.mark.parametrize(
    ("rate", "without"),
    [
        ("open_rate", "sms"),
        ("click_rate", "push-notification"),
        ("click_to_open_rate", "sms, push-notification"),
        ("failed_rate", "push-notification"),
        ("unsubscribe_rate", "push-notification"),
        ("spam_complaint_rate", "push-notification"),
        ("text_message_roi", "email, push-notification"),
    ],
)
def test_a_rate_leaves_out_channels_that_do_not_count_it(
    built: Path, rate: str, without: str
) -> None:
    """Over all channels a rate is that of the channels whose numerator Klaviyo counts."""
    counting = f"not contains('{without}', send_channel)"

    assert measure(built, rate) == measure(built, rate, counting) != 0


def test_a_rate_of_nothing_is_no_rate(built: Path) -> None:
    """Nothing delivered, or a channel without opens: null, neither 0 nor an error."""
    assert measure(built, "click_rate", f"account_id = '{shop.FR}'") is None
    assert measure(built, "open_rate", "send_channel = 'sms'") is None


def test_sums_and_rates_carry_klaviyos_names(built: Path) -> None:
    """What Klaviyo calls by a name is called by that name here."""
    named = {
        name: metric["config"]["meta"]["klaviyo"]
        for name, metric in declared(built).items()
        if "klaviyo" in metric["config"]["meta"]
    }

    assert all(name == klaviyo for name, klaviyo in named.items())
    assert set(shop.RATES) <= set(named)


def test_the_engagement_score_is_derived_from_rates(built: Path) -> None:
    """Its weights stand in the declaration, for every tool to read."""
    score = declared(built)["engagement_score"]

    assert score["type"] == "derived"
    assert score["type_params"]["expr"] == "0.7 * open_rate + 0.3 * click_rate"
