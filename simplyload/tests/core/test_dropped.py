"""A table that someone drops in the destination is copied again, and never filled from the middle.

What the source sends after the drop alone would look like a table, without its earlier rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from simplyload.changes import Batch, Changes, State, Table
from simplyload.errors import ConfigurationError, SourceError
from simplyload.testing.memory import live_rows
from tests.core.conftest import Target
from tests.core.scripted import ORDERS, ScriptedSource, changes, truncate, upsert
from tests.core.test_catalog import INT32, column, table, whole

ITEMS = replace(ORDERS, name="items")
FIRST = [changes(upsert(1, {"id": 1}), table=ITEMS), changes(upsert(2, {"id": 1, "a": "x"}))]
LATER = changes(upsert(3, {"id": 2}))


def drop(target: Target) -> None:
    """Drop the table as a user does."""
    target.execute("DROP TABLE shop.orders")


@pytest.mark.parametrize("more", [[], [LATER]], ids=["idle", "with a change"])
def test_a_dropped_table_is_copied_again(sql_target: Target, more: Sequence[Changes]) -> None:
    """The next run brings all its rows and says so, whether or not the source changed."""
    sql_target.pipeline(ScriptedSource(FIRST)).run_once()
    drop(sql_target)
    source = ScriptedSource([*FIRST, *more])
    result = sql_target.pipeline(source).run_once()
    assert set(sql_target.live()) == {(1,), (2,)} if more else {(1,)}
    assert result.warnings == [
        "orders is absent from the destination, where it was before: it is copied again."
    ]
    assert (result.exit_code, sql_target.pipeline(source).run_once().loads) == (0, 0)


def test_a_process_that_stays_notices_a_drop_with_the_next_change(sql_target: Target) -> None:
    """It asks nothing while the source is idle; the next change brings the earlier rows too."""
    source = ScriptedSource(FIRST)
    pipeline = sql_target.pipeline(source)
    pipeline.run_once()
    drop(sql_target)
    assert pipeline.run_once().loads == 0
    source.batches = [*FIRST, LATER]
    assert "orders is absent" in pipeline.run_once().warnings[0]
    assert set(sql_target.live()) == {(1,), (2,)}


def test_a_table_dropped_during_a_run_stops_until_the_next(postgres_target: Target) -> None:
    """It gets no later row without the earlier ones: it stops with the remedy, which is a run."""

    class Dropping(ScriptedSource):
        def read(self, state: State) -> Iterator[Batch]:
            for batch in super().read(state):
                if batch.state == {"n": 3}:
                    drop(postgres_target)
                yield batch

    steps = [*FIRST, LATER]
    result = postgres_target.pipeline(Dropping(steps), max_changes=1).run_once()
    assert "run `simplyload sync` again" in result.stopped["orders"]
    result = postgres_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert (result.exit_code, set(postgres_target.live())) == (0, {(1,), (2,)})


def test_a_copy_of_a_dropped_table_goes_on_after_a_failure(sql_target: Target) -> None:
    """A run that dies within the copy loses nothing: the next one completes it."""

    class Dying(ScriptedSource):
        def read(self, state: State) -> Iterator[Batch]:
            for batch in super().read(state):
                yield batch
                if batch.state == {"n": 2}:
                    raise SourceError("the source went away")

    steps = [*FIRST, LATER, changes(upsert(4, {"id": 1, "b": 7}, ["id", "b"]))]
    sql_target.pipeline(ScriptedSource(steps)).run_once()
    drop(sql_target)
    with pytest.raises(SourceError):
        sql_target.pipeline(Dying(steps), max_changes=1).run_once()
    assert sql_target.pipeline(ScriptedSource(steps)).run_once().warnings == []
    assert {key: (row["a"], row["b"]) for key, row in sql_target.live().items()} == {
        (1,): ("x", 7),
        (2,): (None, None),
    }


def test_a_stopped_table_that_is_dropped_is_copied_again(sql_target: Target) -> None:
    """What it missed since its stop is not all: it gets its rows from before, too."""
    steps = [whole(table(), 1, id=1), whole(table(x=INT32), 2, id=2, x=5)]
    source = ScriptedSource(steps)
    stopped = sql_target.pipeline(source, max_changes=1, schema="freeze").run_once().stopped
    drop(sql_target)
    assert list(stopped) == ["orders"]
    assert sql_target.pipeline(source).run_once().exit_code == 0
    assert column(sql_target, "x") == [None, 5]


def test_a_dropped_table_that_is_left_out_stays_away(sql_target: Target) -> None:
    """What the source is not asked for any more is dropped for good, without a word."""
    sql_target.pipeline(ScriptedSource(FIRST)).run_once()
    drop(sql_target)

    class Fewer(ScriptedSource):
        def tables(self) -> list[Table]:
            return [ITEMS]

    steps = [*FIRST, changes(upsert(3, {"id": 2}), table=ITEMS)]
    result = sql_target.pipeline(Fewer(steps)).run_once()
    assert (result.warnings, result.rows) == ([], {"items": 1})


def test_a_dropped_table_that_no_source_keeps_begins_again(sql_target: Target) -> None:
    """Of a table about the runs themselves the earlier rows are gone, and the run says so."""

    class Forgetful(ScriptedSource):
        def backfill(self, state: State, table: str, since: str | None) -> Any:  # noqa: ARG002
            raise ConfigurationError("there is no table that can be read again")

    sql_target.pipeline(ScriptedSource(FIRST)).run_once()
    drop(sql_target)
    result = sql_target.pipeline(Forgetful([*FIRST, LATER])).run_once()
    [warning] = result.warnings
    assert warning.endswith("only its later rows arrive: there is no table that can be read again")
    assert (result.exit_code, set(sql_target.live())) == (0, {(2,)})


def test_a_truncate_does_not_hide_a_drop(sql_target: Target) -> None:
    """Keys alone, with the T that ends a scan of them, do not make a table: it is copied."""
    sql_target.pipeline(ScriptedSource(FIRST)).run_once()
    drop(sql_target)
    scan = changes(upsert(3, {"id": 1}, ["id"]), upsert(4, {"id": 2}, ["id", "a"]), truncate(3))
    sql_target.pipeline(ScriptedSource([*FIRST, scan])).run_once()
    assert {key: row["a"] for key, row in sql_target.live().items()} == {(1,): "x", (2,): None}


class Copying(ScriptedSource):
    """A source that copies a table again as databases are copied: later than all it sent."""

    def backfill(self, state: State, table: str, since: str | None) -> State:  # noqa: ARG002
        """Give the state before the copy, which follows what the source had."""
        rows = live_rows([part for part in self.batches if isinstance(part, Changes)]).values()
        copy = changes(*(upsert(100, row) for row in rows), truncate(100))
        self.batches = [*self.batches, copy]
        return {"n": len(self.batches) - 1}


def drop_column(target: Target) -> None:
    """Drop a column as a user does."""
    target.execute("ALTER TABLE shop.orders DROP COLUMN a")


ROWS = [changes(upsert(1, {"id": 1, "a": "x"}), upsert(1, {"id": 2, "a": "y"}))]
SAID = (
    "orders: column a is absent from the destination, where it was before: the table is copied"
    " again."
)


@pytest.mark.parametrize("more", [[], [changes(upsert(3, {"id": 3}))]], ids=["idle", "with change"])
def test_a_dropped_column_is_filled_again(sql_target: Target, more: Sequence[Changes]) -> None:
    """The next run copies its table, so old rows have its values too; it says so, and does once."""
    sql_target.pipeline(Copying(ROWS)).run_once()
    drop_column(sql_target)
    source = Copying([*ROWS, *more])
    result = sql_target.pipeline(source).run_once()
    assert result.warnings == [SAID]
    assert column(sql_target, "a") == ["x", "y", *(None for _ in more)]
    assert (result.exit_code, sql_target.pipeline(source).run_once().loads) == (0, 0)


def test_a_process_that_stays_notices_a_dropped_column(sql_target: Target) -> None:
    """It asks nothing while the source is idle; the next change brings the old values too."""
    source = Copying(ROWS)
    pipeline = sql_target.pipeline(source)
    pipeline.run_once()
    drop_column(sql_target)
    assert pipeline.run_once().loads == 0
    source.batches = [*ROWS, changes(upsert(3, {"id": 1, "a": "z"}))]
    assert pipeline.run_once().warnings == [SAID]
    assert column(sql_target, "a") == ["z", "y"]


def test_a_column_dropped_during_a_run_is_filled_by_the_next(postgres_target: Target) -> None:
    """The run's later loads make it again, with their values alone; the next run has the others."""

    class Dropping(Copying):
        def read(self, state: State) -> Iterator[Batch]:
            for batch in super().read(state):
                if batch.state == {"n": 2}:
                    drop_column(postgres_target)
                yield batch

    more = [changes(upsert(n, {"id": n, "a": "z"})) for n in (3, 4)]
    source: Copying = Dropping([*ROWS, *more])
    assert postgres_target.pipeline(source, max_changes=1).run_once().exit_code == 0
    source = Copying([*ROWS, *more])
    result = postgres_target.pipeline(source, max_changes=1).run_once()
    assert (result.exit_code, result.warnings) == (0, [SAID])
    assert column(postgres_target, "a") == ["x", "y", "z", "z"]
    assert postgres_target.pipeline(source).run_once().loads == 0


