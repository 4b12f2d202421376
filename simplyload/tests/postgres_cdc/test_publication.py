"""The publication: what is in it, in which form, and what a table cannot survive."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import psycopg2
import pytest

from simplyload.errors import SourceError
from simplyload.sources.postgres.setup import find_barrier
from simplyload.sources.postgres.source import PostgresSource
from tests.postgres_cdc.conftest import eventually
from tests.postgres_cdc.replica import Database, Replica


def ids(replica: Replica, table: str) -> list[int]:
    """Give the ids of the destination's rows."""
    return [row["id"] for row in replica.rows(table)]


def test_a3_a_new_table_is_copied(source: Database, replica: Replica) -> None:
    """A table that appears later is published and copied, with the rows from before."""
    source.run("create table a (id int primary key)", "insert into a values (1)")
    replica.sync()
    source.run(
        "create table b (id int primary key)",
        "insert into b values (1)",
        "insert into a values (2)",
    )
    assert replica.sync().copied_tables == {"public.b"}
    source.run("insert into b values (2)", "insert into a values (3)")
    assert replica.sync().copied_tables == set()
    assert (ids(replica, "a"), ids(replica, "b")) == ([1, 2, 3], [1, 2])


def test_a3_a_returning_table_is_copied_again(source: Database, replica: Replica) -> None:
    """What happened while a table was out of the publication arrives by a new copy."""
    source.run("create table a (id int primary key)", "create table b (id int primary key)")
    source.run("insert into b values (15)", f"create publication {replica.name} for table a, b")
    replica.sync()
    source.run(
        f"alter publication {replica.name} drop table b",
        "insert into b values (16)",
        "delete from b where id = 15",
        f"alter publication {replica.name} add table b",
        "insert into b values (17)",
    )
    assert replica.sync().copied_tables == {"public.b"}
    assert "came back" in replica.message_text
    assert ids(replica, "b") == [16, 17]


@pytest.mark.parametrize("runs_between", [0, 1])
def test_a3_what_a_narrowed_publication_left_out_is_copied(
    source: Database, replica: Replica, runs_between: int
) -> None:
    """Changes that `publish` left out for a while arrive once it is set back, whatever ran then."""
    source.run(
        "create table a (id int primary key, v text)",
        "insert into a values (1, 'old'), (2, 'old')",
        f"create publication {replica.name} for table a",
    )
    replica.sync()
    source.run(f"alter publication {replica.name} set (publish = 'insert')")
    source.run("update a set v = 'new' where id = 1", "delete from a where id = 2")
    remedy = f"alter publication {replica.name} set (publish = 'insert, update, delete, truncate')"
    for _ in range(runs_between):
        with pytest.raises(SourceError, match="does not publish update") as caught:
            replica.sync()
        remedy = str(caught.value).partition(": run ")[2].removesuffix(".")
    source.run(remedy)
    replica.restart()
    assert replica.sync().rows("a") == [{"id": 1, "v": "new"}]
    assert (
        "was altered and may have left out changes: all tables are copied again"
        in replica.message_text
    )
    assert not list(replica.sync().changes())


def test_a3_a_state_without_the_publications_version_goes_on(
    source: Database, replica: Replica
) -> None:
    """The first run with the state of an earlier version copies nothing, and knows it then."""
    source.run("create table a (id int primary key)", "insert into a values (1)")
    replica.sync()
    del replica.state["stream"]["publication"]
    assert not list(replica.sync().changes())
    alter = f"alter publication {replica.name} set (publish = 'insert, update, delete"
    source.run(f"{alter}')", "truncate a", f"{alter}, truncate')")
    assert replica.sync().rows("a") == []


def test_a3_a_table_left_out_by_a_foreign_publication_is_named(
    source: Database, replica: Replica
) -> None:
    """A publication of someone else is not changed: what it lacks is said, the others go on."""
    source.run(
        "create role owner_of_all superuser",
        "create table a (id int primary key)",
        "create table b (id int primary key)",
        "insert into a values (1)",
        f"create publication {replica.name} for table a",
        f"alter publication {replica.name} owner to owner_of_all",
    )
    try:
        replica.sync()
        assert (
            f'run ALTER PUBLICATION "{replica.name}" ADD TABLE ONLY "public"."b"'
            in replica.message_text
        )
        assert ids(replica, "a") == [1]
        assert replica.copied_tables == {"public.a"}
    finally:
        source.run(f"drop publication {replica.name}", "drop role owner_of_all")


