"""The stream through the engine into DuckDB: after each run the destination equals the source."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.postgres_cdc.flow import Flow
from tests.postgres_cdc.replica import Database, Replica

STEPS = {
    "copy": (
        "create table a (id int primary key, n int, large text, tags text[], p numeric(8, 2))",
        "alter table a alter large set storage external",
        "create table b (id int, part text, v jsonb, primary key (id, part))",
        """insert into a select g, g, repeat('x', 9000), '{a,b}', g / 3.0
            from generate_series(1, 500) g""",
        """insert into b values (1, 'it''s', '{"b": 1, "a": 2}'), (2, 'ä', null)""",
    ),
    "changes": (
        "update a set n = n + 1 where id % 2 = 0",
        "update a set n = null where id = 3",
        "update a set id = id + 10000 where id % 7 = 0",
        "delete from a where id % 11 = 0",
        "begin; delete from b; insert into b values (2, 'ä', '[1]'); commit",
    ),
    "new column": (
        "insert into a values (700, 1, 'short', '{}', 1)",
        "alter table a add d text default 'd', add e int",
        "update a set e = 1 where id = 1",
        "insert into a values (701, 1, 'short', '{}', 1, 'own', 2)",
    ),
    "column of an empty table": (
        "create table empty (id int primary key)",
        "insert into a values (702, 1, 'short', '{}', 1)",
    ),
    "column of an empty table, added": ("alter table empty add x text default 'd', add y int",),
    "new type": (
        "update a set n = 5 where id = 1",
        "alter table a alter n type bigint",
        "update a set n = 5000000000 where id = 2",
    ),
    "new table": (
        "create table c (id uuid primary key, t timestamptz, f float8)",
        "insert into c values (gen_random_uuid(), now(), 'NaN')",
        "insert into a (id) values (800)",
    ),
    "truncation": (
        "begin; insert into a (id) values (900); truncate a; insert into a (id) values (1); commit",
    ),
    "table made again": (
        "drop table c",
        "create table c (id uuid primary key, other text)",
        "insert into c values (gen_random_uuid(), 'x')",
    ),
}


@pytest.mark.slow
def test_the_destination_equals_the_source_after_each_step(
    source: Database, replica: Replica, tmp_path: Path
) -> None:
    """Copies, changes, new columns, types, keys and tables, truncation: always the same rows."""
    flow = Flow(replica, tmp_path)
    for step, statements in STEPS.items():
        source.run(*statements)
        result = flow.run()
        assert not result.stopped, step
        assert result.loads > 0, step
        for name, expected, found in flow.compare():
            assert found == expected, f"{name} after {step}"
        assert flow.missing_columns() == [], step
        assert flow.run().loads == 0, f"idle after {step}"


def test_a15_a_new_key_stops_the_table_in_the_destination(
    source: Database, replica: Replica, tmp_path: Path
) -> None:
    """With another primary key a table waits in the destination, unmixed; the others go on."""
    flow = Flow(replica, tmp_path)
    source.run(*STEPS["copy"])
    flow.run()
    source.run(
        "alter table b drop constraint b_pkey",
        "alter table b add primary key (part)",
        "insert into b values (2, 'new', null)",
        "update a set n = -1 where id = 1",
    )
    assert list(flow.run().stopped) == ["b"]
    rows = {name: (expected, found) for name, expected, found in flow.compare()}
    assert rows["a"][0] == rows["a"][1]
    assert len(rows["b"][1]) == 2


def test_r4_nothing_published_is_between_the_state_and_the_slot(
    source: Database, replica: Replica, tmp_path: Path
) -> None:
    """After a run the slot is at the end of the log, which holds nothing of the source's tables."""
    flow = Flow(replica, tmp_path)
    source.run(*STEPS["copy"])
    flow.run()
    source.run(*STEPS["changes"])
    end = source.lsn()
    flow.run()
    flow.run()
    source.wait_until_free(replica.name)
    with closing(source.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_logical_slot_peek_binary_changes(%s, null, null,"
            " 'proto_version', '1', 'publication_names', %s)",
            [replica.name, replica.name],
        )
        assert cursor.fetchall() == [(0,)]
    assert source.confirmed_lsn() >= end
