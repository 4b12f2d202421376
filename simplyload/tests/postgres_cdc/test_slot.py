"""The slot: what it keeps, when it moves, what happens when it or the connection is gone."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Batch
from simplyload.errors import SourceError
from simplyload.sources.postgres.feed import Feed
from simplyload.sources.postgres.slot import format_lsn
from tests.postgres_cdc.conftest import eventually
from tests.postgres_cdc.replica import Database, Replica

HOLD = """
import sys, psycopg2
from psycopg2.extras import LogicalReplicationConnection
c = psycopg2.connect(sys.argv[1], connection_factory=LogicalReplicationConnection)
c.cursor().start_replication(
    slot_name=sys.argv[2], decode=False,
    options={"proto_version": "1", "publication_names": sys.argv[2]})
print("holding", flush=True)
sys.stdin.read()
"""


@contextmanager
def open_writer(source: Database) -> Iterator[Connection]:
    """Open a transaction that has inserted row 1 into the table a."""
    with closing(source.connect()) as writer:
        writer.autocommit = False
        writer.cursor().execute("insert into a values (1)")
        yield writer


def hold_slot(source: Database, name: str) -> "subprocess.Popen[str]":
    """Start a process that streams from the slot once it is free, and wait until it does."""
    source.wait_until_free(name)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, source.dsn, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holding\n"
    return holder


@pytest.fixture
def one_row(source: Database, replica: Replica) -> Replica:
    """Give the replica of one table with one row, copied."""
    source.run("create table a (id int primary key, v text)", "insert into a values (1, 'x')")
    return replica.sync()


def test_a1_the_slot_moves_under_foreign_traffic(source: Database, one_row: Replica) -> None:
    """Once other tables have written 16 MB, a run without a change commits where the log may go."""
    source.run(
        "create table busy (id int)",
        f"alter table busy set (autovacuum_enabled = off); comment on table busy is '{'x' * 100}'",
        "insert into busy select generate_series(1, 1000)",
    )
    state = one_row.state
    one_row.settings = one_row.settings.model_copy(update={"tables": ["public.a"]})
    one_row.restart()
    one_row.sync()
    assert one_row.state is state
    source.run("insert into busy select generate_series(1, 300000)")
    before = source.lsn()
    one_row.sync()
    assert not list(one_row.changes())
    assert eventually(lambda: source.confirmed_lsn() >= before)


def test_a1_a_heartbeat_writes_to_a_quiet_server(
    source: Database, one_row: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `heartbeat` each run writes a logical message, as a role that may only read."""
    source.run(
        "create role beat login replication", "grant select on all tables in schema public to beat"
    )
    one_row.settings = one_row.settings.model_copy(update={"heartbeat": True, "user": "beat"})
    one_row.restart()
    monkeypatch.setattr("simplyload.sources.postgres.follow.KEPT_BYTES", 1)
    before = source.lsn()
    one_row.sync()
    assert eventually(lambda: source.confirmed_lsn() > before)
    assert not list(one_row.changes())
    source.run("drop owned by beat", "drop role beat")


def test_a2_r4_the_slot_never_passes_a_change_that_is_not_committed(
    source: Database, one_row: Replica
) -> None:
    """The slot stays before changes that were read and not acked; after the ack it moves."""
    source.run("insert into a values (2)")
    first = source.lsn()
    one_row.sync(ack=False)
    one_row.state = dict(one_row.state)
    assert source.confirmed_lsn() < first
    # The commit failed: what was read is read again, by the same process and by the next.
    one_row.memory.tables["a"].pop((2,))
    one_row.source.read(one_row.state)
    one_row.restart()
    time.sleep(0.2)
    assert source.confirmed_lsn() < first


def test_r4_a_long_transaction_does_not_confirm_commits_before_it(
    source: Database, one_row: Replica
) -> None:
    """A transaction that began before the confirmed LSN does not carry the slot past open commits.

    psycopg2 by itself confirms the server's position while the rows of the long one arrive.
    """
    with closing(source.connect()) as long:
        long.autocommit = False
        long.cursor().execute(
            "insert into a select g, repeat('x', 500) from generate_series(1000, 20000) g"
        )
        source.run("insert into a values (2)")
        confirmed = source.lsn()
        source.run("insert into a values (3)")
        short = source.lsn()
        long.commit()
    feed = Feed(one_row.settings, "test", confirmed)
    feed.confirm(confirmed)
    messages = 0
    while messages < 15_000:
        if feed.next() is not None:
            messages += 1
        if messages % 3000 == 0:
            feed.wait(0.05)
    feed.close()
    assert eventually(lambda: source.confirmed_lsn() >= confirmed)
    time.sleep(0.3)
    assert confirmed <= source.confirmed_lsn() < short


