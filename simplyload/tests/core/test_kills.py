"""Whatever instant a load is killed at, the destination ends with every row exactly once."""

from functools import partial
from typing import Any

import pytest

from simplyload.changes import Changes
from simplyload.testing.kills import run_worker
from simplyload.testing.memory import live_rows
from tests.core.conftest import Target
from tests.core.worker import kill_at_random, make_source

BATCHES = 60
# A load of a warehouse is twenty requests to a server; a run begins with a second of signing in.
SLOW = ("snowflake", "bigquery")
SLOW_BATCHES, SLOW_LONGEST = 16, 3.0


def run_with_kills(
    target: Target, steps: range, protocol: str = "", batches: int = BATCHES, **options: Any
) -> int:
    """Run to the end in a process that is killed before each of the steps; give the kills."""
    if target.kind in SLOW:
        batches, options["longest"] = min(batches, SLOW_BATCHES), SLOW_LONGEST
    settings = target.settings.model_dump(mode="json")
    for name in {"password", "private_key"} & settings.keys():
        secret = getattr(target.settings, name)
        settings[name] = None if secret is None else secret.get_secret_value()
    job = {
        "kind": target.kind,
        "settings": settings,
        "log": str(target.log.root),
        "protocol": protocol,
        "seed": 7,
        "batches": batches,
        "steps": [steps.start, steps.stop, steps.step],
        **options,
    }
    return run_worker("tests.core.worker", job)


def is_right(target: Target, batches: int = BATCHES, more: int = 0) -> bool:
    """Tell whether the live rows are those to which the source's changes lead."""
    if target.kind in SLOW:
        batches = min(batches, SLOW_BATCHES)
    changes = [part for part in make_source(7, batches, more).batches if isinstance(part, Changes)]
    return target.live() == live_rows(changes)


@pytest.mark.slow
def test_r1_a_kill_at_any_step_loses_and_doubles_nothing(target: Target) -> None:
    """A run killed before a statement, a sync or a rename is made good by the next ones."""
    kills = run_with_kills(target, range(1, 60, 10))
    assert kills >= 5
    assert is_right(target)
    assert_committed_alone(target)


def assert_committed_alone(target: Target) -> None:
    """The destination has its tables alone, and the log the files of committed loads alone."""
    assert target.stages() == []
    entries = target.log.entries("shop")
    assert [entry.load_id for entry in entries] == target.destination().list_committed("shop")
    named = {str(target.log.root / path) for entry in entries for path in entry.files["orders"]}
    assert {str(path) for path in target.log.root.rglob("*.parquet")} == named


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_r1_fifty_kills_at_every_step_and_at_random_times(target: Target) -> None:
    """Every one of the first 60 steps, then 50 random instants: no row is lost or doubled."""
    run = partial(run_with_kills, target, batches=300, longest=0.3)
    assert run(range(1, 61)) >= (10 if target.kind in SLOW else 60)  # of those that there are
    more = kill_at_random(run, kills=50, each=4 if target.kind in SLOW else 12)
    assert is_right(target, 300, more)
    stream = target.log.entries("shop")
    assert [entry.load_id for entry in stream] == target.destination().list_committed("shop")


@pytest.mark.slow
def test_r2_a_kill_between_merge_and_state_without_transactions(duckdb_target: Target) -> None:
    """Where statements commit one by one, rows before state, a repeated load changes nothing."""
    assert run_with_kills(duckdb_target, range(20, 50, 5), protocol="none") >= 5
    assert is_right(duckdb_target)


@pytest.mark.chaos
def test_r2_so_does_a_kill_in_every_destination_without_transactions(sql_target: Target) -> None:
    """The order is that of all destinations: what DuckDB shows in each run holds for the others."""
    assert run_with_kills(sql_target, range(20, 50, 5), protocol="none") >= 5
    assert is_right(sql_target)


@pytest.mark.chaos
def test_r2_control_the_state_before_the_rows_loses_changes(duckdb_target: Target) -> None:
    """The same kills find the fault of a destination that commits the state first."""
    run_with_kills(duckdb_target, range(28, 40), protocol="state first")
    assert not is_right(duckdb_target)


@pytest.mark.chaos
def test_a42_a_killed_load_leaves_no_table_and_no_file(target: Target) -> None:
    """After kills the destination has its tables alone, and the log committed loads alone."""
    run_with_kills(target, range(1, 50))
    assert_committed_alone(target)
