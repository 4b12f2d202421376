"""Every day that can hold results is requested, and requested again as often as promised."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.state import DayRange, ReportState
from streams import STREAMS
from streams.catalog import CAMPAIGN_VALUES, FLOW_PERIODS, FLOW_SERIES, FLOW_VALUES
from streams.declarations import Schedule, ScheduledStream
from streams.report_schedule import (
    DAY,
    MONTH,
    ReportWindow,
    mark_requested,
    plan_periods,
    plan_windows,
)

TODAY = date(2026, 11, 20)
CAMPAIGNS, FLOWS, FLOW_DAYS = CAMPAIGN_VALUES.schedule, FLOW_VALUES.schedule, FLOW_SERIES.schedule
SCHEDULES = [stream.schedule for stream in STREAMS if isinstance(stream, ScheduledStream)]
schedules = st.sampled_from(SCHEDULES)
complete = st.sampled_from(
    [schedule for schedule in SCHEDULES if schedule.full_refresh_every is not None]
)
days = st.dates(date(2012, 1, 1), TODAY)


def days_of(windows: list[ReportWindow]) -> set[int]:
    """Every day (as its ordinal) that some window covers."""
    return set().union(*(days_between(window.days.start, window.days.end) for window in windows))


def days_between(first: date, last: date) -> set[int]:
    """Every day (as its ordinal) from `first` to `last`."""
    return set(range(first.toordinal(), last.toordinal() + 1))


def finish(state: ReportState) -> ReportState:
    """The state once every pending window is requested."""
    return msgspec.structs.replace(state, pending=())


def plan_and_finish(
    schedule: Schedule, state: ReportState, today: date, first: date
) -> tuple[list[ReportWindow], ReportState]:
    """One sync that requests everything that is due: the windows and the state after it."""
    windows, state = plan_windows(schedule, state, today, first)
    return windows, finish(state)


class TestFirstSync:
    """What is requested without a state."""

    @given(schedule=complete, first=days)
    def test_all_history_is_covered_without_a_gap(self, schedule: Schedule, first: date) -> None:
        """From the first day that can hold anything to today, no day is left out or added."""
        windows, _ = plan_windows(schedule, ReportState(), TODAY, first)
        assert days_of(windows) == days_between(first, TODAY)

    @given(first=days)
    def test_a_rolling_report_covers_its_last_year_only(self, first: date) -> None:
        """A report without full refresh covers the last 365 days, in one window."""
        windows, _ = plan_windows(FLOWS, ReportState(), TODAY, first)
        assert [window.days for window in windows] == [
            DayRange(max(first, TODAY - 364 * DAY), TODAY)
        ]

    @given(schedule=schedules, first=days)
    def test_no_window_is_longer_than_klaviyo_allows(self, schedule: Schedule, first: date) -> None:
        """365 days for totals, 60 for a daily series; and the newest window comes first."""
        windows, _ = plan_windows(schedule, ReportState(), TODAY, first)
        ranges = [window.days for window in windows]
        assert all(
            0 <= (day_range.end - day_range.start).days < schedule.window_days
            for day_range in ranges
        )
        assert [day_range.end for day_range in ranges] == sorted(
            (day_range.end for day_range in ranges), reverse=True
        )

    @given(first=days, day=days)
    def test_a_send_over_several_days_is_whole_in_one_window(self, first: date, day: date) -> None:
        """Neighbouring windows of campaign totals share a week: a week-long send is in one."""
        send = DayRange(max(first, day - 6 * DAY), max(first, day))
        windows, _ = plan_windows(CAMPAIGNS, ReportState(), TODAY, first)
        assert any(window.days.covers(send) for window in windows)

    @given(first=days, day=days, later=st.integers(0, 20), again=st.integers(0, 1))
    def test_what_a_complete_window_cuts_is_whole_in_a_neighbour(
        self, first: date, day: date, later: int, again: int
    ) -> None:
        """A week-long send that a complete window cuts is whole in another window of the sync."""
        send = DayRange(max(first, day - 6 * DAY), max(first, day))
        state = ReportState()
        for now in (TODAY, TODAY + later * DAY, TODAY + (later + again) * DAY):
            windows, state = plan_and_finish(CAMPAIGNS, state, now, first)
            showing = [
                window
                for window in windows
                if days_of([window]) & days_between(send.start, send.end)
            ]
            is_whole = any(window.days.covers(send) for window in showing)
            assert is_whole or not any(window.is_complete for window in showing)

    @given(first=days)
    def test_no_day_of_a_series_is_requested_twice(self, first: date) -> None:
        """Windows of a daily series touch and do not overlap: requests are counted."""
        windows, _ = plan_windows(FLOW_DAYS, ReportState(), TODAY, first)
        assert sum(len(days_of([window])) for window in windows) == len(days_of(windows))

    @given(schedule=schedules)
    def test_nothing_is_requested_before_the_first_day(self, schedule: Schedule) -> None:
        """A first day in the future makes no window."""
        assert plan_windows(schedule, ReportState(), TODAY, TODAY + DAY)[0] == []


class TestTiers:
    """How often days are requested again."""

    def test_campaigns_are_restated_by_tiers(self, subtests: pytest.Subtests) -> None:
        """30 days on every sync, a year and a week once a day, everything once a week."""
        for days_later, days_requested in [(0, 30), (1, 372), (6, 372), (7, 1_000)]:
            with subtests.test(days_later=days_later):
                first = TODAY - 999 * DAY
                _, state = plan_and_finish(CAMPAIGNS, ReportState(), TODAY, first)
                for passed in range(1, days_later):  # one sync every day
                    _, state = plan_and_finish(CAMPAIGNS, state, TODAY + passed * DAY, first)
                now = TODAY + days_later * DAY
                windows, _ = plan_windows(CAMPAIGNS, state, now, first)
                since = first if days_requested == 1_000 else now - (days_requested - 1) * DAY
                assert days_of(windows) == days_between(since, now)

    @given(schedule=complete, first=days, gaps=st.lists(st.integers(0, 500), max_size=8))
    def test_no_day_is_forgotten_however_rarely_syncs_run(
        self, schedule: Schedule, first: date, gaps: list[int]
    ) -> None:
        """After a pause of any length, every day up to today is requested."""
        requested: set[int] = set()
        state, today = ReportState(), TODAY
        for gap in [0, *gaps]:
            today += gap * DAY
            windows, state = plan_and_finish(schedule, state, today, first)
            requested |= days_of(windows)
        assert requested == days_between(first, today)

    @given(schedule=complete, first=days, gaps=st.lists(st.integers(0, 500), max_size=8))
    def test_every_day_is_requested_again_until_it_is_settled(
        self, schedule: Schedule, first: date, gaps: list[int]
    ) -> None:
        """After any pause, each day older than the daily lookback was requested at that age."""
        final_days: set[int] = set()
        state, today = ReportState(), TODAY
        for gap in [0, *gaps]:
            today += gap * DAY
            windows, state = plan_and_finish(schedule, state, today, first)
            settled_on = today - (schedule.daily_lookback_days - 1) * DAY
            final_days |= days_of(windows) & days_between(first, settled_on)
        assert final_days == days_between(first, settled_on)

    @given(
        schedule=st.sampled_from(
            [schedule for schedule in SCHEDULES if schedule.full_refresh_every == 0]
        )
    )
    def test_a_history_that_never_changes_is_requested_once(self, schedule: Schedule) -> None:
        """After the first sync of such a report, later days request the daily lookback alone."""
        first = TODAY - 1_000 * DAY
        _, state = plan_and_finish(schedule, ReportState(), TODAY - DAY, first)
        windows, _ = plan_windows(schedule, state, TODAY, first)
        since = TODAY - (schedule.daily_lookback_days - 1) * DAY
        assert days_of(windows) == days_between(since, TODAY)

    @given(schedule=complete, first=days, earlier=st.integers(1, 2_000))
    def test_an_earlier_first_day_is_backfilled(
        self, schedule: Schedule, first: date, earlier: int
    ) -> None:
        """Once an older campaign shows up, or start_date moves back, its days are requested.

        Days that the state no longer has are not, unless a weekly refresh compares them too.
        """
        _, state = plan_and_finish(schedule, ReportState(), TODAY, first)
        before = first - timedelta(days=earlier)
        windows, _ = plan_windows(schedule, state, TODAY, before)
        assert days_between(before, first - DAY) <= days_of(windows)
        untracked = days_between(first, TODAY - (schedule.daily_lookback_days + 3) * DAY)
        if schedule.full_refresh_every == 0:
            assert not untracked & days_of(windows)


class TestPending:
    """What the quota does not allow today is requested later."""

    @given(schedule=complete, first=days, done=st.integers(0, 100), gap=st.integers(0, 40))
    def test_a_pending_window_is_requested_by_the_next_sync(
        self, schedule: Schedule, first: date, done: int, gap: int
    ) -> None:
        """Whichever windows are requested today, the next sync covers the rest."""
        windows, state = plan_windows(schedule, ReportState(), TODAY, first)
        state = msgspec.structs.replace(
            state, pending=tuple(window.days for window in windows[done:])
        )
        again, _ = plan_windows(schedule, state, TODAY + gap * DAY, first)
        assert days_of(windows[done:]) <= days_of(again)

    def test_a_rolling_report_requests_its_newest_window_alone(self) -> None:
        """Yesterday's pending window would put older numbers over today's."""
        first = TODAY - 999 * DAY
        _, state = plan_windows(FLOWS, ReportState(), TODAY - DAY, first)
        windows, _ = plan_windows(FLOWS, state, TODAY, first)
        assert [window.days for window in windows] == [DayRange(TODAY - 364 * DAY, TODAY)]

    @given(schedule=schedules, first=days, gaps=st.lists(st.integers(0, 9), max_size=9))
    def test_no_window_is_requested_twice_in_one_sync(
        self, schedule: Schedule, first: date, gaps: list[int]
    ) -> None:
        """With no quota for days on end, no pending window is inside another one."""
        state, today = ReportState(), TODAY
        for gap in [0, *gaps]:
            today += gap * DAY
            windows, state = plan_windows(schedule, state, today, first)
        pairs = [(window, other) for window in windows for other in windows if window is not other]
        assert not any(window.days.covers(other.days) for window, other in pairs)

    @given(schedule=schedules, first=days)
    def test_every_planned_window_is_pending_until_it_is_requested(
        self, schedule: Schedule, first: date
    ) -> None:
        """A sync that dies before its first request forgets no window."""
        windows, state = plan_windows(schedule, ReportState(), TODAY, first)
        assert [*state.pending] == [window.days for window in windows]

    def test_the_given_state_is_not_changed(self) -> None:
        """The loader may still hold the state of the last checkpoint."""
        _, state = plan_windows(CAMPAIGNS, ReportState(), TODAY, date(2020, 1, 1))
        before = msgspec.json.encode(state)
        plan_windows(CAMPAIGNS, state, TODAY + 30 * DAY, date(2019, 1, 1))
        assert msgspec.json.encode(state) == before


class TestPeriods:
    """Periods whose people Klaviyo counts: rolling ones once a day, each month until it settles."""

    @staticmethod
    def run_day(state: ReportState, today: date, first: date, quota: int) -> ReportState:
        """The state after one sync that may request some periods."""
        for window in plan_periods(FLOW_PERIODS, state, today, first)[:quota]:
            state = mark_requested(state, window, today)
        return state

    @given(
        first=st.dates(TODAY - 1_500 * DAY, TODAY),
        quotas=st.lists(st.integers(0, 12), max_size=30),
    )
    def test_no_month_is_lost_whatever_the_quota(self, first: date, quotas: list[int]) -> None:
        """After any days of scarce quota, twelve months a day complete the history."""
        state, today = ReportState(), TODAY
        for quota in quotas:
            state, today = self.run_day(state, today, first, quota), today + DAY
        for _ in range(1_500 // 30 // 12 + 1):
            state, today = self.run_day(state, today, first, 99), today + DAY
        months = {
            day.replace(day=1) for day in map(date.fromordinal, days_between(first, today - DAY))
        }
        assert {
            f"{month}" for month in months
        } == state.requested_on.keys() - FLOW_PERIODS.rolling_days

    @given(first=st.dates(TODAY - 400 * DAY, TODAY), gap=st.integers(1, 60))
    def test_a_month_is_requested_again_after_it_settled(self, first: date, gap: int) -> None:
        """Orders are credited for weeks: each month is requested 30 days after its end or later."""
        state, today = ReportState(), TODAY
        for day in (TODAY, TODAY + gap * DAY, *(TODAY + (gap + n) * DAY for n in range(1, 10))):
            state, today = self.run_day(state, day, first, 99), day
        for month in state.requested_on.keys() - FLOW_PERIODS.rolling_days:
            end = (date.fromisoformat(month) + 31 * DAY).replace(day=1) - DAY
            requested = state.requested_on[month]
            assert requested == today or (requested - end).days >= 30

    @given(first=st.dates(TODAY - 1_500 * DAY, TODAY), today=st.dates(TODAY, TODAY + 800 * DAY))
    def test_periods_have_the_days_of_their_kind(self, first: date, today: date) -> None:
        """A rolling period ends today; a month is a whole one, this month up to today."""
        windows = plan_periods(FLOW_PERIODS, ReportState(), today, first)
        lengths = {
            window.kind: (window.days.end - window.days.start).days + 1 for window in windows
        }
        assert FLOW_PERIODS.rolling_days.items() <= lengths.items()
        for window in windows:
            after = window.days.end + DAY
            is_whole = window.days.start.day == 1 and after in (
                today + DAY,
                (window.days.start + 31 * DAY).replace(day=1),
            )
            assert is_whole if window.kind == MONTH else window.days.end == today

    @given(first=days, start=st.dates(TODAY - 400 * DAY, TODAY))
    def test_no_day_before_start_date_is_requested(self, first: date, start: date) -> None:
        """A month that start_date cuts is left out, and a rolling period begins with it."""
        windows = plan_periods(FLOW_PERIODS, ReportState(), TODAY, max(first, start), start)
        assert min(window.days.start for window in windows) >= start

    def test_a_month_keeps_its_former_rows_until_it_is_requested_itself(self) -> None:
        """After a change of time zone, months are requested in any order; the last clears it."""
        months = ("2026-01-01", "2026-02-01", "2026-03-01")
        state = ReportState(former_zones=("Europe/Paris",), former_periods=months)
        for month, left in (("2026-02-01", (months[0], months[2])), (months[2], months[:1])):
            state = mark_requested(state, month_window(month), TODAY)
            assert (state.former_periods, len(state.former_zones)) == (left, 1)
        state = mark_requested(state, month_window(months[0]), TODAY)
        assert (state.former_periods, state.former_zones) == ((), ())


def month_window(first_day: str) -> ReportWindow:
    """The window of a calendar month."""
    start = date.fromisoformat(first_day)
    end = (start + 31 * DAY).replace(day=1) - DAY
    return ReportWindow(DayRange(start, end), kind=MONTH)
