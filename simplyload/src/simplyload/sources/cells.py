"""Cells of a row from values as JSON has them, by the type that the column is declared with."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from simplyload.changes import Table
from simplyload.sources.gathered import CellError, Row, to_json

_PARSERS: list[tuple[Callable[[pa.DataType], bool], Callable[[str], Any]]] = [
    (pa.types.is_timestamp, datetime.fromisoformat),
    (pa.types.is_date, date.fromisoformat),
    (pa.types.is_decimal, Decimal),
]


def to_cells(table: Table, record: Mapping[str, Any]) -> Row:
    """Return the cells that a record carries; CellError for a value of another type.

    A number as text is no number, and 1.5 no integer: nothing is guessed. Times, days and decimals
    are text in JSON; an object or a list in a column of text is kept as JSON.
    """
    row: Row = {}
    for field in table.schema:
        if field.name in record:
            try:
                row[field.name] = _to_cell(field.type, record[field.name])
            except (ArithmeticError, TypeError, ValueError):
                raise CellError(field.name, f"the value is no {field.type}") from None
    return row


def _to_cell(kind: pa.DataType, value: Any) -> Any:
    if isinstance(value, dict | list) and pa.types.is_string(kind):
        return to_json(value)
    if isinstance(value, str):
        value = next((parse for matches, parse in _PARSERS if matches(kind)), str)(value)
    if value is not None and pa.scalar(value, kind).as_py() != value:
        raise ValueError
    return value