def test_a3_a_recreated_table_is_copied(source: Database, replica: Replica) -> None:
    """A table dropped and made again under its name has the new rows alone."""
    source.run("create table a (id int primary key, v text)", "insert into a values (1, 'old')")
    source.run("create table b (id int primary key)")
    replica.sync()
    source.run("drop table a", "create table a (id int primary key)", "insert into a values (2)")
    assert replica.sync().copied_tables == {"public.a"}
    assert ids(replica, "a") == [2]
    source.run("insert into a values (3)")
    assert replica.sync().rows("a") == [{"id": 2}, {"id": 3}]


def test_a3_all_tables_and_a_schema_are_memberships_too(source: Database, replica: Replica) -> None:
    """FOR ALL TABLES and FOR TABLES IN SCHEMA publish a new table, which is copied."""
    source.run("create table a (id int primary key)", "insert into a values (1)")
    source.run(f"create publication {replica.name} for tables in schema public")
    replica.sync()
    source.run("create table b (id int primary key)", "insert into b values (1)")
    assert replica.sync().copied_tables == {"public.b"}
    source.run(f"drop publication {replica.name}")
    source.run(f"create publication {replica.name} for all tables")
    assert replica.sync().copied_tables == {"public.a", "public.b"}
    source.run("insert into b values (2)")
    assert ids(replica.sync(), "b") == [1, 2]


def test_a4_a_renamed_table_is_stopped(source: Database, replica: Replica) -> None:
    """By default a rename stops the table with one sentence; others go on."""
    source.run("create table a (id int primary key)", "create table b (id int primary key)")
    replica.sync()
    source.run(
        "insert into a values (1)",
        "alter table a rename to a2",
        "insert into a2 values (2)",
        "insert into b values (1)",
    )
    replica.sync()
    assert "public.a was renamed to public.a2: it is stopped" in replica.message_text
    assert (ids(replica, "a"), ids(replica, "a2"), ids(replica, "b")) == ([], [], [1])


def test_a4_a_renamed_table_is_followed(source: Database, replica: Replica) -> None:
    """With `rename: follow` the table is copied under its new name, and goes on there."""
    source.run("create table a (id int primary key)", "insert into a values (1)")
    replica.settings = replica.settings.model_copy(update={"rename": "follow"})
    replica.restart()
    replica.sync()
    source.run("alter table a rename to a2", "insert into a2 values (2)")
    assert replica.sync().copied_tables == {"public.a2"}
    source.run("insert into a2 values (3)")
    assert ids(replica.sync(), "a2") == [1, 2, 3]
    assert ids(replica, "a") == [1]


def test_a4_a_rename_during_a_read_is_noticed(source: Database, replica: Replica) -> None:
    """A table that is renamed after the read began is stopped where the stream says so."""
    source.run("create table a (id int primary key)", "insert into a values (0)")
    replica.sync()
    prepare = replica.source._replication.prepare  # noqa: SLF001

    def rename_after(*arguments: object) -> object:
        prepared = prepare(*arguments)  # type: ignore[arg-type]
        source.run(
            "insert into a values (1)", "alter table a rename to a2", "insert into a2 values (2)"
        )
        return prepared

    replica.source._replication.prepare = rename_after  # type: ignore[method-assign,assignment]  # noqa: SLF001
    replica.sync()
    assert "was renamed to public.a2: it is stopped" in replica.message_text
    assert ids(replica, "a") == [0, 1]
    source.run("alter table a2 rename to a")
    replica.restart()
    assert replica.sync().copied_tables == {"public.a"}
    assert ids(replica, "a") == [0, 1, 2]


PARTITIONED = (
    "create table pr (id int, d int, primary key (id, d)) partition by range (d)",
    "create table pr1 partition of pr for values from (0) to (10)",
    "create table pr2 (d int not null, id int not null, primary key (id, d))",
    "alter table pr attach partition pr2 for values from (10) to (20)",
    "insert into pr values (1, 1), (2, 11)",
)


