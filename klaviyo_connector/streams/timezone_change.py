"""Finds the rows that stay under a date of the account's previous time zone. Pure.

A result keeps its instant, but not its day. The state holds no keys of old rows, so the days that
a result had before are derived from its day now:

    former zone    |----- 1st -----|----- 2nd -----|
    zone now            |----- 1st -----|----- 2nd -----|
    result                           x                      of the 1st, and has a row of the 2nd

Results near a window's ends had their row in a neighbouring window, so a window is requested wider
than it is.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models import Row, Table, UnstorableError
from state.state import DayRange, ReportState
from streams.context import AccountContext
from streams.declarations import Schedule
from streams.report_schedule import DAY, MONTH, ReportWindow
from tables.jsonapi import Json

MARGIN = 2 * DAY  # two time zones differ by 26 hours at most


def has_former_rows(table: Table, window: ReportWindow, state: ReportState) -> bool:
    """Whether a window may have rows of a former time zone that the state does not know."""
    if window.kind:
        return window.kind == MONTH and window.period in state.former_periods
    return bool(state.former_zones) and table.day_column is not None


def former_days(day: date, zone: ZoneInfo, former: ZoneInfo) -> Iterator[date]:
    """The days of a former time zone that share an instant with a day of the account."""
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + DAY, time(), zone).astimezone(UTC) - timedelta(microseconds=1)
    first, last = start.astimezone(former).date(), end.astimezone(former).date()
    while first <= last:
        yield first
        first += DAY


def shrink_by_margin(schedule: Schedule) -> Schedule:
    """The schedule with windows that Klaviyo still answers when a margin is added to them."""
    if schedule.full_refresh_every is None:
        return schedule  # one window, whose rows the state knows
    return replace(schedule, window_days=schedule.window_days - 2 * MARGIN.days)


@dataclass
class StaleRows:
    """The keys, day in front, that results had in former time zones within one window."""

    context: AccountContext
    table: Table
    window: ReportWindow
    zones: list[ZoneInfo]
    keys: set[str] = field(default_factory=set)

    @classmethod
    def load(
        cls, context: AccountContext, table: Table, window: ReportWindow, state: ReportState
    ) -> "StaleRows":
        """An instance without keys, for one window."""
        return cls(context, table, window, [ZoneInfo(name) for name in state.former_zones])

    def widen_window(self, earliest: date) -> ReportWindow:
        """The window with its margins, but neither before `earliest` nor in the future."""
        days = self.window.days
        start, end = max(days.start - MARGIN, earliest), min(days.end + MARGIN, self.context.today)
        return replace(self.window, days=DayRange(start, end))

    def add(self, source: Json) -> None:
        """Record the rows that a result had, unless it counts nothing or has no key."""
        if not any(source["statistics"].values()):
            return
        try:
            row = self.table.row(self.context.id, source, Counter())
        except UnstorableError:
            return
        key = self.table.key_of(row, undated=True)
        if self.window.kind:
            self.keys.add(self.window.period + key)
            return
        for zone in self.zones:
            for day in former_days(date.fromisoformat(row["date"]), self.context.zone, zone):
                if self._has_day(day):
                    self.keys.add(day.isoformat() + key)

    def is_own(self, result: Row) -> bool:
        """Whether a result of the widened window belongs to the window; one without a day does."""
        day = result.get("date")
        return not self.window.kind and (day is None or self._has_day(date.fromisoformat(day)))

    def _has_day(self, day: date) -> bool:
        """Whether a day is of the window; the newest window has the days after today, too."""
        days = self.window.days
        return days.start <= day and (day <= days.end or days.end >= self.context.today)
