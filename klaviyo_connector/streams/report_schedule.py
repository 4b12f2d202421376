"""Plans which days of the past to request again. Pure; DECISIONS.md has the reasons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from state.state import DayRange, ReportState
from streams.declarations import PeriodStream, Schedule, ScheduledStream
from tables.converters import format_utc

DAY = timedelta(days=1)
MONTH = "month"  # the kind of a period that is a calendar month


@dataclass(frozen=True)
class ReportWindow:
    """A range of days to request.

    `is_complete` means that a send which the range cuts in two is complete in a neighbouring
    window that is requested too. `kind` is that of the period which the range is, if it is one.
    """

    days: DayRange
    is_complete: bool = False
    kind: str = ""

    @property
    def period(self) -> str:
        """The name of the period in the state: a month's first day, or a rolling kind."""
        return self.days.start.isoformat() if self.kind == MONTH else self.kind


def aggregate_bounds(days: DayRange, zone: ZoneInfo) -> list[str]:
    """The filters of an aggregate that select whole days of a time zone.

    Klaviyo takes a time without an offset for UTC, whatever the aggregate's `timezone` is.
    """
    begin, end = (datetime.combine(day, time(), zone) for day in (days.start, days.end + DAY))
    return [
        f"greater-or-equal(datetime,{format_utc(begin)})",
        f"less-than(datetime,{format_utc(end)})",
    ]


def plan_windows(
    schedule: Schedule, state: ReportState, today: date, first_day: date
) -> tuple[list[ReportWindow], ReportState]:
    """The windows to request, newest first, and the state in which all of them are pending.

        first_day                today - daily_lookback     today - lookback    today
        |------- full refresh: rarely -------|------ daily ------|--- every sync ---|

    `first_day` is the first day that can have results. Ranges that the quota of an
    earlier sync did not allow are still pending, and are planned too. In a report without a full
    refresh, the newest window replaces them.
    """
    since = today - (schedule.lookback_days - 1) * DAY
    if state.daily_lookback_on != today:
        since = min(since, _daily_lookback_start(schedule, state, today))
        state = msgspec.structs.replace(state, daily_lookback_on=today)
    ranges = [DayRange(max(since, first_day), today)]
    if _is_full_refresh_due(schedule, state, today, first_day):
        ranges = _add_history(ranges[0], schedule, state, first_day)
        state = msgspec.structs.replace(state, full_refresh_on=today, full_refresh_from=first_day)
    planned = [window for days in ranges for window in _cut_into_windows(days, schedule, first_day)]
    known = state.pending if schedule.full_refresh_every is not None else ()
    # Of two ranges, one of which covers the other, the longer one is requested: one unit of quota.
    pending = [days for days in known if not any(window.days.covers(days) for window in planned)]
    planned = [
        window for window in planned if not any(days.covers(window.days) for days in pending)
    ]
    windows = planned + [ReportWindow(days) for days in pending]
    return windows, msgspec.structs.replace(state, pending=tuple(window.days for window in windows))


def _add_history(
    recent: DayRange, schedule: Schedule, state: ReportState, first_day: date
) -> list[DayRange]:
    """The recent days with all before them, or with those before the last full refresh.

        first_day          full_refresh_from            recent
        |--- requested now ---|--- requested already ---|--- requested now ---|

    The latter for a schedule that requests days beyond its lookbacks only once.
    """
    end = recent.end
    if schedule.full_refresh_every == 0 and state.full_refresh_from is not None:
        end = state.full_refresh_from - DAY
    if end >= recent.start - DAY:
        return [DayRange(min(first_day, recent.start), recent.end)]
    return [recent, DayRange(first_day, end)]


def tracked_days(stream: ScheduledStream, state: ReportState, today: date) -> list[DayRange]:
    """The days whose rows the state keeps, since they are requested again.

    Counts that move to another message leave a row behind, and only a row in the state can be
    deleted. So what leaves the state is not requested again.

        oldest pending window   |-----|
        lookbacks                           |----- daily_lookback and 2 days -----| today
    """
    last = today
    if isinstance(stream, PeriodStream):  # the rows of its last rolling periods, after a pause too
        last = min([today, *(state.requested_on.get(kind, today) for kind in stream.rolling_days)])
    since = last - (stream.schedule.daily_lookback_days + 2) * DAY
    return [DayRange(since, today + 2 * DAY), *state.pending]


def has_untracked_days(stream: ScheduledStream, state: ReportState, today: date) -> bool:
    """Whether days or months were requested whose rows the state no longer keeps."""
    if stream.table.day_column is None:
        return False
    rolling = stream.rolling_days if isinstance(stream, PeriodStream) else {}
    months = [date.fromisoformat(period) for period in state.requested_on if period not in rolling]
    requested = [*months, *([state.full_refresh_from] if state.full_refresh_from else [])]
    return min(requested, default=today) < tracked_days(stream, state, today)[0].start