def check_partitions(source: Database, replica: Replica) -> None:
    """Replicate inserts, a move between partitions, a new partition, a truncation."""
    replica.sync()
    source.run("insert into pr values (3, 5)", "update pr set d = 15 where id = 1")
    replica.sync()
    assert replica.rows("pr") == [{"id": 1, "d": 15}, {"id": 2, "d": 11}, {"id": 3, "d": 5}]
    source.run(
        "create table pr3 partition of pr for values from (20) to (30)",
        "insert into pr values (4, 25)",
        "update pr set d = 26 where id = 4",
    )
    replica.sync()
    assert replica.rows("pr")[-1] == {"id": 4, "d": 26}
    source.run("truncate pr", "insert into pr values (5, 1)")
    replica.sync()
    assert replica.rows("pr") == [{"id": 5, "d": 1}]
    assert set(replica.memory.tables) == {"pr"}


def test_r12_our_publication_publishes_the_root(source: Database, replica: Replica) -> None:
    """Partitions arrive as rows of their root, moves between them too."""
    source.run(*PARTITIONED)
    check_partitions(source, replica)


@pytest.mark.parametrize("what", ["for all tables", "for table pr", "for tables in schema public"])
def test_a5_partitions_published_by_their_own_name_are_mapped_to_the_root(
    source: Database, replica: Replica, what: str
) -> None:
    """A publication without publish_via_partition_root gives the root's rows all the same."""
    source.run(*PARTITIONED, f"create publication {replica.name} {what}")
    check_partitions(source, replica)


def test_a5_a_publication_with_some_partitions_is_refused(
    source: Database, replica: Replica
) -> None:
    """A root of which only some partitions are published is left out, with the SQL to run."""
    source.run(*PARTITIONED, "create table b (id int primary key)", "insert into b values (1)")
    source.run("create role owner_of_all superuser")
    source.run(
        f"create publication {replica.name} for table pr1, b",
        f"alter publication {replica.name} owner to owner_of_all",
    )
    try:
        assert replica.sync().copied_tables == {"public.b"}
        assert "Partitions of public.pr are not in publication" in replica.message_text
    finally:
        source.run(f"drop publication {replica.name}", "drop role owner_of_all")


def test_a5_a_truncated_partition_is_copied_again(source: Database, replica: Replica) -> None:
    """TRUNCATE of one partition ends its rows alone, by a new copy of the root."""
    source.run(*PARTITIONED, f"create publication {replica.name} for table pr")
    replica.sync()
    source.run("truncate pr1", "insert into pr values (7, 7)")
    assert replica.sync().copied_tables == {"public.pr"}
    assert replica.rows("pr") == [{"id": 2, "d": 11}, {"id": 7, "d": 7}]


def test_r12_rows_of_a_partition_arrive_with_it_and_go_with_it(
    source: Database, replica: Replica
) -> None:
    """A partition that is attached brings its rows, one that is detached takes them away."""
    source.run(*PARTITIONED)
    replica.sync()
    source.run(
        "create table filled (d int not null, id int not null, primary key (id, d))",
        "insert into filled values (30, 30), (31, 31)",
        "alter table pr attach partition filled for values from (30) to (40)",
        "delete from pr where id = 31",
        "insert into pr values (5, 5)",
    )
    assert [row["id"] for row in replica.sync().rows("pr")] == [1, 2, 5, 30]
    assert replica.copied_tables == set()
    assert not list(replica.sync().changes())
    source.run("alter table pr detach partition filled", "insert into pr values (6, 6)")
    assert [row["id"] for row in replica.sync().rows("pr")] == [1, 2, 5, 6]


ONE_PARTITION = {
    "truncated": ["truncate pr1"],
    "dropped": ["drop table pr1"],
    "detached and attached": [
        "alter table pr detach partition pr1",
        "insert into pr1 values (7, 7)",
        "delete from pr1 where id = 1",
        "alter table pr attach partition pr1 for values from (0) to (10)",
    ],
    "exchanged": [
        "create table other (id int, d int, primary key (id, d))",
        "insert into other values (8, 8)",
        "alter table pr detach partition pr1",
        "alter table pr attach partition other for values from (0) to (10)",
    ],
}


@pytest.mark.parametrize("change", ONE_PARTITION)
def test_r12_what_happens_to_one_partition_between_runs_arrives(
    source: Database, replica: Replica, change: str
) -> None:
    """Though the stream of a root has nothing of it, in the next run the rows are the source's."""
    source.run(*PARTITIONED)
    replica.sync()
    source.run(*ONE_PARTITION[change])
    rows = source.fetch("select id, d from pr order by 1, 2")
    assert [tuple(row.values()) for row in replica.sync().rows("pr")] == rows
    assert not list(replica.sync().changes())


