"""Membership of lists and segments over time.

List memberships follow from when people join and leave. Segments are refreshed every midnight
(UTC) from what people did before it, by the conditions of their definitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.model import Company, Segment
from klaviyo_sandbox.catalog.plan import Condition
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.simulation.event_table import Rows
from klaviyo_sandbox.simulation.population import NEVER, Bools, Ints, People


class Memberships(NamedTuple):
    """Stays in groups, one position per stay; ``group`` counts the lists, then the segments.

    A person may leave a group and return. ``left_at`` is NEVER for a stay without an end.
    """

    group: Ints
    person: Ints
    joined_at: Ints
    left_at: Ints


def group_ids(company: Company) -> list[str]:
    """Return the ids of all lists, then of all segments."""
    return [*(group.id for group in company.lists), *(group.id for group in company.segments)]


class ActivityCounts:
    """How often, and when last, each person had an event of each metric that segments count."""

    def __init__(self, metrics: Iterable[str], people: People) -> None:
        self.people = people
        self.times = {name: np.zeros(len(people), np.int64) for name in sorted(set(metrics))}
        self.last = {name: np.full(len(people), -NEVER // 2) for name in self.times}

    def add_past(
        self, metric: str, mean: float, pause: int, now: int, rng: np.random.Generator
    ) -> None:
        """Draw activity before ``now``, which no event shows, for people created before it."""
        if metric in self.times:
            times = rng.poisson(mean * self.people.interest)
            times[self.people.created >= now] = 0
            last = now - rng.exponential(pause, len(times)).astype(np.int64)
            self.times[metric] += times
            self.last[metric][times > 0] = last[times > 0]

    def add(self, metric: str, events: Rows) -> None:
        """Count events of the metric."""
        np.add.at(self.times[metric], events["person"], 1)
        np.maximum.at(self.last[metric], events["person"], events["at"])

    def meets(self, condition: Condition, now: int) -> Bools:
        """Return who meets the condition at ``now``; ValueError if the counts cannot say."""
        metric, operator, times, days = condition
        since = -NEVER // 2 + 1 if days is None else now - days * DAY
        if (operator, times) == ("equals", 0):
            return self.last[metric] < since
        if operator == "greater-than-or-equal" and times == 1:
            return self.last[metric] >= since
        if operator == "greater-than-or-equal" and days is None:
            return self.times[metric] >= times
        message = f"no count is kept for the segment condition {condition}"
        raise ValueError(message)


class SegmentIndex:
    """Every list and segment with its people; positions count the lists, then the segments."""

    def __init__(self, company: Company, people: People) -> None:
        self._people = people
        self._segments = company.segments
        self._positions = {id_: position for position, id_ in enumerate(group_ids(company))}
        self._list_count = len(company.lists)
        self._inside = np.zeros((len(company.segments), len(people)), bool)
        self._changes: list[Ints] = []

    def refresh(self, activity: ActivityCounts, midnight: int) -> None:
        """Recompute the segments as of ``midnight`` and record who joins and leaves them."""
        inside = np.zeros_like(self._inside)
        for row, segment in enumerate(self._segments):
            if segment.created <= midnight:
                inside[row] = self._meets_definition(segment, activity, midnight)
        rows, person = np.nonzero(inside != self._inside)
        at = np.full(len(rows), midnight)
        joins = inside[rows, person]
        self._changes.append(np.stack([rows + self._list_count, person, at, joins], axis=1))
        self._inside = inside

    def _meets_definition(self, segment: Segment, activity: ActivityCounts, now: int) -> Bools:
        members: Bools = self._people.created <= now
        if segment.members_of is not None:
            members = members & self._is_in_list(self._positions[segment.members_of], now)
        for condition in segment.conditions:
            members = members & activity.meets(condition, now)
        return members

    def _is_in_list(self, row: int, now: int) -> Bools:
        joined, left = self._people.joined_at[row], self._people.left_at[row]
        inside: Bools = (joined <= now) & (now < left)
        return inside

    def select_recipients(self, included: Sequence[str], excluded: Sequence[str], now: int) -> Ints:
        """Return each person's first included group, -1 for people who are not addressed."""
        groups = np.full(len(self._people), -1, np.int64)
        for id_ in reversed(included):
            groups[self._find_members(id_, now)] = self._positions[id_]
        for id_ in excluded:
            groups[self._find_members(id_, now)] = -1
        return groups

    def _find_members(self, id_: str, now: int) -> Bools:
        position = self._positions[id_]
        if position < self._list_count:
            return self._is_in_list(position, now)
        members: Bools = self._inside[position - self._list_count]
        return members

    def memberships(self) -> Memberships:
        """Return every stay in a list, then every stay in a segment."""
        people = self._people
        row, person = np.nonzero(people.joined_at < NEVER)
        list_stays = (row, person, people.joined_at[row, person], people.left_at[row, person])
        changes = np.concatenate([np.empty((0, 4), np.int64), *self._changes])
        # Sorted by group, person and time, joins and leaves alternate, beginning with a join:
        # a stay ends at the next change if that is of the same person and group.
        group, who, at, joins = changes[np.lexsort(changes.T[2::-1])].T
        ends = np.append((group[1:] == group[:-1]) & (who[1:] == who[:-1]), values=False)
        left = np.where(ends, np.append(at[1:], NEVER), NEVER)
        is_join = joins == 1
        segment_stays = (group[is_join], who[is_join], at[is_join], left[is_join])
        pairs = zip(list_stays, segment_stays, strict=True)
        return Memberships(*(np.concatenate(pair) for pair in pairs))
