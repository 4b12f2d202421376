"""The timeframes of reports, resolved in the company's time zone.

Klaviyo does not document these, so they are chosen here: ``last_N_days`` ends with today,
``last_N_months`` with the month before this one, and a week begins on Monday.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api.errors import invalid_body
from klaviyo_sandbox.api.request_body import ATTRIBUTES

DAY = timedelta(days=1)


def parse_timeframe(value: Any, account: Account) -> tuple[datetime, datetime]:
    """Return a report's timeframe, half open, in the company's time zone.

    In the request both ends are inclusive and the end is rounded up to :59:59 of its hour, as
    Airbyte's tests found; offsets are ignored, as documented.
    """
    zone, pointer = ZoneInfo(account.company.timezone), f"{ATTRIBUTES}/timeframe"
    if not isinstance(value, dict):
        raise invalid_body(pointer, "'timeframe' is required.")
    if set(value) == {"key"}:
        today = datetime.fromtimestamp(account.now, zone).replace(
            hour=0, minute=0, second=0, microsecond=0, tzinfo=None
        )
        spans = named_timeframes(today)
        if value["key"] not in spans:
            raise invalid_body(f"{pointer}/key", f"'{value['key']}' is not a valid time frame.")
        start, end = spans[value["key"]]
    elif set(value) == {"start", "end"}:
        start, end = (_parse_local(value[name], f"{pointer}/{name}") for name in ("start", "end"))
        # Inclusive to :59:59 of the hour is exclusive from the next hour on.
        end = end.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    else:
        raise invalid_body(pointer, "A timeframe is a key, or a start and an end.")
    if end <= start:
        raise invalid_body(pointer, "The start must be before the end.")
    # A day of tolerance, because the end is rounded up.
    if end > add_months(start, 12) + DAY:
        raise invalid_body(pointer, "The timeframe must not be longer than one year.")
    return start.replace(tzinfo=zone), end.replace(tzinfo=zone)


def _parse_local(value: Any, pointer: str) -> datetime:
    """Return a datetime without its offset."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except (TypeError, ValueError):
        raise invalid_body(pointer, "This is not a valid datetime.") from None


def add_months(moment: datetime, months: int) -> datetime:
    """Return the same day ``months`` later, the first of the next month where there is none."""
    years, month = divmod(moment.month - 1 + months, 12)
    try:
        return moment.replace(year=moment.year + years, month=month + 1)
    except ValueError:
        return add_months(moment.replace(day=1), months + 1)


def named_timeframes(today: datetime) -> dict[str, tuple[datetime, datetime]]:
    """Return each of Klaviyo's timeframe keys with its first moment and the first one after it."""
    tomorrow, week = today + DAY, today - today.weekday() * DAY
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    back = {f"last_{n}_days": (tomorrow - n * DAY, tomorrow) for n in (7, 30, 90, 365)}
    return back | {
        "today": (today, tomorrow),
        "yesterday": (today - DAY, today),
        "this_week": (week, tomorrow),
        "last_week": (week - 7 * DAY, week),
        "this_month": (month, tomorrow),
        "last_month": (add_months(month, -1), month),
        "last_3_months": (add_months(month, -3), month),
        "last_12_months": (add_months(month, -12), month),
        "this_year": (year, tomorrow),
        "last_year": (add_months(year, -12), year),
    }
