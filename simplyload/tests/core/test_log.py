"""The change log rebuilds a destination, keeps what is needed, and survives a full disk."""

import os
import resource
import signal
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from psycopg2.extensions import make_dsn

from simplyload.changes import Changes
from simplyload.destinations.duckdb import DuckDBSettings
from simplyload.destinations.parquet import ParquetSettings
from simplyload.errors import DestinationError, SimplyLoadError
from simplyload.log import ChangeLog
from simplyload.replay import replay
from simplyload.testing.memory import live_rows
from simplyload.testing.processes import Forked
from tests.conftest import connect, full_disk
from tests.core.conftest import Target
from tests.core.scripted import (
    ORDERS,
    ScriptedSource,
    changes,
    random_changes,
    truncate,
    upsert,
)
from tests.core.worker import make_source, run

BATCHES = [changes(*random_changes(seed=3, length=60)[n : n + 10]) for n in range(0, 60, 10)]


def elsewhere(target: Target, tmp_path: Path) -> Target:
    """Give an empty destination of the same kind, with the same log."""
    if target.kind == "duckdb":
        path = tmp_path / "rebuilt.duckdb"
        return replace(target, settings=DuckDBSettings(path=path))
    if target.kind == "postgres":
        place, name = target.settings, f"{target.settings.database}_rebuilt"
        dsn = make_dsn(host=place.host, port=place.port, user=place.user, dbname=place.database)
        with closing(connect(dsn)) as connection:
            connection.cursor().execute(f"create database {name}")
        return replace(target, settings=place.model_copy(update={"database": name}))
    return replace(target, settings=ParquetSettings(path=tmp_path / "rebuilt"))