def remedy(replica: Replica, table: str) -> str:
    """Give the SQL that the message of a waiting table ends with."""
    return "ALTER" + replica.waiting_tables[table].partition(", ALTER")[2]


NARROWED = {"rows": "b where (id < 100)", "key columns": "b (v)"}


@pytest.mark.parametrize("part", NARROWED.values(), ids=NARROWED)
@pytest.mark.parametrize("mode", ["auto", "cdc"])
def test_a3_a_table_of_which_a_part_is_published_waits_alone(
    source: Database, replica: Replica, part: str, mode: str
) -> None:
    """The owner of the publication gets the SQL for that table, and the others are streamed."""
    source.run("create table a (id int primary key)", "create table b (id int primary key, v int)")
    source.run("insert into b values (1, 1), (200, 2)")
    source.run(f"create publication {replica.name} for table a, {part}")
    replica.settings = replica.settings.model_copy(update={"mode": mode})
    replica.restart()
    assert replica.sync().copied_tables == {"public.a"}
    assert len(source.slots()) == 1
    source.run("insert into a values (1)", "insert into b values (300, 3)")
    assert ids(replica.sync(), "a") == [1]
    assert set(replica.waiting_tables) == {"b"}
    source.run(remedy(replica, "b"))
    assert replica.sync().copied_tables == {"public.b"}
    assert ids(replica, "b") == [1, 200, 300]


def test_a3_validate_and_discover_name_what_waits_for_the_publication(
    source: Database, replica: Replica
) -> None:
    """A table whose rows are filtered is an error with its SQL, which the next run needs too."""
    source.run("create table a (id int primary key)", "create table b (id int primary key, v int)")
    source.run("create table c (id int primary key, v int)")
    source.run(f"create publication {replica.name} for table a, {NARROWED['rows']}, c (id)")
    findings = replica.source.validate()
    [message] = [found.message for found in findings if found.subject == "public.c"][1:]
    assert message.startswith("public.c: columns v are not published and are left out")
    [found] = [found for found in findings if found.level == "error"]
    assert found.subject == "public.b"
    assert found.remedy.startswith("publish the table without WHERE, ALTER PUBLICATION")
    listed = {table.table.name: list(table.warnings) for table in replica.source.discover()}
    assert listed == {"a": [], "b": [f"{found.message}: {found.remedy}"], "c": [message]}


@pytest.mark.parametrize("is_ready", [False, True])
def test_validate_asks_for_cursors_where_tables_are_polled(
    source: Database, replica: Replica, *, is_ready: bool
) -> None:
    """In mode `auto` a table that the stream carries needs no cursor, once it can be used."""
    source.run("create table a (id int primary key)")
    if is_ready:
        source.run(f"create publication {replica.name} for table a")
    else:
        source.run(f"create publication {replica.name} for table a with (publish = 'insert')")
    settings = replica.settings.model_copy(update={"mode": "auto"})
    with closing(PostgresSource(settings, replica.name)) as postgres:
        findings = postgres.validate()
    assert any("no cursor" in found.message for found in findings) != is_ready


def test_a5_a_partition_whose_rows_are_filtered_is_named(
    source: Database, replica: Replica
) -> None:
    """The SQL names the partition, after which the root has all rows."""
    source.run(*PARTITIONED, f"create publication {replica.name} for table pr1 where (d < 5), pr2")
    replica.sync()
    source.run(remedy(replica, "pr"))
    assert ids(replica.sync(), "pr") == [1, 2]


def test_a17_a_table_of_another_role_waits_alone(source: Database, replica: Replica) -> None:
    """A role that may not add a new table to its publication goes on with the others."""
    source.run(
        "create role writer login replication",
        "create table a (id int primary key)",
        f"create publication {replica.name} for table a",
        "alter table a owner to writer",
        f"alter publication {replica.name} owner to writer",
    )
    replica.settings = replica.settings.model_copy(update={"user": "writer"})
    replica.restart()
    try:
        replica.sync()
        source.run("create table b (id int primary key)", "grant select on b to writer")
        source.run("insert into a values (1)")
        assert ids(replica.sync(), "a") == [1]
        assert replica.waiting_tables["b"].startswith("public.b is not in publication")
        replica.source.close()
    finally:
        source.run("drop owned by writer", "drop role writer")


