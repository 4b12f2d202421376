"""Makes or checks slot and publication, and finds the tables whose rows the stream lacks."""

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import psycopg2
from psycopg2.errors import QueryCanceled
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Waiting
from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import NEXT_XID, fetch, identifier
from simplyload.sources.postgres.discover import COPIED_AGAIN, COPIED_LATER, SourceTable
from simplyload.sources.postgres.position import StreamPosition, TablePosition
from simplyload.sources.postgres.publication import (
    Publication,
    Published,
    add_statement,
    check_publication,
    check_rights,
    create_statement,
    describe_left_out,
    find_addable,
    find_publication,
    list_published,
)
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.slot import (
    Server,
    Slot,
    SlotBusyError,
    check_owner,
    create_slot,
    drop_slot,
    explain_lost_changes,
    find_slot,
    format_lsn,
    parse_lsn,
)

# Its catalog says which columns and rows a publication leaves out.
OLDEST_VERSION = 150000

# How long a new table's copy waits for the transactions that write when it begins.
BARRIER_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the stream is ready for: `copy` are the oids of tables to copy with the LSN `lsn`."""

    position: StreamPosition
    published: Mapping[int, Published]
    lsn: int
    copy: Sequence[int]
    warnings: Sequence[str]
    waiting: Sequence[Waiting]


def prepare(  # noqa: PLR0913, PLR0917
    connection: Connection,
    server: Server,
    settings: PostgresSettings,
    stream: str,
    position: StreamPosition | None,
    tables: Sequence[SourceTable],
) -> Setup:
    """Check everything, then make what is missing, then compare with the committed position."""
    name = settings.slot_name(stream)
    slot = find_slot(connection, name)
    check_slot(connection, slot, settings.database)
    created_at = _make_missing(connection, slot, settings, stream, tables)
    publication = _get_publication(connection, settings.publication_name(stream))
    warnings: list[str] = []
    if position and (lost := _explain_loss(position, slot, server, publication)):
        warnings.append(f"{lost}: all tables are copied again.")
        position = None
    published, waiting = _find_published(connection, publication, tables, warnings)
    comparison = _compare(position, published, slot if created_at is None else None)
    warnings += comparison.warnings
    lsn = created_at
    due = {*comparison.copy, *comparison.reshaped}
    if due and lsn is None and (lsn := find_barrier(connection)) is None:
        waiting += _await_writers(connection, [published[oid] for oid in due])
        comparison.forget(due)
    setup = _setup(server, name, publication, position, published, comparison, lsn)
    return replace(setup, warnings=warnings, waiting=waiting)


def _get_publication(connection: Connection, name: str) -> Publication:
    if publication := find_publication(connection, name):
        return publication
    raise SourceError(f"Publication {name} is gone: run again.")


def _explain_loss(
    position: StreamPosition, slot: Slot | None, server: Server, publication: Publication
) -> str:
    """Say why changes after the position are lost; a slot of another name is none of its own."""
    if position.publication not in {None, publication.version}:
        return f"Publication {publication.name} was altered and may have left out changes"
    own = slot if slot and slot.name == position.slot else None
    known = Server(system=position.system, timeline=position.timeline, lsn=0)
    return explain_lost_changes(own, server, known, position.slot)


def check_slot(connection: Connection, slot: Slot | None, database: str) -> None:
    """Refuse a server or a slot that cannot serve the stream; changes nothing."""
    if connection.server_version < OLDEST_VERSION:
        raise SourceError("The stream needs PostgreSQL 15 or newer: set mode: poll.")
    level, free = fetch(connection, _CAPACITY)[0]
    if level != "logical":
        raise SourceError(
            f"wal_level is {level}: run ALTER SYSTEM SET wal_level = logical and restart Postgres,"
            " or set mode: poll."
        )
    if slot is not None:
        check_owner(slot, database)
    elif free < 1:
        raise SourceError("All replication slots are taken: raise max_replication_slots.")


_CAPACITY = """
select current_setting('wal_level'), current_setting('max_replication_slots')::int
    - (select count(*) from pg_catalog.pg_replication_slots)
