"""Which people are in which group: Klaviyo reports who joins, but not who leaves. Pure."""

import json
import zlib
from collections import defaultdict
from datetime import date
from itertools import count
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from state.compression import compress, decompress

MIN_CHANGES_TO_PACK = 5_000  # packing compresses every person again
MAX_DAILY_SIZE = 10_000  # people; a comparison of more, over 100 requests, is made once a week
WEEK = 7  # days
ALL_PROFILES_LISTING = "the account"


class MemberGroup(NamedTuple):
    """People with rows of one table and listing that share the other columns of the key."""

    table: str
    listing: str
    key: tuple[str, ...] = ()  # values of the key columns other than profile_id


GroupNumber = Annotated[str, Meta(pattern=r"^\d{1,6}$")]
GroupParts = Annotated[tuple[str, ...], Meta(min_length=2)]  # table, listing, key values


class MembershipIndexState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A membership index in the state. Groups are numbered; a number is a bit in `people`."""

    people: str = ""  # packed: person to the bits of the groups
    groups: dict[GroupNumber, GroupParts] = {}
    changes: dict[GroupNumber, list[str]] = {}  # people who joined or left since
    untracked: list[GroupParts] = []


def is_comparison_due(name: str, size: int, compared_on: date | None, today: date) -> bool:
    """Whether to compare a listing with Klaviyo today.

    A small listing is compared daily, a large one weekly, on a weekday that its name selects so
    that large listings spread over the week.
    """
    if compared_on is None:
        return True
    days = abs((today - compared_on).days)
    is_own_weekday = (today.toordinal() + zlib.crc32(name.encode())) % WEEK == 0
    return days >= WEEK or (days > 0 and (size <= MAX_DAILY_SIZE or is_own_weekday))


class MembershipIndex:
    """The people of every group whose rows are in the warehouse.

    The state holds each person once, with one bit for each group: measured 19 characters for a
    person in eleven groups, 16 in one. Later changes are listed beside the packed people:

        people   person A -> 0b011   person B -> 0b001      packed, in groups 0 and 1
        changes  group 1 -> A, C                            A left group 1, C joined it
        lookup   A -> 0b001          C -> 0b010             a change flips the bit

    If the packed text grows beyond `limit` characters, the largest group becomes untracked: the
    index drops its members, so a comparison cannot find who left it.
    """

    def __init__(self, state: MembershipIndexState, limit: int) -> None:
        """Raises ValueError if the state is damaged."""
        self.limit = limit
        self._packed = state.people
        self._numbers = {_parse_group(group): int(at) for at, group in state.groups.items()}
        self._changes: dict[int, list[str]] = defaultdict(list)
        self.untracked = {_parse_group(group) for group in state.untracked}
        self._groups_of = _unpack(state.people)  # person to bits
        for at, people in state.changes.items():
            self._changes[int(at)] = list(people)
            for person in people:
                self._flip(person, 1 << int(at))
        self._change_count = sum(map(len, self._changes.values()))
        self._json: Any = None

    def to_json(self) -> Any:
        """The index as the state holds it; the same object until something changes."""
        if self._json is None:
            state = MembershipIndexState(
                people=self._packed,
                groups={
                    str(number): (group.table, group.listing, *group.key)
                    for group, number in self._numbers.items()
                },
                changes={str(at): list(people) for at, people in self._changes.items()},
                untracked=sorted(
                    (group.table, group.listing, *group.key) for group in self.untracked
                ),
            )
            self._json = msgspec.json.decode(msgspec.json.encode(state))
        return self._json

    def groups(self, table: str, listing: str | None = None) -> list[MemberGroup]:
        """The groups of a table, or of one of its listings, untracked ones included."""
        known = (*self._numbers, *self.untracked)
        return [
            group for group in known if group.table == table and listing in (None, group.listing)
        ]

    def people(self, group: MemberGroup) -> set[str]:
        """The people in a group."""
        bit = self._bit(group)
        return {person for person, bits in self._groups_of.items() if bits & bit}

    def contains(self, group: MemberGroup, person: str) -> bool:
        """Whether a person is in a group."""
        return bool(self._groups_of.get(person, 0) & self._bit(group))

    def add(self, group: MemberGroup, person: str) -> bool:
        """Record that a person is in a group; returns whether that was unknown."""
        if self.contains(group, person):
            return False
        if group in self.untracked:
            return True
        if group not in self._numbers:
            taken = set(self._numbers.values())
            self._numbers[group] = next(number for number in count() if number not in taken)
        self._record_change(group, person)
        return True

    def remove(self, group: MemberGroup, person: str) -> None:
        """Record that a person is no longer in a group."""
        if self.contains(group, person):
            self._record_change(group, person)

    def drop_group(self, group: MemberGroup) -> None:
        """Remove a group with all its people."""
        bit = self._bit(group)
        self._groups_of = {person: bits & ~bit for person, bits in self._groups_of.items()}
        self._numbers.pop(group, None)
        self.untracked.discard(group)
        self._pack()

    def _bit(self, group: MemberGroup) -> int:
        return 1 << self._numbers[group] if group in self._numbers else 0

    def _flip(self, person: str, bit: int) -> None:
        self._groups_of[person] = self._groups_of.get(person, 0) ^ bit

    def _record_change(self, group: MemberGroup, person: str) -> None:
        self._json = None
        self._flip(person, self._bit(group))
        self._changes[self._numbers[group]].append(person)
        self._change_count += 1
        # Packing takes as long as there are people; a quarter of them changed is worth it.
        if self._change_count > max(MIN_CHANGES_TO_PACK, len(self._groups_of) // 4):
            self._pack()

    def _pack(self) -> None:
        """Pack all people; if the text is too long, stop tracking the largest group."""
        self._json = None
        self._groups_of = {person: bits for person, bits in self._groups_of.items() if bits}
        self._packed = _pack_people(self._groups_of)
        self._changes.clear()
        self._change_count = 0
        if len(self._packed) > self.limit:
            # One group with unknown leavers, where dropping small ones would take many.
            largest = max(self._numbers, key=lambda group: len(self.people(group)))
            self.drop_group(largest)
            self.untracked.add(largest)


def _parse_group(values: tuple[str, ...]) -> MemberGroup:
    table, listing, *key = values
    return MemberGroup(table, listing, tuple(key))


def _pack_people(groups_of: dict[str, int]) -> str:
    text = json.dumps(groups_of, sort_keys=True, separators=(",", ":"))
    return compress(text)


def _unpack(text: str) -> dict[str, int]:
    """Person to bits. Raises ValueError if `text` is not a packed index."""
    if not text:
        return {}
    people = json.loads(decompress(text))
    if not isinstance(people, dict) or not all(type(bits) is int for bits in people.values()):
        raise ValueError(text[:20])
    return people