@pytest.mark.parametrize("kind", ["duckdb", "postgres", "parquet"])
def test_r32_replay_rebuilds_a_destination_cell_by_cell(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Without the source a second destination has the same rows and state, and goes on."""
    target: Target = request.getfixturevalue(f"{kind}_target")
    target.pipeline(ScriptedSource(BATCHES[:5]), max_changes=10).run_once()
    rebuilt = elsewhere(target, tmp_path)
    destination = rebuilt.destination()
    assert replay(target.log, "shop", destination) == 5
    assert rebuilt.live() == target.live() == live_rows(BATCHES[:5])
    assert destination.read_state("shop") == {"n": 5}
    assert replay(target.log, "shop", destination) == 0
    rebuilt.pipeline(ScriptedSource(BATCHES)).run_once()
    assert rebuilt.live() == live_rows(BATCHES)


def keyed_changes(key: str, *rows: Any) -> Changes:
    """Give changes of `orders` with another key."""
    return changes(*rows, table=replace(ORDERS, key=(key,)))


REKEYED = [
    keyed_changes("id", upsert(1, {"id": 1, "a": "x"}), upsert(2, {"id": 2, "a": "y"})),
    keyed_changes("a", upsert(5, {"id": 7, "a": "x"})),
    keyed_changes("a", upsert(5, {"id": 7, "a": "z"}), truncate(5)),
    keyed_changes("a", upsert(6, {"id": 8, "a": "x"}), upsert(7, {"id": 9, "a": "w"})),
]


@pytest.mark.parametrize("max_changes", [1, 100])
@pytest.mark.parametrize("kind", ["duckdb", "postgres", "parquet"])
def test_r32_replay_follows_a_table_to_another_key(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, max_changes: int
) -> None:
    """A table that was made again with another key has the rows of its new copy and later ones."""
    target: Target = request.getfixturevalue(f"{kind}_target")
    target.pipeline(ScriptedSource(REKEYED), max_changes=max_changes).run_once()
    rebuilt = elsewhere(target, tmp_path)
    with closing(rebuilt.destination()) as destination:
        replay(target.log, "shop", destination)
        assert destination.list_stopped("shop") == []
    live = rebuilt.live(replace(ORDERS, key=("a",)))
    assert {key: row["id"] for key, row in live.items()} == {("x",): 8, ("z",): 7, ("w",): 9}


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_r32_replay_stops_a_table_that_it_cannot_follow(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Where the log lacks the end of the new copy, the table waits by name, with its old rows."""
    target: Target = request.getfixturevalue(f"{kind}_target")
    steps = [*REKEYED[:2], keyed_changes("a", upsert(6, {"id": 8, "a": "x"}))]
    target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    rebuilt = elsewhere(target, tmp_path)
    with closing(rebuilt.destination()) as destination:
        assert replay(target.log, "shop", destination) == 3
        [stop] = destination.list_stopped("shop")
    assert stop.table == "orders"
    assert "rename the table in the destination" in stop.message
    assert [row["id"] for row in rebuilt.rows()] == [1, 2]


def test_r32_a_log_of_another_history_is_refused(duckdb_target: Target, tmp_path: Path) -> None:
    """A destination that has loads of its own is not mixed with those of a log."""
    duckdb_target.pipeline(ScriptedSource(BATCHES[:2])).run_once()
    other = elsewhere(duckdb_target, tmp_path)
    other.log = type(other.log)(tmp_path / "other log")
    other.pipeline(ScriptedSource(BATCHES), max_changes=10).run_once()
    other.pipeline(ScriptedSource([*BATCHES, BATCHES[0]])).run_once()
    with pytest.raises(SimplyLoadError, match="replay into an empty one"):
        replay(duckdb_target.log, "shop", other.destination())


def test_r32_an_idle_run_confirms_what_a_killed_one_committed(
    duckdb_target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay has the load of a run that was killed right after its commit."""
    with monkeypatch.context() as patch:
        patch.setattr(ChangeLog, "confirm", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            duckdb_target.pipeline(ScriptedSource(BATCHES[:2])).run_once()
    assert duckdb_target.pipeline(ScriptedSource(BATCHES[:2])).run_once().loads == 0
    rebuilt = elsewhere(duckdb_target, tmp_path)
    replay(duckdb_target.log, "shop", rebuilt.destination())
    assert rebuilt.live() == duckdb_target.live() == live_rows(BATCHES[:2])


def test_a_destination_forgets_old_loads_and_goes_on(
    sql_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run keeps the newest loads alone: state, log and an interrupted replay go on."""
    monkeypatch.setattr("simplyload.destinations.sql.KEPT_LOADS", 2)
    monkeypatch.setattr("simplyload.replay.KEPT_LOADS", 2)
    sql_target.pipeline(ScriptedSource(BATCHES[:5]), max_changes=10).run_once()
    sql_target.pipeline(ScriptedSource(BATCHES), max_changes=10).run_once()
    ids = [entry.load_id for entry in sql_target.log.entries("shop")]
    with closing(sql_target.destination()) as destination:
        assert destination.list_committed("shop") == ids[3:]
        assert destination.read_state("shop") == {"n": 6}
    assert replay(sql_target.log, "shop", sql_target.destination()) == 0
    assert sql_target.live() == live_rows(BATCHES)


def test_a_lost_destination_begins_a_new_history(duckdb_target: Target, tmp_path: Path) -> None:
    """A destination that was deleted is loaded again, and replay knows where its history begins."""
    duckdb_target.pipeline(ScriptedSource(BATCHES[:3]), max_changes=10).run_once()
    duckdb_target.settings.path.unlink()
    duckdb_target.pipeline(ScriptedSource(BATCHES[:2]), max_changes=10).run_once()
    rebuilt = elsewhere(duckdb_target, tmp_path)
    assert replay(duckdb_target.log, "shop", rebuilt.destination()) == 2
    assert rebuilt.live() == live_rows(BATCHES[:2])


def test_r31_retention_keeps_what_is_needed(
    duckdb_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old files of committed loads go; what is unconfirmed or missed by a stopped table stays."""

    class LastMonth(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(days=30)

    with monkeypatch.context() as patch:
        patch.setattr("simplyload.log.datetime", LastMonth)
        duckdb_target.pipeline(ScriptedSource(BATCHES[:3]), max_changes=10).run_once()
        log = duckdb_target.log
        with log.lock("shop"):
            gathering = log.gather("shop", duckdb_target.destination().limits)
            gathering.add(BATCHES[3])
            log.publish("shop", "0000000001-000004", None, {"n": 4}, gathering.finish())
    third = log.entries("shop")[2]
    expired = log.expire("shop", 7, keep_since={"orders": third.load_id})
    assert len(expired) == 2
    left = {path.name for path in log.root.rglob("*.parquet")}
    assert left == {f"{third.load_id}-0.parquet", "0000000001-000004-0.parquet"}
    with pytest.raises(SimplyLoadError, match="change log lacks"):
        replay(log, "shop", elsewhere(duckdb_target, log.root).destination())


def test_clean_removes_what_a_dead_run_left_and_old_files_alone(duckdb_target: Target) -> None:
    """`clean` names what it removed, and files of the last days are not among it."""
    pipeline = duckdb_target.pipeline(ScriptedSource(BATCHES[:2]))
    pipeline.run_once()
    log = duckdb_target.log
    with log.lock("shop"):
        gathering = log.gather("shop", duckdb_target.destination().limits)
        gathering.add(BATCHES[3])
        log.publish("shop", "0000000001-000009", None, {"n": 4}, gathering.finish())
    [removed] = pipeline.clean(keep_days=7)
    assert removed.endswith("0000000001-000009-0.parquet")
    assert len(list(log.root.rglob("*.parquet"))) == 1


def limit_file_size(size: int) -> None:
    """Let this process write no file beyond a size, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def big_batches() -> list[Changes]:
    """Give batches of random bytes, which no compression makes small."""
    return [
        changes(*(upsert(n, {"id": n, "a": os.urandom(2_000).hex()}) for n in range(at, at + 300)))
        for at in range(0, 1_500, 300)
    ]


@pytest.mark.parametrize("size", [400_000, 3_000_000])
def test_r24_a_full_disk_loses_nothing(duckdb_target: Target, size: int) -> None:
    """Where the log or the destination cannot be written, the error says so, and a run resumes."""
    batches = big_batches()
    source = ScriptedSource(batches)
    if os.fork() == 0:
        limit_file_size(size)
        try:
            duckdb_target.pipeline(source, max_changes=1).run_once()
        except SimplyLoadError:
            os._exit(3)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 3
    duckdb_target.pipeline(source, max_changes=1).run_once()
    assert duckdb_target.live() == live_rows(batches)


def test_r24_a_full_disk_of_duckdb_names_the_remedy(duckdb_target: Target) -> None:
    """The error of a warehouse that cannot grow says where to make room."""
    batches = big_batches()
    pipeline = duckdb_target.pipeline(ScriptedSource(batches), max_changes=1)
    message = "make room on the disk of destination.path, .*target.duckdb"
    with full_disk(3_000_000), pytest.raises(DestinationError, match=message):
        pipeline.run_once()
    pipeline.run_once()
    assert duckdb_target.live() == live_rows(batches)


@pytest.mark.slow
def test_r30_sigterm_ends_at_a_commit_with_exit_code_0(duckdb_target: Target) -> None:
    """After SIGTERM the destination holds exactly what its state says, and the exit code is 0."""
    root = Path(__file__).parents[2]
    job = {
        "kind": "duckdb",
        "settings": duckdb_target.settings.model_dump(mode="json"),
        "log": str(duckdb_target.log.root),
        "protocol": "",
        "seed": 7,
        "batches": 2_000,
    }
    with Forked(run, job, folder=root, environment=os.environ) as process:
        while process.read().code is None and len(duckdb_target.log.entries("shop")) < 3:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait().code == 0
    with closing(duckdb_target.destination()) as destination:
        state = destination.read_state("shop") or {}
    assert 3 <= state["n"] < 2_000
    done = [part for part in make_source(7, 2_000).batches if isinstance(part, Changes)]
    assert duckdb_target.live() == live_rows(done[: state["n"]])
