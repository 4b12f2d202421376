"""Converts any JSON value to one that a column of a Fivetran type can store, or to None.

Pure and total: no function here raises. Fivetran's loader fails a whole sync on one bad value (a
time without a zone, an integer beyond 64 bits, a lone surrogate) and silently changes others (NaN,
NUL), so every value passes through here first.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

LONG_MAX = 2**63 - 1
JSON_DEPTH = 32  # Klaviyo allows 10 levels of nesting; deeper input is hostile or broken.
TEXT_LENGTH = 5 * 2**20  # characters; Klaviyo accepts no record over 5 MB
# The loader parses a text of digits as a number, and Python parses at most 4,300 digits.
DIGITS = 4_000
CUT = " [cut: too long]"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_WHOLE = re.compile(r"\s*[+-]?[\d_]+\s*")
_DIGITS = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_DATETIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def to_string(value: Any) -> str | None:
    """Text without NUL and lone surrogates; numbers as their digits; containers are None."""
    if isinstance(value, str):
        return value if is_storable(value) else _sanitize(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return format_digits(value) if isinstance(value, int) else str(value)
    return None


def is_storable(value: str) -> bool:
    """Whether text is short enough and holds neither NUL nor lone surrogates."""
    # Nearly all text is short, plain ASCII: this branch makes the common case fast.
    if value.isascii() and len(value) <= DIGITS:
        return "\0" not in value
    return len(value) <= _max_length(value) and not _UNSTORABLE.search(value)


def _sanitize(value: str) -> str:
    value, most = _UNSTORABLE.sub("\ufffd", value), _max_length(value)
    return value[: most - len(CUT)] + CUT if len(value) > most else value


def _max_length(value: str) -> int:
    return DIGITS if len(value) > DIGITS and _WHOLE.fullmatch(value) else TEXT_LENGTH


def format_digits(value: int) -> str:
    """An integer as text; hexadecimal where Python refuses to print more than 4,300 digits."""
    return str(value) if value.bit_length() < 10_000 else hex(value)


def to_int64(value: Any) -> int | None:
    """An integer that fits into 64 bits."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if not isinstance(value, int):
        number = to_double(value)
        value = int(number) if number is not None and number.is_integer() else None
    if value is None or isinstance(value, bool):
        return None
    return value if -LONG_MAX - 1 <= value <= LONG_MAX else None


def to_double(value: Any) -> float | None:
    """A finite number. Numeric text counts, since event values often arrive as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def to_boolean(value: Any) -> bool | None:
    """A JSON truth value; text and numbers are None."""
    return value if isinstance(value, bool) else None


def to_utc_datetime(value: Any) -> str | None:
    """A point in time as `YYYY-MM-DDTHH:MM:SS.ffffffZ`. A time without a zone is UTC.

    Klaviyo mixes `T` and a space, `Z` and `+00:00`, and up to nine fraction digits.
    """
    if not isinstance(value, str):
        return None
    return f"{value[:19]}.000000Z" if _is_usual_time(value) else _parse_utc_datetime(value)


def _is_usual_time(value: str) -> bool:
    """Whether a text has the form 2026-11-16T15:00:00+00:00 of nearly all times of Klaviyo."""
    if len(value) != 25 or value[10] != "T" or value[19:] != "+00:00":
        return False
    if not value[4] == value[7] == "-" or not value[13] == value[16] == ":":
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)  # the times of one record are often the same
def _parse_utc_datetime(value: str) -> str | None:
    found = _DATETIME.fullmatch(value)
    if found is None:
        return None
    day, minutes, seconds, fraction, zone = found.groups()
    seconds = ":59" if seconds == ":60" else seconds or ":00"  # :60 is a leap second
    local = f"{day}T{minutes}{seconds}.{(fraction or '0')[:6]:0<6}"
    try:
        time = datetime.fromisoformat(local + (zone or "Z"))
        return f"{local}Z" if time.tzinfo is UTC else format_utc(time)
    except (ValueError, OverflowError):
        return None


def format_utc(time: datetime) -> str:
    """A time as text in the format of `to_utc_datetime`."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def to_date(value: Any) -> str | None:
    """The calendar date at the start of a date or time, in the zone that Klaviyo writes."""
    found = _DATE.match(value) if isinstance(value, str) else None
    try:
        return datetime.fromisoformat(found.group()).date().isoformat() if found else None
    except ValueError:
        return None


def to_local_date(value: Any, zone: ZoneInfo) -> str | None:
    """The account's calendar date of a time: as written at midnight, else of the instant.

    Klaviyo writes a day of a report as midnight, and the offset after it does not count.
    """
    iso = to_utc_datetime(value)
    if iso is None or "T00:00:00" in value:
        return to_date(value)
    return datetime.fromisoformat(iso).astimezone(zone).date().isoformat()


def to_json(value: Any, depth: int = 0) -> Any:
    """The same structure as JSON that DuckDB, Postgres jsonb and BigQuery accept."""
    if isinstance(value, str):
        return value if is_storable(value) else to_string(value)
    if isinstance(value, dict) and depth < JSON_DEPTH:
        return {
            key if is_storable(key) else to_string(key): to_json(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list) and depth < JSON_DEPTH:
        return [to_json(item, depth + 1) for item in value]
    return _to_json_scalar(value)


def _to_json_scalar(value: Any) -> Any:
    """A JSON scalar that every engine reads; None for a container nested too deep."""
    if isinstance(value, int) and not -LONG_MAX - 1 <= value <= LONG_MAX:
        return format_digits(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, int | float) else None


def to_json_column(value: Any) -> Any:
    """The value of a JSON column: containers only, because the loader encodes text twice."""
    return to_json(value) if isinstance(value, dict | list) else None


CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "STRING": to_string,
    "LONG": to_int64,
    "DOUBLE": to_double,
    "BOOLEAN": to_boolean,
    "UTC_DATETIME": to_utc_datetime,
    "NAIVE_DATE": to_date,
    "JSON": to_json_column,
}
