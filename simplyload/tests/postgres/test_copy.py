"""Copy: resumable, in the server's order, by short statements, no row missing at any time."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from simplyload.errors import ConfigurationError
from simplyload.sources.postgres import pages
from simplyload.sources.postgres.source import PostgresSource

Run = Callable[[str], list[Any]]
Replicate = Callable[..., Any]


def test_a24_the_server_alone_orders_and_compares(run: Run, replicate: Replicate) -> None:
    """Text, enum and composite keys are copied once each, in chunks of two rows."""
    words = ["B", "a", "a ", "ä", "_", "", "Z", "\\", "'", "z''", "%s", "10", "9"]
    run("create table words (word text primary key)")
    run("create type size as enum ('small', 'medium', 'large', 'huge')")
    run(
        "create table pairs (size size, n numeric(5, 1), at timestamptz, primary key (size, n, at))"
    )
    for word in words:
        run("insert into words values ('{}')".format(word.replace("'", "''")))
    run("""insert into pairs select size, n, '2024-01-01'::timestamptz + us * interval '1 us'
        from unnest(enum_range(null::size)) size, generate_series(8.5, 10.5) n,
            generate_series(1, 3) us""")
    replica = replicate(chunk_rows=2)
    changes = replica.sync()
    assert sorted(row["word"] for row in replica.rows("words")) == sorted(words)
    assert len(replica.rows("pairs")) == 4 * 3 * 3
    assert len([change for change in changes if change["_op"] == "U"]) == len(words) + 36


def test_r05_a_copy_that_dies_near_its_end_goes_on_from_there(
    run: Run, replicate: Replicate
) -> None:
    """After nine of ten chunks, in units of three, the next run reads the tenth alone."""
    run("create table t (id int primary key, updated_at timestamptz default now())")
    run("insert into t select generate_series(1, 1000)")
    replica = replicate(chunk_rows=100, cursors={"public.t": "updated_at"})
    assert len(replica.sync(commits=4)) == 900
    rest = replica.sync()
    assert [change["_op"] for change in rest] == ["U"] * 100 + ["T"]
    assert [row["id"] for row in sorted(replica.rows("t"), key=lambda row: row["id"])] == list(
        range(1, 1001)
    )


def test_r05_a_copy_that_goes_on_is_followed_by_another(run: Run, replicate: Replicate) -> None:
    """Of a table without a cursor, rows that changed under the first part of a copy arrive too."""
    run("create table t (id int primary key, v text)")
    run("insert into t select i, 'old' from generate_series(1, 1000) i")
    replica = replicate(chunk_rows=100)
    replica.sync(commits=4)
    run("update t set v = 'new' where id = 1; delete from t where id = 2")
    replica.sync()
    rows = {row["id"]: row["v"] for row in replica.rows("t")}
    assert rows == {1: "new"} | dict.fromkeys(range(3, 1001), "old")
    assert replica.sync() == []


def test_a41_old_rows_stay_until_a_new_copy_is_complete(run: Run, replicate: Replicate) -> None:
    """During a re-copy no row is missing; at its end those gone from the source are deleted."""
    run("create table t (id int primary key, v text)")
    run("insert into t select i, 'old' from generate_series(1, 30) i")
    replica = replicate(chunk_rows=2)
    replica.sync()
    run("delete from t where id <= 20; insert into t values (31, 'new')")
    with closing(PostgresSource(replica.settings, "shop")) as source:
        replica.state = source.backfill(replica.state, "public.t", None)
    replica.sync(commits=3)
    assert len(replica.rows("t")) == 30 + 1
    replica.sync()
    assert {row["id"] for row in replica.rows("t")} == set(range(21, 32))


def test_backfill_from_a_value_reads_that_part_and_deletes_nothing(
    run: Run, replicate: Replicate
) -> None:
    """Rows from a cursor value on are read again; the others are left as they are."""
    run("create table t (id int primary key, updated_at timestamptz)")
    run("""insert into t select i, '2024-01-01'::timestamptz + i * interval '1 day'
        from generate_series(1, 10) i""")
    replica = replicate(chunk_rows=2)
    replica.sync()
    with closing(PostgresSource(replica.settings, "shop")) as source:
        with pytest.raises(ConfigurationError, match="no timestamptz"):
            source.backfill(replica.state, "t", "yesterday or so")
        replica.state = source.backfill(replica.state, "t", "2024-01-09")
    assert [change["id"] for change in replica.sync()] == [8, 9, 10]
    assert len(replica.rows("t")) == 10


def test_a18_nothing_is_open_at_the_source_while_a_chunk_is_loaded(
    run: Run, replicate: Replicate
) -> None:
    """Between two chunks no session of ours has a transaction, a snapshot or a cursor."""
    run("create table t (id int primary key); insert into t select generate_series(1, 30)")
    with closing(PostgresSource(replicate(chunk_rows=10).settings, "shop")) as source:
        looked = [
            run("""select state, xact_start, backend_xmin, query ~* 'offset|declare'
                from pg_stat_activity where application_name = 'simplyload/shop'""")
            for batch in source.read({})
            if batch.changes
        ]
    assert len(looked) == 4
    assert all(session == ("idle", None, None, False) for look in looked for session in look)
    assert all(len(look) == 2 for look in looked)


def test_a_copy_outlasts_its_connection(run: Run, replicate: Replicate) -> None:
    """When the server ends the session between two chunks, the next one is read over another."""
    run("create table t (id int primary key); insert into t select generate_series(1, 30)")
    ids: list[int | None] = []
    with closing(PostgresSource(replicate(chunk_rows=10, mode="copy").settings, "shop")) as source:
        for batch in source.read({}):
            ids += [row for changes in batch.changes for row in changes.rows["id"].to_pylist()]
            if len(ids) == 10:
                run("""select pg_terminate_backend(pid) from pg_stat_activity
                    where application_name = 'simplyload/shop'""")
    assert ids == [*range(1, 31), None]


def test_a08_a_page_of_wide_rows_is_cut_by_its_size(
    run: Run, replicate: Replicate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows a chunk may have, a page ends soon after its size in bytes."""
    monkeypatch.setattr(pages, "PAGE_BYTES", 1_000_000)
    run("create table t (id int primary key, v text)")
    run("insert into t select i, repeat(md5(i::text), 3000) from generate_series(1, 400) i")
    replica = replicate(chunk_rows=10_000)
    replica.sync()
    sizes = [changes.rows.nbytes for batch in replica.batches for changes in batch.changes]
    assert len(replica.rows("t")) == 400
    assert max(sizes) < 20_000_000
    assert len(sizes) > 3