"""


def plan_publication(
    connection: Connection, name: str, tables: Sequence[SourceTable]
) -> str | None:
    """Return the SQL that the publication needs, None for none; refuse what may not be run.

    What this role may not add to a publication, and a part of a table there, stays as it is: each
    such table waits, with its remedy.
    """
    publication = find_publication(connection, name)
    if publication is None:
        if not tables:
            raise SourceError("No chosen table can be streamed: see `simplyload validate`.")
        statement = create_statement(connection, name, tables)
        check_rights(connection, tables, statement)
        return statement
    check_publication(publication)
    missing = find_addable(connection, publication, tables)
    return add_statement(name, missing) if missing else None


def _make_missing(
    connection: Connection,
    slot: Slot | None,
    settings: PostgresSettings,
    stream: str,
    tables: Sequence[SourceTable],
) -> int | None:
    """Make publication and slot where they are missing; the slot's LSN if it is new.

    The publication comes first: the server must find it at every change that it decodes.
    """
    slot_name, publication_name = settings.slot_name(stream), settings.publication_name(stream)
    statement = plan_publication(connection, publication_name, tables)
    if statement:
        _run(connection, statement)
    if slot is not None and not slot.lost:
        return None
    try:
        if slot is not None:
            drop_slot(connection, slot_name)
        return create_slot(connection, slot_name, settings.slot_timeout)
    except psycopg2.Error as error:
        if statement and statement.startswith("CREATE"):
            _run(connection, f"DROP PUBLICATION {identifier(publication_name)}")
        if not isinstance(error, QueryCanceled):
            raise
        raise SlotBusyError(
            f"The replication slot could not be made within {settings.slot_timeout}: it waits for"
            f" {describe_writer(connection)}. End that, or raise slot_timeout."
        ) from error


def _run(connection: Connection, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _find_published(
    connection: Connection,
    publication: Publication,
    tables: Sequence[SourceTable],
    warnings: list[str],
) -> tuple[dict[int, Published], list[Waiting]]:
    """Return the published tables by oid, and those that are not; warn of columns that are not."""
    published, refused = list_published(connection, publication, tables)
    waiting = [
        Waiting(table=table.table.name, message=refused[table.oid].message)
        for table in tables
        if table.oid in refused
    ]
    warnings += describe_left_out(published, tables).values()
    return {item.table.oid: item for item in published}, waiting


@dataclass(frozen=True, kw_only=True)
class _Comparison:
    """The tables that go on, and the oids of those to copy.

    `reshaped` have a type that prints other text now: a transaction from before that has not ended
    would bring the old text after they were read again.
    """

    kept: dict[str, TablePosition] = field(default_factory=dict)
    copy: list[int] = field(default_factory=list)
    reshaped: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def forget(self, oids: Collection[int]) -> None:
        """Take tables out, so that the next run copies them."""
        self.copy[:] = [oid for oid in self.copy if oid not in oids]
        for oid in oids:
            self.kept.pop(str(oid), None)


def _compare(
    position: StreamPosition | None, published: Mapping[int, Published], slot: Slot | None
) -> _Comparison:
    """Compare what is published with what the position knows; what is not published is forgotten.

    So a table that comes back is new, and is copied.
    """
    comparison, reasons = _Comparison(), defaultdict(list)
    known = position.tables if position else {}
    for oid, item in published.items():
        table = known.get(str(oid))
        if reason := _explain_copy(table, item) or _explain_gap(position, oid, slot):
            comparison.copy.append(oid)
            outcome = COPIED_LATER if table and table.key != item.table.key else COPIED_AGAIN
            reasons[reason if table else "", outcome].append(item.table.source_name)
        elif table:
            is_same = not table.find_replaced(item)
            origins = item.table.origins if is_same else table.origins
            comparison.kept[str(oid)] = replace(table, origins=origins)
            if table.is_reshaped(item):
                comparison.reshaped.append(oid)
    for (reason, outcome), names in reasons.items():
        if reason:
            verb = "is" if len(names) == 1 else "are"
            comparison.warnings.append(f"{reason}: {', '.join(names)} {verb} {outcome}.")
    return comparison


def _explain_copy(known: TablePosition | None, item: Published) -> str:
    """Say why a table needs a copy; empty where the stream goes on."""
    if known is None:
        return "It is new"
    key, name = item.table.key, item.table.source_name
    reasons = {
        "Changes of it were left out": known.stopped,
        f"{known.name} was renamed": known.name != name,
        f"Its key is {', '.join(key)} now": known.key != key,
        f"The values of its key {', '.join(key)} may be others now": bool(
            known.find_replaced(item) & set(key)
        ),
        "It left the publication and came back": known.membership != item.membership,
        "A partition of it was truncated, detached, dropped or rewritten": bool(
            set(known.leaves) - set(item.identities)
        ),
    }
    return next((why for why, is_so in reasons.items() if is_so), "")


def _explain_gap(position: StreamPosition | None, oid: int, slot: Slot | None) -> str:
    """Say that the log which a table needs is gone; empty where it is not.

    The slot never passes what is committed, unless the destination is an old one, someone moved the
    slot, or the server shut down during a read: the client library then confirms by itself.
    """
    if position is None or slot is None or position.table_lsn(oid) >= slot.confirmed:
        return ""
    return (
        f"The replication slot {slot.name} is at {format_lsn(slot.confirmed)}, the destination at"
        f" {format_lsn(position.table_lsn(oid))}, and the changes between are gone (was the"
        " destination restored, or the slot moved or made again?)"
    )


def find_barrier(connection: Connection, seconds: float = BARRIER_SECONDS) -> int | None:
    """Return an LSN such that a SELECT from now on sees every transaction committed before it.

    A transaction is in the log a moment before others see it, or long before where it waits for a
    synchronous standby. So those that are open when the LSN is read must end; None if they do not.
    Older ones end before it is read: what follows the LSN has the text of today's types.
    """
    give_up = time.monotonic() + seconds
    if not _await_open(connection, give_up):
        return None
    lsn = read_current_lsn(connection)
    return lsn if _await_open(connection, give_up) else None


# An id of our own is above those of open transactions; a standby has none to give.
_NEWEST = f"""
select case when pg_catalog.pg_is_in_recovery() then {NEXT_XID}
    else pg_catalog.pg_current_xact_id()::text::int8 end
