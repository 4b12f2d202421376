"""Bad input ends the real `fivetran debug` in one clear line and a non-zero exit code.

Settings and states that are wrong stand in the fault matrix: P5 and X5 of tests/chaos.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import fivetran, raw_tables
from tests.sandbox_server import KEY, Sandbox, running_sandbox

GOOD = {"api_key": KEY, "tables": "list"}
CLOSED = "http://127.0.0.1:9"  # nobody listens there


@pytest.fixture(scope="module", name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    with running_sandbox(campaigns=2, profiles=10, no_limits=True) as sandbox:
        yield sandbox


@pytest.fixture(name="project")
def _project(connector_project: Path) -> Path:
    """A connector that gives up after its first try, since nothing here gets better by waiting."""
    asking = connector_project / "asking.py"
    patient = asking.read_text()
    assert "ATTEMPTS = 6" in patient
    asking.write_text(patient.replace("ATTEMPTS = 6", "ATTEMPTS = 1"))
    return connector_project


def test_a_sandbox_that_does_not_run_is_missed(project: Path) -> None:
    """The address of a sandbox was given, but nobody listens there: the line says so."""
    returncode, output = run(project, GOOD, CLOSED)
    assert returncode == 1
    line = f"connection to {CLOSED} failed .*; is the sandbox running"
    assert len(re.findall(line, output)) == 1, output
    assert "Traceback" not in output


def test_a_state_that_cannot_be_written_is_no_success(sandbox: Sandbox, project: Path) -> None:
    """Where the state belongs stands something else: the sync names it and fails."""
    (project / "files").write_text("in the way")
    returncode, output = run(project, GOOD, sandbox.url)
    assert returncode == 1
    assert re.search(r"Error: .*/files'", output), output


def test_a_wrong_key_is_tried_once(project: Path) -> None:
    """Klaviyo's no is passed on with its remedy after a single request."""
    with running_sandbox(
        campaigns=2, profiles=10, no_limits=True, api_key="pk_the_right_one"
    ) as sandbox:
        returncode, output = run(project, GOOD, sandbox.url)
        assert returncode == 1
        assert "Klaviyo rejected the API key: check api_key" in output
        assert raw_tables.content(fivetran.warehouse(project)) == {}
        assert len(sandbox.log()) == 1


class TestScopes:
    """A key that may not read everything."""

    def test_missing_scopes_are_warned_of(self, project: Path) -> None:
        """What the key may read is loaded, the run succeeds and names each missing scope once."""
        allowed = "pk_of_lists:accounts:read,metrics:read,lists:read"
        with running_sandbox(campaigns=2, profiles=10, no_limits=True, api_key=allowed) as sandbox:
            chosen = {"api_key": "pk_of_lists", "tables": "list,segment,tag,tag_group"}
            returncode, output = run(project, chosen, sandbox.url)
        assert returncode == 0, output
        assert set(raw_tables.content(fivetran.warehouse(project))) == {"account", "list"}
        for scope, tables in (("segments:read", "segment"), ("tags:read", "tag, tag_group")):
            assert f"the API key lacks the scope {scope}: skipped {tables}; add" in output

    def test_a_key_without_any_fails(self, project: Path) -> None:
        """When nothing that was asked for may be read the run fails and names the scopes."""
        with running_sandbox(
            campaigns=2, profiles=10, no_limits=True, api_key="pk_bare:accounts:read"
        ) as sandbox:
            returncode, output = run(project, {"api_key": "pk_bare"}, sandbox.url)
        assert returncode == 1
        assert re.search("may read nothing that was asked for; it lacks .*campaigns:read", output)


def run(project: Path, configuration: Mapping[str, str], url: str) -> tuple[int, str]:
    """The exit code of a sync and all it printed; the state it finds may be a broken one."""
    process = fivetran.start(project, configuration, {"KLAVIYO_BASE_URL": url})
    stdout, stderr = process.communicate()
    return process.returncode, stdout + stderr
