"""Makes rows of Salesforce's records."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from simplyload.sources.gathered import Row
from simplyload.sources.salesforce.client import Record
from simplyload.sources.salesforce.objects import Declared, Type


class CellError(ValueError):
    """A value has another form than describe declares."""

    def __init__(self, column: str, kind: Type) -> None:
        super().__init__(f"Salesforce sends it in another form than {kind}")
        self.column = column


def to_row(declared: Declared, record: Record) -> Row:
    """Give the cells of a whole record; CellError for a value of another type."""
    row: Row = {}
    for name, kind in declared.fields.items():
        value = record[name]
        try:
            row[name.lower()] = None if value is None else _CELLS[kind](value)
        except (TypeError, ValueError, OverflowError):
            raise CellError(name.lower(), kind) from None
    return row


def to_seconds(time: str) -> int:
    """Give the seconds since 1970 of a time as Salesforce writes it."""
    return int(datetime.fromisoformat(time).timestamp())


def to_time(seconds: int) -> str:
    """Give a time as a query and a parameter take it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _to_text(value: Any) -> str:
    """Give text as it is; anything else as JSON with sorted keys."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


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
