"""What happens to single rows: keys, TOAST, truncation, columns."""

from contextlib import closing
from pathlib import Path

import duckdb
import psycopg2
import pytest

from simplyload.changes import Batch
from simplyload.sources.postgres.slot import format_lsn
from simplyload.testing.kills import load_with_kills
from tests.postgres_cdc.replica import Database, Replica

LARGE = "(select string_agg(md5(g::text), '') from generate_series(1, 2000) g)"


def test_changes_follow_the_copy(source: Database, replica: Replica) -> None:
    """Rows copied once, then inserts, updates, key changes and deletes give the source's rows."""
    source.run(
        "create table a (id int primary key, v text)", "insert into a values (1, 'x'), (9, 'old')"
    )
    replica.sync()
    assert replica.copied_tables == {"public.a"}
    source.run(
        "insert into a values (2, 'y')",
        "update a set v = 'z' where id = 1",
        "update a set id = 10 where id = 1",
        "delete from a where id = 2",
    )
    replica.sync()
    assert replica.rows("a") == [{"id": 9, "v": "old"}, {"id": 10, "v": "z"}]


def test_nothing_to_read_gives_no_batch(source: Database, replica: Replica) -> None:
    """A read that finds no change yields nothing at all."""
    source.run("create table a (id int primary key)", "insert into a values (1)")
    replica.sync()
    assert not list(replica.sync().changes())


@pytest.mark.parametrize("identity", ["default", "full"])
def test_r7_unsent_toast_keeps_its_value(source: Database, replica: Replica, identity: str) -> None:
    """An UPDATE of another column leaves a large value as it is, which the server does not send."""
    source.run(
        "create table a (id int primary key, n int, large text)",
        "alter table a alter large set storage external",
        f"alter table a replica identity {identity}",
        f"insert into a select 1, 1, {LARGE}",
    )
    replica.sync()
    source.run("update a set n = 2")
    [changes] = replica.sync().changes()
    assert changes.rows["large"][0].is_valid == (identity == "full")
    [row] = replica.rows("a")
    assert (row["n"], len(row["large"])) == (2, 64_000)


@pytest.mark.parametrize("identity", ["default", "full"])
def test_r8_key_change_carries_the_unsent_toast(
    source: Database, replica: Replica, identity: str
) -> None:
    """A row that gets another key has its large value under the new key; the old key is gone."""
    source.run(
        "create table a (id int, part text, n int, large text, primary key (id, part))",
        "alter table a alter large set storage external",
        f"alter table a replica identity {identity}",
        f"insert into a select g, 'it''s', 1, {LARGE} from generate_series(1, 3) g",
    )
    replica.sync()
    source.run("update a set id = id + 100 where id < 3", "update a set id = 300 where id = 3")
    source.run("delete from a where id = 300", "update a set n = 5 where id = 101")
    replica.sync()
    found = [(row["id"], row["n"], len(row["large"])) for row in replica.rows("a")]
    assert found == [(101, 5, 64_000), (102, 1, 64_000)]


def test_large_value_in_the_key_is_known_though_unsent(source: Database, replica: Replica) -> None:
    """A TOASTed key column that an UPDATE leaves alone still identifies the row."""
    source.run(
        "create table a (id text primary key, n int)",
        "alter table a alter id set storage external",
        "insert into a select string_agg(md5(g::text), ''), 1 from generate_series(1, 70) g",
    )
    replica.sync()
    source.run("update a set n = 2")
    replica.sync()
    assert [row["n"] for row in replica.rows("a")] == [2]


def test_r10_a_default_fills_rows_that_no_change_names(source: Database, replica: Replica) -> None:
    """A column added with a default, or with a new type, has its values in old rows too."""
    source.run(
        "create table a (id int primary key, v int)",
        "insert into a select g, g from generate_series(1, 1000) g",
    )
    replica.sync()
    source.run(
        "insert into a values (1001, 0)",
        "alter table a add d text default 'd', add u text",
        "alter table a alter v type text using 'v' || v",
        "insert into a values (1002, 'n', 'own')",
        "update a set d = 'changed' where id = 1",
        "delete from a where id = 2",
    )
    replica.sync()
    rows = {row["id"]: (row["v"], row["d"], row["u"]) for row in replica.rows("a")}
    assert len(rows) == 1001
    assert rows[1] == ("v1", "changed", None)
    assert rows[3] == ("v3", "d", None)
    assert rows[1001] == ("v0", "d", None)
    assert rows[1002] == ("n", "own", None)
    assert not list(replica.sync().changes())


def test_r10_a_default_is_read_without_any_row_change(source: Database, replica: Replica) -> None:
    """A column added to a quiet table is found in the catalog, once."""
    source.run("create table a (id int primary key)", "insert into a values (1), (2)")
    replica.sync()
    source.run("alter table a add d int default 7")
    replica.sync()
    assert [row["d"] for row in replica.rows("a")] == [7, 7]
    assert not list(replica.sync().changes())


