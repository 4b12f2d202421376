"""Poll: every change once, late ones too, and nothing where nothing changed."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

Run = Callable[[str], list[Any]]
Replicate = Callable[..., Any]


@pytest.fixture
def other(database: str) -> Iterator[Connection]:
    """Give a second session of the owner, whose transactions stay open until they are ended."""
    with closing(psycopg2.connect(database)) as connection:
        yield connection


def test_r17_rows_that_share_a_cursor_value_all_arrive_once(run: Run, replicate: Replicate) -> None:
    """5,000 rows of one `updated_at` are read in five pages, none twice, and then no more."""
    run("create table t (id int primary key, updated_at timestamptz)")
    replica = replicate(chunk_rows=1000)
    replica.sync()
    run("insert into t select i, now() from generate_series(1, 5000) i")
    assert sorted(change["id"] for change in replica.sync()) == list(range(1, 5001))
    assert replica.sync() == []


def test_r18_rows_without_a_cursor_value_are_followed(run: Run, replicate: Replicate) -> None:
    """A row whose cursor is NULL is read when it changes, and only then."""
    run("create table t (id int primary key, v text, updated_at timestamptz)")
    run("insert into t values (1, 'a', null), (2, 'b', now())")
    replica = replicate()
    replica.sync()
    run("update t set v = 'c' where id = 1; insert into t values (3, 'd', null)")
    assert {change["id"] for change in replica.sync()} == {1, 3}
    assert replica.sync() == []
    assert [row["v"] for row in replica.rows("t")] == ["c", "b", "d"]


@pytest.mark.parametrize("wrote_first", [True, False], ids=["wrote first", "wrote late"])
def test_r16_a22_a_late_commit_below_the_watermark_is_read(
    run: Run, other: Connection, replicate: Replicate, *, wrote_first: bool
) -> None:
    """A row stamped at the start of a long transaction arrives, whatever was read meanwhile.

    The role cannot see when the transaction started, and the transaction may not have an id yet.
    """
    run("create table t (id int primary key, updated_at timestamptz default now())")
    replica = replicate(overlap=0)
    replica.sync()
    cursor = other.cursor()
    cursor.execute("insert into t values (1)" if wrote_first else "select 1")
    for number in range(2, 8):
        run(f"insert into t values ({number})")
        replica.sync()
    if not wrote_first:
        cursor.execute("savepoint s; insert into t values (1)")
    replica.sync()
    other.commit()
    assert 1 in {change["id"] for change in replica.sync()}
    for number in range(8, 12):
        run(f"insert into t values ({number})")
        assert [change["id"] for change in replica.sync()] == [number]


def test_a22_a_transaction_open_since_before_the_copy_is_read(
    run: Run, other: Connection, replicate: Replicate
) -> None:
    """What a transaction older than the copy commits after it arrives, though its stamp is old."""
    run("create table t (id int primary key, updated_at timestamptz default now())")
    run("insert into t values (5)")
    other.cursor().execute("insert into t values (1, now() - interval '20 minutes')")
    run("insert into t values (2)")
    replica = replicate()
    replica.sync()
    replica.sync()
    other.commit()
    assert 1 in {change["id"] for change in replica.sync()}
    assert replica.sync() == []


def test_a22_a_number_given_before_a_later_one_committed_is_read(
    run: Run, other: Connection, replicate: Replicate
) -> None:
    """With a sequence as cursor, 1 commits after 2 was read, and arrives."""
    run("create table t (id bigserial primary key, v text)")
    replica = replicate(cursors={"public.t": "id"})
    replica.sync()
    other.cursor().execute("insert into t (v) values ('first')")
    for _ in range(3):
        run("insert into t (v) values ('later')")
        replica.sync()
    other.commit()
    assert "first" in {change["v"] for change in replica.sync()}
    assert replica.sync() == []


def test_a23_cursor_values_keep_every_digit(run: Run, replicate: Replicate) -> None:
    """Microseconds are the server's text in the state: no row is read twice, none is skipped."""
    run("create table t (id int primary key, updated_at timestamptz)")
    run("insert into t values (1, '2024-01-01 00:00:00.123456')")
    replica = replicate(overlap=0)
    replica.sync()
    assert replica.state["tables"]["public.t"]["poll"]["lower"] == "2024-01-01 00:00:00.123456+00"
    run("insert into t values (2, '2024-01-01 00:00:00.123457')")
    run("insert into t values (3, '2024-01-01 00:00:00.123456')")
    assert [change["id"] for change in replica.sync()] == [3, 2]
    assert replica.sync() == []


def test_r19_hard_deletes_are_found_by_their_keys(run: Run, replicate: Replicate) -> None:
    """The scan of keys marks what is gone, keeps the columns of the rest, and takes new rows in."""
    run("create table t (id int primary key, v text, updated_at timestamptz default now())")
    run("insert into t select i, 'v' || i from generate_series(1, 25) i")
    replica = replicate(chunk_rows=10)
    replica.sync()
    run("delete from t where id % 2 = 0; insert into t values (26, 'v26')")
    replica.sync()
    assert len(replica.rows("t")) == 26
    replica.settings = replica.settings.model_copy(update={"delete_scan": timedelta()})
    run("insert into t values (28, 'v28')")
    replica.sync()
    assert {row["id"]: row["v"] for row in replica.rows("t")} == {
        i: f"v{i}" for i in [*range(1, 26, 2), 26, 28]
    }


