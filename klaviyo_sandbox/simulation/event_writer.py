"""Who writes the events down as they happen, for whoever asks about them later."""

from __future__ import annotations

import numpy as np

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.simulation.event_table import Table, by_person
from klaviyo_sandbox.simulation.population import Floats, Ints
from klaviyo_sandbox.simulation.schedule_queue import Diary

REACTS_WITHIN = 45 * DAY


class Scribe:
    """Writes events, and draws who does what and when.

    ``written`` is all of them; ``today`` those since it was last emptied; ``news`` those that
    segments ask about, by day; ``done`` when who did what ends a flow.
    """

    def __init__(self, company: Company, start: int, days: int, rng: np.random.Generator) -> None:
        self.rng = rng
        self.codes = {metric.name: code for code, metric in enumerate(company.metrics)}
        self.written: list[Table] = []
        self.today: dict[str, list[Table]] = {}
        asked = {c.metric for segment in company.segments for c in segment.conditions}
        self.news = {name: Diary(start, days) for name in sorted(asked)}
        exits = {flow.exit_metric for flow in company.flows if flow.exit_metric is not None}
        self.done = {name: np.empty(0, np.int64) for name in sorted(exits)}

    def write(self, metric: str, rows: Table, at: Ints, mark: int = 0) -> Table:
        """Write an event of ``metric`` for each of the rows it follows from; return the events."""
        events = rows.copy()
        events["metric"], events["at"] = self.codes[metric], at
        events["mark"] |= np.uint8(mark)
        self.written.append(events)
        self.today.setdefault(metric, []).append(events)
        if metric in self.news:
            self.news[metric].write(events)
        if metric in self.done:
            self.done[metric] = np.append(self.done[metric], by_person(events["person"], at))
        return events

    def some(self, rows: Table, chance: Floats | float) -> Table:
        """Return some of the rows, each with its chance."""
        return rows[self.rng.random(len(rows)) < chance]

    def soon(self, rows: Table, least: int, most: int) -> Ints:
        """Return moments from ``least`` to ``most`` seconds after each row."""
        at: Ints = rows["at"] + self.rng.integers(least, most, len(rows))
        return at

    def later(self, rows: Table, pause: int, patience: float) -> Ints:
        """Return moments after each row, half of them within ``pause``, with a long tail."""
        waits = pause * np.exp(patience * self.rng.standard_normal(len(rows)))
        at: Ints = rows["at"] + np.clip(waits, 5, REACTS_WITHIN).astype(np.int64)
        return at
