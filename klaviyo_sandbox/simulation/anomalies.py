"""What a real account holds besides its story: idle visits, late news, and oddities.

Every oddity was met by somebody who reads Klaviyo's API; they are few, and the same for a seed.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.clock import DAY, HOUR
from klaviyo_sandbox.simulation.event_table import ODD, SPACED, Table, blank, join
from klaviyo_sandbox.simulation.population import Ints, People
from klaviyo_sandbox.simulation.schedule_queue import season, time_of_day

SHOWN_WITHIN: Final = 9  # seconds from when an event is dated to when Klaviyo shows it
LATE: Final = 0.008  # of the events that belong to no message
LATEST: Final = 6 * DAY
SPACED_DATES: Final = 0.001
# So many of each oddity.
OF_DELETED_CAMPAIGN, WITHOUT_METRIC, WITHOUT_PROFILE, AHEAD, ODDLY_WORDED = 60, 15, 15, 24, 40


def show(rows: Table, rng: np.random.Generator) -> None:
    """Set when each event is first shown: at once but for some of those without a message."""
    rows["seen"] = rows["at"] + rng.integers(1, SHOWN_WITHIN, len(rows))
    late = np.flatnonzero((rng.random(len(rows)) < LATE) & (rows["variation"] < 0))
    hours = rng.lognormal(np.log(9), 1.3, len(late)) * HOUR
    rows["seen"][late] = rows["at"][late] + np.clip(hours, 2 * HOUR, LATEST).astype(np.int64)
    spaced = rng.random(len(rows)) < SPACED_DATES
    rows["mark"][spaced] |= SPACED


def oddities(
    company: Company, people: People, start: int, end: int, rng: np.random.Generator
) -> Table:
    """Return the oddities: no message, metric or profile where one is due; dates ahead."""
    parts = []
    for name, count in (
        ("Received Email", OF_DELETED_CAMPAIGN),
        ("Active on Site", WITHOUT_METRIC),
        ("Active on Site", WITHOUT_PROFILE),
        ("Earned Loyalty Points", AHEAD),
        ("Active on Site", ODDLY_WORDED),
    ):
        rows = blank(*_somebody(people, rng.integers(start, end, count), rng))
        rows["metric"] = company.code(name)
        parts.append(rows)
    _deleted, without_metric, without_profile, ahead, odd = parts
    without_metric["metric"] = -1
    without_profile["person"] = -1
    odd["mark"] = ODD
    ahead["value"] = 50.0
    rows = join(parts)
    rows["seen"] = rows["at"] + rng.integers(1, SHOWN_WITHIN, len(rows))
    first = sum(map(len, parts[:3]))
    # Klaviyo takes events dated up to a year ahead; shops date deliveries and bookings so.
    rows["at"][first : first + AHEAD] += rng.integers(HOUR, 200 * DAY, AHEAD)
    return rows


def idle_visits(
    company: Company, people: People, count: int, span: tuple[int, int], rng: np.random.Generator
) -> Table:
    """Return ``count`` visits that lead to nothing, as busy as days are, all shown in the span."""
    start, end = span
    days = np.arange(start - start % DAY, end, DAY)
    busy = np.array([season(int(day)) for day in days])
    at = rng.choice(days, count, p=busy / busy.sum()) + time_of_day(count, rng)
    last = end - SHOWN_WITHIN
    at = np.where((at < start) | (at > last), rng.integers(start, last, count), at)
    rows = blank(*_somebody(people, at, rng))
    rows["metric"] = company.code("Active on Site")
    rows["seen"] = rows["at"] + rng.integers(1, SHOWN_WITHIN, count)
    return rows


def _somebody(people: People, at: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return somebody who is there by each moment, and the moments."""
    known = np.searchsorted(people.created, at)
    return (known * rng.random(len(at)) ** 1.3).astype(np.int64), at
