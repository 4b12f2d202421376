"""Whatever ends a real `fivetran debug`, the next one goes on: nothing is lost or doubled."""

import itertools
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import fivetran, raw_tables
from tests.sandbox_server import KEY, Sandbox, running_sandbox

NOW = "2026-11-16T15:00:00+00:00"
CHOSEN = {"api_key": KEY, "tables": "campaign,segment,campaign_performance,event,event_attribution"}
LOOKED_BACK_ON = {"event", "event_attribution"}  # the last hours' are written again: some are late
BEGINNING, CHECKPOINT = "calling update()", "checkpoint recorded"  # in the SDK's log


@pytest.fixture(scope="module", name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    with running_sandbox(
        campaigns=14, profiles=80, seed=5, now=NOW, no_limits=True, latency_ms=5
    ) as sandbox:
        yield sandbox


@dataclass(frozen=True)
class First:
    """One undisturbed sync: where it ran, what it asked and the tables it left."""

    project: Path
    requests: int
    tables: dict[str, Any]


@pytest.fixture(scope="module", name="first")
def _first(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> First:
    project = fivetran.copy_connector(tmp_path_factory.mktemp("first"))
    sandbox.reset_requests()
    tables = raw_tables.content(sync(sandbox, project).warehouse)
    assert len(tables["event"]) > 2_000, "too few rows for several checkpoints"
    return First(project, len(sandbox.log()), tables)


@pytest.fixture(name="whole")
def _whole(first: First) -> dict[str, Any]:
    """The tables as they should be."""
    return first.tables


def sync(sandbox: Sandbox, project: Path) -> fivetran.Result:
    """One sync to its end."""
    result = fivetran.debug(project, CHOSEN, env={"KLAVIYO_BASE_URL": sandbox.url})
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def killed(sandbox: Sandbox, project: Path, moment: str, count: int, with_: signal.Signals) -> int:
    """End a sync when its log shows a moment for the `count`-th time; its exit code."""
    process = fivetran.start(project, CHOSEN, {"KLAVIYO_BASE_URL": sandbox.url})
    assert process.stdout
    seen = (line for line in process.stdout if moment in line)
    assert next(itertools.islice(seen, count - 1, None), None), "the sync ended too soon"
    process.send_signal(with_)
    process.communicate()
    return process.returncode


def test_a_second_sync_asks_less_and_changes_nothing(sandbox: Sandbox, first: First) -> None:
    """The state of the first run is the start of the second, which writes no row of it again."""
    sandbox.reset_requests()
    again = sync(sandbox, first.project)
    assert len(sandbox.log()) < first.requests
    assert first.tables == raw_tables.content(again.warehouse)
    for table in first.tables.keys() - LOOKED_BACK_ON:
        assert len({row["synced_at"] for row in fivetran.rows(again.warehouse, table)}) == 1


def test_kill_9_at_any_instant_loses_and_doubles_nothing(
    sandbox: Sandbox, connector_project: Path, whole: dict[str, Any]
) -> None:
    """Killed at its beginning and after several checkpoints, a sync ends as if it never was."""
    for moment, count in ((BEGINNING, 1), (CHECKPOINT, 1), (CHECKPOINT, 1)):
        code = killed(sandbox, connector_project, moment, count, signal.SIGKILL)
        assert code == -signal.SIGKILL
        standing = raw_tables.content(fivetran.warehouse(connector_project))
        assert standing != whole
    assert whole == raw_tables.content(sync(sandbox, connector_project).warehouse)


@pytest.mark.parametrize(
    "with_", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.chaos)]
)
def test_a_stopped_sync_fails_and_keeps_its_checkpoints(
    sandbox: Sandbox, connector_project: Path, whole: dict[str, Any], with_: signal.Signals
) -> None:
    """A polite end is no success either; rows and state of the last checkpoint stand."""
    assert killed(sandbox, connector_project, CHECKPOINT, 2, with_) != 0
    standing = raw_tables.content(fivetran.warehouse(connector_project))
    assert {} != standing != whole
    assert fivetran.stored_state(connector_project)["accounts"]
    assert whole == raw_tables.content(sync(sandbox, connector_project).warehouse)
