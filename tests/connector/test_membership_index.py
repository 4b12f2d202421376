"""Who stands in which group: remembered in little space, and to the last person."""

import json
import random
from collections import defaultdict
from datetime import date, timedelta

import pytest
from state import membership_index
from state.membership_index import (
    MemberGroup,
    MembershipIndex,
    MembershipIndexState,
    is_comparison_due,
)

ROOM = 10**6
NEWS, VIPS = ("list_profile", "N", "N"), ("segment_profile", "V", "V")
GROUPS = [NEWS, VIPS, ("profile_suppression", "global", "global", "UNSUBSCRIBE")]
MONDAY, DAY = date(2026, 11, 16), timedelta(days=1)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def restored(one: MembershipIndex, limit: int = ROOM) -> MembershipIndex:
    """What the next sync makes of its state."""
    return MembershipIndex(json.loads(json.dumps(one.memory)), limit)


def ids(count: int, dice: random.Random) -> list[str]:
    """Ids like Klaviyo's: ULIDs of profiles made over four years."""
    made = sorted(dice.randrange(4 * 365 * 86_400_000) for _ in range(count))
    numbers = ((1_640_995_200_000 + at) << 80 | dice.getrandbits(80) for at in made)
    return ["".join(ALPHABET[n >> 5 * i & 31] for i in range(25, -1, -1)) for n in numbers]


class TestRoster:
    """The memory of everybody."""

    def test_it_equals_plain_sets_whatever_is_done_to_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """People come, leave and come back, groups vanish, and the state is stored in between."""
        monkeypatch.setattr(membership_index, "MIN_CHANGES_TO_PACK", 50)
        dice = random.Random(3)
        people, tested = ids(60, dice), MembershipIndex(MembershipIndexState(), ROOM)
        expected: dict[MemberGroup, set[str]] = defaultdict(set)
        for _ in range(3_000):
            group, person = dice.choice(GROUPS), dice.choice(people)
            if dice.random() < 0.01:
                tested.drop_group(group)
                expected[group].clear()
            elif dice.random() < 0.5:
                tested.add(group, person)
                expected[group].add(person)
            else:
                tested.remove(group, person)
                expected[group].discard(person)
            if dice.random() < 0.05:
                tested = restored(tested)
            assert tested.contains(group, person) == (person in expected[group])
        assert {group: tested.people(group) for group in GROUPS} == expected

    def test_a_person_takes_little_room(self) -> None:
        """At most 25 characters for somebody in eleven groups: 200,000 people fit."""
        dice, tested = random.Random(3), MembershipIndex(MembershipIndexState(), 10 * ROOM)
        people = ids(6_000, dice)
        for person in people:
            for number in range(dice.randrange(23)):
                tested.add(("segment_profile", f"S{number}"), person)
        tested.drop_group(("segment_profile", "S22"))  # packs
        assert len(json.dumps(tested.memory)) < 25 * len(people)

    def test_where_room_ends_the_largest_group_is_no_longer_tracked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The others stay exact, and the state stays small."""
        monkeypatch.setattr(membership_index, "MIN_CHANGES_TO_PACK", 500)
        people, tested = ids(8_000, random.Random(3)), MembershipIndex(MembershipIndexState(), limit=100_000)
        for person in people[:500]:
            tested.add(VIPS, person)
        for person in people:
            tested.add(NEWS, person)
        tested = restored(tested, limit=100_000)
        assert tested.untracked == {NEWS}
        assert tested.people(VIPS) == set(people[:500])
        assert tested.people(NEWS) == set()
        assert len(json.dumps(tested.memory)) < 100_000

    def test_what_was_handed_out_is_never_changed(self) -> None:
        """A state that the loader keeps does not move under it."""
        tested = MembershipIndex(MembershipIndexState(), ROOM)
        tested.add(NEWS, "a")
        memory = tested.memory
        kept = json.dumps(memory)
        tested.add(NEWS, "b")
        tested.remove(NEWS, "a")
        assert json.dumps(memory) == kept

    def test_groups_are_found_by_the_beginning_of_their_name(self) -> None:
        """A listing finds the groups it fills."""
        tested = MembershipIndex(MembershipIndexState(), ROOM)
        for group in GROUPS:
            tested.add(group, "a")
        assert tested.groups("profile_suppression", "global") == [GROUPS[2]]
        assert tested.groups("list_profile") == [NEWS]
        assert tested.groups("list_profile", "other") == []

    @pytest.mark.parametrize(
        "memory",
        [
            {"people": "not packed"},
            {"people": "{{{{"},
            {"people": 5},
            {"groups": {"one": ["list_profile", "N"]}},
            {"groups": [1]},
            {"changes": {"0": 5}},
            {"untracked": 5},
        ],
        ids=repr,
    )
    def test_damage_is_noticed(self, memory: dict[str, object]) -> None:
        """It is one of the errors that the account turns into a line with the remedy."""
        with pytest.raises((ValueError, TypeError, AttributeError)):
            MembershipIndex(memory, ROOM)


class TestDue:
    """When everybody is compared."""

    @pytest.mark.parametrize(("size", "days"), [(10, [1, 2, 7, 8]), (10**6, [7, 8])])
    def test_few_people_daily_and_many_weekly(self, size: int, days: list[int]) -> None:
        """Never twice a day; not later than after a week, but for a day of the group's own."""
        name = next(one for one in map(str, range(99)) if is_comparison_due(one, 10**6, "2026-11-15", MONDAY))
        since = MONDAY.isoformat()
        assert [n for n in (0, 1, 2, 7, 8) if is_comparison_due(name, size, since, MONDAY + n * DAY)] == days

    def test_it_is_due_where_it_never_was(self) -> None:
        """Whoever is seen for the first time is listed wholly."""
        assert is_comparison_due("L", 0, None, MONDAY)

    def test_large_groups_spread_over_the_week(self) -> None:
        """Each has its day, so that no sync has to compare all of them."""
        week = [MONDAY + number * DAY for number in range(1, 7)]
        names = [f"L{number}" for number in range(70)]
        on = [sum(is_comparison_due(n, 10**6, MONDAY.isoformat(), day) for n in names) for day in week]
        assert 40 < sum(on) < 70
        assert max(on) < 20
