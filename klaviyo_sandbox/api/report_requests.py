"""The report endpoints: checked requests and responses from the account's reports.

Rules from Klaviyo's OpenAPI 2026-07-15 (the reports' request DTOs). The number of results on a
page is not documented; here it is 1,000.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import request_body
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import invalid_body
from klaviyo_sandbox.api.filters import Condition
from klaviyo_sandbox.api.request_body import ATTRIBUTES
from klaviyo_sandbox.api.timeframes import parse_timeframe
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.reports import report
from klaviyo_sandbox.resources.declaration import Filter, string_filter

RESULTS_PER_PAGE = 1_000
MAX_FILTER_VALUES = 100
MAX_TIMEFRAMES = {
    "hourly": timedelta(days=7),
    "daily": timedelta(days=60),
    "weekly": timedelta(days=366),
    "monthly": timedelta(weeks=52),
}
ONE_VALUE = string_filter("equals", "contains-any")
MANY_VALUES = string_filter("contains-any", "contains-all")
MESSAGE_STATISTICS = tuple(
    "average_order_value bounce_rate bounced bounced_or_failed bounced_or_failed_rate click_rate"
    " click_to_open_rate clicks clicks_unique conversion_rate conversion_uniques conversion_value"
    " conversions delivered delivery_rate failed failed_rate message_segment_count_sum open_rate"
    " opens opens_unique recipients revenue_per_recipient spam_complaint_rate spam_complaints"
    " text_message_credit_usage_amount text_message_roi text_message_spend unsubscribe_rate"
    " unsubscribe_uniques unsubscribes".split()
)
FORM_STATISTICS = tuple(
    "closed_form closed_form_uniques qualified_form qualified_form_uniques submit_rate submits"
    " submitted_form_step submitted_form_step_uniques viewed_form viewed_form_step"
    " viewed_form_step_uniques viewed_form_uniques".split()
)
SEGMENT_STATISTICS = ("members_added", "members_removed", "net_members_changed", "total_members")
MESSAGE_GROUPINGS = ("send_channel", "text_message_format", "variation", "variation_name")
TAG_GROUPINGS = ("tag_id", "tag_name")
FORM_GROUPINGS = ("form_id", "form_version_id")


@dataclass(frozen=True)
class ReportRules:
    """The parameters of the reports on one subject.

    ``groupings`` are the names allowed in ``group_by`` and ``required`` those that it must hold;
    ``relationships`` maps a relationship of the response to the grouping it comes from.
    """

    statistics: tuple[str, ...]
    groupings: tuple[str, ...]
    required: tuple[str, ...]
    default: tuple[str, ...]
    filters: Mapping[str, Filter]
    relationships: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_conversions(self) -> bool:
        """Whether the report counts conversions and so requires a metric."""
        return "conversions" in self.statistics

    def parameters(self, *, is_series: bool) -> set[str]:
        """Return the names of the request's attributes."""
        optional = {
            "group_by": bool(self.groupings),
            "conversion_metric_id": self.has_conversions,
            "interval": is_series,
        }
        allowed = {name for name, is_allowed in optional.items() if is_allowed}
        return allowed | {"statistics", "timeframe", "filter"}


def _create_message_rules(
    subject: str, names: tuple[str, ...], others: tuple[str, ...] = ()
) -> ReportRules:
    """Return the rules of the reports on campaigns or on flows."""
    required = (f"{subject}_id", f"{subject}_message_id")
    scalars = (*required, *names, *MESSAGE_GROUPINGS)
    relationships = {f"{subject}s": required[0]}
    if subject == "flow":
        relationships["flow-messages"] = required[1]
    return ReportRules(
        MESSAGE_STATISTICS,
        (*scalars, *TAG_GROUPINGS, *others),
        required,
        (*required, "send_channel"),
        dict.fromkeys(scalars, ONE_VALUE) | dict.fromkeys(TAG_GROUPINGS, MANY_VALUES),
        relationships,
    )


