"""Bad input ends the real `fivetran debug` in one clear line and a non-zero exit code.

Wrong settings, states, keys and scopes are faults P5, X5, H6 and H7 of tests/chaos.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import fivetran
from tests.sandbox_server import KEY

CLOSED = "http://127.0.0.1:9"  # no server listens there


@pytest.fixture(name="project")
def _project(connector_project: Path) -> Path:
    """A connector that tries each request once, since a retry helps nowhere here."""
    fivetran.alter(connector_project, "session.py", "MAX_ATTEMPTS = 6", "MAX_ATTEMPTS = 1")
    return connector_project


def run(project: Path, configuration: Mapping[str, str], url: str) -> tuple[int, str]:
    """The exit code of a sync and all it printed."""
    process = fivetran.start(project, configuration, {"KLAVIYO_BASE_URL": url})
    stdout, stderr = process.communicate()
    return process.returncode, stdout + stderr


def test_unreachable_sandbox_is_named(project: Path) -> None:
    """KLAVIYO_BASE_URL leads to a closed port: one line asks whether the sandbox runs."""
    returncode, output = run(project, {"api_key": KEY}, CLOSED)
    assert returncode == 1
    line = f"connection to {CLOSED} failed .*; is the sandbox running"
    assert len(re.findall(line, output)) == 1, output
    assert "Traceback" not in output


def test_state_that_cannot_be_written_fails(project: Path) -> None:
    """A file is where the folder of the state belongs: the run names it and fails."""
    (project / "files").write_text("in the way")
    returncode, output = run(project, {"api_key": KEY}, CLOSED)
    assert returncode == 1
    assert re.search(r"Error: .*/files'", output), output