def test_r10_a_row_inserted_while_a_column_is_read_is_never_half(
    source: Database, replica: Replica
) -> None:
    """The state comes only after the changes made while a new column was read."""
    source.run("create table a (id int primary key, v text)", "insert into a values (1, 'x')")
    replica.sync()
    source.run("alter table a add d int default 7")
    seen = []

    def insert(batch: Batch) -> None:
        if batch.changes:
            seen.append(batch.state)
            source.run("insert into a values (2, 'late') on conflict do nothing")

    replica.during = insert
    replica.sync()
    assert seen[0] is None
    assert replica.rows("a") == [{"id": 1, "v": "x", "d": 7}, {"id": 2, "v": "late", "d": 7}]


def test_r10_a_default_waits_for_an_open_transaction_by_name(
    source: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a transaction writes, old rows lack the default and the table waits; then they have it.

    The rows of a run that waits are loaded, also by a run that forgets what the one before it knew.
    """
    monkeypatch.setattr("simplyload.sources.postgres.setup.find_barrier.__defaults__", (0.3,))
    source.run(
        "create table a (id int primary key, old text)", "insert into a values (1, 'x'), (2, 'y')"
    )
    replica.sync()
    source.run("alter table a drop old", "alter table a add d text not null default 'n'")
    with closing(psycopg2.connect(source.dsn)) as writer:
        writer.cursor().execute("insert into a values (5)")
        for number in (3, 4):
            source.run(f"insert into a values ({number})")
            assert set(replica.sync().waiting_tables) == {"a"}
            replica.restart()
        assert [row.get("d") for row in replica.rows("a")] == [None, None, "n", "n"]
        writer.commit()
    assert replica.sync().waiting_tables == {}
    assert {row["id"]: row["d"] for row in replica.rows("a")} == dict.fromkeys(range(1, 6), "n")


@pytest.mark.slow
def test_r1_r10_a_default_survives_a_kill_at_each_step_of_its_run(
    source: Database, replica: Replica, tmp_path: Path
) -> None:
    """Old rows have the default of a new column, before whichever step the run is killed."""
    settings = replica.settings.model_dump(mode="json", by_alias=True)
    source.run(
        "create table a (id int primary key, old text)",
        "insert into a select n, 'x' from generate_series(1, 20) n",
    )
    load_with_kills(settings, "shop", tmp_path)
    source.run(
        "alter table a drop old",
        "alter table a add d text not null default 'n'",
        "insert into a select n from generate_series(21, 40) n",
    )
    assert load_with_kills(settings, "shop", tmp_path, steps=[1, 60, 1]) >= 20
    with duckdb.connect(tmp_path / "target.duckdb", read_only=True) as target:
        found = target.sql("select id, d from shop.a where not _deleted order by id").fetchall()
    assert found == [(number, "n") for number in range(1, 41)]


def test_truncate_then_insert_in_one_transaction(source: Database, replica: Replica) -> None:
    """TRUNCATE ends all rows before it and none after it (R9)."""
    source.run("create table a (id int primary key)", "insert into a values (1), (2)")
    replica.sync()
    source.run("begin; insert into a values (3); truncate a; insert into a values (2); commit")
    replica.sync()
    assert replica.rows("a") == [{"id": 2}]


def test_a16_truncate_cascade_reaches_a_child_published_alone(
    source: Database, replica: Replica
) -> None:
    """TRUNCATE parent CASCADE ends the rows of a child when the child alone is published."""
    source.run(
        "create table parent (id int primary key)",
        "create table child (id int primary key, p int references parent)",
        "create table other (id int primary key)",
        "insert into parent values (1)",
        "insert into child values (1, 1)",
        "insert into other values (1)",
        f"create publication {replica.name} for table child, other",
    )
    replica.sync()
    source.run("truncate parent cascade")
    replica.sync()
    assert replica.rows("child") == []
    assert replica.rows("other") == [{"id": 1}]


def test_a49_delete_and_insert_of_one_key(source: Database, replica: Replica) -> None:
    """A key deleted and inserted in one transaction exists, with the new values alone."""
    source.run(
        "create table a (id int primary key, v text, w text)", "insert into a values (1, 'x', 'y')"
    )
    replica.sync()
    source.run("begin; delete from a; insert into a values (1, 'new'); commit")
    replica.sync()
    assert replica.rows("a") == [{"id": 1, "v": "new", "w": None}]


def test_lsn_is_written_as_the_server_does(source: Database) -> None:
    """An LSN in the state is the server's own text."""
    assert source.fetch("select '0/0'::pg_lsn + 123456789012345")[0][0] == format_lsn(
        123456789012345
    )