def test_ack_within_a_read_moves_the_slot_to_the_committed_lsn(
    source: Database, one_row: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ack while the read goes on confirms the state's LSN and nothing behind it."""
    monkeypatch.setattr("simplyload.sources.postgres.follow.BATCH_BYTES", 1)
    source.run("insert into a values (2)", "insert into a values (3)")
    acked: list[int] = []

    def ack_first(batch: Batch) -> None:
        if batch.changes and batch.state and not acked:
            one_row.source.ack(batch.state)
            lsn = batch.state["stream"]["lsn"]
            acked.append(source.one(f"select ('{lsn}'::pg_lsn - '0/0')::int8"))
            assert eventually(lambda: source.confirmed_lsn() == acked[0])

    one_row.during = ack_first
    one_row.sync(ack=False)
    assert len([batch for batch in one_row.batches if batch.changes]) == 2
    assert source.confirmed_lsn() == acked[0]


def test_a9_a_load_longer_than_the_servers_timeout(source: Database, one_row: Replica) -> None:
    """With `wal_sender_timeout` 2 s the connection outlives a load of 5 s, the slot unmoved."""
    source.run("alter system set wal_sender_timeout = '2s'", "select pg_reload_conf()")
    try:
        source.run("insert into a values (2)")
        inserted = source.lsn()
        slept: list[int] = []

        def load(batch: Batch) -> None:
            if batch.changes and not slept:
                pid = source.one("select active_pid from pg_replication_slots")
                time.sleep(5)
                assert source.one("select active_pid from pg_replication_slots") == pid
                slept.append(source.confirmed_lsn())

        one_row.during = load
        assert [row["id"] for row in one_row.sync().rows("a")] == [1, 2]
        assert slept[0] < inserted
        assert eventually(lambda: source.confirmed_lsn() >= inserted)
        assert not one_row.message_text
    finally:
        source.run("alter system reset wal_sender_timeout", "select pg_reload_conf()")


def test_a9_a_lost_connection_is_a_reconnect_from_the_state(
    source: Database, one_row: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server ends the connection, reading goes on from the last state, and says so."""
    monkeypatch.setattr("simplyload.sources.postgres.follow.BATCH_BYTES", 400_000)
    # 20 MB: more than the sockets hold, so that the server cannot have sent the rest already.
    for first in range(10, 1000, 10):
        rows = f"generate_series({first}, {first + 9}) g"
        source.run(f"insert into a select g, repeat('x', 20000) from {rows}")
    ended: list[bool] = []

    def end(batch: Batch) -> None:
        if batch.changes and not ended:
            ended.append(
                source.one("select pg_terminate_backend(active_pid) from pg_replication_slots")
            )

    one_row.during = end
    one_row.sync()
    assert "reading goes on from" in one_row.message_text
    assert len(one_row.rows("a")) == 991


def test_a10_a_dead_holder_is_waited_for(source: Database, one_row: Replica) -> None:
    """A run that follows a killed one at once takes over its slot; there is no second slot."""
    holder = hold_slot(source, one_row.name)
    source.run("insert into a values (2)")
    holder.kill()
    assert len(one_row.sync().rows("a")) == 2
    holder.wait()
    assert len(source.slots()) == 1


def test_a10_a_living_holder_is_named(
    source: Database, one_row: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slot in use by another process ends the run with one sentence and the pid."""
    monkeypatch.setattr("simplyload.sources.postgres.feed.BUSY_MARGIN", -59.0)
    holder = hold_slot(source, one_row.name)
    pid = source.one("select active_pid from pg_replication_slots where active")
    with pytest.raises(SourceError, match=f"PID {pid}"):
        one_row.sync()
    holder.kill()
    holder.wait()


def test_a11_the_slot_fails_over_and_the_state_names_the_server(
    source: Database, one_row: Replica
) -> None:
    """The slot is one that standbys keep; the state has system identifier and timeline."""
    assert source.slots() == [(one_row.name, "reserved", True)]
    system = source.one("select system_identifier::text from pg_control_system()")
    assert one_row.state["stream"]["system"] == system
    assert one_row.state["stream"]["timeline"] == 1


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [("system", "1", "another one"), ("timeline", 0, "promoted")],
)
def test_a11_another_server_is_copied_again(
    source: Database, one_row: Replica, field: str, value: object, sentence: str
) -> None:
    """A changed system identifier or timeline is a new copy, said in one sentence."""
    source.run("insert into a values (2)", "delete from a where id = 1")
    state = json.loads(json.dumps(one_row.state))
    state["stream"][field] = value
    one_row.state = state
    assert one_row.sync().copied_tables == {"public.a"}
    assert sentence in one_row.message_text
    assert [row["id"] for row in one_row.rows("a")] == [2]


def test_a11_an_absent_slot_is_made_again_and_the_tables_copied(
    source: Database, one_row: Replica
) -> None:
    """Changes made while the slot did not exist arrive by a new copy, deletes included."""
    source.wait_until_free(one_row.name)
    source.run(
        f"select pg_drop_replication_slot('{one_row.name}')",
        "insert into a values (2)",
        "delete from a where id = 1",
    )
    assert one_row.sync().copied_tables == {"public.a"}
    assert "is gone" in one_row.message_text
    assert [row["id"] for row in one_row.rows("a")] == [2]
    source.run("insert into a values (3)")
    assert [row["id"] for row in one_row.sync().rows("a")] == [2, 3]


MOVED = {
    "moved": "select pg_replication_slot_advance('{slot}', pg_current_wal_flush_lsn())",
    "made again": "select pg_drop_replication_slot('{slot}');"
    " select pg_create_logical_replication_slot('{slot}', 'pgoutput')",
}


@pytest.mark.parametrize("how", MOVED)
def test_a_slot_ahead_of_the_destination_is_named_and_the_tables_copied(
    source: Database, one_row: Replica, how: str
) -> None:
    """What was before a slot that someone moved or made again arrives by a new copy."""
    source.run("insert into a values (2)", "delete from a where id = 1")
    source.wait_until_free(one_row.name)
    source.run(*MOVED[how].format(slot=one_row.name).split("; "))
    at = format_lsn(source.confirmed_lsn())
    assert one_row.sync().copied_tables == {"public.a"}
    assert f"{one_row.name} is at {at}, the destination at" in one_row.message_text
    assert [row["id"] for row in one_row.rows("a")] == [2]


def test_r15_a_lost_slot_is_named_and_the_tables_copied(source: Database, one_row: Replica) -> None:
    """A slot whose log the server removed (wal_status lost) is made again, with a new copy."""
    source.run("alter system set max_slot_wal_keep_size = '1MB'", "select pg_reload_conf()")
    try:
        source.run("insert into a values (2)", "delete from a where id = 1")
        for _ in range(3):
            source.run(
                "select pg_switch_wal()",
                "create table filler as select 1 as x",
                "drop table filler",
                "checkpoint",
            )
        assert source.slots() == [(one_row.name, "lost", True)]
        assert one_row.sync().copied_tables == {"public.a"}
        assert "wal_status is lost" in one_row.message_text
        assert [row["id"] for row in one_row.rows("a")] == [2]
    finally:
        source.run("alter system reset max_slot_wal_keep_size", "select pg_reload_conf()")


def test_a_slot_of_another_plugin_is_refused(source: Database, replica: Replica) -> None:
    """A physical slot that has the name is left alone, and the setting is named."""
    source.run("create table a (id int primary key)")
    source.run(f"select pg_create_physical_replication_slot('{replica.name}')")
    try:
        with pytest.raises(SourceError, match="setting slot"):
            replica.sync()
        assert source.one("select count(*) from pg_publication") == 0
    finally:
        source.run(f"select pg_drop_replication_slot('{replica.name}')")


def test_the_first_run_says_which_transaction_it_waits_for(
    source: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot waits for a transaction that writes: the run names its process, and then goes on."""
    monkeypatch.setattr("simplyload.sources.postgres.source.NOTICE_SECONDS", 0.2)
    source.run("create table a (id int primary key)")
    with open_writer(source) as writer:
        replica.during = lambda batch: writer.commit() if batch.warnings else None
        assert [row["id"] for row in replica.sync().rows("a")] == [1]
        assert f"once the transaction of pid {writer.info.backend_pid} " in replica.message_text
        assert "open since" in replica.message_text


@pytest.mark.parametrize("mode", ["auto", "cdc"])
def test_a_wait_for_the_slot_has_an_end(source: Database, replica: Replica, mode: str) -> None:
    """After `slot_timeout` the run fails with the process and the setting; nothing is polled."""
    source.run("create table a (id int primary key)")
    replica.settings = replica.settings.model_copy(
        update={"mode": mode, "slot_timeout": timedelta(seconds=0.5)}
    )
    replica.restart()
    with (
        open_writer(source) as writer,
        pytest.raises(SourceError, match=f"pid {writer.info.backend_pid} .*slot_timeout"),
    ):
        replica.sync()
    assert (source.slots(), source.one("select count(*) from pg_publication")) == ([], 0)


def test_a_read_that_ends_while_it_waits_for_the_slot_leaves_nothing(
    source: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is stopped (SIGTERM) meanwhile ends at once: the server's wait is cancelled."""
    monkeypatch.setattr("simplyload.sources.postgres.source.NOTICE_SECONDS", 0.2)
    source.run("create table a (id int primary key)")
    with open_writer(source):
        batches = replica.source.read({})
        assert next(batches).state is None
        batches.close()  # type: ignore[attr-defined]
        assert (source.slots(), source.one("select count(*) from pg_publication")) == ([], 0)