def test_a6_an_unlogged_table_is_refused(source: Database, replica: Replica) -> None:
    """An unlogged table is named and left out; it is never copied once and forgotten."""
    source.run(
        "create table a (id int primary key)",
        "insert into a values (1)",
        "create unlogged table u (id int primary key)",
        f"create publication {replica.name} for all tables",
    )
    assert replica.sync().copied_tables == {"public.a"}
    assert "public.u is unlogged" in replica.message_text


def test_r13_generated_columns_are_published(source: Database, replica: Replica) -> None:
    """Stored generated columns stay current; virtual ones, which are not sent, are left out."""
    source.run(
        "create table a (id int primary key, n int, s int generated always as (n * 2) stored,"
        " v int generated always as (n * 3) virtual)",
        "insert into a (id, n) values (1, 1)",
    )
    replica.sync()
    source.run("update a set n = 5")
    replica.sync()
    assert replica.rows("a") == [{"id": 1, "n": 5, "s": 10}]


def test_r13_generated_columns_that_are_not_published_are_left_out(
    source: Database, replica: Replica
) -> None:
    """A column that the stream does not carry is not copied: it would be out of date."""
    source.run(
        "create table a (id int primary key, n int, s int generated always as (n * 2) stored)",
        "insert into a (id, n) values (1, 1)",
        f"create publication {replica.name} for table a",
    )
    replica.sync()
    assert replica.rows("a") == [{"id": 1, "n": 1}]
    assert "columns s are not published" in replica.message_text


def test_r14_a_table_without_identity_is_never_published(
    source: Database, replica: Replica
) -> None:
    """The owner's UPDATE of a table without replica identity goes on working (A12 too)."""
    source.run(
        "create table a (id int primary key)",
        "create table keyless (id int)",
        "create table full_identity (a int, b text)",
        "alter table full_identity replica identity full",
        "create table none (id int primary key)",
        "alter table none replica identity nothing",
        "insert into keyless values (1)",
        "insert into none values (1)",
    )
    replica.sync()
    source.run("update keyless set id = 2", "update none set id = 2", "delete from keyless")
    published = source.fetch("select tablename from pg_publication_tables order by 1")
    assert published == [("a",)]
    for table in ("keyless", "full_identity", "none"):
        assert f"public.{table} has no" in replica.message_text


def test_r14_a_deferrable_key_is_polled_beside_the_stream(
    source: Database, replica: Replica
) -> None:
    """No deferrable index is an identity: its owner's UPDATE goes on, and the rows are polled."""
    source.run(
        "create table d (id int primary key deferrable, v text)",
        "create table i (id int not null, u text primary key)",
        "create unique index i_id on i (id)",
        "alter table i replica identity using index i_id",
        "alter table i add unique using index i_id deferrable",
        "create table t (id int primary key)",
        "insert into d values (1, 'a'), (2, 'b')",
        "insert into i values (1, 'a')",
    )
    options = {"mode": "auto", "delete_scan": timedelta(0)}
    replica.settings = replica.settings.model_copy(update=options)
    replica.restart()
    replica.sync()
    source.run("update d set id = 3 - id", "update i set id = 2", "insert into t values (1)")
    assert source.fetch("select tablename from pg_publication_tables") == [("t",)]
    assert "public.d has a DEFERRABLE primary key" in replica.message_text
    assert "public.i has lost the index of its replica identity" in replica.message_text
    replica.sync()
    assert replica.rows("d") == [{"id": 1, "v": "b"}, {"id": 2, "v": "a"}]
    assert replica.rows("i") == [{"id": 2, "u": "a"}]
    assert ids(replica, "t") == [1]


def test_a14_the_identity_index_is_the_key(source: Database, replica: Replica) -> None:
    """Under REPLICA IDENTITY USING INDEX its columns are the key; without the index: refused."""
    source.run(
        "create table a (id int primary key, u text not null unique, n int)",
        "alter table a replica identity using index a_u_key",
        "insert into a values (1, 'x', 1), (2, 'y', 1)",
    )
    replica.sync()
    source.run("update a set id = 10 where u = 'x'", "delete from a where u = 'y'")
    assert replica.sync().rows("a") == [{"id": 10, "u": "x", "n": 1}]
    source.run("alter table a drop constraint a_u_key")
    replica.sync()
    assert "has lost the index of its replica identity" in replica.message_text
    source.run("alter table a replica identity default", "insert into a values (3, 'z', 1)")
    replica.memory.tables.clear()  # the key is another one: a destination stops such a table
    assert replica.sync().copied_tables == {"public.a"}
    assert ids(replica, "a") == [3, 10]


