"""The hours, days, weeks and months of series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from klaviyo_sandbox.simulation.population import Ints


def interval_edges(start: int, end: int, interval: str, zone: ZoneInfo) -> Ints:
    """Return the moments at which intervals begin between ``start`` and ``end``, and ``end``.

    Days, weeks (from Monday) and months are those of the zone's calendar; the first interval
    begins at ``start``, wherever in the calendar that is.
    """
    edges, moment = [start], datetime.fromtimestamp(start, zone)
    while (moment := _next_interval(moment, interval)).timestamp() < end:
        edges.append(int(moment.timestamp()))
    return np.array([*edges, end])


def _next_interval(moment: datetime, interval: str) -> datetime:
    """Return when the interval after the one that holds ``moment`` begins."""
    if interval == "hour":
        # Through UTC, because local hours repeat or are skipped when clocks change.
        later = moment.astimezone(UTC).replace(minute=0, second=0) + timedelta(hours=1)
        return later.astimezone(moment.tzinfo)
    day = moment.replace(hour=0, minute=0, second=0)
    if interval == "day":
        return day + timedelta(days=1)
    if interval == "week":
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def interval_instants(edges: Ints, interval: str, zone: ZoneInfo) -> list[str]:
    """Return the instants at which the intervals begin, as an aggregate's ``dates``.

    A first interval that is cut is labelled by its whole beginning, as recorded live.
    """
    first = datetime.fromtimestamp(int(edges[0]), zone).replace(minute=0, second=0)
    if interval != "hour":
        first = _calendar_start(first.replace(hour=0), interval)
    starts = [datetime.fromtimestamp(edge, UTC) for edge in edges[1:-1].tolist()]
    return [start.isoformat() for start in (first.astimezone(UTC), *starts)]


def interval_labels(edges: Ints, interval: str, zone: ZoneInfo) -> list[str]:
    """Return the local beginnings of the intervals written as UTC, as a series' ``date_times``.

    A first week that is cut is labelled by its Monday, a first month by its first day.
    """
    return [
        _calendar_start(datetime.fromtimestamp(edge, zone), interval)
        .replace(tzinfo=UTC)
        .isoformat()
        for edge in edges[:-1].tolist()
    ]


def _calendar_start(moment: datetime, interval: str) -> datetime:
    if interval == "week":
        return moment - timedelta(days=moment.weekday())
    return moment.replace(day=1) if interval == "month" else moment
