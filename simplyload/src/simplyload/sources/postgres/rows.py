"""From messages of the stream to Arrow rows, table by table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from simplyload.changes import DELETE, META_FIELDS, TRUNCATE, UPSERT, Changes, Rejected, Table
from simplyload.sources.postgres.pgoutput import UNSENT, Relation, Row, Update, Value
from simplyload.sources.postgres.types import Column, Texts

# A position in a transaction takes two: a change of key is a deletion and an upsert.
SEQ_PER_LSN = 10**9

Key = tuple[Value, ...]
# Reads columns of rows as they are now: (column names, keys, transactions) -> values by key.
Reread = Callable[[Sequence[str], Sequence[Key], set[int]], Mapping[Key, Row]]

_LSN = pa.decimal128(20, 0)
# The letter of REPLICA IDENTITY FULL.
FULL = "f"


def to_seq(lsns: Sequence[int], indexes: Sequence[int]) -> pa.Array[Any]:
    """Compute `_seq` = LSN * 1e9 + position."""
    high = pa.array(lsns, pa.uint64()).cast(_LSN)
    scaled = pc.multiply(high, pa.scalar(SEQ_PER_LSN, pa.decimal128(10, 0)))
    return pc.add(scaled, pa.array(indexes, pa.int64()).cast(pa.decimal128(19, 0))).cast(
        META_FIELDS[1].type
    )


class RelationRows:
    """Gathers the changes of one table while its shape stays the same.

    `columns` are the columns to carry, of those that the relation has, with the types it had then.
    """

    def __init__(
        self, table: Table, relation: Relation, columns: Sequence[Column], reread: Reread
    ) -> None:
        names = [column.name for column in relation.columns]
        self.table = table
        self._columns = columns
        self._relation = relation
        self._carried = [names.index(column.name) for column in columns]
        self._is_whole = self._carried == list(range(len(names)))
        self._key = [names.index(name) for name in table.key]
        self._reread = reread
        self._clear()

    def _clear(self) -> None:
        self._changes: list[tuple[str, int, int, list[str] | None]] = []
        self._rows: list[Row] = []
        self._moved: list[tuple[int, int]] = []
        self._is_complete = True

    def __len__(self) -> int:
        return len(self._rows)

    def insert(self, lsn: int, index: int, new: Row) -> None:
        """Add a new row."""
        self._changes.append((UPSERT, lsn, index, None))
        self._rows.append(new)

    def delete(self, lsn: int, index: int, old: Row) -> None:
        """Add a deletion: the key alone is carried."""
        row: Row = [None] * len(old)
        for at in self._key:
            row[at] = old[at]
        self._changes.append((DELETE, lsn, index, None))
        self._rows.append(row)

    def truncate(self, lsn: int, index: int) -> None:
        """Add the end of all rows before."""
        self._changes.append((TRUNCATE, lsn, index, None))
        self._rows.append([None] * len(self._relation.columns))

    def update(self, lsn: int, index: int, change: Update, xid: int) -> None:
        """Add a changed row; a change of key deletes the row with the old key first."""
        if change.old is None and change.is_whole:
            self.insert(lsn, index + 1, change.new)
            return
        if change.old is not None:
            self._use_old(lsn, index, change.old, change.new, xid)
        self._add_partial(lsn, index + 1, change.new)

    def _use_old(self, lsn: int, index: int, old: Row, new: Row, xid: int) -> None:
        """Take from the old row what was not sent again, and delete it if its key was another."""
        known = range(len(new)) if self._relation.identity == FULL else self._key
        for at in known:
            if new[at] is UNSENT:
                new[at] = old[at]
        if any(old[at] != new[at] for at in self._key):
            self.delete(lsn, index, old)
            if UNSENT in new:
                # The row with the new key is new to the destination: it has no value to keep.
                self._moved.append((len(self), xid))

    def _add_partial(self, lsn: int, index: int, new: Row) -> None:
        """Add a row of which some values may not be known."""
        carried = None
        if UNSENT in new:
            self._is_complete = False
            columns = zip(self._carried, self._columns, strict=True)
            carried = [column.name for at, column in columns if new[at] is not UNSENT]
        self._changes.append((UPSERT, lsn, index, carried))
        self._rows.append(new)

    def take(self) -> tuple[Changes, list[Rejected]]:
        """Return what was gathered, and begin again."""
        if self._moved:
            self._complete_moved()
        cells: list[Any] = list(zip(*self._rows, strict=True))
        arrays, unheld = [], []
        for at, column in zip(self._carried, self._columns, strict=True):
            texts = cells[at] if self._is_complete else _blank_unsent(cells[at])
            decoded = column.from_text(texts)
            arrays.append(decoded)
            unheld += self._find_unheld(column, texts, decoded)
        changes = self._build(arrays, keyless={row for row, _ in unheld if row is not None})
        rejected = [reject for _, reject in unheld]
        self._clear()
        return changes, rejected

    def _build(self, arrays: list[pa.Array[Any]], keyless: set[int]) -> Changes:
        ops, lsns, indexes, carried = zip(*self._changes, strict=True)
        meta = [
            pa.array(ops, META_FIELDS[0].type),
            to_seq(lsns, indexes),
            pa.array(carried, META_FIELDS[2].type),
        ]
        rows = pa.Table.from_arrays([*arrays, *meta], schema=self.table.change_schema())
        if keyless:
            rows = rows.filter(pa.array([row not in keyless for row in range(len(self))]))
        return Changes(self.table, rows)

    def _find_unheld(
        self, column: Column, texts: Texts, decoded: pa.Array[Any]
    ) -> list[tuple[int | None, Rejected]]:
        """List the cells that the Arrow type cannot hold; with its row where it is a key's."""
        if column.type.native is None or column.type.native.pattern is None:
            return []
        sent = len(texts) - texts.count(None)
        if sent == len(decoded) - decoded.null_count:
            return []
        is_key = column.name in self.table.key
        outcome = "the row is left out" if is_key else "it is NULL"
        return [
            (
                row if is_key else None,
                Rejected(
                    table=self.table.name,
                    key={
                        name: _text(self._rows[row][at])
                        for name, at in zip(self.table.key, self._key, strict=True)
                    },
                    column=column.name,
                    reason=f"{_text(text)} does not fit {column.arrow}: {outcome}",
                ),
            )
            for row, text in enumerate(texts)
            if text is not None and not decoded[row].is_valid
        ]

    def _complete_moved(self) -> None:
        """Read the values that the server did not send for rows that got a new key.

        They are those of now: what changed them since is later in the stream, and sends them. A row
        that is gone by now is deleted later in the stream, too.
        """
        groups: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)
        for row, xid in self._moved:
            unsent = tuple(at for at in self._carried if self._rows[row][at] is UNSENT)
            groups[unsent].append((row, xid))
        for unsent, moved in groups.items():
            names = [self._relation.columns[at].name for at in unsent]
            keys = [tuple(self._rows[row][at] for at in self._key) for row, _ in moved]
            found = self._reread(names, keys, {xid for _, xid in moved})
            for (row, _), key in zip(moved, keys, strict=True):
                if key in found:
                    for at, value in zip(unsent, found[key], strict=True):
                        self._rows[row][at] = value
                    self._changes[row] = (*self._changes[row][:3], None)


def _blank_unsent(values: Sequence[Value]) -> list[Any]:
    return [None if value is UNSENT else value for value in values]


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
