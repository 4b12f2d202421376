"""Records the events of the simulation, and draws who acts and when."""

from __future__ import annotations

import numpy as np

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.simulation.event_table import Rows, person_time_key
from klaviyo_sandbox.simulation.population import Floats, Ints
from klaviyo_sandbox.simulation.schedule_queue import ScheduleQueue

MAX_REACTION_TIME = 45 * DAY


class EventWriter:
    """Records events, and draws who acts and when.

    ``events`` holds all of them and ``todays_events`` those by metric since it was last emptied;
    ``segment_events`` those that segment conditions count, by day; ``flow_exits`` the person and
    time of those that end a flow.
    """

    def __init__(self, company: Company, start: int, days: int, rng: np.random.Generator) -> None:
        self.rng = rng
        self.codes = {metric.name: code for code, metric in enumerate(company.metrics)}
        self.events: list[Rows] = []
        self.todays_events: dict[str, list[Rows]] = {}
        counted = {c.metric for segment in company.segments for c in segment.conditions}
        self.segment_events = {name: ScheduleQueue(start, days) for name in sorted(counted)}
        exits = {flow.exit_metric for flow in company.flows if flow.exit_metric is not None}
        self.flow_exits = {name: np.empty(0, np.int64) for name in sorted(exits)}

    def write(self, metric: str, rows: Rows, at: Ints, flags: int = 0) -> Rows:
        """Record an event of ``metric`` for each of the rows that cause it; return the events."""
        events = rows.copy()
        events["metric"], events["at"] = self.codes[metric], at
        events["flags"] |= np.uint8(flags)
        self.events.append(events)
        self.todays_events.setdefault(metric, []).append(events)
        if metric in self.segment_events:
            self.segment_events[metric].push(events)
        if metric in self.flow_exits:
            exits = person_time_key(events["person"], at)
            self.flow_exits[metric] = np.append(self.flow_exits[metric], exits)
        return events

    def sample(self, rows: Rows, chance: Floats | float) -> Rows:
        """Return a random part of the rows, each row with its chance."""
        return rows[self.rng.random(len(rows)) < chance]

    def draw_times(self, rows: Rows, minimum: int, maximum: int) -> Ints:
        """Return moments from ``minimum`` to ``maximum`` seconds after each row."""
        at: Ints = rows["at"] + self.rng.integers(minimum, maximum, len(rows))
        return at

    def draw_reaction_times(self, rows: Rows, median: int, sigma: float) -> Ints:
        """Return moments after each row: log-normal waits, half of them within ``median``."""
        waits = median * np.exp(sigma * self.rng.standard_normal(len(rows)))
        at: Ints = rows["at"] + np.clip(waits, 5, MAX_REACTION_TIME).astype(np.int64)
        return at
