"""Discover and validate, as a role that may only read: keys, refusals, and the SQL that helps."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from simplyload.errors import ConfigurationError
from simplyload.sources.postgres.connection import connect
from simplyload.sources.postgres.discover import SourceTable, discover_tables
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.source import PostgresSource
from simplyload.sources.source import Finding

Run = Callable[[str], list[Any]]
Replicate = Callable[..., Any]
Settings = Callable[..., PostgresSettings]
Ask = Callable[[PostgresSettings, str], Any]


def _discover(settings: PostgresSettings) -> dict[str, SourceTable]:
    with closing(connect(settings, "shop")) as connection:
        return {table.relation: table for table in discover_tables(connection, settings)}


def _validate(settings: PostgresSettings, subject: str) -> list[Finding]:
    with closing(PostgresSource(settings, "shop")) as source:
        return [found for found in source.validate() if found.subject == subject]


def test_a13_keys_are_found_by_a_role_that_may_only_select(run: Run, settings: Settings) -> None:
    """Primary keys of several columns and with INCLUDE, among foreign keys and unique columns."""
    run("create table a (a1 int primary key)")
    run("""create table t (code text not null unique, tenant int, a1 int references a, id int,
        primary key (tenant, id))""")
    run("create table i (x int, y int, primary key (x) include (y))")
    tables = _discover(settings())
    assert tables["t"].key == ("tenant", "id")
    assert tables["i"].key == ("x",)


def test_a14_the_key_is_the_replica_identity(run: Run, settings: Settings) -> None:
    """With REPLICA IDENTITY USING INDEX that index is the key; without the index it is refused."""
    run("create table t (id int primary key, u text not null)")
    run("create unique index t_u on t (u); alter table t replica identity using index t_u")
    assert _discover(settings())["t"].key == ("u",)
    run("drop index t_u")
    [found] = _validate(settings(mode="cdc"), "public.t")
    assert found.level == "error"
    assert "lost the index of its replica identity" in found.message
    assert found.remedy == 'ALTER TABLE "public"."t" REPLICA IDENTITY DEFAULT'
    run(found.remedy)
    assert _validate(settings(mode="cdc"), "public.t")[0].level == "ok"


@pytest.mark.parametrize(
    "identity",
    [
        "replica identity nothing",
        "drop constraint t_pkey",
        "drop constraint t_pkey, add primary key (id) deferrable",
        "drop constraint t_pkey, add primary key (id) deferrable, replica identity full",
    ],
    ids=["nothing", "no key", "deferrable", "deferrable, full"],
)
def test_r14_a_table_without_replica_identity_is_refused(
    run: Run, settings: Settings, identity: str
) -> None:
    """It is refused with a sentence before a publication could break the application's UPDATEs."""
    run(f"create table t (id int primary key); alter table t {identity}")
    [found] = _validate(settings(mode="cdc"), "public.t")
    assert (found.level, bool(found.remedy)) == ("error", True)
    assert "(`exclude: [public.t]` leaves it out)" in found.message
    assert "(`exclude: [public.t]` leaves it out)" in found.message
    with closing(PostgresSource(settings(mode="cdc"), "shop")) as source:
        assert source.tables() == []


def test_a12_a_table_without_a_key_is_refused_and_the_others_go_on(
    run: Run, replicate: Replicate
) -> None:
    """The read names the table that it leaves out and copies the rest; a pattern means no view."""
    run("create table bag (a int, b text); alter table bag replica identity full")
    run("insert into bag values (1, 'd'), (1, 'd'); create view v as select 1 as id")
    run("create table t (id int primary key); insert into t values (1)")
    replica = replicate()
    replica.sync()
    assert replica.rows("t") == [{"id": 1}]
    assert replica.waiting_tables == {
        "bag": "public.bag has no primary key, so its rows cannot be told apart: add one."
        " Or leave it out: exclude: [public.bag]."
    }
    assert replica.warnings == [
        "public.v is a view and has no key: replicate the tables behind it."
    ]
    chosen = ["public.*", "public.v", "public.nope"]
    replica = replicate(exclude=["public.bag", "public.bags"], tables=chosen)
    replica.sync()
    assert set(replica.waiting_tables) == {"v", "public.nope"}
    assert replica.warnings == ["exclude: no table matches public.bags: correct it."]


