"""Transactions: large ones, open ones, and changes that are made while a table is copied."""

import json
import random
import resource
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from simplyload.changes import Batch
from tests.postgres_cdc.conftest import eventually
from tests.postgres_cdc.replica import Database, Replica

MEGABYTE = 1_000_000


def resident_bytes() -> int:
    """Give the memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_a7_a_rolled_back_savepoint_is_absent(source: Database, replica: Replica) -> None:
    """Of a transaction with a savepoint rolled back, exactly the committed rows arrive."""
    source.run("create table a (id int primary key, v text)")
    replica.sync()
    with closing(source.connect()) as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("set logical_decoding_work_mem = '64kB'")
        insert = "insert into a select g, repeat('x', 500) from generate_series({}, {}) g"
        cursor.execute(insert.format(1, 500))
        cursor.execute("savepoint s")
        cursor.execute(insert.format(1001, 1500))
        cursor.execute("rollback to s")
        cursor.execute(insert.format(501, 505))
        connection.commit()
    replica.sync()
    assert [row["id"] for row in replica.rows("a")] == list(range(1, 506))


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows", [200_000, pytest.param(5_000_000, marks=[pytest.mark.chaos, pytest.mark.timeout(3600)])]
)
def test_a8_a_large_transaction_is_read_in_parts(
    source: Database, replica: Replica, rows: int
) -> None:
    """A transaction larger than memory arrives in parts without a state, the last with one."""
    source.run(
        "create table big (id int primary key, x int, v text)",
        f"insert into big select g, g, repeat('v', 60) from generate_series(1, {rows}) g",
    )
    for batch in replica.source.read({}):
        replica.state = batch.state or replica.state
    replica.source.ack(replica.state)
    source.run("update big set x = x + 1")
    before, peak, count, states = resident_bytes(), 0, 0, []
    for batch in replica.source.read(replica.state):
        peak = max(peak, resident_bytes())
        if batch.changes:
            states.append(batch.state)
            count += sum(changes.rows.num_rows for changes in batch.changes)
    assert count == rows
    assert states[-1] is not None
    assert not any(states[:-1])
    assert len(states) > 3
    assert peak - before < 120 * MEGABYTE


def test_a8_a_table_announced_again_within_a_transaction_loses_no_row(
    source: Database, replica: Replica
) -> None:
    """The server repeats a table's shape after any change of its catalog: no row is left out."""
    source.run(
        "create table a (id int primary key, n int)",
        "insert into a select g, 0 from generate_series(1, 100) g",
    )
    replica.sync()
    with closing(source.connect()) as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("update a set n = 1 where id <= 50")
        source.run("analyze a", f"alter publication {replica.name} set (publish = 'insert')")
        source.run(
            f"alter publication {replica.name} set (publish = 'insert, update, delete, truncate')"
        )
        cursor.execute("update a set n = 2 where id > 50")
        connection.commit()
    replica.sync()
    assert len(list(replica.changes())) == 2
    assert [row["n"] for row in replica.rows("a")] == [1] * 50 + [2] * 50


