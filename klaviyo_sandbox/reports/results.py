"""Klaviyo's reports, computed from the events that are visible now.

Messages' results stand under the moment the recipient's message was sent, whenever they came in,
by the company's time zone. Metric aggregates count events by their own date in the zone asked
for, so the two need not agree by day. Windows are half open: from ``start`` (``since``) up to,
not including, ``end`` (``before``). Series and aggregates also return when intervals begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NotRequired, TypedDict, Unpack
from zoneinfo import ZoneInfo

import numpy as np

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.company.plan import Channel
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.people.form_visits import FormVisits
from klaviyo_sandbox.people.ledger import Content
from klaviyo_sandbox.people.population import Bools, Ints
from klaviyo_sandbox.reports.dimensions import describe, groupings
from klaviyo_sandbox.reports.tally import (
    RATES,
    Counts,
    dates_of,
    distinct,
    edges_of,
    exists,
    passes,
    ratio,
    tally,
)

Filter = tuple[str, str, Any]  # operator, field, value

INTERVALS: Final = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}


class Question(TypedDict):
    """What a report is asked; the last three where the report takes them."""

    statistics: Sequence[str]
    start: int
    end: int
    filters: Sequence[Filter]
    group_by: NotRequired[Sequence[str]]
    conversion_metric_id: NotRequired[str]
    interval: NotRequired[str]


def campaign_values(account: Account, **question: Unpack[Question]) -> list[Json]:
    """Return the statistics of campaigns' messages sent in the window, by group."""
    return _values(_campaigns, account, question)


def flow_values(account: Account, **question: Unpack[Question]) -> list[Json]:
    """Return the statistics of flows' messages sent in the window, by group."""
    return _values(_flows, account, question)


def flow_series(account: Account, **question: Unpack[Question]) -> tuple[list[str], list[Json]]:
    """Return the statistics of flows' messages by the interval they were sent in, by group."""
    return _series(_flows, account, question)


def form_values(account: Account, **question: Unpack[Question]) -> list[Json]:
    """Return the statistics of forms or their versions in the window."""
    return _values(_forms, account, question)


def form_series(account: Account, **question: Unpack[Question]) -> tuple[list[str], list[Json]]:
    """Return the statistics of forms or their versions by interval."""
    return _series(_forms, account, question)


def segment_values(account: Account, **question: Unpack[Question]) -> list[Json]:
    """Return how segments changed in the window and how many were in them at its end."""
    return _values(_segments, account, question)


def segment_series(account: Account, **question: Unpack[Question]) -> tuple[list[str], list[Json]]:
    """Return how segments changed in each interval and how many were in them at its end."""
    return _series(_segments, account, question)


def metric_aggregates(  # noqa: PLR0913 - the parts of the question
    account: Account,
    *,
    metric_id: str,
    measurements: Sequence[str],
    interval: str,
    by: Sequence[str],
    since: int,
    before: int,
    timezone: str,
    filters: Sequence[Filter],
) -> tuple[list[str], list[Json]]:
    """Return a metric's measurements by interval, a row for each combination of dimensions.

    ``unique`` counts people, each once an interval and row.
    """
    events, zone = account.events, ZoneInfo(timezone)
    edges = edges_of(since, before, interval, zone)
    rows = events.query(now=account.now, metric_id=metric_id, since=since, before=before)
    kind, labels = describe(account, rows, [*by, *(field for _, field, _ in filters)])
    dimensions, row_of = _rows_of(labels, len(by), filters)
    rows, place = rows[row_of[kind] >= 0], row_of[kind][row_of[kind] >= 0]
    cell = place * (len(edges) - 1) + np.searchsorted(edges, events.at[rows], side="right") - 1
    shape = (len(dimensions), len(edges) - 1)
    size, known = shape[0] * shape[1], events.person[rows] >= 0
    measured = {
        "count": np.bincount(cell, minlength=size),
        "sum_value": np.bincount(cell, np.nan_to_num(events.value[rows]), size),
        "unique": distinct(cell[known], events.person[rows][known], size),
    }
    found = {name: measured[name].reshape(shape).tolist() for name in measurements}
    return dates_of(edges, zone), [
        {"dimensions": list(label), "measurements": {name: found[name][n] for name in found}}
        for n, label in enumerate(dimensions)
    ]


def _rows_of(
    labels: list[tuple[str, ...]], dimensions: int, filters: Sequence[Filter]
) -> tuple[list[tuple[str, ...]], Ints]:
    """Return the rows' dimensions, sorted, and the row of each kind of event, -1 for none.

    A label holds the dimensions of a kind of event and after them what filters ask about.
    """
    kept = [
        all(
            passes(value, operator, wanted)
            for value, (operator, _, wanted) in zip(label[dimensions:], filters, strict=True)
        )
        for label in labels
    ]
    shown = {label[:dimensions] for label, keep in zip(labels, kept, strict=True) if keep}
    place = {label: number for number, label in enumerate(sorted(shown))}
    row_of = [
        place[label[:dimensions]] if keep else -1 for label, keep in zip(labels, kept, strict=True)
    ]
    return list(place), np.array(row_of, np.int64)


def _values(
    report: Callable[[Account, Question, Ints], list[Json]], account: Account, question: Question
) -> list[Json]:
    """Return a report over one interval, as plain values."""
    results = report(account, question, np.array([question["start"], question["end"]]))
    for result in results:
        series = result["statistics"]
        result["statistics"] = {name: one and one[0] for name, one in series.items()}
    return results


def _series(
    report: Callable[[Account, Question, Ints], list[Json]], account: Account, question: Question
) -> tuple[list[str], list[Json]]:
    zone = ZoneInfo(account.company.timezone)
    edges = edges_of(question["start"], question["end"], INTERVALS[question["interval"]], zone)
    return dates_of(edges, zone), report(account, question, edges)


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


def _is_asked_for(facets: dict[str, Any], filters: Sequence[Filter]) -> bool:
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
