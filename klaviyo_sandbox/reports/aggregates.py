"""Metric aggregates: the visible events of one metric, counted by interval and dimensions.

Metric aggregates count an event by its own date, in the requested zone; reports count it by the
send date of its message, in the company's zone. So the two may differ by day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.reports.dimensions import Condition, label_events, matches
from klaviyo_sandbox.reports.intervals import interval_edges, interval_instants
from klaviyo_sandbox.reports.message_statistics import count_distinct
from klaviyo_sandbox.simulation.events import EventStore
from klaviyo_sandbox.simulation.population import Ints


def metric_aggregates(  # noqa: PLR0913 - the parameters of the request
    account: Account,
    *,
    metric_id: str,
    measurements: Sequence[str],
    interval: str,
    by: Sequence[str],
    since: int,
    before: int,
    timezone: str,
    filters: Sequence[Condition],
) -> tuple[list[str], list[Json]]:
    """Return when the intervals begin, and a row for each combination of dimensions.

    The window is half open: from ``since`` up to, not including, ``before``. ``unique`` counts
    people, each once per interval and row.
    """
    events, zone = account.events, ZoneInfo(timezone)
    edges = interval_edges(since, before, interval, zone)
    rows = events.query(now=account.now, metric_id=metric_id, since=since, before=before)
    pattern, labels = label_events(account, rows, [*by, *(field for _, field, _ in filters)])
    dimensions, result_of = _group_labels(labels, len(by), filters)
    selected = result_of[pattern] >= 0
    rows, result = rows[selected], result_of[pattern][selected]
    # One cell per result and interval, so that a single bincount fills the whole table.
    cell = result * (len(edges) - 1) + np.searchsorted(edges, events.at[rows], side="right") - 1
    shape = (len(dimensions), len(edges) - 1)
    counts = _count_cells(events, rows, cell, shape[0] * shape[1])
    measured = {name: counts[name].reshape(shape).tolist() for name in measurements}
    return interval_instants(edges, interval, zone), [
        {"dimensions": list(label), "measurements": {name: measured[name][n] for name in measured}}
        for n, label in enumerate(dimensions)
    ]


def _count_cells(events: EventStore, rows: Ints, cell: Ints, size: int) -> dict[str, Any]:
    has_person = events.person[rows] >= 0
    return {
        "count": np.bincount(cell, minlength=size),
        "sum_value": np.bincount(cell, np.nan_to_num(events.value[rows]), size),
        "unique": count_distinct(cell[has_person], events.person[rows][has_person], size),
    }


def _group_labels(
    labels: list[tuple[str, ...]], dimensions: int, filters: Sequence[Condition]
) -> tuple[list[tuple[str, ...]], Ints]:
    """Return the results' dimensions, sorted, and each label's result, -1 if a filter drops it.

    A label holds the ``dimensions`` and after them the fields of the filters.
    """
    is_selected = [
        all(
            matches(value, operator, wanted)
            for value, (operator, _, wanted) in zip(label[dimensions:], filters, strict=True)
        )
        for label in labels
    ]
    pairs = list(zip(labels, is_selected, strict=True))
    distinct = {label[:dimensions] for label, selected in pairs if selected}
    position = {label: number for number, label in enumerate(sorted(distinct))}
    result_of = [position[label[:dimensions]] if selected else -1 for label, selected in pairs]
    return list(position), np.array(result_of, np.int64)
