"""The fold and the MERGE do in one statement what the changes do one by one."""

from dataclasses import replace
from itertools import pairwise

import duckdb
import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from simplyload.catalog import DIALECTS
from simplyload.changes import Changes
from simplyload.merge import Column, Merge, fold, insert_into, mark_truncated, merge_into
from simplyload.testing.memory import live_rows
from tests.core.conftest import Target
from tests.core.scripted import (
    ORDERS,
    ScriptedSource,
    changes,
    delete,
    random_changes,
    truncate,
    upsert,
)


def test_r9_truncate_then_insert_in_one_batch(target: Target) -> None:
    """Of a batch with a truncate, only what came after it is there, and older rows are gone."""
    first = changes(upsert(1, {"id": 1, "a": "old"}), upsert(2, {"id": 2, "a": "old"}))
    second = changes(
        upsert(3, {"id": 3, "a": "gone"}),
        truncate(4),
        upsert(5, {"id": 2, "a": "new"}, ["id", "a"]),
    )
    for batches in ([first], [first, second]):
        target.pipeline(ScriptedSource(batches)).run_once()
    assert target.live() == {(2,): {"id": 2, "a": "new", "b": None}}


def test_a35_an_update_to_null_is_kept_beside_an_older_value(target: Target) -> None:
    """The latest value that a change carried wins, also where it is NULL."""
    batch = changes(
        upsert(1, {"id": 1, "a": "x", "b": 7}),
        upsert(2, {"id": 1, "a": None}, ["id", "a"]),
    )
    target.pipeline(ScriptedSource([batch])).run_once()
    assert target.live() == {(1,): {"id": 1, "a": None, "b": 7}}


def test_a36_one_key_twice_in_a_batch_is_one_row(sql_target: Target) -> None:
    """A key that occurs several times in a load is in the destination once, first load or not."""
    twice = [upsert(n, {"id": 1, "a": str(n)}) for n in (1, 2)]
    again = [upsert(n, {"id": key, "a": str(n)}) for n in (3, 4) for key in (1, 2)]
    for batches in ([changes(*twice)], [changes(*twice), changes(*again)]):
        sql_target.pipeline(ScriptedSource(batches)).run_once()
    assert [(row["id"], row["a"]) for row in sql_target.rows()] == [(1, "4"), (2, "4")]


@pytest.mark.parametrize("loads", [1, 2])
def test_a49_a_row_inserted_again_shows_nothing_of_the_old_one(target: Target, loads: int) -> None:
    """After D and I of one key, in one load or in two, columns that I lacks are NULL."""
    before = changes(upsert(1, {"id": 1, "a": "old", "b": 1}))
    gone, again = delete(2, 1), upsert(3, {"id": 1, "a": "new"}, ["id", "a"])
    after = [changes(gone, again)] if loads == 1 else [changes(gone), changes(again)]
    for number in range(len(after) + 1):
        target.pipeline(ScriptedSource([before, *after[:number]])).run_once()
    assert target.live() == {(1,): {"id": 1, "a": "new", "b": None}}


def test_a_deleted_row_keeps_its_last_values(sql_target: Target) -> None:
    """A row that is marked deleted still shows what it had, also where one load did both."""
    batch = changes(upsert(1, {"id": 1, "a": "x", "b": 7}), delete(2, 1))
    sql_target.pipeline(ScriptedSource([batch])).run_once()
    [row] = sql_target.rows()
    assert (row["a"], row["b"], row["_deleted"], int(row["_seq"])) == ("x", 7, True, 2)


@pytest.mark.parametrize("cut", [0, 1])
def test_deletes_remove_the_row_where_that_is_wanted(sql_target: Target, cut: int) -> None:
    """With `deletes: remove` no row is left of a key that is gone, by a delete or a truncate."""
    rows = [upsert(1, {"id": 1}), upsert(2, {"id": 2}), truncate(3), upsert(4, {"id": 3})]
    rows += [upsert(5, {"id": 4}), delete(6, 4)]
    source = ScriptedSource([changes(*rows[:cut]), changes(*rows[cut:])])
    sql_target.pipeline(source, max_changes=1, deletes="remove").run_once()
    assert [row["id"] for row in sql_target.rows()] == [3]


def test_a_load_that_is_repeated_changes_nothing(sql_target: Target) -> None:
    """Changes that are loaded twice, or late, change no cell, not even the time of the sync."""
    source = ScriptedSource([changes(upsert(5, {"id": 1, "a": "new"}), upsert(6, {"id": 2}))])
    pipeline = sql_target.pipeline(source)
    pipeline.run_once()
    before = sql_target.rows()
    pipeline.reset()
    assert pipeline.run_once().loads == 1
    assert sql_target.rows() == before


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10**9), cuts=st.lists(st.integers(0, 30), max_size=3))
def test_loads_of_any_size_give_what_single_changes_give(
    target: Target, seed: int, cuts: list[int]
) -> None:
    """However a sequence of changes is cut into loads, the live rows are those of a naive model."""
    stream = f"shop{seed}_{'_'.join(map(str, cuts))}"
    rows = random_changes(seed, 30)
    parts: list[Changes] = [
        changes(*rows[start:end]) for start, end in pairwise([0, *sorted(cuts), len(rows)])
    ]
    pipeline = target.pipeline(ScriptedSource(parts), max_changes=1)
    pipeline.stream = pipeline.schema = stream
    pipeline.run_once()
    found = [row for part in target.destination().scan(stream, ORDERS) for row in part.to_pylist()]
    assert {(row["id"],): row for row in found} == live_rows(parts)


