"""A small account in this process, and requests for its reports."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.simulation.event_table import STATISTIC_METRICS

EPOCH = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
BLACK_FRIDAY = int(datetime(2025, 11, 28, 20, tzinfo=UTC).timestamp())
ALL_TIME: dict[str, Any] = {"start": NOON - 401 * DAY, "end": NOON + 61 * DAY}
STATISTICS = (
    "recipients delivered bounced failed opens opens_unique clicks clicks_unique unsubscribes"
    " unsubscribe_uniques spam_complaints conversions conversion_uniques conversion_value open_rate"
    " click_rate revenue_per_recipient text_message_spend bounced_or_failed"
).split()
METRIC_STATISTICS = {
    name: statistic for statistic, names in STATISTIC_METRICS.items() for name in names.values()
}
CAMPAIGN_GROUPINGS = ("campaign_id", "campaign_message_id", "send_channel", "variation")
FLOW_GROUPINGS = ("flow_id", "flow_message_id", "send_channel")


def create_account(now: int = NOON, **sizes: Any) -> Account:
    """Return a small account around the epoch."""
    return Account(epoch=EPOCH, now=now, **{"campaigns": 90, "profiles": 350} | sizes)


def metric_name(document: dict[str, Any], names: dict[str | None, str]) -> str:
    """Return the name of an event's metric, empty for none."""
    data = document["relationships"]["metric"]["data"]
    return names[data and data["id"]]


def report_request(
    account: Account, metric: str = "Placed Order", **parameters: Any
) -> dict[str, Any]:
    """Return the parameters of a report on messages, over all time by default."""
    return {
        "statistics": STATISTICS,
        "filters": (),
        "conversion_metric_id": account.company.metric(metric).id,
        **ALL_TIME,
        **parameters,
    }
