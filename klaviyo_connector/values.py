"""Any JSON value becomes a storable one, or None. Pure and total: nothing here raises.

The loader fails a whole sync on one bad value (naive times, 64-bit overflow, lone surrogates), or
stores it altered without a word (NaN, NUL), so every value passes through here first.
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
TEXT_LENGTH = 5 * 2**20  # characters; Klaviyo takes no record of more than 5 MB
DIGITS = 4_000  # the loader reads a text of digits as a number, and Python no more than 4,300
CUT = " [cut: too long]"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_WHOLE = re.compile(r"\s*[+-]?[\d_]+\s*")
_DIGITS = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def text(value: Any) -> str | None:
    """Text without NUL and lone surrogates; numbers as written; containers are not text."""
    if isinstance(value, str):
        return value if storable(value) else _mended(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return long_digits(value) if isinstance(value, int) else str(value)
    return None


def storable(value: str) -> bool:
    """Whether text holds neither NUL nor lone surrogates; nearly all text is short, plain ASCII."""
    if value.isascii() and len(value) <= DIGITS:
        return "\0" not in value
    return len(value) <= _longest(value) and not _UNSTORABLE.search(value)


def _mended(value: str) -> str:
    value, most = _UNSTORABLE.sub("\ufffd", value), _longest(value)
    return value[: most - len(CUT)] + CUT if len(value) > most else value


def _longest(value: str) -> int:
    return DIGITS if len(value) > DIGITS and _WHOLE.fullmatch(value) else TEXT_LENGTH


def long_digits(value: int) -> str:
    """The digits of an integer; Python refuses to print those beyond 4,300 digits."""
    return str(value) if value.bit_length() < 10_000 else hex(value)


def long(value: Any) -> int | None:
    """A whole number that fits 64 bits."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if not isinstance(value, int):
        number = double(value)
        value = int(number) if number is not None and number.is_integer() else None
    if value is None or isinstance(value, bool):
        return None
    return value if -LONG_MAX - 1 <= value <= LONG_MAX else None


def double(value: Any) -> float | None:
    """A finite number; text that is one counts, since event values often arrive as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def boolean(value: Any) -> bool | None:
    """True, False or None; never guessed from text or numbers."""
    return value if isinstance(value, bool) else None


def moment(value: Any) -> str | None:
    """A point in time as `YYYY-MM-DDTHH:MM:SS.ffffffZ`. Times without a zone are UTC.

    Klaviyo mixes `T` and a space, `Z` and `+00:00`, and up to nine fraction digits.
    """
    return _moment(value) if isinstance(value, str) else None


@lru_cache(maxsize=1024)  # one event's time is asked for several times
def _moment(value: str) -> str | None:
    found = _MOMENT.fullmatch(value)
    if found is None:
        return None
    day, minutes, seconds, fraction, zone = found.groups()
    seconds = ":59" if seconds == ":60" else seconds or ":00"
    local = f"{day}T{minutes}{seconds}.{(fraction or '0')[:6]:0<6}"
    try:
        time = datetime.fromisoformat(local + (zone or "Z"))
        return f"{local}Z" if time.tzinfo is UTC else written(time)
    except (ValueError, OverflowError):
        return None


def written(time: datetime) -> str:
    """The one way this connector writes a time."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def day(value: Any) -> str | None:
    """The calendar date at the start of a date or time, as Klaviyo wrote it."""
    found = _DAY.match(value) if isinstance(value, str) else None
    try:
        return datetime.fromisoformat(found.group()).date().isoformat() if found else None
    except ValueError:
        return None


def local_day(value: Any, zone: ZoneInfo) -> str | None:
    """The calendar date of a time that marks a day: midnight as written, or an instant."""
    iso = moment(value)
    if iso is None or "T00:00:00" in value:
        return day(value)
    return datetime.fromisoformat(iso).astimezone(zone).date().isoformat()


def json_value(value: Any, depth: int = 0) -> Any:
    """The same structure, valid as JSON in DuckDB, Postgres jsonb and BigQuery."""
    if isinstance(value, str):
        return value if storable(value) else text(value)
    if isinstance(value, dict) and depth < JSON_DEPTH:
        return {
            key if storable(key) else text(key): json_value(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list) and depth < JSON_DEPTH:
        return [json_value(item, depth + 1) for item in value]
    return _json_scalar(value)


def _json_scalar(value: Any) -> Any:
    """Null, a truth value or a number that every engine reads; what is nested too deep is null."""
    if isinstance(value, int) and not -LONG_MAX - 1 <= value <= LONG_MAX:
        return long_digits(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, int | float) else None


def document(value: Any) -> Any:
    """A JSON column's value: containers only, because the loader encodes text a second time."""
    return json_value(value) if isinstance(value, dict | list) else None


CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "STRING": text,
    "LONG": long,
    "DOUBLE": double,
    "BOOLEAN": boolean,
    "UTC_DATETIME": moment,
    "NAIVE_DATE": day,
    "JSON": document,
}
