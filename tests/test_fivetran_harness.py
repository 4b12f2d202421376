"""The harness of `fivetran debug` that other tests use, with a connector of one table."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import fivetran

COUNTER = '''
"""Loads one row per sync; with `pause` it then waits between two checkpoints."""

import os
import threading

from fivetran_connector_sdk import Connector, Logging, Operations as op

COLUMNS = {"number": "INT", "greeting": "STRING", "at": "UTC_DATETIME"}


def schema(configuration):
    return [{"table": "count", "primary_key": ["number"], "columns": COLUMNS}]


def row(number):
    greeting = os.environ.get("GREETING", "none")
    return {"number": number, "greeting": greeting, "at": "2026-11-20T12:00:00Z"}


def update(configuration, state):
    number = state.get("number", 0) + 1
    op.upsert("count", row(number))
    op.checkpoint({"number": number})
    if configuration["then"] == "fail":
        raise ValueError("asked to fail")
    if configuration["then"] == "pause":
        op.upsert("count", row(number + 100))
        Logging.info("pausing")
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


def test_run_loads_rows_and_keeps_state(project: Path) -> None:
    """A run that succeeds leaves its rows, typed, in the warehouse and its state beside it."""
    result = fivetran.debug(project, {"then": "end"}, env={"GREETING": "hello"})

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.state == {"number": 1}
    [row] = fivetran.rows(result.warehouse, "count")
    assert row["number"] == 1
    assert row["greeting"] == "hello"
    assert row["at"] == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_next_run_resumes_from_the_last(project: Path) -> None:
    """A second run starts from the state of the first, or from the state it is given."""
    fivetran.debug(project, {"then": "end"})
    fivetran.debug(project, {"then": "end"})
    result = fivetran.debug(project, {"then": "end"}, state={"number": 41})

    assert result.state == {"number": 42}
    assert stored_numbers(result.warehouse) == [1, 2, 42]


def test_failed_run_exits_with_1(project: Path) -> None:
    """A run whose connector raises ends with exit code 1, and prints the cause."""
    result = fivetran.debug(project, {"then": "fail"})

    assert result.returncode == 1
    assert "asked to fail" in result.stdout + result.stderr


def test_killed_run_keeps_what_was_checkpointed(project: Path) -> None:
    """After kill -9 the rows and state of the last checkpoint are kept; the next run resumes."""
    process = fivetran.start(project, {"then": "pause"})
    assert process.stdout
    assert any("pausing" in line for line in process.stdout)
    process.kill()
    process.communicate()

    assert fivetran.stored_state(project) == {"number": 1}
    assert stored_numbers(fivetran.warehouse(project)) == [1]
    assert stored_numbers(fivetran.debug(project, {"then": "end"}).warehouse) == [1, 2]


def test_run_makes_no_request_to_the_package_index(project: Path) -> None:
    """A run needs no network of its own: with proxies on a closed port it succeeds."""
    closed = "http://127.0.0.1:9"
    env = {"HTTP_PROXY": closed, "HTTPS_PROXY": closed, "ALL_PROXY": closed}
    (project / "uses_requests.py").write_text("import requests\n")
    result = fivetran.debug(project, {"then": "end"}, env=env)

    assert result.returncode == 0
    assert "WARNING" not in result.stdout + result.stderr