def test_a8_seq_orders_the_parts_of_a_transaction(
    source: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`_seq` rises through parts and transactions, and is the same when they are read again."""
    monkeypatch.setattr("simplyload.sources.postgres.follow.PART_BYTES", 2000)
    monkeypatch.setattr("simplyload.sources.postgres.follow.BATCH_BYTES", 1000)
    source.run("create table a (id int primary key, n int)")
    replica.sync()
    source.run(
        "insert into a select g, g from generate_series(1, 300) g",
        "update a set id = id + 1000",
        "delete from a where id > 1200",
    )
    state = replica.state
    read = replica.sync(ack=False)
    first = [value for changes in read.changes() for value in changes.rows["_seq"]]
    assert all(one.as_py() < two.as_py() for one, two in pairwise(first))
    replica.state = state
    again = [value for changes in replica.sync().changes() for value in changes.rows["_seq"]]
    assert again == first
    assert len(replica.rows("a")) == 200


def test_r6_changes_during_the_copy(source: Database, replica: Replica) -> None:
    """Whatever changes while a table is copied, the destination ends as the source."""
    dice = random.Random(6)
    source.run(
        "create table a (id int primary key, n int, large text)",
        "alter table a alter large set storage external",
        "insert into a select g, 0, repeat('x', 5000) from generate_series(1, 200) g",
    )
    replica.settings = replica.settings.model_copy(update={"chunk_rows": 20})
    replica.restart()
    numbers = iter(range(1000, 100_000))

    def change(_batch: Batch) -> None:
        for _ in range(10):
            row = f"(select id from a order by md5(id::text || '{dice.random()}') limit 1)"
            source.run(
                dice.choice(
                    [
                        f"update a set n = n + 1 where id = {row}",
                        f"delete from a where id = {row}",
                        f"update a set id = {next(numbers)} where id = {row}",
                        f"update a set id = -{next(numbers)}, n = 7 where id = {row}",
                        f"insert into a values ({next(numbers)}, 1, repeat('y', 5000))",
                    ]
                )
            )

    replica.during = change
    replica.sync()
    replica.during = lambda _: None
    replica.sync()
    assert replica.rows("a") == [
        {"id": id_, "n": n, "large": large}
        for id_, n, large in source.fetch("select * from a order by id")
    ]


def test_r6_a_copy_killed_half_way_goes_on_and_streams_from_its_lsn(
    source: Database, replica: Replica
) -> None:
    """A copy resumed by the next process misses no change made before or after the kill."""
    source.run(
        "create table a (id int primary key, n int)",
        "insert into a select g, 0 from generate_series(1, 100) g",
    )
    replica.settings = replica.settings.model_copy(update={"chunk_rows": 10})
    replica.restart()
    for number, batch in enumerate(replica.source.read({})):
        for changes in batch.changes:
            replica.memory.apply(changes)
        replica.state = batch.state or replica.state
        if number == 4:
            break
    source.run("update a set n = 1 where id in (5, 95)", "delete from a where id in (6, 96)")
    replica.restart()
    replica.sync()
    assert replica.copied_tables == {"public.a"}
    rows = [(row["id"], row["n"]) for row in replica.rows("a")]
    assert rows == source.fetch("select id, n from a order by id")
    source.run("update a set n = 2 where id = 1")
    assert replica.sync().rows("a")[0] == {"id": 1, "n": 2}


def test_an_open_transaction_arrives_when_it_commits(source: Database, replica: Replica) -> None:
    """A transaction that is open while others commit is read once it commits, whole."""
    source.run("create table a (id int primary key)")
    replica.sync()
    with closing(source.connect()) as open_one, open_one.cursor() as cursor:
        open_one.autocommit = False
        cursor.execute("insert into a values (1)")
        source.run("insert into a values (2)")
        assert replica.sync().rows("a") == [{"id": 2}]
        assert not list(replica.sync().changes())
        cursor.execute("insert into a values (3)")
        open_one.commit()
    replica.restart()
    assert replica.sync().rows("a") == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_other_tables_are_followed_while_one_is_copied(
    source: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a long copy, also a resumed one, the changes of other tables go on arriving."""
    monkeypatch.setattr("simplyload.sources.postgres.source.FOLLOW_SECONDS", 0.0)
    source.run("create table a (id int primary key)", "insert into a values (0)")
    replica.settings = replica.settings.model_copy(update={"chunk_rows": 10})
    replica.restart()
    replica.sync()
    source.run(
        "create table big (id int primary key, n int)",
        "insert into big select g, 0 from generate_series(1, 100) g",
    )
    ids = iter(range(1, 1000))

    def change(_: Batch) -> None:
        number = next(ids)
        source.run(
            f"insert into a values ({number})",
            f"update big set n = {number} where id in ({number}, 99)",
            f"delete from big where id = {100 - number}",
        )

    for number, batch in enumerate(replica.source.read(replica.state)):
        for changes in batch.changes:
            replica.memory.apply(changes)
        replica.state = batch.state or replica.state
        change(batch)
        if number == 8:
            break
    replica.restart()
    replica.during = change
    replica.sync()
    names = [changes.table.name for changes in replica.changes()]
    assert names.index("a") < len(names) - names[::-1].index("big") - 1
    replica.during = lambda _: None
    replica.sync()
    for table in ("a", "big"):
        expected = source.fetch(f"select * from {table} order by id")
        assert [tuple(row.values()) for row in replica.rows(table)] == expected
    end = source.lsn()
    replica.sync()
    assert eventually(lambda: source.confirmed_lsn() >= end)


def test_a_table_whose_log_is_gone_while_it_was_copied_is_copied_again(
    source: Database, replica: Replica
) -> None:
    """Where the slot passed the position of a table behind the stream, that table is copied."""
    source.run("create table a (id int primary key)", "create table b (id int primary key)")
    replica.sync()
    state = json.loads(json.dumps(replica.state))
    oid = str(source.one("select 'b'::regclass::oid"))
    state["stream"]["tables"][oid]["lsn"] = state["stream"]["lsn"]
    source.run("insert into b values (1)", "insert into a values (1)")
    state["stream"]["lsn"] = source.one("select pg_current_wal_flush_lsn()")
    replica.restart()
    source.run(f"select pg_replication_slot_advance('{replica.name}', pg_current_wal_flush_lsn())")
    replica.state = state
    assert replica.sync().copied_tables == {"public.b"}
    assert "the changes between are gone" in replica.message_text
    assert replica.rows("b") == [{"id": 1}]