def test_a15_a_new_primary_key_is_a_new_copy(source: Database, replica: Replica) -> None:
    """Two source rows that share the old key are two rows in the destination."""
    source.run("create table t (a int, b int, constraint pk primary key (a))")
    source.run("insert into t values (1, 0)")
    replica.sync()
    source.run("alter table t drop constraint pk; alter table t add primary key (a, b)")
    source.run("insert into t values (1, 1), (1, 2)")
    assert replica.sync().copied_tables == {"public.t"}
    assert "key is a, b now: public.t is copied once the destination has no" in replica.message_text
    assert "copied again" not in replica.message_text
    replica.memory.tables["t"] = {
        (row.values["a"], row.values["b"]): row for row in replica.memory.tables["t"].values()
    }
    source.run("delete from t where b = 1")
    assert replica.sync().rows("t") == [{"a": 1, "b": 0}, {"a": 1, "b": 2}]


def test_a17_nothing_is_made_where_a_right_is_missing(source: Database, replica: Replica) -> None:
    """A role that owns no table gets the SQL for its administrator; no slot is left behind."""
    source.run(
        "create role reader login replication",
        "create table a (id int primary key)",
        "grant select on a to reader",
    )
    replica.settings = replica.settings.model_copy(update={"user": "reader"})
    replica.restart()
    try:
        with pytest.raises(SourceError, match="CREATE PUBLICATION") as caught:
            replica.sync()
        assert source.slots() == []
        sql = str(caught.value).partition("run once: ")[2]
        source.run(sql, "insert into a values (1)")
        assert ids(replica.sync(), "a") == [1]
    finally:
        source.run("drop owned by reader", "drop role reader")


def test_a17_a_publication_is_taken_back_where_the_slot_fails(
    source: Database, replica: Replica
) -> None:
    """Where all slots are taken, no publication is left behind."""
    source.run("create table a (id int primary key)")
    free = source.one(
        "select current_setting('max_replication_slots')::int - count(*) from pg_replication_slots"
    )
    names = [f"filler_{number}" for number in range(free)]
    for name in names:
        source.run(f"select pg_create_physical_replication_slot('{name}')")
    try:
        with pytest.raises(SourceError, match="max_replication_slots"):
            replica.sync()
        assert source.one("select count(*) from pg_publication") == 0
    finally:
        for name in names:
            source.run(f"select pg_drop_replication_slot('{name}')")


def test_a30_unknown_messages_and_types(source: Database, replica: Replica) -> None:
    """Origins, logical messages, enums made again and domains do not end the stream."""
    source.run(
        "create type mood as enum ('sad', 'ok')",
        "create domain price as numeric(10, 2)",
        "create table a (id int primary key, m mood, p price, ms mood[])",
        "insert into a values (1, 'sad', 1.5, '{ok}')",
    )
    replica.sync()
    source.run(
        "select pg_replication_origin_create('elsewhere')",
        "select pg_replication_origin_session_setup('elsewhere')",
        "insert into a values (2, 'ok', 2.25, '{ok,sad}')",
        "select pg_replication_origin_session_reset()",
        "select pg_replication_origin_drop('elsewhere')",
        "select pg_logical_emit_message(true, 'x', 'y')",
        "alter table a alter m type text, alter ms type text[]",
        "drop type mood",
        "create type mood as enum ('glad')",
        "alter table a alter m type mood using 'glad'",
        "insert into a values (3, 'glad', 3.75, '{x}')",
    )
    rows = replica.sync().rows("a")
    assert [(row["m"], str(row["p"]), row["ms"]) for row in rows] == [
        ("glad", "1.50", "{ok}"),
        ("glad", "2.25", "{ok,sad}"),
        ("glad", "3.75", "{x}"),
    ]


