"""Bad input ends the real `fivetran debug` in one clear line and a non-zero exit code.

Wrong settings, states and keys are faults P5, X5 and H6 of tests/chaos.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import fivetran, raw_tables
from tests.sandbox_server import KEY, running_sandbox

CLOSED = "http://127.0.0.1:9"  # no server listens there
ACCOUNT = {"campaigns": 2, "profiles": 10, "no_limits": True}
KEY_OF_LISTS = "pk_of_lists"


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


def test_missing_scopes_are_warned_of(project: Path) -> None:
    """What the key may read is loaded, the run succeeds and names each missing scope once."""
    scopes = "accounts:read,metrics:read,lists:read"
    with running_sandbox(**ACCOUNT, api_key=f"{KEY_OF_LISTS}:{scopes}") as sandbox:
        configuration = {"api_key": KEY_OF_LISTS, "tables": "list,segment,tag,tag_group"}
        returncode, output = run(project, configuration, sandbox.url)
    assert returncode == 0, output
    assert set(raw_tables.content(fivetran.warehouse(project))) == {"account", "list"}
    for scope, tables in (("segments:read", "segment"), ("tags:read", "tag, tag_group")):
        warning = f"the API key lacks the scope {scope}: skipped {tables}; add"
        assert output.count(warning) == 1, output
