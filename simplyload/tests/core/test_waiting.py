"""What a source or the destination leaves waiting: in the result of each run, tried by each run."""

import json
import shutil
from collections.abc import Iterator
from io import StringIO

import pytest

from simplyload.changes import Batch, Changes, State, Waiting
from simplyload.errors import LimitError
from simplyload.observe import JsonLines
from simplyload.run import Outcome, run_pipeline
from tests.core.conftest import Target
from tests.core.scripted import ScriptedSource, changes, truncate, upsert
from tests.core.test_catalog import INT32, column, table, whole


def test_a_state_to_keep_is_committed_though_no_row_changed(target: Target) -> None:
    """A later read begins from it; without `keep` an idle run commits nothing."""
    first = changes(upsert(1, {"id": 1, "a": "x"}))
    target.pipeline(ScriptedSource([first])).run_once()
    for keep, state in ((False, {"n": 1}), (True, {"n": 2})):
        batches: list[Changes | Batch] = [first, Batch(state={"n": 2}, keep=keep)]
        assert target.pipeline(ScriptedSource(batches)).run_once().loads == int(keep)
        assert target.destination().read_state("shop") == state


def test_a_table_that_the_source_leaves_waiting_ends_the_run_with_1(target: Target) -> None:
    """The result has the message of the newest read; it is one event, and in each summary."""
    waiting = Batch(state={}, waiting=[Waiting(table="orders", message="it is renamed")])
    pipeline, out, outcome = target.pipeline(ScriptedSource([waiting])), StringIO(), Outcome("shop")
    for _ in range(2):
        run_pipeline(pipeline, outcome, JsonLines(out))
        assert (outcome.exit_code, outcome.stopped) == (1, {"orders": "it is renamed"})
    stopped = [event.message for event in target.events if event.kind == "stopped"]
    assert stopped == ["it is renamed"]
    summaries = [json.loads(line)["stopped"] for line in out.getvalue().splitlines()]
    assert summaries == [{"orders": "it is renamed"}] * 2
    assert target.pipeline(ScriptedSource([])).run_once().exit_code == 0


def test_a_limit_that_is_used_up_hides_no_table_that_waits(target: Target) -> None:
    """The code is 1 while a table waits, and that of the limit alone where none does."""

    class Limited(ScriptedSource):
        def read(self, state: State) -> Iterator[Batch]:
            yield from super().read(state)
            if self.reads > 1:
                raise LimitError("the limit is used up")

    for waiting, code in (([Waiting(table="orders", message="it is renamed")], 1), ([], 69)):
        source = Limited([Batch(state={}, waiting=waiting)])
        pipeline, outcome = target.pipeline(source), Outcome("shop")
        run_pipeline(pipeline, outcome, JsonLines(StringIO()))
        source.batches = []
        run_pipeline(pipeline, outcome, JsonLines(StringIO()))
        assert outcome.exit_code == code
        assert outcome.stopped == {wait.table: wait.message for wait in waiting}


def test_a_stopped_table_is_tried_again_by_a_run_without_changes(sql_target: Target) -> None:
    """It stays in the result until the remedy is there, and then loads what it missed."""
    steps = [whole(table(), 1, id=1), whole(table(x=INT32), 2, id=2, x=5)]
    source = ScriptedSource(steps)
    for _ in range(2):
        result = sql_target.pipeline(source, max_changes=1, schema="freeze").run_once()
        assert (result.exit_code, list(result.stopped)) == (1, ["orders"])
    assert sql_target.pipeline(source).run_once().exit_code == 0
    assert column(sql_target, "x") == [None, 5]
    assert sql_target.pipeline(source).run_once().loads == 0


@pytest.mark.parametrize("lost", ["the folder", "the files"])
def test_a_stopped_table_whose_log_is_lost_waits_for_a_backfill(
    duckdb_target: Target, lost: str
) -> None:
    """It stays stopped with the remedy, never with a gap; a new whole copy brings all its rows."""
    wide = table(x=INT32)
    steps = [whole(table(), 1, id=1), whole(wide, 2, id=2, x=5)]
    duckdb_target.pipeline(ScriptedSource(steps), max_changes=1, schema="freeze").run_once()
    if lost == "the folder":
        shutil.rmtree(duckdb_target.log.root)
    for path in duckdb_target.log.root.rglob("*.parquet"):
        path.unlink()
    for more in ([], [whole(wide, 3, id=3, x=6)], []):
        steps += more
        result = duckdb_target.pipeline(ScriptedSource(steps)).run_once()
        assert result.exit_code == 1
        assert "`simplyload backfill shop.orders`" in result.stopped["orders"]
    duckdb_target.pipeline(ScriptedSource(steps)).backfill("orders")
    copy = [whole(wide, 4, id=n, x=n) for n in (1, 2, 3)]
    source = ScriptedSource(copy)
    assert duckdb_target.pipeline(source, max_changes=1).run_once().exit_code == 1
    assert column(duckdb_target, "id") == [1]
    source = ScriptedSource([*copy, changes(truncate(4), table=wide)])
    assert duckdb_target.pipeline(source).run_once().exit_code == 0
    assert column(duckdb_target, "x") == [1, 2, 3]