def test_r11_columns_widened_dropped_and_renamed(source: Database, replica: Replica) -> None:
    """A widened, a dropped and a renamed column give the source's values under its names."""
    source.run(
        "create table a (id int primary key, n int, gone text, old text)",
        "insert into a values (1, 1, 'g', 'o'), (2, 2, 'g', 'o')",
    )
    replica.sync()
    source.run(
        "insert into a values (3, 3, 'g', 'o')",
        "alter table a alter n type bigint",
        "alter table a drop gone",
        "alter table a rename old to new",
        "update a set n = 5000000000 where id = 1",
    )
    rows = {row["id"]: (row["n"], row["new"]) for row in replica.sync().rows("a")}
    assert rows == {1: (5_000_000_000, "o"), 2: (2, "o"), 3: (3, "o")}
    [table] = {changes.table for changes in list(replica.changes())[-1:]}
    assert table.schema.names == ["id", "n", "new"]


REPLACED = {
    "dropped and added": "alter table a drop c, add c text default 'new'",
    "dropped and added, empty": "alter table a drop c, add c text",
    "rewritten": "alter table a alter c type text using upper(c)",
    "rewritten twice": "alter table a alter c type bytea using c::bytea, alter d type text using d;"
    " alter table a alter c type text using 'back'",
    "names swapped": "alter table a rename c to x; alter table a rename d to c;"
    " alter table a rename x to d",
    "renamed onto a dropped one": "alter table a drop c; alter table a rename d to c",
    "generated otherwise": "alter table a alter g set expression as (id * 3)",
}


@pytest.mark.parametrize("mode", ["cdc", "poll"])
@pytest.mark.parametrize("statement", REPLACED.values(), ids=REPLACED)
def test_r11_a_column_replaced_under_its_name_is_read_again(
    source: Database, replica: Replica, statement: str, mode: str
) -> None:
    """Old rows get the values of a column that has the name and the type of another one before."""
    source.run(
        "create table a (id int primary key, c text, d text)",
        "alter table a add g int generated always as (id) stored",
        "insert into a values (1, 'c', 'd'), (2, null, 'd')",
    )
    replica.settings = replica.settings.model_copy(update={"mode": mode})
    replica.restart()
    replica.sync()
    source.run(statement, "insert into a (id, c) values (3, 'later')")
    replica.sync()
    names = sorted(replica.rows("a")[-1].keys() - {"x"})
    rows = source.fetch(f"select row_to_json(s) from (select {', '.join(names)} from a) s")
    present = set(rows[0][0])
    assert [{n: row[n] for n in present} for row in replica.rows("a")] == [row for (row,) in rows]
    assert "a" in replica.message_text


@pytest.mark.parametrize("mode", ["cdc", "poll"])
def test_r11_a_type_that_prints_other_text_is_read_again(
    source: Database, replica: Replica, mode: str
) -> None:
    """A renamed label or a new attribute reaches old rows; a new label reads none of them again."""
    source.run(
        "create type mood as enum ('sad', 'ok')",
        "create type pair as (a int, b text)",
        "create domain moods as mood[]",
        "create table a (id int primary key, m mood, p pair, ms moods, c text)",
        "create table k (m mood primary key)",
        "insert into a values (1, 'sad', (1, 'x'), '{sad,ok}', 'c')",
        "insert into k values ('sad'), ('ok')",
    )
    replica.settings = replica.settings.model_copy(update={"mode": mode})
    replica.restart()
    replica.sync()
    source.run("alter type mood add value 'new' before 'ok'")
    assert not list(replica.sync().changes())
    source.run("insert into a values (2, 'sad', (2, 'y'), '{sad}', 'c')")
    source.run(
        "alter type mood rename value 'sad' to 'blue'", "alter type pair add attribute z int"
    )
    source.run("insert into a values (3, 'blue', (3, 'z', 3), '{blue}', 'c')")
    replica.sync()
    rows = source.fetch("select id, m::text, p::text, ms::text, c from a order by id")
    assert [tuple(row.values()) for row in replica.rows("a")] == rows
    assert [row["m"] for row in replica.rows("k")] == ["blue", "ok"]
    assert not list(replica.sync().changes())