def test_a_table_without_a_column_of_its_key_stops(sql_target: Target) -> None:
    """Renamed by hand, it is named with the remedy, which works; the other tables go on."""
    sql_target.pipeline(Copying([*FIRST])).run_once()
    sql_target.execute("ALTER TABLE shop.orders RENAME COLUMN id TO number")
    more = [LATER, changes(upsert(4, {"id": 2}), table=ITEMS)]
    source = Copying([*FIRST, *more])
    result = sql_target.pipeline(source).run_once()
    said = result.stopped["orders"].lower()  # Snowflake has its names in upper case
    assert said.startswith("column id of the key is absent from shop.orders")
    assert (result.exit_code, len(sql_target.rows("items"))) == (1, 2)
    drop(sql_target)
    assert sql_target.pipeline(source).run_once().exit_code == 0
    assert set(sql_target.live()) == {(1,), (2,)}


def test_a_column_dropped_on_both_sides_stays_away(sql_target: Target) -> None:
    """What the source has no more may be dropped here too, without a word."""
    sql_target.pipeline(Copying(ROWS)).run_once()
    drop_column(sql_target)
    fewer = replace(ORDERS, schema=ORDERS.schema.remove(1))
    source = Copying([*ROWS, changes(upsert(2, {"id": 3}), table=fewer)])
    result = sql_target.pipeline(source).run_once()
    assert (result.warnings, len(sql_target.rows())) == ([], 3)
    assert "a" not in sql_target.rows()[0]


def test_a_destination_of_an_earlier_version_learns_its_columns(sql_target: Target) -> None:
    """It goes on, and from its next load on a dropped column is noticed."""
    source = Copying(ROWS)
    sql_target.pipeline(source).run_once()
    sql_target.execute('ALTER TABLE _simplyload.tables DROP COLUMN "columns"')
    source.batches = [*ROWS, changes(upsert(2, {"id": 2, "a": "y"}))]
    assert sql_target.pipeline(source).run_once().warnings == []
    drop_column(sql_target)
    assert sql_target.pipeline(source).run_once().warnings == [SAID]
    assert column(sql_target, "a") == ["x", "y"]
