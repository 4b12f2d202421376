"""Read what changed since the last poll, by a cursor column that every change of a row sets.

    lower - overlap        lower           watermark        now
    |----------------------|---------------|----------------|
    clocks of writers      transactions that were open when the watermark was read

A poll examines the rows from the lower bound on, and reads those written by a transaction that the
last poll may not have seen (system column xmin). So a change is read once, or again only while an
older transaction that writes is open, and an idle table yields no row.

A commit may be late: `now()` is fixed at the start of a transaction, a sequence gives its number
before the commit. So the lower bound follows the watermark only after every transaction that was
open beside it has ended. pg_stat_activity hides the start of other roles' transactions from a role
that may only read; pg_locks shows it their identity.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.sources.postgres.connection import (
    NEXT_XID,
    Reader,
    fetch,
    identifier,
    literal,
)
from simplyload.sources.postgres.discover import SourceTable
from simplyload.sources.postgres.pages import Page, Scan, removed_condition
from simplyload.sources.postgres.state import Fence, PollProgress, PollState
from simplyload.sources.postgres.types import Column

# A snapshot's xmin, not its list of running ids: that lacks subtransactions, and on a standby all.
_OBSERVE = f"""
select pg_catalog.pg_snapshot_xmin(snapshot)::text::int8, {NEXT_XID},
    array(select l.virtualtransaction from pg_catalog.pg_locks l
        join pg_catalog.pg_stat_activity a using (pid)
        where l.locktype = 'virtualxid' and a.datname = current_database()
            and pid <> pg_catalog.pg_backend_pid())