def test_r21_a_column_with_the_name_of_our_own_refuses_its_table_alone(
    run: Run, replicate: Replicate
) -> None:
    """The read names the table and the column, and copies the rest."""
    run("create table odd (id int primary key, _op text); insert into odd values (1, 'x')")
    run("create table t (id int primary key); insert into t values (1)")
    replica = replicate()
    replica.sync()
    assert replica.rows("t") == [{"id": 1}]
    assert replica.waiting_tables["odd"].startswith(
        "public.odd has the column _op, a name that the change log has for itself: rename the"
        " column, or exclude the table."
    )


def test_a06_an_unlogged_table_is_polled_beside_the_stream(run: Run, replicate: Replicate) -> None:
    """The stream never carries it: mode `auto` polls it and says so, mode `cdc` refuses it."""
    run("create unlogged table u (id int primary key, updated_at timestamptz default now())")
    run("create table t (id int primary key); insert into u values (1)")
    replica = replicate(mode="auto", user="postgres")
    replica.sync()
    run("insert into u values (2); insert into t values (1)")
    assert "public.u is unlogged and in no write-ahead log: poll it." in replica.warnings
    replica.sync()
    assert len(replica.rows("u")) == 2
    assert replica.rows("t") == [{"id": 1}]
    strict = replicate(mode="cdc", user="postgres", slot=replica.settings.slot_name("shop"))
    strict.sync()
    assert strict.rows("u") == []
    assert "public.u is unlogged and in no write-ahead log: poll it." in strict.waiting_tables["u"]
    assert _validate(strict.settings, "public.u")[0].level == "error"


NOT_STREAMED = {
    "a06: unlogged": ("alter table t set unlogged", "unlogged"),
    "a14: identity's index dropped": ("drop index t_u", "lost the index of its replica identity"),
    "r14: no identity": ("alter table t replica identity nothing", "no replica identity"),
}


@pytest.mark.parametrize(("statement", "what"), NOT_STREAMED.values(), ids=NOT_STREAMED)
def test_a06_a14_a_table_that_is_polled_beside_the_stream_is_named(
    run: Run, settings: Settings, statement: str, what: str
) -> None:
    """In mode `auto` validate and discover warn with the sentence that the read says."""
    run("create table t (id int primary key, u text not null); create unique index t_u on t (u)")
    run(f"alter table t replica identity using index t_u; {statement}")
    with closing(PostgresSource(settings(mode="auto", user="postgres"), "shop")) as source:
        findings = [found for found in source.validate() if found.subject == "public.t"]
        [listed] = source.discover()
    assert what in findings[0].message
    assert {found.level for found in findings} == {"warning", "ok"}
    assert f"{findings[0].message}: {findings[0].remedy}." in listed.warnings
    assert listed.mode == "copy"


def test_a25_a_cursor_without_an_index_is_named_with_the_statement(
    run: Run, settings: Settings
) -> None:
    """The remedy is SQL that runs, and after it nothing is found."""
    run('create table "T" (id int primary key, updated_at timestamptz, created_at timestamptz)')
    run('create index on "T" (created_at)')
    with closing(PostgresSource(settings(), "shop")) as source:
        [listed] = source.discover()
    assert listed.mode == "poll"
    assert listed.cursor_candidates == ("created_at", "updated_at (no index)")
    warning = _validate(settings(), "public.T")[-1]
    assert warning.message.startswith("its cursor updated_at has no index")
    run(warning.remedy)
    assert [found.level for found in _validate(settings(), "public.T")] == ["ok"]


