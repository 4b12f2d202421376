"""The days on which things happen: what is due when, and how busy each day and hour is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from klaviyo_sandbox.clock import DAY, HOUR
from klaviyo_sandbox.simulation.event_table import Table, join
from klaviyo_sandbox.simulation.population import Ints

# Visits by hour of the company's clock, from midnight; and by weekday, from Monday.
HOURS: Final = (3, 2, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 10, 9, 8, 8, 8, 9, 10, 12, 13, 12, 9, 6)
WEEKDAYS: Final = (1.02, 0.98, 0.96, 1.0, 0.98, 0.98, 1.08)
CLOCK: Final = 5  # hours that the company's clock is behind UTC in winter
THURSDAY: Final = 3


class Diary:
    """What is already written for later days, kept under the day it happens on."""

    def __init__(self, start: int, days: int) -> None:
        self._start = start
        self._pages: list[list[Table]] = [[] for _ in range(days)]
        self._today = 0

    def write(self, rows: Table) -> None:
        """Keep the rows under their days, those of days gone by under today."""
        if not len(rows):
            return
        days = np.maximum((rows["at"] - self._start) // DAY, self._today)
        order = np.argsort(days, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(days[order])) + 1):
            if days[part[0]] < len(self._pages):
                self._pages[days[part[0]]].append(rows[part])

    def read(self, day: int) -> Table:
        """Return what has been written for the day since it was last read; it is then today."""
        self._today = day
        page, self._pages[day] = self._pages[day], []
        return join(page)


def season(midnight: int) -> float:
    """Return how busy the day that begins at ``midnight`` is, 1.0 being usual."""
    day = datetime.fromtimestamp(midnight, UTC).date()
    return WEEKDAYS[day.weekday()] * _time_of_year(day)


def _time_of_year(day: date) -> float:
    since = (day - black_friday(day.year)).days
    if -1 <= since <= 3:
        return 2.8
    if -8 <= since < -1:
        return 1.4
    if day.month == 12:
        return 1.4 if day.day < 19 else 0.9
    return 0.88 if day.month in (1, 2, 8) else 1.0


def black_friday(year: int) -> date:
    """Return the day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(THURSDAY - first.weekday()) % 7 + 21 + 1)


def time_of_day(count: int, rng: np.random.Generator) -> Ints:
    """Draw seconds after midnight UTC, more of them when the company's people are awake."""
    shares = np.roll(np.array(HOURS, float), CLOCK)
    hours = rng.choice(24, count, p=shares / shares.sum())
    return np.asarray(hours * HOUR + rng.integers(0, HOUR, count))
