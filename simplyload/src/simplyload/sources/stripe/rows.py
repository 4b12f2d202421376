"""Makes rows of Stripe's objects."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from simplyload.sources.gathered import CellError, Row, to_json
from simplyload.sources.stripe.objects import Child, Kind, Object, Type

SECRET = "client_secret"  # noqa: S105 - the name of a field: with it a browser completes a payment


def to_row(kind: Kind | Child, account: str, found: Object) -> Row:
    """Return the cells that an object carries; CellError for a value of another type."""
    row: Row = {"account": account}
    for name, column in kind.columns.items():
        if name in found:
            try:
                row[name] = _to_cell(column, found[name])
            except (TypeError, ValueError, OverflowError):
                reason = f"Stripe sends it in another form than {column}"
                raise CellError(name, f"{reason}; a newer SimplyLoad may know it") from None
    return row


def _to_cell(column: Type, value: Any) -> Any:
    """Return a cell by the rule of its type (objects.py)."""
    return None if value is None else _CELLS[column](value)


def _to_json(value: Any) -> str:
    return to_json(_drop_secrets(value))


def _to_id(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) and "id" in value else value


def _check_type(expected: type, value: Any) -> Any:
    if type(value) is not expected:
        raise TypeError
    return value


def _drop_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _drop_secrets(part) for key, part in value.items() if key != SECRET}
    if isinstance(value, list):
        return [_drop_secrets(part) for part in value]
    return value


_CELLS: Mapping[Type, Callable[[Any], Any]] = {
    "text": lambda value: _check_type(str, _to_id(value)),
    "integer": lambda value: _check_type(int, value),
    "number": float,
    "flag": lambda value: _check_type(bool, value),
    "time": lambda value: datetime.fromtimestamp(_check_type(int, value), UTC),
    "nested": _to_json,
    "ids": lambda value: _to_json([_to_id(part) for part in value]),
}
