"""One pass over the server's log: from a position to its end as of the pass's beginning."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import reduce

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Batch, Changes
from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import Reader, connect, fetch, identifier, literal
from simplyload.sources.postgres.copy import copy_table
from simplyload.sources.postgres.discover import SourceTable
from simplyload.sources.postgres.feed import Feed, is_dropped
from simplyload.sources.postgres.gathering import Gathering, Streamed
from simplyload.sources.postgres.pgoutput import Relation, Row, decode
from simplyload.sources.postgres.position import StreamPosition
from simplyload.sources.postgres.publication import Published
from simplyload.sources.postgres.rows import SEQ_PER_LSN, Key, RelationRows
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.setup import BARRIER_SECONDS, current_lsn, find_barrier
from simplyload.sources.postgres.state import CopyState
from simplyload.sources.postgres.types import Column, resolve_types

# What is gathered, in bytes of messages, before it is handed over: complete transactions, and parts
# of one that goes on. Python's objects take 5 to 8 times that.
BATCH_BYTES = 1_000_000
PART_BYTES = 4_000_000

WAIT_SECONDS = 1.0
RECONNECTS = 5
REREAD_KEYS = 500


class Pass:
    """Reads the log once. A batch has a state where no transaction is open.

    `is_clean` says that the destination has all that earlier passes yielded.
    """

    def __init__(
        self,
        settings: PostgresSettings,
        stream: str,
        position: StreamPosition,
        published: Mapping[int, Published],
        *,
        is_clean: bool,
    ) -> None:
        self._settings = settings
        self._stream = stream
        self._position = position
        self._published = published
        self._roots = {leaf: oid for oid, item in published.items() for leaf in item.leaves}
        self._is_clean = is_clean
        self._catalog: Connection = connect(settings, stream)
        self._feed: Feed | None = None
        self._yielded = position
        self._end: int | None = None

    def run(self) -> Iterator[Batch]:
        """Follow the log to its end; a lost connection is opened again at the position."""
        failures = 0
        while True:
            before = self._position.lsn
            try:
                yield from self._follow()
            except (psycopg2.Error, SourceError) as error:
                reason = " ".join(str(error).split())
                failures = failures + 1 if before == self._position.lsn else 1
                if failures > RECONNECTS or not is_dropped(error):
                    raise SourceError(f"The stream of {self._stream} ended: {reason}") from error
                self.close()
                lost = f"The connection was lost ({reason})"
                warning = f"{lost}: reading goes on from {self._position.lsn}."
                yield Batch(state=None, warnings=[warning])
                time.sleep(failures - 1)
            else:
                return

    def _follow(self) -> Iterator[Batch]:
        if self._catalog.closed:
            self._catalog = connect(self._settings, self._stream)
        if self._settings.heartbeat:
            fetch(self._catalog, "select pg_logical_emit_message(false, 'simplyload', '')")
        target = current_lsn(self._catalog)
        feed = Feed(self._settings, self._stream, self._position.start(self._published))
        self._feed = feed
        gathering = Gathering(self._streamed(), self._find_table, self._open_rows)
        yield from self._gather(feed, gathering, target)
        yield from self._read_new_columns(feed, gathering)
        self._end = feed.position
        yielded = self._yielded
        batch = self._commit(gathering, self._end)
        if batch.changes or batch.warnings or self._position.tables != yielded.tables:
            yield batch
        else:
            self._yielded = yielded
        if self._is_clean:
            self.confirm(yielded)

    def _streamed(self) -> dict[int, Streamed]:
        return {
            oid: Streamed(table=item.table, leaves=item.leaves, lsn=self._position.table_lsn(oid))
            for oid, item in self._published.items()
        }

    def _gather(
        self, feed: Feed, gathering: Gathering, target: int, *, hold: bool = False
    ) -> Iterator[Batch]:
        """Read up to the target. `hold`: no batch has a state yet."""
        while True:
            payload = feed.next()
            if payload is not None:
                gathering.add(decode(payload), len(payload))
                if gathering.size >= BATCH_BYTES:
                    if not (gathering.in_transaction or hold):
                        yield self._commit(gathering, gathering.end_lsn)
                    elif gathering.size >= PART_BYTES:
                        changes, rejected = gathering.drain()
                        yield Batch(changes=changes, rejected=rejected, state=None)
            elif feed.position >= target and not gathering.in_transaction:
                return
            else:
                feed.wait(WAIT_SECONDS)

    def _commit(self, gathering: Gathering, lsn: int) -> Batch:
        """Give everything gathered, and the position behind it."""
        changes, rejected = gathering.drain()
        position = self._position.advance(lsn, self._published)
        warnings = []
        for oid, reason in gathering.stopped.items():
            if not position.tables[str(oid)].stopped:
                position = position.stop(oid)
                warnings.append(reason)
        self._position = self._yielded = position
        return Batch(changes=changes, rejected=rejected, state=position.dump(), warnings=warnings)

    def _read_new_columns(self, feed: Feed, gathering: Gathering) -> Iterator[Batch]:
        """Read the values of columns that are new or have a new type: the server sends none.

        They are stamped with the LSN reached, so that what changed them since follows. There is no
        state before the stream has passed the end of this reading: until then a row that was
        inserted meanwhile has these columns alone.
        """
        due = self._find_new_columns(gathering)
        if not due:
            return
        reached = feed.position
        if find_barrier(self._catalog) is None:
            names = ", ".join(self._published[oid].table.source_name for oid in due)
            yield Batch(
                state=None,
                warnings=[f"The new columns of {names} are read once older transactions end."],
            )
            return
        with closing(Reader(self._settings, self._stream)) as reader:
            for oid, columns in due.items():
                yield from self._read_columns(reader, self._published[oid], columns, reached)
        yield from self._gather(feed, gathering, current_lsn(self._catalog), hold=True)

    def _find_new_columns(self, gathering: Gathering) -> dict[int, tuple[str, ...]]:
        """Give by table the columns that the position does not know, or with another type."""
        due = {}
        for oid, item in self._published.items():
            known = self._position.tables[str(oid)].types
            if oid not in gathering.stopped and known != item.types:
                due[oid] = tuple(
                    name for name, type_ in item.types.items() if known.get(name) != type_
                )
        return due

    def _read_columns(
        self, reader: Reader, item: Published, names: tuple[str, ...], reached: int
    ) -> Iterator[Batch]:
        known = self._position.tables[str(item.table.oid)]
        state = CopyState(seq=reached * SEQ_PER_LSN, columns=names)
        chunks = copy_table(reader, item.table, state, self._settings.chunk_rows) if names else ()
        for copied in chunks:
            changes = [_without_nulls(change, names) for change in copied.changes]
            if known.types.keys() & set(names):
                changes = list(copied.changes)
            yield Batch(changes=changes, rejected=copied.rejected, state=None)
        self._position = self._position.with_table(item.table.oid, replace(known, types=item.types))

    def _find_table(self, relation_oid: int) -> int:
        """Give the table of a relation; a partition made since the pass began is looked up."""
        if relation_oid in self._published:
            return relation_oid
        if relation_oid not in self._roots:
            query = "select coalesce(pg_catalog.pg_partition_root(%s::oid)::oid::int8, %s)"
            root = fetch(self._catalog, query, [relation_oid, relation_oid])[0][0]
            self._roots[relation_oid] = root
        return self._roots[relation_oid]

    def _open_rows(self, table: SourceTable, relation: Relation) -> RelationRows:
        """Begin to gather a table in the shape that a relation has, with its types of then."""
        wanted = {column.name for column in table.columns}
        found = [column for column in relation.columns if column.name in wanted]
        types = resolve_types(self._catalog, [(c.type_oid, c.typmod) for c in found])
        columns = [Column(name=c.name, type=types[c.type_oid, c.typmod]) for c in found]
        target = replace(table.table, schema=pa.schema([column.field for column in columns]))
        return RelationRows(
            target,
            relation,
            columns,
            lambda names, keys, xids: self._reread(table, names, keys, xids),
        )

    def _reread(
        self, table: SourceTable, names: Sequence[str], keys: Sequence[Key], xids: set[int]
    ) -> dict[Key, Row]:
        """Read columns of some rows as they are now, in the text form of the stream."""
        self._await_visible(xids)
        key_names = ", ".join(identifier(name) for name in table.key)
        wanted = ", ".join(table.column(name).text for name in (*table.key, *names))
        found: dict[Key, Row] = {}
        for first in range(0, len(keys), REREAD_KEYS):
            rows = ", ".join(map(_row_literal, keys[first : first + REREAD_KEYS]))
            query = f"select {wanted} from {table.from_clause} where ({key_names}) in ({rows})"  # noqa: S608
            for row in fetch(self._catalog, query):
                values = [None if value is None else value.encode() for value in row]
                found[tuple(values[: len(table.key)])] = values[len(table.key) :]
        return found

    def _await_visible(self, xids: set[int]) -> None:
        """Wait until transactions that are in the log are visible to others, too."""
        query = """select bool_and(pg_visible_in_snapshot(id::text::xid8, pg_current_snapshot()))
            from unnest(%s::int8[]) id"""
        newest = fetch(self._catalog, "select pg_snapshot_xmax(pg_current_snapshot())::text")
        ids = [_full_xid(xid, int(newest[0][0])) for xid in xids]
        give_up = time.monotonic() + BARRIER_SECONDS
        while not fetch(self._catalog, query, [ids])[0][0]:
            if time.monotonic() > give_up:
                raise SourceError(
                    f"A committed transaction (xid {min(ids)}) stays invisible:"
                    " does its commit wait for a synchronous standby?"
                )
            time.sleep(0.02)

    def confirm(self, position: StreamPosition) -> bool:
        """Confirm what is committed; False where no connection is open for it.

        When all is committed and the pass is over, the slot may go on to where the pass ended:
        nothing published lies in between.
        """
        if self._feed is None:
            return False
        is_last = self._end is not None and position.lsn == self._yielded.lsn
        self._feed.confirm(position.needed_lsn(self._end if is_last else None))
        if is_last:
            self.close()
        return True

    def close(self) -> None:
        """End the connections; safe to call twice."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None
        self._catalog.close()


def _row_literal(key: Key) -> str:
    values = (literal(value.decode()) for value in key if isinstance(value, bytes))
    return f"({', '.join(values)})"


def _full_xid(xid: int, newest: int) -> int:
    """Complete the 32 bits of a transaction id that the stream sends: it is near the newest."""
    return newest + ((xid - newest + 2**31) % 2**32 - 2**31)


def _without_nulls(changes: Changes, names: Sequence[str]) -> Changes:
    """Leave out rows without a value in the new columns: they are NULL in the destination.

    One row stays where all are such: a load without rows would not keep that they were read.
    """
    filled = reduce(pc.or_, [pc.is_valid(changes.rows[name]) for name in names])
    rows = changes.rows.filter(filled)
    return replace(changes, rows=rows if rows.num_rows else changes.rows.slice(0, 1))