def test_r11_a_transaction_from_before_a_rename_does_not_bring_the_old_label_back(
    source: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that was written under the old label and committed later has the new one."""
    monkeypatch.setattr("simplyload.sources.postgres.setup.find_barrier.__defaults__", (0.3,))
    source.run(
        "create type mood as enum ('sad', 'ok')",
        "create table a (id int primary key, m mood)",
        "create table b (id int primary key)",
        "insert into a values (1, 'sad')",
    )
    replica.sync()
    with closing(psycopg2.connect(source.dsn)) as older:
        older.cursor().execute("insert into a values (2, 'sad')")
        source.run("alter type mood rename value 'sad' to 'blue'", "insert into b values (1)")
        # Once the log is read, what is read from tables comes in batches without a state.
        replica.during = lambda batch: older.commit() if batch.state is None else None
        replica.sync()
        assert (set(replica.waiting_tables), ids(replica, "b")) == ({"a"}, [1])
        older.commit()
    replica.during = lambda _: None
    assert replica.sync().rows("a") == [{"id": 1, "m": "blue"}, {"id": 2, "m": "blue"}]


def test_a_copy_begins_behind_the_transactions_of_before(source: Database) -> None:
    """What was written under types of before is committed before the LSN at which a copy begins."""
    source.run("create table a (id int primary key)")
    looks = "select count(*) from pg_stat_activity where query like '%pg_snapshot_xmin%'"
    with (
        closing(psycopg2.connect(source.dsn)) as older,
        closing(source.connect()) as catalog,
        ThreadPoolExecutor(1) as pool,
    ):
        older.cursor().execute("insert into a values (1)")
        barrier = pool.submit(find_barrier, catalog)
        waits = f"{looks} and pid = {catalog.info.backend_pid}"
        assert eventually(lambda: source.one(waits) == 1)
        older.commit()
        committed = source.lsn()
        assert (barrier.result() or 0) >= committed


def test_r11_a_rewritten_key_is_a_new_copy(source: Database, replica: Replica) -> None:
    """Rows under keys that a rewrite replaced are gone."""
    source.run("create table a (id int primary key)", "insert into a values (1)")
    replica.sync()
    source.run("alter table a alter id type int using id + 10")
    assert replica.sync().copied_tables == {"public.a"}
    assert ids(replica, "a") == [11]


@pytest.mark.parametrize("mode", ["cdc", "poll"])
def test_a_rewrite_and_an_alteration_apart_read_nothing_again(
    source: Database, replica: Replica, mode: str
) -> None:
    """VACUUM FULL changes the file of a table and SET DEFAULT a column, neither any value."""
    source.run("create table a (id int primary key, c text)", "insert into a values (1, 'c')")
    replica.settings = replica.settings.model_copy(update={"mode": mode})
    replica.restart()
    replica.sync()
    for statement in ("vacuum full a", "alter table a alter id set default 5"):
        source.run(statement)
        assert not list(replica.sync().changes())


def test_r11_a_state_without_origins_goes_on(source: Database, replica: Replica) -> None:
    """The first run with the state of an earlier version copies nothing, and knows them then."""
    source.run("create type mood as enum ('sad')")
    source.run("create table a (id int primary key, c mood)", "insert into a values (1, 'sad')")
    replica.sync()
    stream = replica.state["stream"]
    tables = [*stream["tables"].values(), *replica.state["tables"].values()]
    for table in tables:
        del table["origins"]
    assert not list(replica.sync().changes())
    for table in replica.state["stream"]["tables"].values():
        table["origins"] = {name: origin[:3] for name, origin in table["origins"].items()}
    assert not list(replica.sync().changes())
    source.run("alter table a drop c; alter table a add c text default 'new'")
    assert replica.sync().rows("a") == [{"id": 1, "c": "new"}]


def test_an_open_transaction_holds_back_only_the_copy_of_a_new_table(
    source: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new table's copy waits for older transactions that write; other tables go on."""
    monkeypatch.setattr("simplyload.sources.postgres.setup.find_barrier.__defaults__", (0.3,))
    source.run("create table a (id int primary key)", "create table b (id int primary key)")
    replica.settings = replica.settings.model_copy(update={"tables": ["public.a"]})
    replica.restart()
    replica.sync()
    with closing(psycopg2.connect(source.dsn)) as open_transaction:
        open_transaction.cursor().execute("insert into b values (1)")
        replica.settings = replica.settings.model_copy(update={"tables": ["public.*"]})
        replica.restart()
        source.run("insert into a values (1)")
        replica.sync()
        assert re.search(
            r"waits for the transaction of pid \d+ .*open since", replica.waiting_tables["b"]
        )
        assert (ids(replica, "a"), replica.copied_tables) == ([1], set())
        open_transaction.commit()
    assert replica.sync().copied_tables == {"public.b"}
    assert ids(replica, "b") == [1]
