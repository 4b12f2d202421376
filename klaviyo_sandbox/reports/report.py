"""Klaviyo's reports, computed from the events that are visible now.

Results of messages count at the moment the recipient's message was sent, whenever they happened,
in the company's time zone. Windows are half open: from ``start`` up to, not including, ``end``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NotRequired, TypedDict, Unpack
from zoneinfo import ZoneInfo

import numpy as np

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.reports.dimensions import Condition, groupings, matches
from klaviyo_sandbox.reports.intervals import interval_edges, interval_labels
from klaviyo_sandbox.reports.message_statistics import (
    RATES,
    Counts,
    count_distinct,
    count_messages,
    divide,
)
from klaviyo_sandbox.simulation.event_table import Content
from klaviyo_sandbox.simulation.form_visits import FormVisits
from klaviyo_sandbox.simulation.population import Bools, Ints

INTERVALS: Final = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}


class ReportRequest(TypedDict):
    """The parameters of a report; not every report takes the last three."""

    statistics: Sequence[str]
    start: int
    end: int
    filters: Sequence[Condition]
    group_by: NotRequired[Sequence[str]]
    conversion_metric_id: NotRequired[str]
    interval: NotRequired[str]


def values(account: Account, subject: str, **request: Unpack[ReportRequest]) -> list[Json]:
    """Return the statistics of a subject over the whole window, a result per group."""
    results = REPORTS[subject](account, request, np.array([request["start"], request["end"]]))
    for result in results:
        by_interval = result["statistics"]
        # The whole window is a series of one interval.
        result["statistics"] = {name: totals[0] for name, totals in by_interval.items()}
    return results


def series(
    account: Account, subject: str, **request: Unpack[ReportRequest]
) -> tuple[list[str], list[Json]]:
    """Return when the intervals begin and the statistics in each, a result per group."""
    zone = ZoneInfo(account.company.timezone)
    interval = INTERVALS[request["interval"]]
    edges = interval_edges(request["start"], request["end"], interval, zone)
    return interval_labels(edges, interval, zone), REPORTS[subject](account, request, edges)


def _report_campaigns(account: Account, request: ReportRequest, edges: Ints) -> list[Json]:
    return _report_messages(account, request, edges, lambda content: content.campaign is not None)


def _report_flows(account: Account, request: ReportRequest, edges: Ints) -> list[Json]:
    return _report_messages(account, request, edges, lambda content: content.flow is not None)


def _report_messages(
    account: Account, request: ReportRequest, edges: Ints, is_subject: Callable[[Content], bool]
) -> list[Json]:
    """Return a result per group of messages with recipients or conversions in the window."""
    group_by, contents = request["group_by"], account.events.contents
    by_group = not {"group", "group_name"}.isdisjoint(group_by)
    counts = count_messages(account, edges, request["conversion_metric_id"], by_group=by_group)
    is_active = (counts["recipients"] + counts["conversions"]).any(axis=2)
    # Every variation of the account is a row of the counts; a result sums the rows of its group.
    positions: dict[tuple[str | None, ...], list[tuple[int, int]]] = {}
    for variation, group in np.argwhere(is_active).tolist():
        facets = groupings(account, contents[variation], group)
        if is_subject(contents[variation]) and _meets_filters(facets, request["filters"]):
            for key in _list_groups(facets, group_by):
                positions.setdefault(key, []).append((variation, group))
    return [
        {
            "groupings": dict(zip(group_by, key, strict=True)),
            "statistics": _compute_statistics(request["statistics"], counts, positions[key]),
        }
        for key in sorted(positions, key=repr)  # repr, because a grouping may be None
    ]


def _meets_filters(facets: dict[str, Any], filters: Sequence[Condition]) -> bool:
    return all(matches(facets[field], operator, wanted) for operator, field, wanted in filters)


def _list_groups(
    facets: dict[str, Any], group_by: Sequence[str]
) -> Iterator[tuple[str | None, ...]]:
    """Yield the groups that a message belongs to: one, or one for each of its tags."""
    by_tag = not {"tag_id", "tag_name"}.isdisjoint(group_by)
    tags = list(zip(facets["tag_id"], facets["tag_name"], strict=True)) if by_tag else []
    for tag_id, tag_name in tags or [(None, None)]:
        key = facets | {"tag_id": tag_id, "tag_name": tag_name}
        yield tuple(key[name] for name in group_by)


def _compute_statistics(
    names: Sequence[str],
    counts: dict[str, Counts],
    positions: list[tuple[int, int]],
) -> dict[str, list[float]]:
    """Return the statistics by interval, summed over the positions; all of them are floats."""
    variation, group = np.array(positions).T

    def compute(name: str) -> Counts:
        if name in RATES:
            numerator, denominator = RATES[name]
            return divide(compute(numerator), compute(denominator))
        total: Counts = counts[name][variation, group].sum(axis=0)
        return total

    return {name: compute(name).astype(float).tolist() for name in names}


def _report_forms(account: Account, request: ReportRequest, edges: Ints) -> list[Json]:
    """Return a result per form or version that a visitor qualified for in the window."""
    visits, results = account.form_visits, []
    versions = [(form, version) for form in account.company.forms for version in form.versions]
    in_window = (visits.at >= edges[0]) & (visits.at < edges[-1]) & (visits.seen <= account.now)
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, (form, version) in enumerate(versions):
        facets = {"form_id": form.id, "form_version_id": version.id}
        if _meets_filters(facets, request["filters"]):
            key = tuple(facets[name] for name in request["group_by"])
            groups.setdefault(key, []).append(number)
    for key in sorted(groups):
        selected = in_window & np.isin(visits.version, groups[key])
        if selected.any():
            statistics = {
                name: _count_form_statistic(visits, selected, edges, name).tolist()
                for name in request["statistics"]
            }
            grouping = dict(zip(request["group_by"], key, strict=True))
            results.append({"groupings": grouping, "statistics": statistics})
    return results


def _count_form_statistic(visits: FormVisits, selected: Bools, edges: Ints, name: str) -> Counts:
    """Return a form's statistic by interval; all forms have a single step."""
    if name == "submit_rate":
        counts = (
            _count_form_statistic(visits, selected, edges, n) for n in ("submits", "viewed_form")
        )
        return divide(*counts)
    column = {
        "viewed": visits.shown,
        "closed": visits.closed,
        "submitted": visits.submitted,
        "submits": visits.submitted,
        "qualified": np.ones(len(selected), bool),
    }[name.split("_", maxsplit=1)[0]]
    rows = np.flatnonzero(selected & column)
    interval = np.searchsorted(edges, visits.at[rows], side="right") - 1
    if name.endswith("_uniques"):
        return count_distinct(interval, visits.visitor[rows], len(edges) - 1)
    return np.bincount(interval, minlength=len(edges) - 1)


def _report_segments(account: Account, request: ReportRequest, edges: Ints) -> list[Json]:
    """Return a result per segment; changes after now do not count."""
    results = []
    # The number of joins before each edge, minus the number of leaves, is the membership then.
    until = np.minimum(edges, account.now + 1)
    for segment in account.company.segments:
        facets = {"segment_id": segment.id}
        if segment.created <= account.now and _meets_filters(facets, request["filters"]):
            stays = account.stays(segment.id)
            joined = np.searchsorted(np.sort(account.memberships.joined_at[stays]), until)
            left = np.searchsorted(np.sort(account.memberships.left_at[stays]), until)
            added, removed = np.diff(joined), np.diff(left)
            counts = {
                "members_added": added,
                "members_removed": removed,
                "net_members_changed": added - removed,
                "total_members": (joined - left)[1:],
            }
            statistics = {name: counts[name].tolist() for name in request["statistics"]}
            results.append({"groupings": facets, "statistics": statistics})
    return results


REPORTS: Final[dict[str, Callable[[Account, ReportRequest, Ints], list[Json]]]] = {
    "campaign": _report_campaigns,
    "flow": _report_flows,
    "form": _report_forms,
    "segment": _report_segments,
}
