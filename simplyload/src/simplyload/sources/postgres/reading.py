"""One read of a source: which tables are copied and polled, and the state after each step."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Batch, Changes, Rejected
from simplyload.sources.postgres.connection import Reader, fetch
from simplyload.sources.postgres.copy import copy_table
from simplyload.sources.postgres.discover import COPIED_AGAIN, COPIED_LATER, SourceTable
from simplyload.sources.postgres.pages import changes, truncate_before
from simplyload.sources.postgres.poll import KeyScan, Moment, Poll, begin_poll, observe
from simplyload.sources.postgres.replication import Prepared
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.state import CopyState, PollState, SourceState, TableState
from simplyload.sources.postgres.types import find_replaced

# _seq is an LSN in billions and a count below them: it exceeds whatever an earlier state gave, even
# a state that is lost.
SEQ_PER_LSN = 10**9

# How long the copies of a read wait at their begin for transactions that are open.
FENCE_SECONDS = 3.0

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
    def read(cls, connection: Connection) -> "Server":
        """Read them from the server."""
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
        self,
        polled: Sequence[SourceTable],
        streamed: Sequence[SourceTable],
        prepared: Prepared | None,
    ) -> list[str]:
        """Decide which tables are copied; return a sentence for each that is copied again.

        The stream itself names those that it lacks, and the LSN at which it goes on.
        """
        give_up = time.monotonic() + FENCE_SECONDS
        before = self.state.tables
        reasons = {table: self._reason_to_poll(table) for table in polled}
        reasons |= {table: self._reason_to_stream(table, prepared) for table in streamed}
        for table, reason in reasons.items():
            known = self.state.tables.get(table.source_name)
            planned = known or TableState(key=table.key, columns={})
            if reason is not None:
                cursor = self._cursor(table) if table in polled else None
                poll = begin_poll(self.connection, table, cursor, give_up) if cursor else None
                planned = replace(planned, copy=CopyState(), poll=poll)
            lsn = prepared.lsn if prepared and table in streamed else self.server.lsn
            planned = _number_copy(planned, lsn)
            planned = replace(planned, key=table.key, columns=_column_types(table))
            planned = replace(planned, oid=table.oid, streamed=table in streamed)
            self._keep(table, replace(planned, origins=table.origins))
        self._adopt_server()
        return [
            f"{table.source_name} is {_describe_copy(table, before)}: {why}."
            for table, why in reasons.items()
            if why
        ]

    def _reason_to_stream(self, table: SourceTable, prepared: Prepared | None) -> str | None:
        """Say why a streamed table is copied; an empty reason is a usual one, None is no reason."""
        known = self.state.tables.get(table.source_name)
        if known is None or (prepared and table.source_name in prepared.copy):
            return ""
        if known.copy is not None and _changed_columns(table, known):
            return "its columns changed during the copy"
        return None

    def _reason_to_poll(self, table: SourceTable) -> str | None:
        """Say why a polled table is copied, as `_reason_to_stream` does."""
        known = self.state.tables.get(table.source_name)
        if known is None:
            return ""
        reasons = {
            f"its key is now {', '.join(table.key)}": known.key != table.key,
            "its columns changed": bool(_changed_columns(table, known)),
            "it was dropped and made again": known.oid not in {0, table.oid},
            "the server is another one than before": self.state.system != self.server.system,
            "it is now read in another way": known.streamed
            or _poll_cursor(known) != self._cursor(table),
        }
        is_old = known.copy is None and known.poll is None and self._is_due(known)
        return next((why for why, is_so in reasons.items() if is_so), "" if is_old else None)

    def _adopt_server(self) -> None:
        """Go on with this server; on another timeline, older transaction ids mean nothing."""
        tables = self.state.tables
        if self.state.timeline != self.server.timeline:
            tables = {
                name: replace(table, poll=replace(table.poll, xmin=0, scanned=0))
                if table.poll
                else table
                for name, table in tables.items()
            }
        system, timeline = self.server.system, self.server.timeline
        self.state = replace(self.state, system=system, timeline=timeline, tables=tables)

    def _cursor(self, table: SourceTable) -> str | None:
        """Return the column that poll follows; in mode `copy` there is none."""
        return None if self.settings.mode == "copy" else table.cursor

    def _is_due(self, known: TableState) -> bool:
        """Return whether all rows or keys of a table are to be read again."""
        interval = self.settings.delete_scan.total_seconds()
        is_old = known.checked is None or self.server.now - known.checked >= interval
        return self.settings.mode == "copy" or is_old

    def copy(self, table: SourceTable) -> Iterator[Batch]:
        """Yield the copy of a table that has one planned or under way.

        Of a table that is neither streamed nor polled, a copy that an earlier run began has its
        first rows as they were then: a whole copy follows.
        """
        known = self.state.tables[table.source_name]
        if known.copy is None:
            return
        is_followed = known.streamed or known.poll is not None
        if known.copy.after and not is_followed:
            yield from self._copy_once(table, known, then=CopyState())
            known = _number_copy(self.state.tables[table.source_name], self.server.lsn)
        yield from self._copy_once(table, known, then=None)

    def _copy_once(
        self, table: SourceTable, known: TableState, then: CopyState | None
    ) -> Iterator[Batch]:
        """Yield the copy under way; the state at its end has the copy planned `then`."""
        copy = known.copy or CopyState()
        is_whole = copy.since is None and then is None
        for step in copy_table(self.reader, table, copy, self.settings.chunk_rows):
            is_end = step.state is None
            checked = self.server.now if is_end and is_whole else known.checked
            self._keep(table, replace(known, copy=then if is_end else step.state, checked=checked))
            yield self._batch(step.changes, step.rejected, goes_on=step.goes_on)

    def poll(self, table: SourceTable) -> Iterator[Batch]:
        """Yield what changed since the last poll; hard deletes too where their scan is due.

        The scan says of every key that its row exists, then that all others are gone. It has no
        state of its own: a row that appears during the scan is a key alone until poll, which comes
        after it in the same unit of work, brings its columns.
        """
        known = self.state.tables[table.source_name]
        if (polled := known.poll) is None:
            return
        is_due = self._is_due(known)
        if is_due:
            known = replace(known, seq=known.seq + 1, checked=self.server.now)
            begin = observe(self.connection)
            yield from self._scan_keys(table, known.seq, polled, begin)
            polled, known = replace(polled, scanned=begin.xmin), replace(known, seq=known.seq + 1)
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

    def _scan_keys(
        self, table: SourceTable, seq: int, polled: PollState, begin: Moment
    ) -> Iterator[Batch]:
        """Yield the keys with a `_seq`, the rows written since the last scan with the next one."""
        rows = self.settings.chunk_rows
        scan = KeyScan(reader=self.reader, table=table, rows=rows, begin=begin)
        for page, carried in scan.read(polled):
            found = changes(table, page, seq + (carried is None), carried=carried)
            yield self._batch([found], page.rejected, goes_on=True)
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
        if known.streamed and known.copy is None:
            known = replace(known, origins={})
        self.state = self.state.with_table(table.source_name, known)


def _describe_copy(table: SourceTable, known: Mapping[str, TableState]) -> str:
    """Return when a table is copied that was copied before."""
    is_keyed_otherwise = known[table.source_name].key != table.key
    return COPIED_LATER if is_keyed_otherwise else COPIED_AGAIN


def _number_copy(planned: TableState, lsn: int) -> TableState:
    """Return a copy that begins its `_seq`."""
    if planned.copy is None or planned.copy.seq:
        return planned
    seq = max(planned.seq + 1, lsn * SEQ_PER_LSN)
    return replace(planned, seq=seq, copy=replace(planned.copy, seq=seq))


def _poll_cursor(known: TableState) -> str | None:
    return known.poll.cursor if known.poll else None


def _column_types(table: SourceTable) -> dict[str, str]:
    return {column.name: str(column.arrow) for column in table.columns}


def _changed_columns(table: SourceTable, known: TableState) -> tuple[str, ...]:
    """List columns that are new, of another type or replaced: no cursor tells of their values."""
    types = _column_types(table).items()
    changed = [name for name, arrow in types if known.columns.get(name) != arrow]
    return (*changed, *find_replaced(known.origins, table.origins))
