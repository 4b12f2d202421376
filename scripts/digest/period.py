"""The days that a digest or an archive covers, and the options that choose them."""

import argparse
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from scripts.command import UsageError, iso_date


@dataclass(frozen=True)
class Period:
    """The days from `start` up to, but not including, `end`."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __str__(self) -> str:
        if self.start == self.last:
            return f"{self.last:%A, %-d %B %Y}"
        is_one_month = (self.start.year, self.start.month) == (self.last.year, self.last.month)
        return f"{self.start:{'%-d' if is_one_month else '%-d %B %Y'}} – {self.last:%-d %B %Y}"

    @property
    def unit(self) -> str:
        """The name of the period's length: day, week, or a number of days."""
        return {1: "day", 7: "week"}.get(self.days, f"{self.days} days")

    @property
    def last(self) -> date:
        """The last day."""
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.end - self.start).days

    def first_days(self, days: int) -> "Period":
        """The first days of the period."""
        return Period(self.start, self.start + timedelta(days=days))

    def previous(self, periods: int = 1) -> "Period":
        """The period of the same length, `periods` lengths earlier."""
        length = (self.end - self.start) * periods
        return Period(self.start - length, self.end - length)


def last_period(today: date, unit: str) -> Period:
    """Yesterday (`day`), or the last complete ISO week (`week`)."""
    if unit == "day":
        return Period(today - timedelta(days=1), today)
    monday = today - timedelta(days=today.weekday())
    return Period(monday - timedelta(weeks=1), monday)


def add_period_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `choose_period` reads."""
    add = parser.add_argument
    add(
        "--period",
        choices=["day", "week"],
        default="day",
        help="yesterday (the default), or the last ISO week",
    )
    add(
        "--start",
        type=iso_date,
        metavar="DAY",
        help="first day, such as 2026-01-31; instead of --period",
    )
    add("--end", type=iso_date, metavar="DAY", help="day after the last one, with --start")


def choose_period(options: argparse.Namespace) -> Period:
    """The days from --start to --end; without them the day or week of --period."""
    if (options.start is None) != (options.end is None):
        raise UsageError("--start and --end go together.")
    if options.start is None:
        return last_period(datetime.now(UTC).date(), options.period)
    if options.start >= options.end:
        raise UsageError(f"--end {options.end} must come after --start {options.start}.")
    return Period(options.start, options.end)
