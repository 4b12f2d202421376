"""POST /api/metric-aggregates: one metric, counted by interval and dimensions.

Rules from Klaviyo's OpenAPI 2026-07-15 (MetricAggregateQuery).
"""

from __future__ import annotations

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
from klaviyo_sandbox.resources.declaration import Filter, string_filter

MEASUREMENTS = ("count", "sum_value", "unique")
INTERVALS = ("day", "hour", "month", "week")
PAGE_SIZE = 500  # the default and the least that Klaviyo takes (recorded live)
YEAR = 366 * 86_400
PARAMETERS = set(
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
DATETIME = Filter("date-time", ("greater-or-equal", "less-than"))
FILTERS = dict.fromkeys(DIMENSIONS, string_filter("any", "equals")) | {"datetime": DATETIME}


def build_response(account: Account, attributes: Json, url: Url) -> Json:
    """Return the document that answers a metric aggregate request."""
    request_body.check_names(attributes, PARAMETERS)
    zone = _parse_timezone(attributes.get("timezone") or "UTC")
    since, before, conditions = _parse_filters(attributes.get("filter"))
    measurements = request_body.parse_names(attributes, "measurements", MEASUREMENTS)
    by = request_body.parse_names(attributes, "by", DIMENSIONS, required=False)
    dates, rows = aggregates.metric_aggregates(
        account,
        metric_id=request_body.parse_metric_id(account, attributes, "metric_id"),
        measurements=measurements,
        interval=request_body.parse_choice(attributes, "interval", INTERVALS, default="day"),
        by=by,
        since=since,
        before=before,
        timezone=zone.key,
        filters=conditions,
    )
    if attributes.get("sort") is not None:
        # Recorded live: Klaviyo documents sorts, and refuses each with this Python error.
        detail = "unsupported operand type(s) for +: 'NoneType' and 'str'"
        raise invalid_body(f"{ATTRIBUTES}/sort", detail)
    size = _parse_page_size(attributes)
    page, links = request_body.paginate(rows, attributes.get("page_cursor"), size, url)
    data = {
        "type": "metric-aggregate",
        # Klaviyo gives every aggregate a number; equal requests get equal ones here.
        "id": str(uuid5(NAMESPACE_URL, repr(attributes)).int % 10**18),
        "attributes": {"dates": dates, "data": page},
        "links": {"self": f"{url.origin}{url.path}/"},
    }
    return {"data": data, "links": links}


def _parse_page_size(attributes: Json) -> int:
    size = attributes.get("page_size") or PAGE_SIZE
    if not isinstance(size, int) or size < PAGE_SIZE:
        detail = f"'page_size' must be at least {PAGE_SIZE}."
        raise invalid_body(f"{ATTRIBUTES}/page_size", detail)
    return size


def _parse_timezone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, TypeError, ValueError):
        detail = f"'{name}' is not a known time zone."
        raise invalid_body(f"{ATTRIBUTES}/timezone", detail) from None


def _parse_filters(value: Any) -> tuple[int, int, list[Condition]]:
    """Return the datetime range, in UTC where it has no offset, and the other conditions."""
    pointer = f"{ATTRIBUTES}/filter"
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise invalid_body(pointer, "'filter' must be a list of filters.")
    conditions = [
        condition for text in value for condition in request_body.parse_filter(text, FILTERS)
    ]
    bounds = {
        condition.operator: int(condition.value)
        for condition in conditions
        if condition.field == "datetime"
    }
    if set(bounds) != set(DATETIME.operators):
        detail = "A greater-or-equal and a less-than filter on datetime are required."
        raise invalid_body(pointer, detail)
    since, before = bounds["greater-or-equal"], bounds["less-than"]
    if not since < before <= since + YEAR:
        raise invalid_body(pointer, "The datetime range must be positive and at most one year.")
    return since, before, [condition for condition in conditions if condition.field != "datetime"]
