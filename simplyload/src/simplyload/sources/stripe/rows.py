"""Makes rows of Stripe's objects, and numbers the changes in the order in which they are read."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from simplyload.changes import COLS, DELETE, OP, SEQ, TRUNCATE, UPSERT, Changes, Table
from simplyload.sources.stripe.objects import Child, Kind, Object, Type

SECRET = "client_secret"  # noqa: S105 - the name of a field: with it a browser completes a payment
Row = dict[str, Any]


class CellError(ValueError):
    """A value has another form than its column is declared for."""

    def __init__(self, column: str, type_: Type) -> None:
        super().__init__(
            f"Stripe sends it in another form than {type_}; a newer SimplyLoad may know it"
        )
        self.column = column


def to_row(kind: Kind | Child, account: str, found: Object) -> Row:
    """Give the cells that an object carries; CellError for a value of another type."""
    row: Row = {"account": account}
    for name, column in kind.columns.items():
        if name in found:
            try:
                row[name] = _to_cell(column, found[name])
            except (TypeError, ValueError, OverflowError):
                raise CellError(name, column) from None
    return row


def _to_cell(column: Type, value: Any) -> Any:
    """Give a cell by the rule of its type (objects.py)."""
    return None if value is None else _CELLS[column](value)


def _to_json(value: Any) -> str:
    return json.dumps(
        _without_secrets(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )


def _to_id(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) and "id" in value else value


def _checked(expected: type, value: Any) -> Any:
    if type(value) is not expected:
        raise TypeError
    return value


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(one) for key, one in value.items() if key != SECRET}
    if isinstance(value, list):
        return [_without_secrets(one) for one in value]
    return value


_CELLS: Mapping[Type, Callable[[Any], Any]] = {
    "text": lambda value: _checked(str, _to_id(value)),
    "integer": lambda value: _checked(int, value),
    "number": float,
    "flag": lambda value: _checked(bool, value),
    "time": lambda value: datetime.fromtimestamp(_checked(int, value), UTC),
    "nested": _to_json,
    "ids": lambda value: _to_json([_to_id(one) for one in value]),
}


def to_arrow(schema: pa.Schema, rows: Sequence[Row]) -> pa.Table:
    """Give rows as Arrow data; a cell that a row lacks is NULL."""
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.table(columns, schema=schema)


class Gathered:
    """Changes since the last batch. `seq` counts them: what is read later is newer."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self._tables: dict[str, Table] = {}
        self._rows: dict[str, list[Row]] = defaultdict(list)

    def upsert(self, kind: Kind | Child, row: Row) -> None:
        """Add a row: whole, or with the columns that it carries."""
        table = kind.as_table()
        cols = None if len(row) == len(table.schema) else list(row)
        self._add(table, UPSERT, {**row, COLS: cols})

    def delete(self, kind: Kind | Child, key: Mapping[str, str]) -> None:
        """Add a deletion."""
        self._add(kind.as_table(), DELETE, dict(key))

    def truncate(self, kind: Kind | Child, seq: int) -> None:
        """Say that rows with a smaller `_seq` are gone: a complete list did not have them."""
        self._add(kind.as_table(), TRUNCATE, {SEQ: Decimal(seq)})

    def mention(self, kind: Kind | Child) -> None:
        """Let a table be created, also if it stays empty."""
        self._tables[kind.table] = kind.as_table()
        self._rows[kind.table] += ()

    def take(self) -> list[Changes]:
        """Give the changes by table, and begin again."""
        changes = [
            Changes(self._tables[name], to_arrow(self._tables[name].change_schema(), rows))
            for name, rows in self._rows.items()
        ]
        self._rows.clear()
        return changes

    def number(self) -> int:
        """Give the next `_seq`."""
        self.seq += 1
        return self.seq

    def _add(self, table: Table, op: str, row: Row) -> None:
        self._tables[table.name] = table
        self._rows[table.name].append({SEQ: Decimal(self.number()), **row, OP: op})
