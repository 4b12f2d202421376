"""The noise of real accounts: idle visits, events shown late, and odd events.

Readers of Klaviyo's API have reported each of these oddities; they are few, and the same for a
seed.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.clock import DAY, HOUR
from klaviyo_sandbox.simulation.event_table import (
    ODD_STRING,
    SPACE_IN_DATE,
    Rows,
    concatenate,
    create_rows,
)
from klaviyo_sandbox.simulation.population import Ints, People
from klaviyo_sandbox.simulation.seasonality import day_factor, draw_times_of_day

MAX_DELAY: Final = 9  # seconds from the date of an event to when Klaviyo shows it
LATE_SHARE: Final = 0.008  # of the events without a message
MAX_LATENESS: Final = 6 * DAY
SPACE_IN_DATE_SHARE: Final = 0.001
# The number of events of each oddity.
OF_DELETED_CAMPAIGN, WITHOUT_METRIC, WITHOUT_PROFILE = 60, 15, 15
DATED_AHEAD, WITH_ODD_STRING = 24, 40


def set_visibility(rows: Rows, rng: np.random.Generator) -> None:
    """Set when each event is first shown: late for some of those without a message."""
    rows["seen"] = rows["at"] + rng.integers(1, MAX_DELAY, len(rows))
    late = np.flatnonzero((rng.random(len(rows)) < LATE_SHARE) & (rows["variation"] < 0))
    # Log-normal hours with a median of 9 and a long tail.
    delay = rng.lognormal(np.log(9), 1.3, len(late)) * HOUR
    rows["seen"][late] = rows["at"][late] + np.clip(delay, 2 * HOUR, MAX_LATENESS).astype(np.int64)
    with_space = rng.random(len(rows)) < SPACE_IN_DATE_SHARE
    rows["flags"][with_space] |= SPACE_IN_DATE


def generate_odd_events(
    company: Company, people: People, start: int, end: int, rng: np.random.Generator
) -> Rows:
    """Return events without a message, metric or profile, dated ahead, and with odd strings."""
    parts = []
    for name, count in (
        ("Received Email", OF_DELETED_CAMPAIGN),
        ("Active on Site", WITHOUT_METRIC),
        ("Active on Site", WITHOUT_PROFILE),
        ("Earned Loyalty Points", DATED_AHEAD),
        ("Active on Site", WITH_ODD_STRING),
    ):
        rows = create_rows(*_draw_people(people, rng.integers(start, end, count), rng))
        rows["metric"] = company.code(name)
        parts.append(rows)
    _deleted, without_metric, without_profile, ahead, odd = parts
    without_metric["metric"] = -1
    without_profile["person"] = -1
    odd["flags"] = ODD_STRING
    ahead["value"] = 50.0
    rows = concatenate(parts)
    rows["seen"] = rows["at"] + rng.integers(1, MAX_DELAY, len(rows))
    first = sum(map(len, parts[:3]))
    # Klaviyo accepts events dated up to a year ahead; stores date deliveries and bookings so.
    rows["at"][first : first + DATED_AHEAD] += rng.integers(HOUR, 200 * DAY, DATED_AHEAD)
    return rows


def generate_idle_visits(
    company: Company, people: People, count: int, span: tuple[int, int], rng: np.random.Generator
) -> Rows:
    """Return ``count`` visits without a product view, more on busy days, all shown in the span."""
    start, end = span
    days = np.arange(start - start % DAY, end, DAY)
    weights = np.array([day_factor(int(day)) for day in days])
    at = rng.choice(days, count, p=weights / weights.sum()) + draw_times_of_day(count, rng)
    last = end - MAX_DELAY
    # Whole days overlap the ends of the span; visits outside of it are drawn again within it.
    at = np.where((at < start) | (at > last), rng.integers(start, last, count), at)
    rows = create_rows(*_draw_people(people, at, rng))
    rows["metric"] = company.code("Active on Site")
    rows["seen"] = rows["at"] + rng.integers(1, MAX_DELAY, count)
    return rows


def _draw_people(people: People, at: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return a person created by each moment, older ones more often, and the moments."""
    count = np.searchsorted(people.created, at)
    return (count * rng.random(len(at)) ** 1.3).astype(np.int64), at
