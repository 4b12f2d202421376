"""The report endpoints: what each takes, checked, and handed to the account's reports.

Rules from Klaviyo's OpenAPI 2026-07-15 (the reports' request DTOs). How many results a page holds
is not documented; here it is 1,000.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import request_body
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import invalid_body
from klaviyo_sandbox.api.filters import Condition
from klaviyo_sandbox.api.request_body import ATTRIBUTES
from klaviyo_sandbox.api.timeframes import timeframe
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.reports import report
from klaviyo_sandbox.resources.declaration import Filter, text

RESULTS_PER_PAGE = 1_000
MOST_IN_FILTER = 100
LONGEST = {
    "hourly": timedelta(days=7),
    "daily": timedelta(days=60),
    "weekly": timedelta(days=366),
    "monthly": timedelta(weeks=52),
}
SCALAR, MANY = text("equals", "contains-any"), text("contains-any", "contains-all")
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
MESSAGE_GROUPS = ("send_channel", "text_message_format", "variation", "variation_name")
TAG_GROUPS = ("tag_id", "tag_name")


@dataclass(frozen=True)
class Report:
    """What the reports on one subject take.

    ``groups`` are the names one may group by, ``required`` those one must; ``relations`` maps a
    relationship of the answer to the grouping it comes from.
    """

    statistics: tuple[str, ...]
    groups: tuple[str, ...]
    required: tuple[str, ...]
    default: tuple[str, ...]
    filters: Mapping[str, Filter]
    relations: Mapping[str, str] = field(default_factory=dict)

    @property
    def converts(self) -> bool:
        """Whether the report counts conversions and so needs a metric."""
        return "conversions" in self.statistics

    def attributes(self, *, series: bool) -> set[str]:
        """Return the names that may stand in the request's attributes."""
        optional = {"group_by": self.groups, "conversion_metric_id": self.converts}
        names = {name for name, taken in (optional | {"interval": series}).items() if taken}
        return names | {"statistics", "timeframe", "filter"}


def _on_messages(subject: str, scalars: tuple[str, ...], others: tuple[str, ...] = ()) -> Report:
    required = (f"{subject}_id", f"{subject}_message_id")
    scalars = (*required, *scalars, *MESSAGE_GROUPS)
    relations = {f"{subject}s": required[0]}
    if subject == "flow":
        relations["flow-messages"] = required[1]
    return Report(
        MESSAGE_STATISTICS,
        (*scalars, *TAG_GROUPS, *others),
        required,
        (*required, "send_channel"),
        dict.fromkeys(scalars, SCALAR) | dict.fromkeys(TAG_GROUPS, MANY),
        relations,
    )


FORM_GROUPS = ("form_id", "form_version_id")
REPORTS = {
    "campaign": _on_messages("campaign", ("campaign_message_name",), ("group", "group_name")),
    "flow": _on_messages("flow", ("flow_name", "flow_message_name")),
    "form": Report(
        FORM_STATISTICS,
        FORM_GROUPS,
        ("form_id",),
        ("form_id",),
        dict.fromkeys(FORM_GROUPS, text("equals", "any")),
    ),
    "segment": Report(SEGMENT_STATISTICS, (), (), (), {"segment_id": text("equals", "any")}),
}


def answer(account: Account, kind: str, attributes: Json, url: Url) -> Json:
    """Return the document for a report of this kind."""
    subject, form, _ = kind.split("-")
    rules, series = REPORTS[subject], form == "series"
    request_body.known(attributes, rules.attributes(series=series))
    start, end = timeframe(attributes.get("timeframe"), account)
    question: Json = {
        "statistics": request_body.names(attributes, "statistics", rules.statistics),
        "start": int(start.timestamp()),
        "end": int(end.timestamp()),
        "filters": _filters(attributes.get("filter"), rules.filters),
    }
    if rules.groups:
        question["group_by"] = _group_by(attributes, rules)
    if rules.converts:
        question["conversion_metric_id"] = request_body.metric(
            account, attributes, "conversion_metric_id"
        )
    if series:
        question["interval"] = _interval(attributes, end - start)
        dates, found = report.series(account, subject, **question)
    else:
        dates, found = None, report.values(account, subject, **question)
    results, links = request_body.page(
        found, url.parameters.get("page_cursor"), RESULTS_PER_PAGE, url
    )
    answered = {"results": results} | ({"date_times": dates} if series else {})
    data: Json = {"type": kind, "attributes": answered}
    if rules.relations:
        data["relationships"] = _relationships(rules.relations, results)
    return {"data": data, "links": links}


def _group_by(attributes: Json, rules: Report) -> tuple[str, ...]:
    names = (
        request_body.names(attributes, "group_by", rules.groups, required=False) or rules.default
    )
    for name in rules.required:
        if name not in names:
            raise invalid_body(f"{ATTRIBUTES}/group_by", f"'{name}' is a required group by.")
    return names


def _interval(attributes: Json, span: timedelta) -> str:
    interval = request_body.choice(attributes, "interval", tuple(LONGEST))
    if span > LONGEST[interval]:
        detail = f"The timeframe is too long for the interval '{interval}'."
        raise invalid_body(f"{ATTRIBUTES}/interval", detail)
    return interval


def _filters(given: Any, allowed: Mapping[str, Filter]) -> list[Condition]:
    if given is None:
        return []
    pointer = f"{ATTRIBUTES}/filter"
    if not isinstance(given, str):
        raise invalid_body(pointer, "'filter' must be a string.")
    conditions = request_body.conditions(given, allowed)
    names = {condition.field for condition in conditions}
    if len(names) < len(conditions):
        raise invalid_body(pointer, "Only one filter can be used per attribute.")
    if any(len(c.value) > MOST_IN_FILTER for c in conditions if isinstance(c.value, tuple)):
        raise invalid_body(pointer, f"A list in a filter holds at most {MOST_IN_FILTER} items.")
    return conditions


def _relationships(relations: Mapping[str, str], results: Sequence[Json]) -> Json:
    ids = {
        name: dict.fromkeys(each["groupings"][group] for each in results)
        for name, group in relations.items()
    }
    return {
        name: {"data": [{"type": name.removesuffix("s"), "id": id_} for id_ in found]}
        for name, found in ids.items()
    }
