"""Klaviyo's reports, computed from the events that are visible now.

Messages' results stand under the moment the recipient's message was sent, whenever they came in,
by the company's time zone. Windows are half open: from ``start`` up to, not including, ``end``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NotRequired, TypedDict, Unpack
from zoneinfo import ZoneInfo

import numpy as np

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.reports.dimensions import Condition, groupings, passes
from klaviyo_sandbox.reports.intervals import dates_of, edges_of
from klaviyo_sandbox.reports.message_statistics import RATES, Counts, distinct, exists, ratio, tally
from klaviyo_sandbox.simulation.event_table import Content
from klaviyo_sandbox.simulation.form_visits import FormVisits
from klaviyo_sandbox.simulation.population import Bools, Ints

INTERVALS: Final = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}


class Question(TypedDict):
    """What a report is asked; the last three where the report takes them."""

    statistics: Sequence[str]
    start: int
    end: int
    filters: Sequence[Condition]
    group_by: NotRequired[Sequence[str]]
    conversion_metric_id: NotRequired[str]
    interval: NotRequired[str]


def values(account: Account, subject: str, **question: Unpack[Question]) -> list[Json]:
    """Return the statistics of a subject over the whole window, a result per group."""
    results = REPORTS[subject](account, question, np.array([question["start"], question["end"]]))
    for result in results:
        by_interval = result["statistics"]
        result["statistics"] = {name: one and one[0] for name, one in by_interval.items()}
    return results


def series(
    account: Account, subject: str, **question: Unpack[Question]
) -> tuple[list[str], list[Json]]:
    """Return when the intervals begin and the statistics in each, a result per group."""
    zone = ZoneInfo(account.company.timezone)
    edges = edges_of(question["start"], question["end"], INTERVALS[question["interval"]], zone)
    return dates_of(edges, zone), REPORTS[subject](account, question, edges)


def _campaigns(account: Account, question: Question, edges: Ints) -> list[Json]:
    return _messages(account, question, edges, lambda content: content.campaign is not None)


def _flows(account: Account, question: Question, edges: Ints) -> list[Json]:
    return _messages(account, question, edges, lambda content: content.flow is not None)


def _messages(
    account: Account, question: Question, edges: Ints, belongs: Callable[[Content], bool]
) -> list[Json]:
    """Return a result per group of messages with recipients or conversions in the window."""
    group_by, contents = question["group_by"], account.events.contents
    by_group = not {"group", "group_name"}.isdisjoint(group_by)
    counts = tally(account, edges, question["conversion_metric_id"], by_group=by_group)
    active = (counts["recipients"] + counts["conversions"]).any(axis=2)
    places: dict[tuple[str | None, ...], list[tuple[int, int]]] = {}
    for variation, group in np.argwhere(active).tolist():
        facets = groupings(account.company, contents[variation], group)
        if belongs(contents[variation]) and _is_asked_for(facets, question["filters"]):
            for key in _keys(facets, group_by):
                places.setdefault(key, []).append((variation, group))
    return [
        {
            "groupings": dict(zip(group_by, key, strict=True)),
            # Every group holds one message, so one channel.
            "statistics": _statistics(
                question["statistics"], counts, places[key], contents[places[key][0][0]].channel
            ),
        }
        for key in sorted(places, key=repr)
    ]


def _is_asked_for(facets: dict[str, Any], filters: Sequence[Condition]) -> bool:
    return all(passes(facets[field], operator, wanted) for operator, field, wanted in filters)


def _keys(facets: dict[str, Any], group_by: Sequence[str]) -> Iterator[tuple[str | None, ...]]:
    """Yield the groups a message falls into: one, or one for each of its tags."""
    by_tag = not {"tag_id", "tag_name"}.isdisjoint(group_by)
    tags = list(zip(facets["tag_id"], facets["tag_name"], strict=True)) if by_tag else []
    for tag_id, tag_name in tags or [(None, None)]:
        key = facets | {"tag_id": tag_id, "tag_name": tag_name}
        yield tuple(key[name] for name in group_by)


def _statistics(
    names: Sequence[str], counts: dict[str, Counts], places: list[tuple[int, int]], channel: Channel
) -> dict[str, list[float] | None]:
    """Return the statistics by interval, summed over the places; None where there is none."""
    variation, group = np.array(places).T

    def summed(name: str) -> Counts:
        if name in RATES:
            numerator, denominator = RATES[name]
            return ratio(summed(numerator), summed(denominator))
        total: Counts = counts[name][variation, group].sum(axis=0)
        return total

    return {name: summed(name).tolist() if exists(name, channel) else None for name in names}


def _forms(account: Account, question: Question, edges: Ints) -> list[Json]:
    """Return a result per form or version that somebody qualified for in the window."""
    visits, results = account.form_visits, []
    versions = [(form, version) for form in account.company.forms for version in form.versions]
    in_window = (visits.at >= edges[0]) & (visits.at < edges[-1]) & (visits.seen <= account.now)
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, (form, version) in enumerate(versions):
        facets = {"form_id": form.id, "form_version_id": version.id}
        if _is_asked_for(facets, question["filters"]):
            key = tuple(facets[name] for name in question["group_by"])
            groups.setdefault(key, []).append(number)
    for key in sorted(groups):
        mine = in_window & np.isin(visits.version, groups[key])
        if mine.any():
            statistics = {
                name: _form_statistic(visits, mine, edges, name).tolist()
                for name in question["statistics"]
            }
            grouping = dict(zip(question["group_by"], key, strict=True))
            results.append({"groupings": grouping, "statistics": statistics})
    return results


def _form_statistic(visits: FormVisits, mine: Bools, edges: Ints, name: str) -> Counts:
    """Return a form's statistic by interval; all forms have a single step."""
    if name == "submit_rate":
        counted = (_form_statistic(visits, mine, edges, n) for n in ("submits", "viewed_form"))
        return ratio(*counted)
    column = {
        "viewed": visits.shown,
        "closed": visits.closed,
        "submitted": visits.submitted,
        "submits": visits.submitted,
        "qualified": np.ones(len(mine), bool),
    }[name.split("_", maxsplit=1)[0]]
    rows = np.flatnonzero(mine & column)
    interval = np.searchsorted(edges, visits.at[rows], side="right") - 1
    if name.endswith("_uniques"):
        return distinct(interval, visits.visitor[rows], len(edges) - 1)
    return np.bincount(interval, minlength=len(edges) - 1)


def _segments(account: Account, question: Question, edges: Ints) -> list[Json]:
    """Return a result per segment; changes that are yet to come count for nothing."""
    results = []
    until = np.minimum(edges, account.now + 1)
    for segment in account.company.segments:
        exists_now = segment.created <= account.now
        if exists_now and _is_asked_for({"segment_id": segment.id}, question["filters"]):
            stays = account.stays(segment.id)
            joined = np.searchsorted(np.sort(account.memberships.joined[stays]), until)
            left = np.searchsorted(np.sort(account.memberships.left[stays]), until)
            added, removed = np.diff(joined), np.diff(left)
            counts = {
                "members_added": added,
                "members_removed": removed,
                "net_members_changed": added - removed,
                "total_members": (joined - left)[1:],
            }
            statistics = {name: counts[name].tolist() for name in question["statistics"]}
            results.append({"groupings": {"segment_id": segment.id}, "statistics": statistics})
    return results


REPORTS: Final[dict[str, Callable[[Account, Question, Ints], list[Json]]]] = {
    "campaign": _campaigns,
    "flow": _flows,
    "form": _forms,
    "segment": _segments,
}
