"""The harness of `fivetran debug` that other tests use, with a connector of one table."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import fivetran

COUNTER = '''
"""Loads one row per sync; with `pause` it then waits between two checkpoints."""

import os
import threading

from fivetran_connector_sdk import Connector, Operations as op

COLUMNS = {"number": "INT", "greeting": "STRING", "at": "UTC_DATETIME"}


def schema(configuration):
    return [{"table": "count", "primary_key": ["number"], "columns": COLUMNS}]


def row(number):
    greeting = os.environ.get("GREETING", "none")
    return {"number": number, "greeting": greeting, "at": "2026-11-20T12:00:00Z"}


def update(configuration, state):
    number = state.get("number", 0) + 1
    op.upsert("count", row(number))
    op.delete("count", {"number": number + 1})  # it was never written
    op.checkpoint({"number": number})
    if configuration["then"] == "fail":
        raise ValueError("asked to fail")
    if configuration["then"] == "pause":
        op.upsert("count", row(number + 100))
        os.write(1, b"pausing\\n")  # at once: a logged line may wait for the next operation
        threading.Event().wait()


connector = Connector(update=update, schema=schema)
'''


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "connector.py").write_text(COUNTER)
    return fivetran.copy_connector(tmp_path, source)


def stored_numbers(warehouse: Path) -> list[int]:
    """The key of every loaded row."""
    return [row["number"] for row in fivetran.rows(warehouse, "count")]


def test_runs_keep_rows_and_state_without_a_network(project: Path) -> None:
    """Rows are typed, a delete of no row is ignored, a given state is used, no index is asked."""
    closed = "http://127.0.0.1:9"
    environment = {"HTTP_PROXY": closed, "HTTPS_PROXY": closed, "ALL_PROXY": closed}
    (project / "uses_requests.py").write_text("import requests\n")
    first = fivetran.debug(project, {"then": "end"}, env=environment | {"GREETING": "hello"})

    assert first.returncode == 0, first.stdout + first.stderr
    assert "WARNING" not in first.stdout + first.stderr
    assert first.state == {"number": 1}
    [row] = fivetran.rows(first.warehouse, "count")
    assert row["number"] == 1
    assert row["greeting"] == "hello"
    assert row["at"] == datetime(2026, 11, 20, 12, tzinfo=UTC)

    second = fivetran.debug(project, {"then": "end"}, state={"number": 41}, env=environment)
    assert second.state == {"number": 42}
    assert stored_numbers(second.warehouse) == [1, 42]


def test_runs_that_end_early_keep_what_was_checkpointed(project: Path) -> None:
    """After kill -9, and after an error that ends the run with 1, the next run resumes."""
    process = fivetran.start(project, {"then": "pause"})
    assert process.stdout
    assert any("pausing" in line for line in process.stdout)
    process.kill()
    process.communicate()

    assert fivetran.stored_state(project) == {"number": 1}
    assert stored_numbers(fivetran.warehouse(project)) == [1]
    failed = fivetran.debug(project, {"then": "fail"})
    assert failed.returncode == 1
    assert "asked to fail" in failed.stdout + failed.stderr
    assert stored_numbers(failed.warehouse) == [1, 2]
