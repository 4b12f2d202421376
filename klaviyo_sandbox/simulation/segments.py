"""Who is in which list and segment, and since when.

Lists follow from when people join and leave them. Segments are drawn anew every midnight (UTC)
from what people did before it, by the conditions their definition states.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.model import Company, Segment
from klaviyo_sandbox.catalog.plan import Condition
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.simulation.event_table import Table
from klaviyo_sandbox.simulation.population import NEVER, Bools, Ints, People


class Memberships(NamedTuple):
    """Stays in groups, one position per stay; ``group`` counts the lists, then the segments.

    Somebody may leave a group and come again. ``left`` is NEVER for who stays.
    """

    group: Ints
    person: Ints
    joined: Ints
    left: Ints


def group_ids(company: Company) -> list[str]:
    """Return the ids of all lists, then of all segments."""
    return [*(group.id for group in company.lists), *(group.id for group in company.segments)]


class Past:
    """How often, and when last, everybody did what segments ask about."""

    def __init__(self, names: Iterable[str], people: People) -> None:
        self.people = people
        self.times = {name: np.zeros(len(people), np.int64) for name in sorted(set(names))}
        self.last = {name: np.full(len(people), -NEVER // 2) for name in self.times}

    def bring(
        self, name: str, often: float, pause: int, now: int, rng: np.random.Generator
    ) -> None:
        """Give those who came before ``now`` a past no event tells: how often and when last."""
        if name in self.times:
            times = rng.poisson(often * self.people.interest)
            times[self.people.created >= now] = 0
            last = now - rng.exponential(pause, len(times)).astype(np.int64)
            self.times[name] += times
            self.last[name][times > 0] = last[times > 0]

    def note(self, name: str, events: Table) -> None:
        """Remember events of the metric."""
        np.add.at(self.times[name], events["person"], 1)
        np.maximum.at(self.last[name], events["person"], events["at"])

    def meets(self, condition: Condition, now: int) -> Bools:
        """Tell who meets the condition at ``now``; ValueError for one that is not kept track of."""
        name, operator, times, days = condition
        since = -NEVER // 2 + 1 if days is None else now - days * DAY
        if (operator, times) == ("equals", 0):
            return self.last[name] < since
        if operator == "greater-than-or-equal" and times == 1:
            return self.last[name] >= since
        if operator == "greater-than-or-equal" and days is None:
            return self.times[name] >= times
        message = f"no count is kept for the segment condition {condition}"
        raise ValueError(message)


class Segments:
    """Every list and segment with its people; positions count the lists, then the segments."""

    def __init__(self, company: Company, people: People) -> None:
        self._people = people
        self._segments = company.segments
        self._places = {id_: place for place, id_ in enumerate(group_ids(company))}
        self._lists = len(company.lists)
        self._inside = np.zeros((len(company.segments), len(people)), bool)
        self._changes: list[Ints] = []

    def draw(self, past: Past, midnight: int) -> None:
        """Let people into the segments and out of them as of ``midnight``."""
        inside = np.zeros_like(self._inside)
        for row, segment in enumerate(self._segments):
            if segment.created <= midnight:
                inside[row] = self._who_belongs(segment, past, midnight)
        rows, person = np.nonzero(inside != self._inside)
        at = np.full(len(rows), midnight)
        comes = inside[rows, person]
        self._changes.append(np.stack([rows + self._lists, person, at, comes], axis=1))
        self._inside = inside

    def _who_belongs(self, segment: Segment, past: Past, now: int) -> Bools:
        belongs: Bools = self._people.created <= now
        if segment.members_of is not None:
            belongs = belongs & self._in_list(self._places[segment.members_of], now)
        for condition in segment.conditions:
            belongs = belongs & past.meets(condition, now)
        return belongs

    def _in_list(self, row: int, now: int) -> Bools:
        joined, left = self._people.joined[row], self._people.left[row]
        inside: Bools = (joined <= now) & (now < left)
        return inside

    def find(self, included: Sequence[str], excluded: Sequence[str], now: int) -> Ints:
        """Return for each person the first included group they are in, -1 for whom to leave out."""
        found = np.full(len(self._people), -1, np.int64)
        for id_ in reversed(included):
            found[self._members(id_, now)] = self._places[id_]
        for id_ in excluded:
            found[self._members(id_, now)] = -1
        return found

    def _members(self, id_: str, now: int) -> Bools:
        place = self._places[id_]
        if place < self._lists:
            return self._in_list(place, now)
        members: Bools = self._inside[place - self._lists]
        return members

    def memberships(self) -> Memberships:
        """Return every stay in a list, then every stay in a segment."""
        people = self._people
        row, person = np.nonzero(people.joined < NEVER)
        stays = (row, person, people.joined[row, person], people.left[row, person])
        changes = np.concatenate([np.empty((0, 4), np.int64), *self._changes])
        group, who, at, comes = changes[np.lexsort(changes.T[2::-1])].T
        # For one person in one group coming and going alternate, beginning with coming.
        goes = np.append((group[1:] == group[:-1]) & (who[1:] == who[:-1]), values=False)
        left = np.where(goes, np.append(at[1:], NEVER), NEVER)
        came = comes == 1
        drawn = (group[came], who[came], at[came], left[came])
        return Memberships(*(np.concatenate(pair) for pair in zip(stays, drawn, strict=True)))
