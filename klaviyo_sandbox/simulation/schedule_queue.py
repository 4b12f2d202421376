"""Rows that are due on later days of the simulation."""

from __future__ import annotations

import numpy as np

from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.simulation.event_table import Rows, concatenate


class ScheduleQueue:
    """Rows by the day on which they are due."""

    def __init__(self, start: int, days: int) -> None:
        self._start = start
        self._due: list[list[Rows]] = [[] for _ in range(days)]
        self._today = 0

    def push(self, rows: Rows) -> None:
        """Schedule the rows on their days, those of past days on the current one."""
        if not len(rows):
            return
        days = np.maximum((rows["at"] - self._start) // DAY, self._today)
        # One sort, then one slice per day: a loop over days costs little, one over rows would not.
        # The stable sort keeps the order in which rows of a day were pushed.
        order = np.argsort(days, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(days[order])) + 1):
            if days[part[0]] < len(self._due):  # rows after the simulated time are dropped
                self._due[days[part[0]]].append(rows[part])

    def pop(self, day: int) -> Rows:
        """Remove and return the rows that are due on the day, which becomes the current one."""
        self._today = day
        due, self._due[day] = self._due[day], []
        return concatenate(due)
