"""Who stands in which table of people: Klaviyo tells who came, but not who left. Pure."""

import json
import zlib
from base64 import b85decode, b85encode
from collections import defaultdict
from datetime import date
from itertools import count
from typing import Any

Group = tuple[str, ...]
FEWEST_CHANGES = 5_000  # that are worth packing
SMALL, WEEK = 10_000, 7  # so many people are compared every day, more of them once a week


def is_due(name: str, size: int, compared_on: str | None, today: date) -> bool:
    """Whether to compare a group with Klaviyo: large ones on a day of the week of their own."""
    if compared_on is None:
        return True
    days = abs((today - date.fromisoformat(compared_on)).days)
    own_day = size <= SMALL or (today.toordinal() + zlib.crc32(name.encode())) % WEEK == 0
    return days >= WEEK or (days > 0 and own_day)


class Roster:
    """The people of every group whose rows stand in the warehouse.

    The state holds each person once, with one bit for each group: measured 24 characters a person
    who is in eleven groups, 20 in one. Who came and left since that was packed is listed beside
    it, twice who did both. Where the packed text would be longer than `limit`, the largest group
    becomes untracked: nobody is known to be in it, and so nobody is ever missed there.
    """

    def __init__(self, memory: dict[str, Any], limit: int) -> None:
        self._limit = limit
        self._packed: str = memory.get("people", "")
        self._places = {tuple(group): int(at) for at, group in memory.get("groups", {}).items()}
        self._changes: dict[int, list[str]] = defaultdict(list)
        for at, people in memory.get("changes", {}).items():
            self._changes[int(at)] = list(people)
        self.untracked: set[Group] = {tuple(group) for group in memory.get("untracked", [])}
        self._people = _unpacked(self._packed)  # to one bit for each group
        for at, people in self._changes.items():
            for person in people:
                self._people[person] = self._people.get(person, 0) ^ (1 << at)

    @property
    def memory(self) -> dict[str, Any]:
        """What the state holds of it."""
        return {
            "people": self._packed,
            "groups": {str(at): list(group) for group, at in self._places.items()},
            "changes": {str(at): list(people) for at, people in self._changes.items()},
            "untracked": sorted(map(list, self.untracked)),
        }

    def groups(self, *beginning: str) -> list[Group]:
        """The groups whose name begins so, untracked ones included."""
        known = (*self._places, *self.untracked)
        return [group for group in known if group[: len(beginning)] == beginning]

    def people(self, group: Group) -> set[str]:
        """Everybody in a group."""
        bit = self._bit(group)
        return {person for person, bits in self._people.items() if bits & bit}

    def holds(self, group: Group, person: str) -> bool:
        """Whether a person is in a group."""
        return bool(self._people.get(person, 0) & self._bit(group))

    def add(self, group: Group, person: str) -> None:
        """Note that a person is in a group."""
        if group in self.untracked or self.holds(group, person):
            return
        if group not in self._places:
            taken = set(self._places.values())
            self._places[group] = next(at for at in count() if at not in taken)
        self._change(group, person)

    def remove(self, group: Group, person: str) -> None:
        """Note that a person is no longer in a group."""
        if self.holds(group, person):
            self._change(group, person)

    def forget(self, group: Group) -> None:
        """Drop a group with everybody in it."""
        bit = self._bit(group)
        self._people = {person: bits & ~bit for person, bits in self._people.items()}
        self._places.pop(group, None)
        self.untracked.discard(group)
        self._pack()

    def _bit(self, group: Group) -> int:
        return 1 << self._places[group] if group in self._places else 0

    def _change(self, group: Group, person: str) -> None:
        self._people[person] = self._people.get(person, 0) ^ self._bit(group)
        self._changes[self._places[group]].append(person)
        if sum(map(len, self._changes.values())) > max(FEWEST_CHANGES, len(self._people) // 4):
            self._pack()

    def _pack(self) -> None:
        """Pack everybody anew, without the largest groups where that is too long."""
        self._people = {person: bits for person, bits in self._people.items() if bits}
        self._packed = _packed(self._people)
        self._changes.clear()
        if len(self._packed) > self._limit:
            largest = max(self._places, key=lambda group: len(self.people(group)))
            self.forget(largest)
            self.untracked.add(largest)


def _packed(people: dict[str, int]) -> str:
    text = json.dumps(people, sort_keys=True, separators=(",", ":"))
    return b85encode(zlib.compress(text.encode())).decode()


def _unpacked(text: str) -> dict[str, int]:
    """What was packed; ValueError where nothing was."""
    try:
        people: dict[str, int] = json.loads(zlib.decompress(b85decode(text))) if text else {}
    except zlib.error as error:
        raise ValueError(text[:20]) from error
    return people