def test_a17_without_rights_nothing_is_made_and_the_sql_is_given(
    run: Run, settings: Settings, reader_role: str
) -> None:
    """Validate and a failing run leave no slot and no publication, and print what the DBA runs."""
    run("create table t (id int primary key)")
    run(f"alter role {reader_role} replication")
    made = "select pubname from pg_publication union all select slot_name from pg_replication_slots"
    [found] = _validate(settings(mode="cdc", slot="s_a17"), "publication")
    with closing(PostgresSource(settings(mode="auto", slot="s_a17"), "shop")) as source:
        batches = list(source.read({}))
    sentence = next(warning for batch in batches for warning in batch.warnings)
    assert found.level == "error"
    assert found.remedy in sentence
    assert sentence.startswith("The tables are polled, not streamed.")
    assert "Then run `simplyload checkpoint reset shop`" in sentence
    assert "s_a17" not in {name for (name,) in run(made)}
    run(found.remedy.partition(": ")[2])
    assert _validate(settings(mode="cdc", slot="s_a17"), "publication") == []
    assert _validate(settings(mode="cdc", slot="s_a17"), "stream")[0].level == "ok"


def test_a01_a_log_that_a_slot_may_keep_for_ever_is_a_warning(run: Run, settings: Settings) -> None:
    """`max_slot_wal_keep_size` of -1, the server's default, is named with the line that sets it."""
    run("create table t (id int primary key)")
    [found] = _validate(settings(mode="auto", user="postgres"), "max_slot_wal_keep_size")
    assert found.level == "warning"
    assert found.remedy.startswith("ALTER SYSTEM SET max_slot_wal_keep_size")


def test_what_a_role_may_not_read_is_left_out_and_named(
    run: Run, settings: Settings, replicate: Replicate, reader_role: str
) -> None:
    """Columns without a right are left out, tables without one refused, and both are said."""
    run("create table part (id int primary key, v text, secret text)")
    run("create table hidden (id int primary key)")
    run("insert into part values (1, 'v', 's')")
    run(f"revoke select on part, hidden from {reader_role}")
    run(f"grant select (id, v) on part to {reader_role}")
    replica = replicate()
    replica.sync()
    assert replica.rows("part") == [{"id": 1, "v": "v"}]
    assert "public.hidden may not be read" in replica.waiting_tables["hidden"]
    findings = _validate(settings(), "public.part")
    assert findings[0].message == "public.part: columns secret may not be read and are left out."


@pytest.mark.parametrize("mode", ["poll", "cdc"])
@pytest.mark.parametrize("secured", ["s", "s1"], ids=["table", "partition"])
def test_a_table_with_row_level_security_is_refused_and_keeps_its_rows(
    run: Run, replicate: Replicate, replication_role: str, mode: str, secured: str
) -> None:
    """Where a policy hides rows the table waits with its rows, and the others go on."""
    run("create table s (id int primary key) partition by range (id)")
    run("create table s1 partition of s for values from (0) to (10)")
    run("create table t (id int primary key); insert into s values (1), (2)")
    slot = f"s_{replication_role}"
    run(f"create publication {slot} for table s, t with (publish_via_partition_root)")
    replica = replicate(mode=mode, slot=slot, delete_scan=timedelta(0))
    replica.sync()
    run(f"alter table {secured} enable row level security")
    run(f"create policy p on {secured} for select using (id = 1)")
    run("delete from s where id = 2; insert into s values (3); insert into t values (1)")
    replica.sync()
    assert replica.rows("s") == [{"id": 1}, {"id": 2}]
    assert replica.rows("t") == [{"id": 1}]
    assert "public.s has row level security" in replica.waiting_tables["s"]
    [found] = _validate(replica.settings, "public.s")
    assert (found.level, "BYPASSRLS" in found.remedy) == ("error", True)
    run(f"alter role {replication_role} bypassrls")
    replica.sync()
    assert replica.rows("s") == [{"id": 1}, {"id": 3}]


