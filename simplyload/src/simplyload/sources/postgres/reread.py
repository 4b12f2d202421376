"""Reads from the tables what the stream does not carry.

The server sends no row changes for a column that is added with a default, changes its type or is
replaced by another of the same name. It sends no large value that is unchanged, even if the row has
a new key, and nothing about partitions that are attached, or truncated individually.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import pyarrow.compute as pc
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Batch, Changes
from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import Reader, fetch, identifier, literal
from simplyload.sources.postgres.copy import copy_table
from simplyload.sources.postgres.discover import SourceTable
from simplyload.sources.postgres.pgoutput import Row
from simplyload.sources.postgres.position import TablePosition
from simplyload.sources.postgres.publication import Published
from simplyload.sources.postgres.rows import SEQ_PER_LSN, Key
from simplyload.sources.postgres.setup import BARRIER_SECONDS
from simplyload.sources.postgres.state import CopyState

KEYS_PER_STATEMENT = 500


@dataclass(frozen=True)
class Again:
    """Reads tables as of an LSN that the stream has reached, as parts of one unit."""

    reader: Reader
    catalog: Connection
    lsn: int
    chunk_rows: int

    def read(self, item: Published, known: TablePosition, *, is_whole: bool) -> Iterator[Batch]:
        """Yield what the destination lacks: all rows, or new columns and partitions."""
        if is_whole:
            yield from self._copy(item.table)
            return
        replaced = known.find_replaced(item)
        columns = tuple(n for n in item.types if n in replaced or n not in known.types)
        if columns:
            yield Batch(changes=[_shape(item.table)], state=None)
            yield from self._copy(item.table, columns, skip_nulls=not replaced)
        new_leaves = {oid for oid, leaf in item.leaves.items() if leaf not in known.leaves}
        yield from self._read_attached(item, new_leaves)

    def _copy(
        self,
        table: SourceTable,
        columns: tuple[str, ...] | None = None,
        *,
        skip_nulls: bool = False,
    ) -> Iterator[Batch]:
        state = CopyState(seq=self.lsn * SEQ_PER_LSN, columns=columns)
        for copied in copy_table(self.reader, table, state, self.chunk_rows):
            changes = copied.changes
            if columns is not None and skip_nulls:
                changes = [_drop_nulls(change, columns) for change in changes]
            yield Batch(changes=changes, rejected=copied.rejected, state=None)

    def _read_attached(self, item: Published, leaves: set[int]) -> Iterator[Batch]:
        """Read the rows of partitions that are new: an attached one had them before.

        Rows of a partition are rows of its root: no truncation follows them.
        """
        query = """select n.nspname, c.relname from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = any(%s::oid[])"""
        root = item.table.table
        for schema, name in fetch(self.catalog, query, [sorted(leaves)]) if leaves else ():
            leaf = replace(item.table, schema=schema, relation=name, kind="r")
            for batch in self._copy(leaf, tuple(item.types)):
                changes = [Changes(root, change.rows) for change in batch.changes]
                rejected = [replace(reject, table=root.name) for reject in batch.rejected]
                yield replace(batch, changes=changes, rejected=rejected)


def _drop_nulls(changes: Changes, names: Sequence[str]) -> Changes:
    """Leave out rows without a value in the new columns: they are NULL in the destination."""
    filled = reduce(pc.or_, [pc.is_valid(changes.rows[name]) for name in names])
    return replace(changes, rows=changes.rows.filter(filled))


def _shape(table: SourceTable) -> Changes:
    """Return no changes: the destination gets the columns of a table that has no value in them."""
    return Changes(table.table, table.table.change_schema().empty_table())


def read_cells(
    catalog: Connection,
    table: SourceTable,
    names: Sequence[str],
    keys: Sequence[Key],
    xids: set[int],
) -> Mapping[Key, Row]:
    """Read columns of some rows as they are now, by key, in the text form of the stream.

    `xids` are the transactions that must be visible for it.
    """
    _await_visible(catalog, xids)
    key_names = ", ".join(identifier(name) for name in table.key)
    wanted = ", ".join(table.column(name).text for name in (*table.key, *names))
    found: dict[Key, Row] = {}
    for first in range(0, len(keys), KEYS_PER_STATEMENT):
        rows = ", ".join(map(_row_literal, keys[first : first + KEYS_PER_STATEMENT]))
        query = f"select {wanted} from {table.from_clause} where ({key_names}) in ({rows})"  # noqa: S608
        for row in fetch(catalog, query):
            values: Row = [None if value is None else value.encode() for value in row]
            found[tuple(values[: len(table.key)])] = values[len(table.key) :]
    return found


def _row_literal(key: Key) -> str:
    values = (literal(value.decode()) for value in key if isinstance(value, bytes))
    return f"({', '.join(values)})"


def _await_visible(catalog: Connection, xids: set[int]) -> None:
    """Wait until transactions that are in the log are visible to others, too."""
    query = """select bool_and(pg_visible_in_snapshot(id::text::xid8, pg_current_snapshot()))
        from unnest(%s::int8[]) id"""
    newest = fetch(catalog, "select pg_snapshot_xmax(pg_current_snapshot())::text")[0][0]
    ids = [_full_xid(xid, int(newest)) for xid in xids]
    give_up = time.monotonic() + BARRIER_SECONDS
    while not fetch(catalog, query, [ids])[0][0]:
        if time.monotonic() > give_up:
            raise SourceError(
                f"A committed transaction (xid {min(ids)}) stays invisible:"
                " does its commit wait for a synchronous standby?"
            )
        time.sleep(0.02)


def _full_xid(xid: int, newest: int) -> int:
    """Complete the 32 bits of a transaction id that the stream sends: it is near the newest."""
    return newest + ((xid - newest + 2**31) % 2**32 - 2**31)
