"""Metric aggregates: the visible events of one metric, counted by interval and dimensions.

Events count by their own date, in the zone asked for; reports count by the date of sending, in
the company's. So the two need not agree by day.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.reports.dimensions import Condition, describe, passes
from klaviyo_sandbox.reports.intervals import dates_of, edges_of
from klaviyo_sandbox.reports.message_statistics import distinct
from klaviyo_sandbox.simulation.population import Ints


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
    filters: Sequence[Condition],
) -> tuple[list[str], list[Json]]:
    """Return when the intervals begin, and a row for each combination of dimensions.

    The window is half open: from ``since`` up to, not including, ``before``.
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
    labels: list[tuple[str, ...]], dimensions: int, filters: Sequence[Condition]
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
