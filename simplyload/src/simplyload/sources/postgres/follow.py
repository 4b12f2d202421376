"""One pass over the server's log: from a position to its end as of the pass's beginning."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import NoReturn

import psycopg2
import pyarrow as pa
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Batch, Waiting
from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import Reader, connect, fetch, is_not_utf8
from simplyload.sources.postgres.discover import SourceTable, find_names
from simplyload.sources.postgres.encoding import (
    describe_bytes,
    find_bytes_in_stream,
)
from simplyload.sources.postgres.feed import Feed, is_dropped
from simplyload.sources.postgres.gathering import Gathering, Streamed
from simplyload.sources.postgres.pgoutput import Relation, decode
from simplyload.sources.postgres.position import StreamPosition
from simplyload.sources.postgres.publication import Published
from simplyload.sources.postgres.reread import Again, read_cells
from simplyload.sources.postgres.rows import RelationRows
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.setup import describe_writer, find_barrier, read_current_lsn
from simplyload.sources.postgres.slot import parse_lsn
from simplyload.sources.postgres.types import Column, resolve_types

# What is gathered, in bytes of messages, before it is handed over: complete transactions, and parts
# of one that goes on. Python's objects take 5 to 8 times that.
BATCH_BYTES = 1_000_000
PART_BYTES = 4_000_000

# How much log a pass may read without a change before its position is committed all the same. The
# slot never passes what is committed, so that an old destination is noticed by its position.
KEPT_BYTES = 16 << 20

WAIT_SECONDS = 1.0
RECONNECTS = 5


class Pass:
    """Reads the log once. A batch has a state where no transaction is open.

    `pending` is the LSN of the last state that was given away and is not confirmed yet.
    """

    def __init__(
        self,
        settings: PostgresSettings,
        stream: str,
        position: StreamPosition,
        published: Mapping[int, Published],
        pending: int | None,
    ) -> None:
        self._settings = settings
        self._stream = stream
        self._begin = self._position = self._sent = position
        self._published = published
        self._roots = {leaf: oid for oid, item in published.items() for leaf in item.leaves}
        self._catalog: Connection = connect(settings, stream)
        self._feed: Feed | None = None
        self.pending = pending
        self._is_over = False
        # No batch has a state: what is read would be incomplete.
        self._hold = False
        # Changes were handed over since the last state.
        self._has_parts = False

    def run(self) -> Iterator[Batch]:
        """Follow the log to its end; a lost connection is opened again at the position."""
        failures = 0
        while True:
            before = self._position.lsn
            try:
                yield from self._follow()
            except (psycopg2.Error, SourceError) as error:
                reason = " ".join(str(error).split())
                if is_not_utf8(error):
                    self._refuse_bytes(reason, error)
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

    def _refuse_bytes(self, reason: str, error: Exception) -> NoReturn:
        """Say which value the server cannot send; the log keeps it also once it is corrected."""
        self.close()
        place = find_bytes_in_stream(self._settings, self._stream)
        if place is None:
            raise SourceError(f"The stream of {self._stream} ended: {reason}") from error
        raise SourceError(
            f"{describe_bytes(place)}, then run `simplyload clean --drop-slot`: the next sync"
            " copies the tables again, since the stream has the old value for good."
        ) from error

    def _follow(self) -> Iterator[Batch]:
        if self._catalog.closed:
            self._catalog = connect(self._settings, self._stream)
        if self._settings.heartbeat:
            fetch(self._catalog, "select pg_logical_emit_message(true, 'simplyload', '')")
        target = read_current_lsn(self._catalog)
        feed = Feed(self._settings, self._stream, self._position.start(self._published))
        self._feed = feed
        gathering = Gathering(
            self._list_streamed(), self._find_table, self._open_rows, self._find_name
        )
        yield from self._gather(feed, gathering, target)
        yield from self._read_due(feed, gathering)
        self._is_over, self._hold = True, False
        sent, pending = self._sent, self.pending
        batch = self._commit(gathering, feed.position)
        keep = self._position.tables != sent.tables or self._is_far(sent)
        if keep:
            self.pending = parse_lsn(self._position.lsn)
        if self.pending != pending or keep:
            yield replace(batch, keep=keep)
        if self.pending is None:
            self.confirm(self._begin)

    def _is_far(self, earlier: StreamPosition) -> bool:
        return parse_lsn(self._position.lsn) - parse_lsn(earlier.lsn) >= KEPT_BYTES

    def _list_streamed(self) -> dict[int, Streamed]:
        return {
            oid: Streamed(table=item.table, leaves=item.leaves, lsn=self._position.table_lsn(oid))
            for oid, item in self._published.items()
        }

    def _gather(self, feed: Feed, gathering: Gathering, target: int) -> Iterator[Batch]:
        """Read up to the target."""
        while True:
            payload = feed.next()
            if payload is not None:
                gathering.add(decode(payload), len(payload))
                if gathering.size >= BATCH_BYTES:
                    if not (gathering.in_transaction or self._hold):
                        yield self._commit(gathering, gathering.end_lsn)
                    elif gathering.size >= PART_BYTES:
                        yield self._drain_part(gathering)
            elif feed.position >= target and not gathering.in_transaction:
                return
            else:
                feed.wait(WAIT_SECONDS)

    def _drain_part(self, gathering: Gathering) -> Batch:
        """Return everything gathered, as a part of what goes on."""
        changes, rejected = gathering.drain()
        self._has_parts |= bool(changes)
        return Batch(changes=changes, rejected=rejected, state=None)

    def _commit(self, gathering: Gathering, lsn: int) -> Batch:
        """Return everything gathered, and the position behind it."""
        changes, rejected = gathering.drain()
        position = self._position.advance(lsn, self._published)
        waiting = []
        for oid, reason in gathering.stopped.items():
            if not position.tables[str(oid)].stopped:
                position = position.stop(oid)
                table = self._published[oid].table.table
                waiting.append(Waiting(table=table.name, message=reason))
        if changes or waiting or self._has_parts:
            # Without these no load may keep the state; and none needs to, since nothing is skipped.
            self.pending = parse_lsn(position.lsn)
        self._position = self._sent = position
        self._has_parts = False
        return Batch(
            changes=changes,
            rejected=rejected,
            state=position.dump(),
            waiting=waiting,
            keep=bool(waiting),
        )

    def _read_due(self, feed: Feed, gathering: Gathering) -> Iterator[Batch]:
        """Read from the tables what the server does not send: see `reread.py`.

        The rows have the LSN reached, so later changes of the stream replace them. No state is
        yielded before the stream has passed the end of this read: until then, a row that was
        inserted during the read has only these columns.
        """
        due = self._find_due(gathering)
        if not due:
            return
        reached = feed.position
        yield self._drain_part(gathering)
        if find_barrier(self._catalog) is None:
            yield self._put_off(gathering, due)
            return
        self._hold = self._has_parts = True
        with closing(Reader(self._settings, self._stream)) as reader:
            again = Again(reader, self._catalog, reached, self._settings.chunk_rows)
            for item in due:
                yield from self._read_again(again, item, gathering)
                gathering.resume(item.table.oid, reached)
        yield from self._gather(feed, gathering, read_current_lsn(self._catalog))

    def _put_off(self, gathering: Gathering, due: Sequence[Published]) -> Batch:
        """Let the tables wait while a transaction is open that may have written to them."""
        message = f"It is read again once {describe_writer(self._catalog)} has ended."
        for item in due:
            if item.table.oid in gathering.incomplete:
                gathering.stop(item.table.oid, message)
        waiting = [Waiting(table=item.table.table.name, message=message) for item in due]
        return Batch(state=None, waiting=waiting)

    def _read_again(self, again: Again, item: Published, gathering: Gathering) -> Iterator[Batch]:
        """Read a table again, and put its present shape into the position."""
        oid = item.table.oid
        known = self._position.tables[str(oid)]
        if replaced := sorted(known.find_replaced(item)):
            names = f"{item.table.source_name}: {', '.join(replaced)}"
            said = f"{names} may have other values in every row: they are read again."
            yield Batch(state=None, warnings=[said])
        yield from again.read(item, known, is_whole=oid in gathering.incomplete)
        read = replace(known, types=item.types, origins=item.table.origins, leaves=item.identities)
        self._position = self._position.with_table(oid, read)

    def _find_due(self, gathering: Gathering) -> list[Published]:
        """List the tables of which the destination lacks what the stream does not carry."""
        return [
            item
            for oid, item in self._published.items()
            if oid not in gathering.stopped
            and (oid in gathering.incomplete or self._position.tables[str(oid)].differs(item))
        ]

    def _find_table(self, relation_oid: int) -> int:
        """Return the table of a relation; a partition made since the pass began is looked up."""
        if relation_oid in self._published:
            return relation_oid
        if relation_oid not in self._roots:
            query = "select coalesce(pg_catalog.pg_partition_root(%s::oid)::oid::int8, %s)"
            root = fetch(self._catalog, query, [relation_oid, relation_oid])[0][0]
            self._roots[relation_oid] = root
        return self._roots[relation_oid]

    def _find_name(self, oid: int) -> str:
        return find_names(self._catalog, [oid]).get(oid, "")

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
            lambda names, keys, xids: read_cells(self._catalog, table, names, keys, xids),
        )

    def confirm(self, position: StreamPosition) -> bool:
        """Confirm what is committed; False where no connection is open for it."""
        if self.pending is not None and parse_lsn(position.lsn) >= self.pending:
            self.pending = None
        if self._feed is None:
            return False
        self._feed.confirm(position.needed_lsn())
        if self._is_over and self.pending is None:
            self.close()
        return True

    def close(self) -> None:
        """End the connections; safe to call twice."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None
        self._catalog.close()