def test_rows_that_a_policy_filters_are_an_error_of_the_server(
    run: Run, settings: Settings, ask: Ask, replication_role: str
) -> None:
    """Security that is enabled after the tables were listed ends the read, on each connection."""
    run("create table s (id int primary key); insert into s values (1)")
    run("alter table s enable row level security")
    with pytest.raises(Exception, match="row-level security"):
        ask(settings(user=replication_role), "select count(*) from public.s")


def test_generated_columns_partitions_and_heirs_are_named(run: Run, settings: Settings) -> None:
    """What is replicated otherwise than one might expect is a warning of discover."""
    run("create table g (id int primary key, twice int generated always as (id * 2) stored)")
    run("create table p (id int primary key) partition by range (id)")
    run("create table p1 partition of p for values from (0) to (10)")
    run("create table a (id int primary key); create table heir (primary key (id)) inherits (a)")
    tables = _discover(settings())
    assert "rows of public.heir, which inherit from it" in tables["a"].warnings[0]
    assert tables["heir"].warnings == ()
    assert "generated columns twice" in tables["g"].warnings[0]
    assert "its partitions are read as one table" in tables["p"].warnings[0]
    assert "p1" not in tables


def test_sizes_are_the_servers_estimates(run: Run, settings: Settings) -> None:
    """Rows and bytes come from the statistics, for a partitioned table from its partitions."""
    run("create table p (id int primary key, v text) partition by range (id)")
    run("create table p1 partition of p for values from (0) to (1000)")
    run("insert into p select i, 'x' from generate_series(0, 999) i; analyze p")
    table = _discover(settings())["p"]
    assert table.estimated_rows == 1000
    assert table.bytes >= 1000 * 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cursors": {"public.t": "nope"}}, "cursors: public.t has no column nope"),
        ({"cursors": {"public.x": "id"}}, "cursors: public.x is none of the chosen tables"),
        ({"cursors": {"public.t": "v"}}, "cursors: public.t.v has type text"),
        ({"soft_delete": {"public.t": "gone"}}, "soft_delete: public.t has no column gone"),
    ],
)
def test_r35_a_wrong_column_in_the_settings_is_named(
    run: Run, settings: Settings, options: dict[str, Any], message: str
) -> None:
    """The error names the key, the table and the column; nothing is read."""
    run("create table t (id int primary key, v text)")
    with (
        closing(PostgresSource(settings(**options), "shop")) as source,
        pytest.raises(ConfigurationError, match=message),
    ):
        source.tables()


def test_a_committed_state_that_is_damaged_names_the_place(run: Run, replicate: Replicate) -> None:
    """A state of another version or with a wrong value is refused with what is wrong in it."""
    run("create table t (id int primary key)")
    replica = replicate()
    replica.sync()
    replica.state = {**replica.state, "tables": {"public.t": {"key": ["id"], "columns": 3}}}
    with pytest.raises(Exception, match=r"tables\.public\.t\.columns"):
        replica.sync()
    replica.state = {"version": 2}
    with pytest.raises(Exception, match="another version at version"):
        replica.sync()


def test_tables_are_chosen_by_pattern_in_any_schema(
    run: Run, replicate: Replicate, reader_role: str
) -> None:
    """A schema other than `public` is part of the destination's name; others are not read."""
    run("create schema sales; create table sales.orders (id int primary key)")
    run("create table sales.other (id int primary key); create table orders (id int primary key)")
    run(f"grant usage on schema sales to {reader_role}")
    run(f"grant select on all tables in schema sales to {reader_role}")
    run("insert into sales.orders values (1); insert into orders values (2)")
    replica = replicate(tables=["public.*", "sales.ord*"])
    replica.sync()
    assert replica.rows("sales__orders") == [{"id": 1}]
    assert replica.rows("orders") == [{"id": 2}]
    assert set(replica.state["tables"]) == {"public.orders", "sales.orders"}
