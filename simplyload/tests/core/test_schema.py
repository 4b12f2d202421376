"""The schema of a stream: what was loaded stays in one place, and one stream alone writes there."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from simplyload.changes import Changes
from simplyload.checks import check_destination
from simplyload.engine import Pipeline
from simplyload.errors import ConfigurationError
from simplyload.log import ChangeLog
from simplyload.replay import replay
from tests.core.conftest import Target
from tests.core.scripted import ScriptedSource, changes, upsert

STEPS = [changes(upsert(n, {"id": n, "a": "x"})) for n in (1, 2, 3)]
FORGET = {
    "duckdb": "ALTER TABLE _simplyload.lease DROP COLUMN schema",
    "postgres": "ALTER TABLE _simplyload.lease DROP COLUMN schema",
    "bigquery": "ALTER TABLE _simplyload.lease DROP COLUMN schema",
    "snowflake": "ALTER TABLE _SIMPLYLOAD.LEASE DROP COLUMN SCHEMA",
}


def run(
    target: Target, steps: Sequence[Changes], schema: str, stream: str = "shop"
) -> ScriptedSource:
    """Run a stream in a schema, and give its source."""
    source = ScriptedSource(steps)
    pipeline_in(target, source, schema, stream).run_once()
    return source


def pipeline_in(
    target: Target, source: ScriptedSource, schema: str, stream: str = "shop"
) -> Pipeline:
    """Give the pipeline of a stream in a schema."""
    return Pipeline(stream, source, target.destination(), target.log, schema=schema)


def keys(target: Target, schema: str) -> list[int]:
    """Read the keys of the rows of a schema."""
    return [row["id"] for row in target.query(f"SELECT id FROM {schema}.orders ORDER BY 1")]


@pytest.mark.slow
def test_another_schema_is_refused_until_a_reset_copies_into_it(sql_target: Target) -> None:
    """A stream with a state loads nothing into another schema; `reset` copies all rows there."""
    run(sql_target, STEPS[:1], "old")
    moved = ScriptedSource(STEPS)
    with pytest.raises(ConfigurationError, match=r"schema `old` .* now `new`: set .*reset shop`"):
        pipeline_in(sql_target, moved, "new").run_once()
    with pytest.raises(ConfigurationError, match="schema `old`"):
        pipeline_in(sql_target, moved, "new").backfill("orders")
    with closing(sql_target.destination()) as destination:
        assert "schema `old`" in check_destination(destination, {"shop": "new"}).message
    with pytest.raises(ConfigurationError, match="schema `old`"):
        replay(sql_target.log, "shop", sql_target.destination(), schema="new")
    assert moved.reads == 0
    run(sql_target, STEPS[:2], "old")
    pipeline_in(sql_target, moved, "new").reset()
    run(sql_target, STEPS, "new")
    assert (keys(sql_target, "old"), keys(sql_target, "new")) == ([1, 2], [1, 2, 3])


@pytest.mark.slow
def test_a_schema_of_another_stream_is_refused(sql_target: Target, tmp_path: Path) -> None:
    """A stream of another configuration is refused, also by `reset`, and no row of either moves."""
    run(sql_target, STEPS[:1], "same")
    other = replace(sql_target, log=ChangeLog(tmp_path / "another log"))
    source = ScriptedSource(STEPS[1:])
    for run_other in ("run_once", "reset"):
        with pytest.raises(ConfigurationError, match=r"Stream shop .* `Same` too.* stream second"):
            getattr(pipeline_in(other, source, "Same", "second"), run_other)()
    assert (source.reads, keys(sql_target, "same")) == (0, [1])
    run(other, STEPS[1:], "own", "second")
    assert keys(sql_target, "own") == [2, 3]


@pytest.mark.slow
def test_a_destination_without_schemas_learns_them(sql_target: Target) -> None:
    """A destination of an earlier version goes on, and has the schema with its next load."""
    run(sql_target, STEPS[:1], "old")
    sql_target.execute(FORGET[sql_target.kind])
    with closing(sql_target.destination()) as destination:
        assert destination.read_schemas() == {}
        assert destination.read_state("shop") == {"n": 1}
    run(sql_target, STEPS[:2], "old")
    with closing(sql_target.destination()) as destination:
        assert destination.read_schemas() == {"shop": "old"}
    assert keys(sql_target, "old") == [1, 2]
