"""The replication slot: it makes the server keep the write-ahead log that is not loaded yet.

There is one slot for a stream, ever. Where it is gone or on another server, changes are lost to it:
the tables are copied again.
"""

from dataclasses import dataclass
from datetime import timedelta

from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extras import LogicalReplicationConnection

from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import fetch

PLUGIN = "pgoutput"


def parse_lsn(text: str) -> int:
    """Read `16/B374D848`."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def format_lsn(lsn: int) -> str:
    """Write an LSN as the server does."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


@dataclass(frozen=True, kw_only=True)
class Server:
    """Which server answers, and how far its log is flushed (replayed, on a standby)."""

    system: str
    timeline: int
    lsn: int

    @classmethod
    def identify(cls, replication: LogicalReplicationConnection) -> "Server":
        """Ask over the replication connection, as any role with REPLICATION may."""
        with replication.cursor() as cursor:
            cursor.execute("IDENTIFY_SYSTEM")
            system, timeline, lsn, _ = cursor.fetchall()[0]
        return cls(system=system, timeline=timeline, lsn=parse_lsn(lsn))


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A replication slot as the server sees it."""

    name: str
    plugin: str
    database: str
    lost: bool
    active_pid: int | None
    confirmed: int


_FIND = """
select slot_name, plugin, database, coalesce(wal_status, '') = 'lost', active_pid,
    coalesce(confirmed_flush_lsn, '0/0')::text
from pg_catalog.pg_replication_slots where slot_name = %s
"""


def find_slot(connection: Connection, name: str) -> Slot | None:
    """Look the slot up; None where there is none."""
    for slot_name, plugin, database, lost, active_pid, confirmed in fetch(
        connection, _FIND, [name]
    ):
        return Slot(
            name=slot_name,
            plugin=plugin or "physical",
            database=database or "",
            lost=lost,
            active_pid=active_pid,
            confirmed=parse_lsn(confirmed),
        )
    return None


class SlotBusyError(SourceError):
    """The slot cannot be made yet, which is no reason to read in another way."""


def create_slot(connection: Connection, name: str, timeout: timedelta) -> int:
    """Create the slot, return the LSN from which it has every change.

    The server waits until the transactions that write at this moment end; QueryCanceled is raised
    when they do not in time. From version 17 a standby
    keeps a copy of the slot (`failover`), which a slot created on a standby cannot have.
    """
    failover = (
        connection.server_version >= 170000
        and not fetch(connection, "select pg_catalog.pg_is_in_recovery()")[0][0]
    )
    arguments = "%s, %s, false, false" + (", true" if failover else "")
    query = f"select lsn from pg_catalog.pg_create_logical_replication_slot({arguments})"  # noqa: S608
    limit = f"set statement_timeout = {int(timeout.total_seconds() * 1000)}"
    with connection.cursor() as cursor:
        cursor.execute(limit)
        cursor.execute(query, [name, PLUGIN])
        [(lsn,)] = cursor.fetchall()
        cursor.execute("set statement_timeout = 0")
    return parse_lsn(lsn)


def drop_slot(connection: Connection, name: str) -> bool:
    """Drop the slot; False where there is none."""
    query = (
        "select pg_catalog.pg_drop_replication_slot(slot_name)"
        " from pg_catalog.pg_replication_slots where slot_name = %s"
    )
    return bool(fetch(connection, query, [name]))


def advance_slot(connection: Connection, name: str, lsn: int) -> None:
    """Release the log up to an LSN while no stream is open."""
    query = (
        "select pg_catalog.pg_replication_slot_advance(slot_name, %s::pg_lsn)"
        " from pg_catalog.pg_replication_slots"
        " where slot_name = %s and active_pid is null and confirmed_flush_lsn < %s::pg_lsn"
    )
    fetch(connection, query, [format_lsn(lsn), name, format_lsn(lsn)])


def check_owner(slot: Slot, database: str) -> None:
    """Refuse a slot that belongs to something else."""
    if slot.plugin != PLUGIN or slot.database != database:
        raise SourceError(
            f"The replication slot {slot.name} belongs to plugin {slot.plugin} and database"
            f" {slot.database or '(none)'}: choose another name with the setting slot."
        )


def explain_lost_changes(slot: Slot | None, server: Server, known: Server, name: str) -> str:
    """Say why the slot no longer has every change for the server known; empty where it has."""
    if server.system != known.system:
        return f"The server is another one (system identifier {server.system})"
    if server.timeline != known.timeline:
        return (
            f"The server was promoted (timeline {server.timeline} after {known.timeline}),"
            " and changes around that moment may be missing"
        )
    if slot is None:
        return f"The replication slot {name} is gone"
    if slot.lost:
        return (
            f"The server has removed log that the replication slot {name} needed"
            " (wal_status is lost; raise max_slot_wal_keep_size)"
        )
    return ""
