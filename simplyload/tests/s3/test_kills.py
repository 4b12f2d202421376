"""Whatever request a run is killed before, a lake in a bucket ends with every row exactly once."""

import re
from functools import partial
from typing import Any

import pytest

from simplyload.changes import Changes
from simplyload.log import ChangeLog
from simplyload.testing.kills import run_worker
from simplyload.testing.memory import live_rows
from tests.core.conftest import Target
from tests.core.worker import kill_at_random, make_source
from tests.s3.conftest import BucketTarget, Place

BATCHES = 24


def run_with_kills(target: Target, place: Place, steps: range, **options: Any) -> int:
    """Run to the end in a process that is killed before each of the steps; give the kills."""
    job = {
        "kind": target.kind,
        "settings": target.settings.model_dump(mode="json"),
        "log": target.log.store.address,
        "bucket": place.options,
        "scratch": str(place.scratch),
        "protocol": "",
        "seed": 7,
        "batches": BATCHES,
        "steps": [steps.start, steps.stop, steps.step],
        **options,
    }
    return run_worker("tests.core.worker", job)


def assert_right(target: Target, place: Place, batches: int = BATCHES, more: int = 0) -> None:
    """Each row is there once; log and lake have the files of committed loads and no others."""
    changes = [part for part in make_source(7, batches, more).batches if isinstance(part, Changes)]
    assert target.live() == live_rows(changes)
    entries = target.log.entries("shop")
    assert [entry.load_id for entry in entries] == target.destination().list_committed("shop")
    parts = ("log", "files") if target.kind == "bucket" else ("log",)
    names = {f"{part}/{name}" for entry in entries for name in entry.names for part in parts}
    keys = place.objects()
    assert {key for key in keys if key.endswith(".parquet")} == names
    assert not [key for key in keys if re.search(r"\.pending$|\.staged/", key)]


def assert_right_after_each_kill(target: Target, place: Place) -> None:
    """All is right after kills before each of 60 steps, and after 50 at random instants."""
    run = partial(run_with_kills, target, place, batches=200, longest=1.5)
    assert run(range(1, 61)) == 60
    more = kill_at_random(run, kills=50, each=12)
    assert_right(target, place, 200, more)


@pytest.mark.slow
def test_r1_a_kill_before_a_request_loses_and_doubles_nothing(
    target: BucketTarget, place: Place
) -> None:
    """A run killed before one of its requests is made good by the next ones."""
    assert run_with_kills(target, place, range(2, 60, 6)) >= 9
    assert_right(target, place)


@pytest.mark.slow
@pytest.mark.chaos
def test_r1_a_kill_with_the_log_in_a_bucket_loses_and_doubles_nothing(
    duckdb_target: Target, place: Place
) -> None:
    """So it is with a log in a bucket and the rows in DuckDB."""
    duckdb_target.log = ChangeLog(place.store())
    assert run_with_kills(duckdb_target, place, range(2, 60, 8)) >= 7
    assert_right(duckdb_target, place)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_r1_fifty_kills_before_each_request_and_at_random_times(
    target: BucketTarget, place: Place
) -> None:
    """Every one of the first 60 steps, then 50 random instants: no row is lost or doubled."""
    assert_right_after_each_kill(target, place)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_r1_fifty_kills_with_the_log_in_a_bucket(duckdb_target: Target, place: Place) -> None:
    """So it is with a log in a bucket and the rows in DuckDB."""
    duckdb_target.log = ChangeLog(place.store())
    assert_right_after_each_kill(duckdb_target, place)