REPORTS = {
    "campaign": _create_message_rules(
        "campaign", ("campaign_message_name",), ("group", "group_name")
    ),
    "flow": _create_message_rules("flow", ("flow_name", "flow_message_name")),
    "form": ReportRules(
        FORM_STATISTICS,
        FORM_GROUPINGS,
        ("form_id",),
        ("form_id",),
        dict.fromkeys(FORM_GROUPINGS, string_filter("equals", "any")),
    ),
    "segment": ReportRules(
        SEGMENT_STATISTICS, (), (), (), {"segment_id": string_filter("equals", "any")}
    ),
}


def build_response(account: Account, report_type: str, attributes: Json, url: Url) -> Json:
    """Return the document of a report, such as ``flow-series-report``."""
    subject, form, _ = report_type.split("-")
    rules, is_series = REPORTS[subject], form == "series"
    request_body.check_names(attributes, rules.parameters(is_series=is_series))
    start, end = parse_timeframe(attributes.get("timeframe"), account)
    request: Json = {
        "statistics": request_body.parse_names(attributes, "statistics", rules.statistics),
        "start": int(start.timestamp()),
        "end": int(end.timestamp()),
        "filters": _parse_filter(attributes.get("filter"), rules.filters),
    }
    if rules.groupings:
        request["group_by"] = _parse_group_by(attributes, rules)
    if rules.has_conversions:
        name = "conversion_metric_id"
        request[name] = request_body.parse_metric_id(account, attributes, name)
    if is_series:
        request["interval"] = _parse_interval(attributes, end - start)
        dates, results = report.series(account, subject, **request)
    else:
        dates, results = None, report.values(account, subject, **request)
    page, links = _paginate(results, rules, url)
    content = {"results": page} | ({"date_times": dates} if is_series else {})
    # Klaviyo gives every report a UUID; equal requests get equal ones here.
    id_ = str(uuid5(NAMESPACE_URL, f"{report_type} {attributes}"))
    data: Json = {"type": report_type, "id": id_, "attributes": content}
    if rules.relationships and page:
        data["relationships"] = _build_relationships(rules.relationships, page)
    return {"data": data, "links": links}


def _paginate(results: list[Json], rules: ReportRules, url: Url) -> tuple[Sequence[Json], Json]:
    """Return a page and its links; only reports of messages have pages (recorded live)."""
    if not rules.has_conversions:
        return results, {"self": str(url)}
    cursor = url.parameters.get("page_cursor")
    return request_body.paginate(results, cursor, RESULTS_PER_PAGE, url)


def _parse_group_by(attributes: Json, rules: ReportRules) -> tuple[str, ...]:
    names = request_body.parse_names(attributes, "group_by", rules.groupings, required=False)
    names = names or rules.default
    for name in rules.required:
        if name not in names:
            raise invalid_body(f"{ATTRIBUTES}/group_by", f"'{name}' is a required group by.")
    return names


def _parse_interval(attributes: Json, span: timedelta) -> str:
    interval = request_body.parse_choice(attributes, "interval", tuple(MAX_TIMEFRAMES))
    if span > MAX_TIMEFRAMES[interval]:
        detail = f"The timeframe is too long for the interval '{interval}'."
        raise invalid_body(f"{ATTRIBUTES}/interval", detail)
    return interval


def _parse_filter(value: Any, allowed: Mapping[str, Filter]) -> list[Condition]:
    if value is None:
        return []
    pointer = f"{ATTRIBUTES}/filter"
    if not isinstance(value, str):
        raise invalid_body(pointer, "'filter' must be a string.")
    conditions = request_body.parse_filter(value, allowed)
    fields = {condition.field for condition in conditions}
    if len(fields) < len(conditions):
        raise invalid_body(pointer, "Only one filter can be used per attribute.")
    if any(len(c.value) > MAX_FILTER_VALUES for c in conditions if isinstance(c.value, tuple)):
        raise invalid_body(pointer, f"A list in a filter holds at most {MAX_FILTER_VALUES} items.")
    return conditions


def _build_relationships(relationships: Mapping[str, str], results: Sequence[Json]) -> Json:
    """Return the relationships of a report: each resource in its results, once."""
    ids = {
        name: dict.fromkeys(result["groupings"][grouping] for result in results)
        for name, grouping in relationships.items()
    }
    return {
        name: {"data": [{"type": name.removesuffix("s"), "id": id_} for id_ in ids_]}
        for name, ids_ in ids.items()
    }
