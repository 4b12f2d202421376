"""`clean` removes from a folder or a bucket what nothing needs, names it, and no more."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml

from simplyload.cli import main
from simplyload.config import read_configuration
from simplyload.destinations.duckdb import DuckDBDestination
from simplyload.errors import ConfigurationError, DestinationError
from simplyload.log import ChangeLog
from simplyload.testing.memory import live_rows
from tests.core.conftest import Target
from tests.core.scripted import ScriptedSource, changes, random_changes
from tests.s3.conftest import BucketTarget, Place, bucket_target

BUCKETS = ("s3", "gcs")
BATCHES = [changes(*random_changes(seed=3, length=60)[n : n + 10]) for n in range(0, 60, 10)]


def days_ago(days: int) -> type[datetime]:
    """Give a clock that is slow by some days."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(days=days)

    return Clock


@pytest.fixture(params=["folder", *(pytest.param(n, marks=pytest.mark.chaos) for n in BUCKETS)])
def target(request: pytest.FixtureRequest, duckdb_target: Target) -> Target:
    """Give DuckDB and a log of each kind; it has a load of 30 days ago and one of today."""
    if request.param in BUCKETS:
        duckdb_target.log = ChangeLog(request.getfixturevalue(f"{request.param}_place").store())
    for number, days in enumerate((30, 0), 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("simplyload.log.datetime", days_ago(days))
            source = ScriptedSource(BATCHES[:number])
            duckdb_target.pipeline(source).run_once()
    return duckdb_target


def files(log: ChangeLog) -> list[str]:
    """List the Parquet files of a log."""
    return [name for name in log.store.names("shop") if name.endswith(".parquet")]


@pytest.mark.slow
def test_r31_su7_only_old_files_of_committed_loads_go(target: Target) -> None:
    """A dry run names the files and removes nothing; then these go, and the next run goes on."""
    log = target.log
    with log.lock("shop"):
        gathering = log.gather("shop", target.destination().limits)
        gathering.add(BATCHES[4])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("simplyload.log.datetime", days_ago(40))
            log.publish("shop", "0000000009-000001", None, {"n": 5}, gathering.finish())
    before, loads = files(log), log.entries("shop")
    uncommitted = [name for name in before if "/0000000009-" in name]
    old = [name for entry in loads[:1] for name in entry.names]
    pipeline = target.pipeline(ScriptedSource(BATCHES))
    assert pipeline.clean(15, dry_run=True) == [*uncommitted, *old]
    assert files(log) == before
    assert log.has_pending("shop")
    assert pipeline.clean(15) == [*uncommitted, *old]
    assert files(log) == [name for entry in loads[1:] for name in entry.names]
    assert pipeline.clean(15) == []
    pipeline.run_once()
    assert target.live() == live_rows(BATCHES)


@pytest.mark.slow
def test_r31_su7_a_destination_that_is_away_deletes_nothing(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the destination cannot say what is committed, no file goes."""
    before = files(target.log)
    for name in ("acquire", "read_state"):
        monkeypatch.setattr(DuckDBDestination, name, Mock(side_effect=DestinationError("away")))
    for dry_run in (True, False):
        with pytest.raises(DestinationError):
            target.pipeline(ScriptedSource([])).clean(7, dry_run=dry_run)
    assert files(target.log) == before


@pytest.mark.slow
def test_a_file_that_no_load_names_goes_after_a_day(target: Target, tmp_path: Path) -> None:
    """What an overtaken run wrote too late is removed once it is older than a day, not before."""
    orphan = "shop/orders/dt=2026-11-01/h=09/0000000001-000009-0.parquet"
    (tmp_path / "orphan").write_bytes(b"x")
    target.log.store.copy(tmp_path / "orphan", orphan)
    before = files(target.log)
    pipeline = target.pipeline(ScriptedSource(BATCHES))
    assert pipeline.clean() == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simplyload.engine.datetime", days_ago(-2))
        assert pipeline.clean(dry_run=True) == [orphan]
        assert files(target.log) == before
        assert pipeline.clean() == [orphan]
        assert pipeline.clean() == []
    assert files(target.log) == [name for name in before if name != orphan]


@pytest.fixture
def lake(place: Place) -> BucketTarget:
    """Give log and lake in a bucket, with loads."""
    target = bucket_target(place)
    target.pipeline(ScriptedSource(BATCHES[:2]), max_changes=10).run_once()
    return target


@pytest.mark.slow
def test_a_lake_keeps_its_rows_and_loses_what_is_unfinished(
    lake: BucketTarget, place: Place, tmp_path: Path
) -> None:
    """Retention is for the log: a lake loses orphans and uploads without an end alone."""
    name = "shop/orders/dt=2026-11-01/h=09/0000000001-000009-0.parquet"
    unfinished = place.begin_upload(f"files/{name}")
    (tmp_path / "orphan").write_bytes(b"x")
    place.store("files").copy(tmp_path / "orphan", name)
    pipeline = lake.pipeline(ScriptedSource(BATCHES[:2]))
    assert pipeline.clean() == []
    assert place.uploads() == unfinished
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simplyload.engine.datetime", days_ago(-2))
        patch.setattr("simplyload.log.datetime", days_ago(-40))
        named = pipeline.clean(30, dry_run=True)
        removed = pipeline.clean(30)
    uploads = [name for name in removed if name.endswith("(an upload without an end)")]
    assert len(uploads) == len(unfinished)
    assert named == removed
    assert len(removed) == 3 + len(unfinished)
    assert place.uploads() == []
    assert lake.live() == live_rows(BATCHES[:2])


def test_the_setting_retention_is_what_clean_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`retention` is used where `--keep-days` is not given, and below a week it is refused."""
    values = {
        "sources": {"pay": {"type": "stripe", "api_key": "rk_test_x", "tables": ["customers"]}},
        "retention": "P30D",
    }
    file = tmp_path / "simplyload.yml"
    file.write_text(yaml.safe_dump(values))
    clean = Mock(return_value=["a"])
    monkeypatch.setattr("simplyload.engine.Pipeline.clean", clean)
    for options in ([], ["--dry-run"], ["--keep-days", "9"]):
        assert main(["clean", "--config", str(file), *options]) == 0
    calls = [(call.args[0], call.kwargs["dry_run"]) for call in clean.call_args_list]
    assert calls == [(30, False), (30, True), (9, False)]
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [set(row) - {"stream"} for row in rows] == [
        {"removed"},
        {"would be removed"},
        {"removed"},
    ]
    with pytest.raises(ConfigurationError, match="retention: "):
        read_configuration(file, ["retention=P6D"])
