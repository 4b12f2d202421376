"""How busy each day and each hour is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from klaviyo_sandbox.clock import HOUR
from klaviyo_sandbox.simulation.population import Ints

# Weights of visits by hour of the company's clock, from midnight; and by weekday, from Monday.
HOURS: Final = (3, 2, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 10, 9, 8, 8, 8, 9, 10, 12, 13, 12, 9, 6)
WEEKDAYS: Final = (1.02, 0.98, 0.96, 1.0, 0.98, 0.98, 1.08)
HOURS_BEHIND_UTC: Final = 5  # the company's clock in winter
THURSDAY: Final = 3


def day_factor(midnight: int) -> float:
    """Return how busy the day that begins at ``midnight`` is, 1.0 being usual."""
    day = datetime.fromtimestamp(midnight, UTC).date()
    return WEEKDAYS[day.weekday()] * _season_factor(day)


def _season_factor(day: date) -> float:
    days_since = (day - black_friday(day.year)).days
    if -1 <= days_since <= 3:
        return 2.8
    if -8 <= days_since < -1:
        return 1.4
    if day.month == 12:
        return 1.4 if day.day < 19 else 0.9
    return 0.88 if day.month in (1, 2, 8) else 1.0


def black_friday(year: int) -> date:
    """Return the day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(THURSDAY - first.weekday()) % 7 + 21 + 1)


def draw_times_of_day(count: int, rng: np.random.Generator) -> Ints:
    """Draw seconds after midnight UTC, more of them when the company's customers are awake."""
    weights = np.roll(np.array(HOURS, float), HOURS_BEHIND_UTC)
    hours = rng.choice(24, count, p=weights / weights.sum())
    return np.asarray(hours * HOUR + rng.integers(0, HOUR, count))