from (select pg_catalog.pg_current_snapshot() as snapshot) s
"""  # noqa: S608

_TRANSACTION_IDS = 2**32


@dataclass(frozen=True)
class Moment:
    """The transactions at one moment: the oldest id, the next id, and those without an id.

    On a standby those of its primary have ids alone. One that gets its id later than this moment,
    and stamps rows with an earlier one, is not seen there: its rows arrive with the scan of keys.
    """

    xmin: int
    xmax: int
    open: tuple[str, ...]

    def fence(self, watermark: str | None) -> Fence:
        """Return the fence for a watermark that was read before."""
        return Fence(watermark=watermark, open=self.open, xmax=self.xmax)

    def is_past(self, fence: Fence) -> bool:
        """Return whether every transaction that the fence saw open has ended."""
        return self.xmin >= fence.xmax and not set(fence.open) & set(self.open)


@dataclass(frozen=True)
class Polled:
    """A page of changed rows (None at the end) and the state after it."""

    page: Page | None
    state: PollState


def observe(connection: Connection) -> Moment:
    """Look at the transactions of the database now."""
    [(xmin, xmax, running)] = fetch(connection, _OBSERVE)
    return Moment(xmin, xmax, tuple(sorted(set(running))))


def begin_poll(
    connection: Connection, table: SourceTable, cursor: str, give_up: float
) -> PollState:
    """Return the state of a table that is about to be copied: poll continues from this moment.

    Most transactions are short: until `give_up`, those that are open are waited for, and poll then
    has a lower bound.
    """
    before = observe(connection)
    newest = f"(select max({identifier(cursor)}) from {table.from_clause})"  # noqa: S608
    watermark = _read_watermark(connection, table.column(cursor), newest)
    fence = observe(connection).fence(watermark)
    while not (is_past := observe(connection).is_past(fence)) and time.monotonic() < give_up:
        time.sleep(0.05)
    return PollState(
        cursor=cursor,
        lower=watermark if is_past else None,
        fence=fence,
        xmin=before.xmin,
        scanned=before.xmin,
    )


@dataclass(frozen=True, kw_only=True)
class Poll:
    """One table as poll reads it."""

    reader: Reader
    connection: Connection
    table: SourceTable
    overlap: timedelta
    rows: int

    def read(self, state: PollState) -> Iterator[Polled]:
        """Yield pages of changed rows, then of changed rows whose cursor is NULL, then the end."""
        start = observe(self.connection)
        # What an interrupted poll had read, it read before this moment: the fence has to wait.
        is_past = state.progress is None and start.is_past(state.fence)
        progress = state.progress or PollProgress(xmin=start.xmin)
        changed = _since_condition(state.xmin, start.xmax)
        if not progress.nulls:
            for page in self._rows(state, changed).pages(self.reader, self.rows, progress.after):
                progress = replace(progress, after=page.last, newest=page.last[0])
                yield Polled(page, replace(state, progress=progress))
            progress = replace(progress, nulls=True, after=())
        for page in self._nulls(state, changed).pages(self.reader, self.rows, progress.after):
            progress = replace(progress, after=page.last)
            yield Polled(page, replace(state, progress=progress))
        yield Polled(None, self._end(state, progress, is_past=is_past))

    def _rows(self, state: PollState, changed: str) -> Scan:
        order = (state.cursor, *self.table.key)
        bound = _lower_bound(self.table.column(state.cursor), state.lower, self.overlap)
        return Scan(
            table=self.table, columns=self.table.columns, order=order, conditions=[bound, changed]
        )

    def _nulls(self, state: PollState, changed: str) -> Scan:
        missing = f"{identifier(state.cursor)} is null"
        return Scan(
            table=self.table,
            columns=self.table.columns,
            order=self.table.key,
            conditions=[missing, changed],
        )

    def _end(self, state: PollState, progress: PollProgress, *, is_past: bool) -> PollState:
        """Return the state of a complete poll; the watermark of a fence that is past is the bound.

        The new watermark is read before the open transactions: one that starts later stamps later.
        """
        lower, fence = state.lower, state.fence
        if is_past:
            lower = fence.watermark
            watermark = self._watermark(state, progress)
            fence = observe(self.connection).fence(watermark)
        return replace(state, lower=lower, fence=fence, xmin=progress.xmin, progress=None)

    def _watermark(self, state: PollState, progress: PollProgress) -> str | None:
        """Return the greater of the fence's watermark and this poll's newest value."""
        if progress.newest is None:
            return state.fence.watermark
        column = self.table.column(state.cursor)
        values = [value for value in (state.fence.watermark, progress.newest) if value is not None]
        typed = (f"{literal(value)}::pg_catalog.{column.type.name}" for value in values)
        return _read_watermark(self.connection, column, f"greatest({', '.join(typed)})")


def _since_condition(xmin: int, xmax: int) -> str:
    """Return the condition that a transaction from `xmin` on wrote the row.

    A row has the lower 32 bits of a transaction id; the distance from the newest one tells its age.
    """
    return f"(({xmax} - t.xmin::text::int8) & {_TRANSACTION_IDS - 1}) <= {xmax - xmin}"


def _lower_bound(column: Column, lower: str | None, overlap: timedelta) -> str:
    """Return the condition of the lower bound; numbers have no overlap in time."""
    if lower is None:
        return f"{identifier(column.name)} is not null"
    bound = f"{literal(lower)}::pg_catalog.{column.type.name}"
    if column.type.name in _NOW:
        bound += f" - interval '{overlap.total_seconds():f} seconds'"
    return f"{identifier(column.name)} >= {bound}"


# A stamp in the future (a wrong clock, infinity) must not carry the watermark with it.
_NOW = {
    "timestamptz": "clock_timestamp()",
    "timestamp": "clock_timestamp()::timestamp",
    "date": "clock_timestamp()::date",
}


def _read_watermark(connection: Connection, column: Column, value: str) -> str | None:
    """Evaluate a cursor value on the server, return its text there, at most the present time."""
    now = _NOW.get(column.type.name)
    capped = f"case when v is not null then least(v, {now}) end" if now else "v"
    [(text,)] = fetch(
        connection,
        f"select pg_catalog.textin({column.type.output}({capped})) from (select {value} as v) s",  # noqa: S608
    )
    watermark: str | None = text
    return watermark


@dataclass(frozen=True, kw_only=True)
class KeyScan:
    """A scan of all keys, and of the whole rows that were written since the last one.

    No cursor tells of those that poll has not seen: a stamp may be old when it is written, be moved
    back, or stay. They are read by the page of keys in which they are, so each statement is short.
    """

    reader: Reader
    table: SourceTable
    rows: int
    begin: Moment

    def read(self, state: PollState) -> Iterator[tuple[Page, tuple[str, ...] | None]]:
        """Yield pages of keys that are not soft-deleted (those carry no columns) and of rows."""
        removed = removed_condition(self.table)
        written = _since_condition(state.scanned, self.begin.xmax)
        after: tuple[str, ...] = ()
        keys = Scan(
            table=self.table,
            columns=[self.table.column(name) for name in self.table.key],
            order=self.table.key,
            conditions=[f"not {removed}"] if removed else [],
            mark=written,
        )
        for page in keys.pages(self.reader, self.rows):
            yield page, ()
            if page.is_marked:
                whole = replace(
                    keys,
                    columns=self.table.columns,
                    conditions=[written],
                    mark=None,
                    until=page.last,
                )
                for rows in whole.pages(self.reader, self.rows, after):
                    yield rows, None
            after = page.last
