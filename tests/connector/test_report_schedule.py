"""Every day that can hold results is asked for, and asked for again as often as promised."""

from datetime import date, timedelta
from typing import Any

import pytest
from streams import report_schedule
from hypothesis import given
from hypothesis import strategies as st
from streams.report_schedule import DAY, Window
from streams import AGGREGATES, REPORTS, Schedule

TODAY = date(2026, 11, 20)
CAMPAIGNS, FLOWS, FLOW_DAYS, SEGMENTS, FORMS = (report.schedule for report in REPORTS)
EVENTS = AGGREGATES[0].schedule
schedules = st.sampled_from([CAMPAIGNS, FLOWS, FLOW_DAYS, SEGMENTS, FORMS, EVENTS])
complete = st.sampled_from([CAMPAIGNS, FLOW_DAYS, SEGMENTS, FORMS, EVENTS])  # keep all history
days = st.dates(date(2012, 1, 1), TODAY)


def days_of(windows: list[Window]) -> set[int]:
    """Every day (as its ordinal) that some window covers."""
    return set().union(*(days_between(window.start, window.end) for window in windows))


def days_between(first: date, last: date) -> set[int]:
    """Every day (as its ordinal) from `first` to `last`."""
    return set(range(first.toordinal(), last.toordinal() + 1))


def settled(
    schedule: Schedule, memory: dict[str, Any], today: date, first: date
) -> tuple[list[Window], dict[str, Any]]:
    """One sync that asks for all that is due: the windows and what is remembered then."""
    wanted, memory = restatement.due(schedule, memory, today, first)
    return wanted, restatement.remember(memory, [])


class TestFirstSync:
    """What is asked for when nothing is remembered."""

    @given(schedule=complete, first=days)
    def test_all_history_is_covered_without_a_gap(self, schedule: Schedule, first: date) -> None:
        """From the first day that can hold anything to today, no day is left out or added."""
        wanted, _ = restatement.due(schedule, {}, TODAY, first)
        assert days_of(wanted) == days_between(first, TODAY)

    @given(first=days)
    def test_a_rolling_report_covers_its_last_year_only(self, first: date) -> None:
        """A report without history is of the last 365 days, in one window."""
        wanted, _ = restatement.due(FLOWS, {}, TODAY, first)
        assert wanted == [Window(max(first, TODAY - 364 * DAY), TODAY)]

    @given(schedule=schedules, first=days)
    def test_no_window_is_longer_than_klaviyo_allows(self, schedule: Schedule, first: date) -> None:
        """365 days for totals, 60 for a daily series; and the newest window comes first."""
        wanted, _ = restatement.due(schedule, {}, TODAY, first)
        assert all(0 <= (w.end - w.start).days < schedule.span for w in wanted)
        assert [w.end for w in wanted] == sorted((w.end for w in wanted), reverse=True)

    @given(first=days, day=days)
    def test_a_send_spread_over_days_lies_whole_in_one_window(self, first: date, day: date) -> None:
        """Neighbouring windows of campaign totals share a week: a week-long send is in one."""
        send = Window(max(first, day - 6 * DAY), max(first, day))
        wanted, _ = restatement.due(CAMPAIGNS, {}, TODAY, first)
        assert any(window.covers(send) for window in wanted)

    @given(first=days, day=days, later=st.integers(0, 20), again=st.integers(0, 1))
    def test_a_whole_window_shows_every_send_or_a_neighbour_does(
        self, first: date, day: date, later: int, again: int
    ) -> None:
        """What a window that counts as whole cuts of a week-long send, another window holds."""
        send = Window(max(first, day - 6 * DAY), max(first, day))
        memory: dict[str, Any] = {}
        for now in (TODAY, TODAY + later * DAY, TODAY + (later + again) * DAY):
            wanted, memory = settled(CAMPAIGNS, memory, now, first)
            shown = [w for w in wanted if days_of([w]) & days_of([send])]
            assert not any(w.whole for w in shown) or any(w.covers(send) for w in shown)

    @given(first=days)
    def test_no_day_of_a_series_is_asked_for_twice(self, first: date) -> None:
        """Windows of a daily series touch and do not overlap: requests are counted."""
        wanted, _ = restatement.due(FLOW_DAYS, {}, TODAY, first)
        assert sum(len(days_of([window])) for window in wanted) == len(days_of(wanted))

    @given(schedule=schedules)
    def test_nothing_is_asked_for_before_anything_can_be_there(self, schedule: Schedule) -> None:
        """A first day that lies ahead makes no window."""
        assert restatement.due(schedule, {}, TODAY, TODAY + DAY)[0] == []