"""


def _await_open(connection: Connection, give_up: float) -> bool:
    """Wait until the transactions that write now have ended; False where they do not."""
    newest = fetch(connection, _NEWEST)[0][0]
    while True:
        oldest = "select pg_snapshot_xmin(pg_current_snapshot())::text::int8"
        if fetch(connection, oldest)[0][0] >= newest:
            return True
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)


def read_current_lsn(connection: Connection) -> int:
    """Return the end of what the server can stream."""
    query = """select (case when pg_catalog.pg_is_in_recovery()
        then pg_catalog.pg_last_wal_replay_lsn()
        else pg_catalog.pg_current_wal_flush_lsn() end)::text"""
    return parse_lsn(fetch(connection, query)[0][0])


def _await_writers(connection: Connection, items: Sequence[Published]) -> list[Waiting]:
    """Let tables wait whose copy cannot begin yet."""
    message = f"Its copy waits for {describe_writer(connection)}; the next run tries again."
    return [Waiting(table=item.table.table.name, message=message) for item in items]


def describe_writer(connection: Connection) -> str:
    """Name the oldest transaction that writes: what needs a quiet moment waits for it."""
    for pid, user, since in fetch(connection, _OLDEST_WRITER):
        if pid is not None:
            began = f"open since {since} UTC" if since else "pg_monitor would show since when"
            return f"the transaction of pid {pid} ({user}, {began})"
        return "a prepared transaction (see pg_prepared_xacts)"
    return "the server's log (on a standby: pg_log_standby_snapshot() on its primary)"


# pg_stat_activity hides the transaction ids of other roles, pg_locks does not.
_OLDEST_WRITER = """
select l.pid, a.usename, to_char(a.xact_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a using (pid)
where l.locktype = 'transactionid' and l.granted and l.mode = 'ExclusiveLock'
    and l.pid is distinct from pg_catalog.pg_backend_pid()
order by pg_catalog.age(l.transactionid) desc limit 1
"""


def _setup(  # noqa: PLR0913, PLR0917
    server: Server,
    slot: str,
    publication: Publication,
    position: StreamPosition | None,
    published: Mapping[int, Published],
    comparison: _Comparison,
    lsn: int | None,
) -> Setup:
    """Put the new position together: tables to copy begin at the barrier's LSN."""
    start = format_lsn(lsn) if lsn is not None else None
    stream_lsn = position.lsn if position else start or format_lsn(server.lsn)
    tables = dict(comparison.kept)
    for oid in comparison.copy:
        tables[str(oid)] = _begin_table(published[oid], None if start == stream_lsn else start)
    return Setup(
        position=StreamPosition(
            system=server.system,
            timeline=server.timeline,
            slot=slot,
            publication=publication.version,
            lsn=stream_lsn,
            tables=tables,
        ),
        published={oid: item for oid, item in published.items() if _is_streamed(tables, oid)},
        lsn=parse_lsn(start or stream_lsn),
        copy=comparison.copy,
        warnings=(),
        waiting=(),
    )


def _begin_table(item: Published, lsn: str | None) -> TablePosition:
    return TablePosition(
        name=item.table.source_name,
        key=item.table.key,
        membership=item.membership,
        types=item.types,
        origins=item.table.origins,
        leaves=item.identities,
        lsn=lsn,
    )


def _is_streamed(tables: Mapping[str, TablePosition], oid: int) -> bool:
    return str(oid) in tables and not tables[str(oid)].stopped