def plan_periods(
    stream: PeriodStream,
    state: ReportState,
    today: date,
    first_day: date,
    start_date: date | None = None,
) -> list[ReportWindow]:
    """The periods to request; none begins before the month of `first_day` or before `start_date`.

        month | month | month | month of today - lookback | month  today
        |---- months_per_day, in turn ----|-------- once a day --------|
                                       |---- rolling, once a day ------|

    The state has the day on which each period was requested last. So a period that today's quota
    or turns do not allow is still due tomorrow. A month that left the tracked days is final.
    """
    earliest = start_date or date.min
    months = list(_months(today, max(first_day.replace(day=1), earliest)))
    since = today - stream.schedule.lookback_days * DAY
    recent = [month for month in months if month.days.end >= since]
    older = [month for month in months if month.days.end < since]
    daily = [
        window
        for window in (*_rolling_windows(stream, today, earliest), *recent)
        if state.requested_on.get(window.period) != today
    ]
    return daily + _plan_turns(stream, state, today, older)


def _plan_turns(
    stream: PeriodStream, state: ReportState, today: date, months: Sequence[ReportWindow]
) -> list[ReportWindow]:
    """The months that are due in turn, those requested longest ago first."""
    on = state.requested_on
    refresh = today - (stream.schedule.full_refresh_every or 0) * DAY
    tracked = tracked_days(stream, state, today)[0]
    due = [
        month
        for month in months
        if month.period not in on
        or (on[month.period] <= refresh and month.days.start >= tracked.start)
    ]
    due.sort(key=lambda month: on.get(month.period, date.min))
    # Each month is a request of the daily quota of 225 (OpenAPI), which other reports share.
    turns = stream.months_per_day - sum(on.get(month.period) == today for month in months)
    return due[: max(turns, 0)]


def _rolling_windows(stream: PeriodStream, today: date, earliest: date) -> Iterator[ReportWindow]:
    """The periods that end today."""
    for kind, length in stream.rolling_days.items():
        start = max(today - (length - 1) * DAY, earliest)
        if start <= today:
            yield ReportWindow(DayRange(start, today), kind=kind)


def _months(today: date, earliest: date) -> Iterator[ReportWindow]:
    """The months that begin on `earliest` or later, the latest first; this month up to today."""
    start = today.replace(day=1)
    while start >= earliest:
        end = (start + 31 * DAY).replace(day=1) - DAY
        yield ReportWindow(DayRange(start, min(end, today)), kind=MONTH)
        start = (start - DAY).replace(day=1)


def mark_requested(state: ReportState, window: ReportWindow, today: date) -> ReportState:
    """The state after a window is requested: the window is not pending any more."""
    if window.kind:
        requested_on = {**state.requested_on, window.period: today}
        former_periods = tuple(period for period in state.former_periods if period != window.period)
        state = msgspec.structs.replace(
            state, requested_on=requested_on, former_periods=former_periods
        )
    pending = tuple(days for days in state.pending if days != window.days)
    zones = state.former_zones if pending or state.former_periods else ()
    return msgspec.structs.replace(state, pending=pending, former_zones=zones)


def _daily_lookback_start(schedule: Schedule, state: ReportState, today: date) -> date:
    """The first day of the daily lookback; after a pause each missed day gets its lookback too."""
    start = today - (schedule.daily_lookback_days - 1) * DAY
    if state.daily_lookback_on and schedule.full_refresh_every is not None:
        # Where the lookback of the day after it would have begun.
        start = min(start, state.daily_lookback_on - (schedule.daily_lookback_days - 2) * DAY)
    return start


def _is_full_refresh_due(
    schedule: Schedule, state: ReportState, today: date, first_day: date
) -> bool:
    """Whether to request everything: the first time, when due, or for an earlier first day."""
    if schedule.full_refresh_every is None:
        return False
    # An earlier first day is an earlier start_date, or a campaign older than any known before.
    if state.full_refresh_on is None or first_day < (state.full_refresh_from or date.min):
        return True
    days = (today - state.full_refresh_on).days
    return 0 < schedule.full_refresh_every <= days


def _cut_into_windows(
    days: DayRange, schedule: Schedule, first_day: date
) -> Iterator[ReportWindow]:
    """Windows of at most `window_days` from the last day back to the first.

        first day                       last day
                       |------ window 1 ------|
        |------- window 2 -------|
                       |-overlap-|

    A send that one window cuts is complete in the other, if it takes no longer than the overlap.
    """
    reaches_first_day, end = days.start <= first_day, days.end
    while end >= days.start:
        start = max(days.start, end - (schedule.window_days - 1) * DAY)
        yield ReportWindow(DayRange(start, end), reaches_first_day or start > days.start)
        if start == days.start:
            return
        end = start + (schedule.overlap_days - 1) * DAY