class TestTiers:
    """How often days are asked for again."""

    @pytest.mark.parametrize(
        ("days_later", "days_asked"),
        [(0, 30), (1, 372), (6, 372), (7, 1_000)],
        ids=["same day: hot", "next day: deep", "six days: deep", "a week: history"],
    )
    def test_campaigns_are_restated_by_tiers(self, days_later: int, days_asked: int) -> None:
        """30 days on every sync, a year and a week once a day, everything once a week."""
        first = TODAY - 999 * DAY
        _, memory = settled(CAMPAIGNS, {}, TODAY, first)
        for passed in range(1, days_later):  # one sync every day
            _, memory = settled(CAMPAIGNS, memory, TODAY + passed * DAY, first)
        now = TODAY + days_later * DAY
        wanted, _ = restatement.due(CAMPAIGNS, memory, now, first)
        since = first if days_asked == 1_000 else now - (days_asked - 1) * DAY
        assert days_of(wanted) == days_between(since, now)

    @given(schedule=complete, first=days, gaps=st.lists(st.integers(0, 500), max_size=8))
    def test_no_day_is_forgotten_however_rarely_syncs_run(
        self, schedule: Schedule, first: date, gaps: list[int]
    ) -> None:
        """D10: after a pause of any length, every day up to today has been asked for."""
        asked: set[int] = set()
        memory: dict[str, Any] = {}
        today = TODAY
        for gap in [0, *gaps]:
            today += gap * DAY
            wanted, memory = settled(schedule, memory, today, first)
            asked |= days_of(wanted)
        assert asked == days_between(first, today)

    @given(schedule=complete, first=days, gaps=st.lists(st.integers(0, 500), max_size=8))
    def test_every_day_has_its_turn_until_it_is_settled(
        self, schedule: Schedule, first: date, gaps: list[int]
    ) -> None:
        """After a pause of any length, each day older than `deep` was asked for at that age."""
        settled_days: set[int] = set()
        memory: dict[str, Any] = {}
        today = TODAY
        for gap in [0, *gaps]:
            today += gap * DAY
            wanted, memory = settled(schedule, memory, today, first)
            settled_on = today - (schedule.deep - 1) * DAY
            settled_days |= days_of(wanted) & days_between(first, settled_on)
        assert settled_days == days_between(first, settled_on)

    @given(schedule=complete, first=days, earlier=st.integers(1, 2_000))
    def test_an_earlier_start_is_caught_up_with(
        self, schedule: Schedule, first: date, earlier: int
    ) -> None:
        """Once an older campaign shows up, or start_date moves back, its days are asked for."""
        _, memory = settled(schedule, {}, TODAY, first)
        before = first - timedelta(days=earlier)
        wanted, _ = restatement.due(schedule, memory, TODAY, before)
        assert days_between(before, first) <= days_of(wanted)


class TestPending:
    """What the quota did not allow comes along later."""

    @given(schedule=complete, first=days, done=st.integers(0, 100), gap=st.integers(0, 40))
    def test_a_window_that_was_not_asked_for_is_asked_for_next_time(
        self, schedule: Schedule, first: date, done: int, gap: int
    ) -> None:
        """Whatever part of the windows was done, the rest is covered by the next sync."""
        wanted, memory = restatement.due(schedule, {}, TODAY, first)
        memory = restatement.remember(memory, wanted[done:])
        again, _ = restatement.due(schedule, memory, TODAY + gap * DAY, first)
        assert days_of(wanted[done:]) <= days_of(again)

    def test_a_rolling_report_asks_for_its_newest_window_alone(self) -> None:
        """Yesterday's, which the quota did not allow, would put older numbers over today's."""
        first = TODAY - 999 * DAY
        _, memory = restatement.due(FLOWS, {}, TODAY - DAY, first)
        assert restatement.due(FLOWS, memory, TODAY, first)[0] == [Window(TODAY - 364 * DAY, TODAY)]

    @given(schedule=schedules, first=days, gaps=st.lists(st.integers(0, 9), max_size=9))
    def test_no_window_is_asked_for_twice_in_one_sync(
        self, schedule: Schedule, first: date, gaps: list[int]
    ) -> None:
        """With no quota for days on end, no pending window lies inside another one."""
        memory: dict[str, Any] = {}
        today = TODAY
        for gap in [0, *gaps]:
            today += gap * DAY
            wanted, memory = restatement.due(schedule, memory, today, first)
        apart = [(one, other) for one in wanted for other in wanted if one is not other]
        assert not any(one.covers(other) for one, other in apart)

    @given(schedule=schedules, first=days)
    def test_every_due_window_is_remembered_until_it_is_done(
        self, schedule: Schedule, first: date
    ) -> None:
        """A sync that dies before it asked anything has forgotten nothing."""
        wanted, memory = restatement.due(schedule, {}, TODAY, first)
        assert restatement.pending(memory) == wanted

    def test_the_memory_it_was_given_stays_unchanged(self) -> None:
        """The state of the last checkpoint is not altered under the loader's feet."""
        _, memory = restatement.due(CAMPAIGNS, {}, TODAY, date(2020, 1, 1))
        before = str(memory)
        restatement.due(CAMPAIGNS, memory, TODAY + 30 * DAY, date(2019, 1, 1))
        assert str(memory) == before
