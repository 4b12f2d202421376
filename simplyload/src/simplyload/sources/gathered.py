"""Changes of a source that reads rows one by one, numbered in the order in which it reads them."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from simplyload.changes import (
    COLS,
    DELETE,
    OP,
    SEQ,
    TOMBSTONE,
    TRUNCATE,
    UPSERT,
    Batch,
    Changes,
    Rejected,
    Table,
)
from simplyload.sources.position import StreamPosition

Row = dict[str, Any]


class CellError(ValueError):
    """A value has another form than its column is declared for."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


class Gathered:
    """What was read since the last batch; the position's `seq` counts: what is read later is newer.

    `warnings` are for the user.
    """

    def __init__(self, position: StreamPosition) -> None:
        self.warnings: list[str] = []
        self._position = position
        self._tables: dict[str, Table] = {}
        self._rows: dict[str, list[Row]] = defaultdict(list)
        self._rejected: list[Rejected] = []

    def put(
        self,
        table: Table,
        key: Mapping[str, Any],
        make_row: Callable[[], Row],
        seq: int | None = None,
    ) -> None:
        """Add the row that is made of what was read, or reject it with its CellError.

        The key of a rejected row is named nevertheless: the row is there, so neither a truncate nor
        a list of keys removes what the destination has of it.
        """
        try:
            row = make_row()
        except CellError as error:
            self._rejected.append(
                Rejected(table=table.name, key=key, column=error.column, reason=str(error))
            )
            row = dict(key)
        self.upsert(table, row, seq)

    def upsert(self, table: Table, row: Row, seq: int | None = None) -> None:
        """Add a row: whole, or with the columns that it carries.

        Those of a read of all keys have the number of its begin, as the truncate at its end.
        """
        cols = None if len(row) == len(table.schema) else list(row)
        own = {} if seq is None else {SEQ: Decimal(seq)}
        self._add(table, UPSERT, {**row, **own, COLS: cols})

    def delete(self, table: Table, key: Mapping[str, str], *, tombstone: bool = False) -> None:
        """Add a deletion; a `tombstone` where a read under way may yet give the row as it was."""
        self._add(table, DELETE, {**key, COLS: [TOMBSTONE] if tombstone else None})

    def truncate(self, table: Table, seq: int) -> None:
        """Say that rows with a smaller `_seq` are gone: a complete list did not have them."""
        self._add(table, TRUNCATE, {SEQ: Decimal(seq)})

    def list_keys(self, table: Table, keys: Iterable[Mapping[str, Any]]) -> None:
        """Take the keys of all rows that are there: what they lack is gone, no value changes."""
        seq = self.take_seq()
        for key in keys:
            self.upsert(table, dict(key), seq)
        self.truncate(table, seq)

    def mention(self, table: Table) -> None:
        """Add a table without a row, so that the destination creates it."""
        self._tables[table.name] = table
        self._rows[table.name] += ()

    def batch(self) -> Batch:
        """Return everything since the last batch with the position after it, and begin again."""
        changes = [
            Changes(self._tables[name], to_arrow(self._tables[name].change_schema(), rows))
            for name, rows in self._rows.items()
        ]
        rejected, warnings = self._rejected, self.warnings
        self._rejected, self.warnings = [], []
        self._rows.clear()
        state = self._position.as_state()
        return Batch(changes=changes, state=state, rejected=rejected, warnings=warnings)

    def take_seq(self) -> int:
        """Return the next `_seq`."""
        self._position.seq += 1
        return self._position.seq

    def _add(self, table: Table, op: str, row: Row) -> None:
        self._tables[table.name] = table
        self._rows[table.name].append({SEQ: Decimal(self.take_seq()), **row, OP: op})


def to_arrow(schema: pa.Schema, rows: Sequence[Row]) -> pa.Table:
    """Return rows as Arrow data; a cell that a row lacks is NULL."""
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.table(columns, schema=schema)


def to_json(value: Any) -> str:
    """Return a nested value as text that is the same whenever the value is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
