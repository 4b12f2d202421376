"""One read of a source: which tables are copied and polled, and the state after each step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Batch, Changes, Rejected
from simplyload.sources.postgres.connection import Reader, fetch
from simplyload.sources.postgres.copy import copy_table
from simplyload.sources.postgres.discover import SourceTable
from simplyload.sources.postgres.pages import changes, truncate_before
from simplyload.sources.postgres.poll import Poll, begin_poll, scan_keys
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.state import CopyState, SourceState, TableState

# _seq is an LSN in billions and a count below them: it exceeds whatever an earlier state gave, even
# a state that is lost.
SEQ_PER_LSN = 10**9

_SERVER = """
select (select system_identifier from pg_catalog.pg_control_system()),
    (select timeline_id from pg_catalog.pg_control_checkpoint()),
    extract(epoch from clock_timestamp())::float8,
    (case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
        else pg_catalog.pg_current_wal_insert_lsn() end - '0/0')::int8
"""


@dataclass(frozen=True)
class Server:
    """The server when a read begins: its identity, its history, its clock in seconds, its LSN."""

    system: int
    timeline: int
    now: float
    lsn: int

    @classmethod
    def look(cls, connection: Connection) -> "Server":
        """Ask the server."""
        [row] = fetch(connection, _SERVER)
        return cls(*row)


@dataclass
class Reading:
    """Copy and poll of one read, and the state as it moves."""

    settings: PostgresSettings
    connection: Connection
    reader: Reader
    server: Server
    state: SourceState

    def plan(
        self, tables: Sequence[SourceTable], *, lsn: int | None = None, anew: Sequence[str] = ()
    ) -> Iterator[str]:
        """Decide which tables are copied; yield a sentence where one is copied again.

        `lsn` is the position of the stream that follows these tables; None means that poll does.
        The stream itself names in `anew` what is to be copied.
        """
        for table in tables:
            known = self.state.tables.get(table.source_name)
            planned = known or TableState(key=table.key, columns={})
            reason = self._reason_to_copy(table, known, polled=lsn is None)
            if reason is not None or table.source_name in anew:
                planned = self._begin_copy(table, planned, polled=lsn is None)
            planned = self._number_copy(planned, self.server.lsn if lsn is None else lsn)
            self._keep(table, replace(planned, key=table.key, columns=_column_types(table)))
            if reason:
                yield f"{table.source_name} is copied again: {reason}."

    def _reason_to_copy(
        self, table: SourceTable, known: TableState | None, *, polled: bool
    ) -> str | None:
        """Say why a table is copied whole; an empty reason is a usual one, None is no reason."""
        if known is None:
            return ""
        if known.key != table.key:
            return f"its key is now {', '.join(table.key)}"
        if _changed_columns(table, known) and (polled or known.copy is not None):
            return "its columns changed"
        return self._reason_to_poll_anew(table, known) if polled else None

    def _reason_to_poll_anew(self, table: SourceTable, known: TableState) -> str | None:
        """Say why polling cannot go on from the state, as `_reason_to_copy` does."""
        if self.state.system != self.server.system:
            return "the server is another one than before"
        if (known.poll.cursor if known.poll else None) != self.cursor(table):
            return "its cursor is another one than before"
        is_idle = known.copy is None and known.poll is None
        return "" if is_idle and self._is_due(known) else None

    def cursor(self, table: SourceTable) -> str | None:
        """Give the column that poll follows; in mode `copy` there is none."""
        return None if self.settings.mode == "copy" else table.cursor

    def _is_due(self, known: TableState) -> bool:
        """Tell whether all rows or keys of a table are to be read again."""
        interval = self.settings.delete_scan.total_seconds()
        is_old = known.checked is None or self.server.now - known.checked >= interval
        return self.settings.mode == "copy" or is_old

    def _begin_copy(self, table: SourceTable, known: TableState, *, polled: bool) -> TableState:
        cursor = self.cursor(table) if polled else None
        poll = begin_poll(self.connection, table, cursor) if cursor else None
        return replace(known, copy=CopyState(), poll=poll)

    def _number_copy(self, planned: TableState, lsn: int) -> TableState:
        """Give a copy that begins its `_seq`."""
        if planned.copy is None or planned.copy.seq:
            return planned
        seq = max(planned.seq + 1, lsn * SEQ_PER_LSN)
        return replace(planned, seq=seq, copy=replace(planned.copy, seq=seq))

    def copy(self, table: SourceTable) -> Iterator[Batch]:
        """Yield the copy of a table that has one planned or under way."""
        known = self.state.tables[table.source_name]
        if known.copy is None:
            return
        is_whole = known.copy.since is None
        for step in copy_table(self.reader, table, known.copy, self.settings.chunk_rows):
            checked = self.server.now if step.state is None and is_whole else known.checked
            self._keep(table, replace(known, copy=step.state, checked=checked))
            yield self._batch(step.changes, step.rejected)

    def poll(self, table: SourceTable) -> Iterator[Batch]:
        """Yield what changed since the last poll; hard deletes too where their scan is due.

        The scan says of every key that its row exists, then that all others are gone. It has no
        state of its own: a row that appeared since the last poll is a key alone until poll, which
        comes after it in the same unit of work, brings its columns.
        """
        known = self.state.tables[table.source_name]
        if (polled := known.poll) is None:
            return
        is_due = self._is_due(known)
        if is_due:
            known = replace(known, seq=known.seq + 1, checked=self.server.now)
            yield from self._scan_keys(table, known.seq)
        poll = Poll(
            reader=self.reader,
            connection=self.connection,
            table=table,
            overlap=self.settings.overlap,
            rows=self.settings.chunk_rows,
        )
        for step in poll.read(polled):
            known = replace(known, poll=step.state, seq=known.seq + (step.page is not None))
            self._keep(table, known)
            if step.page is not None:
                rows = changes(table, step.page, known.seq)
                yield self._batch([rows], step.page.rejected, goes_on=is_due)

    def _scan_keys(self, table: SourceTable, seq: int) -> Iterator[Batch]:
        for page in scan_keys(self.reader, table, self.settings.chunk_rows):
            yield self._batch([changes(table, page, seq, carried=())], goes_on=True)
        yield self._batch([truncate_before(table, seq)], goes_on=True)

    def _batch(
        self,
        found: Sequence[Changes],
        rejected: Sequence[Rejected] = (),
        *,
        goes_on: bool = False,
    ) -> Batch:
        state = None if goes_on else self.state.dump()
        return Batch(changes=found, state=state, rejected=rejected)

    def _keep(self, table: SourceTable, known: TableState) -> None:
        self.state = self.state.with_table(table.source_name, known)


def _column_types(table: SourceTable) -> dict[str, str]:
    return {column.name: str(column.arrow) for column in table.columns}


def _changed_columns(table: SourceTable, known: TableState) -> tuple[str, ...]:
    """List columns that are new or of another type: no cursor tells that their values changed."""
    types = _column_types(table).items()
    return tuple(name for name, arrow in types if known.columns.get(name) != arrow)