def test_r19_the_scan_of_keys_reads_what_no_cursor_tells(run: Run, replicate: Replicate) -> None:
    """A row written with an old stamp, or moved back, or not stamped at all arrives, each once."""
    run("create table t (id int primary key, v text, updated_at timestamptz default now())")
    run("insert into t select i, 'v' from generate_series(1, 25) i")
    replica = replicate(chunk_rows=10)
    replica.sync()
    run("insert into t values (30, 'late', '2001-01-01'), (31, 'new', now())")
    run("update t set v = 'back', updated_at = '2001-01-01' where id = 3")
    run("update t set v = 'not stamped', updated_at = '2001-01-02' where id = 20")
    assert [change["id"] for change in replica.sync()] == [31]
    replica.settings = replica.settings.model_copy(update={"delete_scan": timedelta()})
    whole = [change["id"] for change in replica.sync() if change["_cols"] is None]
    assert sorted(filter(None, whole)) == [3, 20, 30, 31]
    assert replica.rows("t") == [
        dict(zip(("id", "v", "updated_at"), row, strict=True))
        for row in run('select id, v, updated_at from t order by id::text collate "C"')
    ]
    assert [change for change in replica.sync() if change["v"]] == []


def test_r19_a_scan_of_keys_is_one_unit_of_work(run: Run, replicate: Replicate) -> None:
    """No state lies between the scan and the poll after it: a new row is never a key alone."""
    run("create table t (id int primary key, v text not null, updated_at timestamptz)")
    run("insert into t select i, 'v', now() from generate_series(1, 25) i")
    replica = replicate(chunk_rows=10, delete_scan=0)
    replica.sync()
    run(
        "delete from t where id = 1;"
        " insert into t select i, 'v', now() from generate_series(26, 60) i"
    )
    replica.sync()
    with_rows = [batch for batch in replica.batches if batch.changes]
    assert len(with_rows) > 5
    assert all(batch.state is None for batch in with_rows)
    assert [row["v"] for row in replica.rows("t")] == ["v"] * 59


def test_a_soft_deleted_row_is_deleted_and_may_come_back(run: Run, replicate: Replicate) -> None:
    """The column says so in copy, in poll and to the scan of keys; its values stay known."""
    run("""create table t (id int primary key, removed bool, updated_at timestamptz);
        insert into t values (1, true, now()), (2, false, now()), (3, null, now())""")
    replica = replicate(soft_delete={"public.t": "removed"})
    replica.sync()
    assert [row["id"] for row in replica.rows("t")] == [2, 3]
    run("update t set removed = not coalesce(removed, false), updated_at = now()")
    replica.sync()
    replica.settings = replica.settings.model_copy(update={"delete_scan": timedelta()})
    replica.sync()
    assert [row["id"] for row in replica.rows("t")] == [1]


def test_a37_an_idle_table_gives_nothing_though_its_window_is_read(
    run: Run, replicate: Replicate
) -> None:
    """Rows within the overlap are not read again and again: there is nothing to load."""
    run("create table t (id int primary key, updated_at timestamptz default now())")
    run("create table n (id int primary key, updated_at timestamptz)")
    run("insert into t select generate_series(1, 10); insert into n select generate_series(1, 10)")
    replica = replicate(overlap=3600)
    replica.sync()
    assert replica.sync() == []
    run("update t set updated_at = now() where id = 4")
    assert [change["id"] for change in replica.sync()] == [4]
    assert replica.sync() == []


@pytest.mark.parametrize("stamp", ["infinity", "2099-01-01"])
def test_a28_a_stamp_in_the_future_does_not_carry_the_watermark(
    run: Run, replicate: Replicate, stamp: str
) -> None:
    """After a row of a wrong clock, rows of the right time are read as before."""
    run("create table t (id int primary key, updated_at timestamptz default now())")
    replica = replicate(overlap=0)
    replica.sync()
    run(f"insert into t values (1, '{stamp}')")
    assert [change["id"] for change in replica.sync()] == [1]
    for number in (2, 3, 4):
        run(f"insert into t values ({number})")
        assert [change["id"] for change in replica.sync()] == [number]


def test_a_poll_that_dies_goes_on_and_misses_no_late_commit(
    run: Run, other: Connection, replicate: Replicate
) -> None:
    """Pages read before the end of a run are not read again; what committed meanwhile is."""
    run("create table t (id int primary key, updated_at timestamptz default now())")
    replica = replicate(chunk_rows=10, overlap=0)
    replica.sync()
    replica.sync()
    other.cursor().execute("insert into t values (1000)")
    run("insert into t select generate_series(1, 50)")
    assert len(replica.sync(commits=3)) == 20
    other.commit()
    replica.sync()
    replica.sync()
    assert {row["id"] for row in replica.rows("t")} == {*range(1, 51), 1000}


def test_a11_on_another_timeline_the_window_is_read_again(run: Run, replicate: Replicate) -> None:
    """After a failover transaction ids of the old primary are not compared with."""
    run("create table t (id int primary key, v text, updated_at timestamptz default now())")
    run("insert into t values (1, 'a')")
    replica = replicate()
    replica.sync()
    replica.sync()
    state = dict(replica.state) | {"timeline": 77}
    state["tables"]["public.t"]["poll"]["xmin"] = 2**40
    replica.state = state
    assert [change["id"] for change in replica.sync()] == [1]


def test_a11_on_another_server_the_tables_are_copied_again(run: Run, replicate: Replicate) -> None:
    """A restored or replaced server may have any rows: the sentence says what happens."""
    run("create table t (id int primary key, updated_at timestamptz)")
    run("insert into t values (1)")
    replica = replicate()
    replica.sync()
    replica.state = dict(replica.state) | {"system": 77}
    replica.sync()
    assert replica.warnings == ["public.t is copied again: the server is another one than before."]