def test_r12_partitions_are_one_table_and_inheriting_tables_are_their_own(
    run: Run, replicate: Replicate
) -> None:
    """A row is in exactly one table of the destination."""
    run("create table p (id int primary key, updated_at timestamptz) partition by range (id)")
    run("create table p1 partition of p for values from (0) to (10)")
    run("create table p2 partition of p for values from (10) to (20)")
    run("insert into p select i, now() from generate_series(1, 19) i")
    run(
        "create table parent (id int primary key); create table child (primary key (id))"
        " inherits (parent); insert into parent values (1); insert into child values (2)"
    )
    replica = replicate(chunk_rows=4)
    replica.sync()
    assert len(replica.rows("p")) == 19
    assert replica.rows("p1") == []
    assert replica.rows("parent") == [{"id": 1}]
    assert replica.rows("child") == [{"id": 2}]
    run("update p set updated_at = now() where id in (3, 13)")
    assert [change["id"] for change in replica.sync()] == [3, 13]


def test_r21_any_name_can_be_copied_and_polled(run: Run, replicate: Replicate) -> None:
    """Quotes, percent signs, upper case, reserved words and names of our own query are names."""
    run("""create table "Order"" %s" ("select" int, "c0" int, "o1" text, "removed" bool, "u0" date,
        "a.b" text, "ID" int, "id" int, updated_at timestamptz, primary key ("c0", "select"))""")
    run("""insert into "Order"" %s" values (1, 7, 'a', true, 'infinity', 'd', 3, 4, now()),
        (2, 6, 'b', false, '2024-01-01', 'e', 5, 6, now())""")
    replica = replicate(chunk_rows=1)
    replica.sync()
    run("""update "Order"" %s" set "a.b" = 'f', updated_at = now() where c0 = 7""")
    replica.sync()
    assert [
        (row["select"], row["c0"], row["o1"], row["a.b"], row["ID"], row["id"], row["removed"])
        for row in replica.rows('Order" %s')
    ] == [(2, 6, "b", "e", 5, 6, False), (1, 7, "a", "f", 3, 4, True)]


def test_a_table_without_a_cursor_is_copied_again_when_its_time_has_come(
    run: Run, replicate: Replicate
) -> None:
    """Within `delete_scan` nothing is read; after it all rows, and vanished ones are deleted."""
    run("create table t (id int primary key); insert into t values (1), (2)")
    replica = replicate()
    replica.sync()
    run("delete from t where id = 1; insert into t values (3)")
    assert replica.sync() == []
    replica.settings = replica.settings.model_copy(update={"delete_scan": timedelta()})
    replica.sync()
    assert replica.rows("t") == [{"id": 2}, {"id": 3}]


def test_mode_copy_reads_every_table_each_time(run: Run, replicate: Replicate) -> None:
    """In mode `copy` each run is a whole copy, with a cursor column or without."""
    run("create table t (id int primary key, updated_at timestamptz); insert into t values (1)")
    replica = replicate(mode="copy")
    replica.sync()
    run("delete from t; insert into t values (2)")
    replica.sync()
    assert replica.rows("t") == [{"id": 2, "updated_at": None}]


def test_r10_a_column_added_with_a_default_is_filled(run: Run, replicate: Replicate) -> None:
    """No cursor tells that old rows have a new value: the table is copied again, and says so."""
    run("create table t (id int primary key, updated_at timestamptz); insert into t values (1)")
    replica = replicate()
    replica.sync()
    run("alter table t add column colour text default 'red'")
    replica.sync()
    assert replica.rows("t") == [{"id": 1, "updated_at": None, "colour": "red"}]
    assert replica.warnings == ["public.t is copied again: its columns changed."]


def test_a15_a_new_key_is_a_new_copy(run: Run, replicate: Replicate) -> None:
    """A table whose key changes is copied, with a sentence, and has no row of the old key."""
    run("create table t (a int primary key, b int not null); insert into t values (1, 1)")
    replica = replicate()
    replica.sync()
    run("alter table t drop constraint t_pkey; alter table t add primary key (a, b)")
    run("insert into t values (1, 2)")
    replica.sync()
    assert replica.rows("t") == [{"a": 1, "b": 1}, {"a": 1, "b": 2}]
    [warning] = replica.warnings
    assert warning.startswith(
        "public.t is copied once the destination has no table with the former"
    )
    assert warning.endswith(": its key is now a, b.")
