"""Who is in which group: stored in few characters, and exact to the last person."""

import json
import random
import zlib
from base64 import b85encode
from collections import defaultdict
from datetime import date, timedelta

import msgspec
import pytest

from state import membership_index
from state.membership_index import (
    MemberGroup,
    MembershipIndex,
    MembershipIndexState,
    is_comparison_due,
)

LIMIT = 10**6  # characters
NEWS = MemberGroup("list_profile", "N", ("N",))
VIPS = MemberGroup("segment_profile", "V", ("V",))
SUPPRESSED = MemberGroup("profile_suppression", "global", ("global", "UNSUBSCRIBE"))
GROUPS = [NEWS, VIPS, SUPPRESSED]
MONDAY, DAY = date(2026, 11, 16), timedelta(days=1)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def empty_index(limit: int = LIMIT) -> MembershipIndex:
    """The index of a first sync."""
    return MembershipIndex(MembershipIndexState(), limit)


def reload_index(index: MembershipIndex, limit: int = LIMIT) -> MembershipIndex:
    """The index that the next sync makes of the state."""
    stored = json.loads(json.dumps(index.to_json()))
    return MembershipIndex(msgspec.convert(stored, MembershipIndexState), limit)


def profile_ids(count: int, dice: random.Random) -> list[str]:
    """Ids like Klaviyo's: ULIDs of profiles created over four years."""
    made = sorted(dice.randrange(4 * 365 * 86_400_000) for _ in range(count))
    numbers = ((1_640_995_200_000 + at) << 80 | dice.getrandbits(80) for at in made)
    return ["".join(ALPHABET[n >> 5 * i & 31] for i in range(25, -1, -1)) for n in numbers]


class TestMembershipIndex:
    """The people of every group."""

    def test_it_equals_plain_sets_after_any_changes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """People join, leave and come back, groups vanish, and the state is stored in between."""
        monkeypatch.setattr(membership_index, "MIN_CHANGES_TO_PACK", 50)
        dice = random.Random(3)
        people, index = profile_ids(60, dice), empty_index()
        expected: dict[MemberGroup, set[str]] = defaultdict(set)
        for _ in range(3_000):
            group, person = dice.choice(GROUPS), dice.choice(people)
            if dice.random() < 0.01:
                index.drop_group(group)
                expected[group].clear()
                assert group not in index.groups(group.table)
            elif dice.random() < 0.5:
                index.add(group, person)
                expected[group].add(person)
            else:
                index.remove(group, person)
                expected[group].discard(person)
            if dice.random() < 0.05:
                index = reload_index(index)
            assert index.contains(group, person) == (person in expected[group])
        assert {group: index.people(group) for group in GROUPS} == expected

    def test_a_person_takes_few_characters(self) -> None:
        """At most 25 characters for a person in eleven groups: 200,000 people fit."""
        dice, index = random.Random(3), empty_index(10 * LIMIT)
        people = profile_ids(6_000, dice)
        for person in people:
            for number in range(dice.randrange(23)):
                index.add(MemberGroup("segment_profile", f"S{number}"), person)
        index.drop_group(MemberGroup("segment_profile", "S22"))  # packs
        assert len(json.dumps(index.to_json())) < 25 * len(people)

    def test_beyond_the_limit_the_largest_group_is_untracked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other groups stay exact, and the state stays small."""
        monkeypatch.setattr(membership_index, "MIN_CHANGES_TO_PACK", 500)
        limit = 100_000
        people, index = profile_ids(8_000, random.Random(3)), empty_index(limit)
        for person in people[:500]:
            index.add(VIPS, person)
        for person in people:
            index.add(NEWS, person)
        index = reload_index(index, limit)
        assert index.untracked == {NEWS}
        assert index.people(VIPS) == set(people[:500])
        assert index.people(NEWS) == set()
        assert len(json.dumps(index.to_json())) < limit

    def test_a_state_that_was_handed_out_is_never_changed(self) -> None:
        """The loader may still hold the state of the last checkpoint."""
        index = empty_index()
        index.add(NEWS, "a")
        state = index.to_json()
        kept = json.dumps(state)
        index.add(NEWS, "b")
        index.remove(NEWS, "a")
        assert json.dumps(state) == kept

    def test_groups_are_found_by_table_and_listing(self) -> None:
        """A listing finds the groups that it fills."""
        index = empty_index()
        for group in GROUPS:
            index.add(group, "a")
        assert index.groups("profile_suppression", "global") == [SUPPRESSED]
        assert index.groups("list_profile") == [NEWS]
        assert index.groups("list_profile", "other") == []

    def test_damage_is_noticed(self) -> None:
        """A state that cannot be unpacked is a ValueError, which the parser of the state names."""
        for people in ("not packed", "{{{{", "ä", membership_index._pack_people({})[:-1]):
            with pytest.raises(ValueError):  # noqa: PT011 - of base64, of JSON or ours
                MembershipIndex(MembershipIndexState(people=people), LIMIT)

    def test_a_packed_text_of_another_shape_is_damage(self) -> None:
        """The packed text is an object of whole numbers and nothing else."""
        for content in (b"[1]", b'{"a": "b"}', b'{"a": true}', b"5"):
            people = b85encode(zlib.compress(content)).decode()
            with pytest.raises(ValueError):  # noqa: PT011 - it quotes the text
                MembershipIndex(MembershipIndexState(people=people), LIMIT)


class TestComparison:
    """When everybody in a listing is compared with Klaviyo."""

    @pytest.mark.parametrize(("size", "days"), [(10, [1, 2, 7, 8]), (10**6, [7, 8])])
    def test_small_listings_daily_and_large_ones_weekly(self, size: int, days: list[int]) -> None:
        """Never twice a day; after a week at the latest, except for the listing's own weekday."""
        sunday = MONDAY - DAY
        name = next(n for n in map(str, range(99)) if is_comparison_due(n, 10**6, sunday, MONDAY))
        due = [
            n for n in (0, 1, 2, 7, 8) if is_comparison_due(name, size, MONDAY, MONDAY + n * DAY)
        ]
        assert due == days

    def test_it_is_due_where_there_was_none(self) -> None:
        """A listing that is read for the first time is read wholly."""
        assert is_comparison_due("L", 0, None, MONDAY)

    def test_large_listings_spread_over_the_week(self) -> None:
        """Each has its weekday, so that no sync has to compare all of them."""
        week = [MONDAY + number * DAY for number in range(1, 7)]
        names = [f"L{number}" for number in range(70)]
        due = [sum(is_comparison_due(n, 10**6, MONDAY, day) for n in names) for day in week]
        assert 40 < sum(due) < 70
        assert max(due) < 20
