"""Time: whole seconds since 1970 (UTC), everywhere but at the edge of the API."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

MINUTE, HOUR, DAY = 60, 3_600, 86_400
HISTORY = 400 * DAY  # simulated before the epoch, the day an account is built around
FUTURE = 60 * DAY  # simulated after it


def start_of_day(day: date) -> int:
    """Return the moment at which the day begins, UTC."""
    return int(datetime.combine(day, time(), UTC).timestamp())