def test_duckdb_sorts_the_changes_as_often_for_many_unsent_columns_as_for_one() -> None:
    """A load of a wide table with large values costs memory and time for its rows alone."""
    names = [f"c{number}" for number in range(40)]
    connection = duckdb.connect()
    columns = ", ".join(f"{name} text" for name in names)
    more = "_op text, _seq decimal(38), _cols text[], _pos int"
    connection.execute(f"create table stage (id int, {columns}, {more})")
    connection.execute("insert into stage (id) values (1)")
    plan = Merge(
        schema="s",
        table="t",
        stage=exp.table_("stage"),
        key=(Column(source="id", target="id"),),
        columns=tuple(Column(source=name, target=name) for name in names),
        synced_at="2026-01-01 00:00:00+00:00",
        wraps=True,
    )
    sorts = []
    for count in (1, 40):
        statement = fold(replace(plan, omitted=frozenset(names[:count]))).sql("duckdb")
        [(_, explained)] = connection.execute(f"explain {statement}").fetchall()
        sorts.append(explained.count("─ Window ─"))
    assert sorts[0] == sorts[1] > 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_statements_of_a_load_parse_in_their_dialect(dialect: str) -> None:
    """MERGE, INSERT and the marks of a truncate are valid SQL of each dialect, by sqlglot."""
    plan = Merge(
        schema="s",
        table="t",
        stage=exp.table_("stage", quoted=True),
        key=(Column(source="id", target="id"),),
        columns=tuple(Column(source=name, target=name) for name in ("a", "%s", "select")),
        synced_at="2026-01-01 00:00:00+00:00",
        omitted=frozenset({"%s"}),
    )
    for statement in (merge_into(plan), insert_into(plan), mark_truncated(plan)):
        sql = statement.sql(dialect)
        assert sqlglot.parse_one(sql, dialect=dialect).sql(dialect) == sql


def test_rows_marked_before_deletes_remove_are_removed(sql_target: Target) -> None:
    """After a change of `deletes` the next load leaves no marked row, and after one back it marks.

    A metadata table of an earlier version, without the setting, learns it.
    """
    steps = [changes(upsert(1, {"id": 1}), upsert(2, {"id": 2}), upsert(3, {"id": 3}))]
    steps += [changes(delete(4, 1)), changes(upsert(5, {"id": 2, "a": "x"})), changes(delete(6, 3))]
    sql_target.pipeline(ScriptedSource(steps[:2])).run_once()
    sql_target.execute("ALTER TABLE _simplyload.tables DROP COLUMN deletes")
    assert [row["_deleted"] for row in sql_target.rows()] == [True, False, False]
    sql_target.pipeline(ScriptedSource(steps[:3]), deletes="remove").run_once()
    assert [row["id"] for row in sql_target.rows()] == [2, 3]
    sql_target.pipeline(ScriptedSource(steps)).run_once()
    assert [(row["id"], row["_deleted"]) for row in sql_target.rows()] == [(2, False), (3, True)]


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("kind", ["alone", "of a key that is named", "of a whole table"])
def test_a_delete_of_a_row_that_never_was_there_writes_none(
    sql_target: Target, kind: str, *, is_first: bool
) -> None:
    """No destination shows a row that has its key alone, by a first load or a later one."""
    first = changes(upsert(1, {"id": 1, "a": "x"}))
    gone = {
        "alone": [delete(2, 7)],
        "of a key that is named": [upsert(2, {"id": 7}, ["id"]), delete(3, 7)],
        "of a whole table": [upsert(2, {"id": 7}, ["id"]), truncate(3)],
    }[kind]
    steps = [changes(*gone), first] if is_first else [first, changes(*gone)]
    sql_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert [row["id"] for row in sql_target.rows()] == [1]


def test_a_delete_that_an_older_change_may_follow_is_kept(target: Target) -> None:
    """A tombstone wins over a late insert of an older version, and over no newer one."""
    steps = [
        changes(delete(9, 1, tombstone=True), delete(9, 2, tombstone=True)),
        changes(upsert(5, {"id": 1, "a": "old"}), upsert(10, {"id": 2, "a": "new"})),
    ]
    target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert target.live() == {(2,): {"id": 2, "a": "new", "b": None}}
