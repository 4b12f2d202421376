"""Changes of a source that reads rows one by one, numbered in the order in which it reads them."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from simplyload.changes import COLS, DELETE, OP, SEQ, TRUNCATE, UPSERT, Changes, Table

Row = dict[str, Any]


class CellError(ValueError):
    """A value has another form than its column is declared for."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


class Gathered:
    """Changes since the last batch. `seq` counts them: what is read later is newer."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self._tables: dict[str, Table] = {}
        self._rows: dict[str, list[Row]] = defaultdict(list)

    def upsert(self, table: Table, row: Row, seq: int | None = None) -> None:
        """Add a row: whole, or with the columns that it carries.

        Those of a read of all keys have the number of its begin, as the truncate at its end.
        """
        cols = None if len(row) == len(table.schema) else list(row)
        own = {} if seq is None else {SEQ: Decimal(seq)}
        self._add(table, UPSERT, {**row, **own, COLS: cols})

    def delete(self, table: Table, key: Mapping[str, str]) -> None:
        """Add a deletion."""
        self._add(table, DELETE, dict(key))

    def truncate(self, table: Table, seq: int) -> None:
        """Say that rows with a smaller `_seq` are gone: a complete list did not have them."""
        self._add(table, TRUNCATE, {SEQ: Decimal(seq)})

    def mention(self, table: Table) -> None:
        """Let a table be created, also if it stays empty."""
        self._tables[table.name] = table
        self._rows[table.name] += ()

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


def to_arrow(schema: pa.Schema, rows: Sequence[Row]) -> pa.Table:
    """Give rows as Arrow data; a cell that a row lacks is NULL."""
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.table(columns, schema=schema)


def to_json(value: Any) -> str:
    """Give a nested value as text that is the same whenever the value is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
