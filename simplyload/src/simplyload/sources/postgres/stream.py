"""Change data capture: the changes that follow a position, up to the end of the server's log.

A table is copied first, then streamed from the LSN at which its copy began. While it is copied it
is not streamed, since a partial change needs the row that it changes. Other tables may be streamed
meanwhile: each table has a position of its own, and the stream begins at the lowest.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Batch
from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import connect, connect_replication
from simplyload.sources.postgres.discover import SourceTable
from simplyload.sources.postgres.follow import Pass
from simplyload.sources.postgres.position import StreamPosition
from simplyload.sources.postgres.publication import Published
from simplyload.sources.postgres.replication import Prepared, StreamState
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.setup import prepare
from simplyload.sources.postgres.slot import (
    Server,
    advance_slot,
    check_owner,
    drop_slot,
    find_slot,
)


class ChangeStream:
    """The replication stream of one source: the protocol `Replication`."""

    def __init__(self, settings: PostgresSettings, stream: str) -> None:
        self._settings = settings
        self._stream = stream
        self._slot = settings.slot_name(stream)
        self._published: Mapping[int, Published] = {}
        self._pass: Pass | None = None
        self._preparing: Connection | None = None

    def prepare(self, state: StreamState | None, tables: Sequence[SourceTable]) -> Prepared:
        """Make or check publication and slot, and find the tables to copy."""
        self.close()
        with closing(connect_replication(self._settings, self._stream)) as replication:
            server = Server.identify(replication)
        position = StreamPosition.load(state) if state else None
        with closing(self._connect(read_only=False)) as connection:
            self._preparing = connection
            try:
                setup = prepare(connection, server, self._settings, self._stream, position, tables)
            except psycopg2.Error as error:
                reason = " ".join(str(error).split())
                raise SourceError(f"Postgres refuses to prepare the stream: {reason}") from error
            finally:
                self._preparing = None
        self._published = setup.published
        return Prepared(
            state=setup.position.dump(),
            lsn=setup.lsn,
            copy=[setup.published[oid].table.source_name for oid in setup.copy],
            tables=[published.table for published in setup.published.values()],
            warnings=setup.warnings,
            waiting=setup.waiting,
        )

    def _connect(self, *, read_only: bool = True) -> Connection:
        return connect(self._settings, self._stream, read_only=read_only)

    def read(self, state: StreamState, tables: Sequence[SourceTable]) -> Iterator[Batch]:
        """Yield what follows; a table that is not listed keeps its position (it is copied)."""
        self.close()
        published = {table.oid: self._published[table.oid] for table in tables}
        position = StreamPosition.load(state).hold(published)
        self._pass = Pass(
            self._settings,
            self._stream,
            position,
            published,
            pending=self._pass.pending if self._pass else None,
        )
        yield from self._pass.run()

    def ack(self, state: StreamState) -> None:
        """Let the slot advance to the LSN that no table needs any more."""
        position = StreamPosition.load(state)
        if self._pass is None or not self._pass.confirm(position):
            with closing(self._connect(read_only=False)) as connection:
                advance_slot(connection, self._slot, position.needed_lsn())

    def drop_slot(self) -> bool:
        """Drop the slot, for a stream that ends: the server keeps no log for it any more.

        Raises for the slot of another database or program that has the name.
        """
        self.close()
        with closing(self._connect(read_only=False)) as connection:
            if slot := find_slot(connection, self._slot):
                check_owner(slot, self._settings.database)
            return drop_slot(connection, self._slot)

    def close(self) -> None:
        """End the replication connection, and a `prepare` that waits; safe to call twice."""
        if self._preparing is not None:
            self._preparing.cancel()
        if self._pass is not None:
            self._pass.close()
