"""POST /api/metric-aggregates: one metric, counted by day or the like and by dimensions.

Rules from Klaviyo's OpenAPI 2026-07-15 (MetricAggregateQuery).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import request_body
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import invalid_body
from klaviyo_sandbox.api.filters import Condition
from klaviyo_sandbox.api.request_body import ATTRIBUTES
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.reports import aggregates
from klaviyo_sandbox.resources.declaration import Filter, text

MEASUREMENTS = ("count", "sum_value", "unique")
INTERVALS = ("day", "hour", "month", "week")
MOST_ROWS = 500
YEAR = 366 * 86_400
ALLOWED = set(
    "metric_id page_cursor measurements interval page_size by return_fields filter timezone sort"
    "".split()
)
DIMENSIONS = (
    "$attributed_channel", "$attributed_flow", "$attributed_message", "$attributed_variation",
    "$campaign_channel", "$flow", "$flow_channel", "$message", "$message_send_cohort",
    "$usage_amount", "$value_currency", "$variation", "$variation_send_cohort", "Bot Click",
    "Bounce Type", "Campaign Name", "Client Canonical", "Client Name", "Client Type",
    "Email Domain", "Failure Source", "Failure Type", "From Number", "From Phone Region",
    "Inbox Provider", "List", "Message Format", "Message Name", "Message Type", "Method",
    "Segment Count", "Subject", "To Number", "To Phone Region", "URL", "form_id",
)  # fmt: skip
RANGE = Filter("date-time", ("greater-or-equal", "less-than"))
FILTERS = dict.fromkeys(DIMENSIONS, text("any", "equals")) | {"datetime": RANGE}


def answer(account: Account, attributes: Json, url: Url) -> Json:
    """Return the document for a question about one metric."""
    request_body.known(attributes, ALLOWED)
    zone = _timezone(attributes.get("timezone") or "UTC")
    since, before, conditions = _filters(attributes.get("filter"), zone)
    measurements = request_body.names(attributes, "measurements", MEASUREMENTS)
    by = request_body.names(attributes, "by", DIMENSIONS, required=False)
    dates, rows = aggregates.metric_aggregates(
        account,
        metric_id=request_body.metric(account, attributes, "metric_id"),
        measurements=measurements,
        interval=request_body.choice(attributes, "interval", INTERVALS, default="day"),
        by=by,
        since=since,
        before=before,
        timezone=zone.key,
        filters=conditions,
    )
    if attributes.get("sort") is not None:
        rows = _sorted(rows, request_body.choice(attributes, "sort", _sorts(by, measurements)), by)
    shown, links = request_body.page(rows, attributes.get("page_cursor"), _size(attributes), url)
    data = {
        "type": "metric-aggregate",
        "id": str(uuid5(NAMESPACE_URL, repr(attributes))),
        "attributes": {"dates": dates, "data": shown},
        "links": {"self": str(url)},
    }
    return {"data": data, "links": links}


def _sorts(by: Sequence[str], measurements: Sequence[str]) -> list[str]:
    return [sign + name for name in (*by, *measurements) for sign in ("", "-")]


def _sorted(rows: list[Json], sort: str, by: Sequence[str]) -> list[Json]:
    """Return the rows by a dimension or by a measurement's sum over the intervals."""
    name = sort.removeprefix("-")

    def key(row: Json) -> Any:
        return row["dimensions"][by.index(name)] if name in by else sum(row["measurements"][name])

    return sorted(rows, key=key, reverse=sort.startswith("-"))


def _size(attributes: Json) -> int:
    size = attributes.get("page_size") or MOST_ROWS
    if not isinstance(size, int) or not 1 <= size <= MOST_ROWS:
        detail = f"'page_size' must be between 1 and {MOST_ROWS}."
        raise invalid_body(f"{ATTRIBUTES}/page_size", detail)
    return size


def _timezone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, TypeError, ValueError):
        detail = f"'{name}' is not a known time zone."
        raise invalid_body(f"{ATTRIBUTES}/timezone", detail) from None


def _filters(given: Any, zone: ZoneInfo) -> tuple[int, int, list[Condition]]:
    """Return the range asked for, in ``zone`` where it has no offset, and the other filters."""
    pointer = f"{ATTRIBUTES}/filter"
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise invalid_body(pointer, "'filter' must be a list of filters.")
    found = [one for each in given for one in request_body.conditions(each, FILTERS, zone)]
    bounds = {one.operator: int(one.value) for one in found if one.field == "datetime"}
    if set(bounds) != set(RANGE.operators):
        detail = "A greater-or-equal and a less-than filter on datetime are required."
        raise invalid_body(pointer, detail)
    since, before = bounds["greater-or-equal"], bounds["less-than"]
    if not since < before <= since + YEAR:
        raise invalid_body(pointer, "The datetime range must be positive and at most one year.")
    return since, before, [one for one in found if one.field != "datetime"]
