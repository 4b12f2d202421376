"""Makes rows of Salesforce's records."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from simplyload.sources.gathered import CellError, Row, to_json
from simplyload.sources.salesforce.client import Record
from simplyload.sources.salesforce.objects import Declared, Type


def to_row(declared: Declared, record: Record) -> Row:
    """Return the cells of a whole record; CellError for a value of another type."""
    row: Row = {}
    for name, kind in declared.fields.items():
        value = record[name]
        try:
            row[name.lower()] = None if value is None else _CELLS[kind](value)
        except (TypeError, ValueError, OverflowError):
            reason = f"Salesforce sends it in another form than {kind}"
            raise CellError(name.lower(), reason) from None
    return row


def to_seconds(time: str) -> int:
    """Return the seconds since 1970 of a time as Salesforce writes it."""
    return int(datetime.fromisoformat(time).timestamp())


def to_time(seconds: int) -> str:
    """Return a time as a query and a parameter take it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _to_text(value: Any) -> str:
    """Return text as it is; anything else as JSON."""
    return value if isinstance(value, str) else to_json(value)


def _to_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _to_integer(value: Any) -> int:
    if _to_number(value) != int(value):
        raise ValueError
    return int(value)


def _to_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_CELLS: Mapping[Type, Callable[[Any], Any]] = {
    "text": _to_text,
    "integer": _to_integer,
    "number": _to_number,
    "flag": _to_flag,
    "day": date.fromisoformat,
    "time": lambda value: datetime.fromisoformat(value).astimezone(UTC),
}
