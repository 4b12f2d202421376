"""Bad input ends the real `fivetran debug` in one clear line and a non-zero exit code."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import fivetran, raw_tables
from tests.sandbox_server import KEY, Sandbox, running_sandbox

GOOD = {"api_key": KEY, "tables": "list"}
CLOSED = "http://127.0.0.1:9"  # nobody listens there


@dataclass(frozen=True)
class Bad:
    """One thing that is wrong, and the line that must say so."""

    name: str
    line: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    state: str | None = None
    url: str | None = None
    requests: int = 0


def remembering(watermark: str) -> str:
    """A state in which the sandbox's lists were synced up to a time."""
    tables = {"list": {"rows": {"list": {}}, "watermark": watermark}}
    return json.dumps({"version": 1, "accounts": {"ACCOUNT": {"tables": tables}}})


BAD = [
    Bad("empty key", "api_key is empty: enter", {"api_key": ""}),
    Bad("malformed key", "api_key is malformed: .* begins with pk_", {"api_key": "sk_hunter2"}),
    Bad("unknown setting", "unknown configuration key 'apikey'; known: .*", {"apikey": KEY}),
    Bad("unknown table", "tables: unknown table 'campaigns'; known: .*", {"tables": "campaigns"}),
    Bad("bad date", "start_date must be a past date such as", {"start_date": "yesterday"}),
    Bad("bad number", "concurrency must be a whole number", {"concurrency": "many"}),
    Bad("state of a newer version", "the state has version 2.*: restore", state='{"version": 2}'),
    Bad("state of another connector", "the state has no version: restore", state='{"a": 1}'),
    Bad("state with holes", "the state is damaged: restore", state='{"version": 1}'),
    Bad("state cut short", "invalid state", state='{"version": 1, "acc'),
    Bad(
        "watermark far ahead",
        r"the state's watermark of list is no past time \('2999-.*restore",
        state=remembering("2999-01-01T00:00:00.000000Z"),
        requests=1,
    ),
    Bad(
        "watermark that is no time",
        "the state's watermark of list is no past time .*restore",
        state=remembering("yesterday"),
        requests=1,
    ),
    Bad("no sandbox", f"connection to {CLOSED} failed .*; is the sandbox running", url=CLOSED),
    Bad(
        "another host",
        "KLAVIYO_BASE_URL may only name a sandbox on this machine",
        url="http://klaviyo.invalid",
    ),
]


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


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_one_line_says_what_is_wrong(sandbox: Sandbox, project: Path, bad: Bad) -> None:
    """The sync fails, a line names the fault, nothing was loaded and Klaviyo was not bothered."""
    if bad.state is not None:
        account = sandbox.get("/api/accounts")["data"][0]["id"]
        (project / "files").mkdir()
        (project / "files" / "state.json").write_text(bad.state.replace("ACCOUNT", account))
    sandbox.reset_requests()
    returncode, output = run(project, {**GOOD, **bad.configuration}, bad.url or sandbox.url)
    assert returncode == 1
    assert len(re.findall(bad.line, output)) == 1, output
    assert "Traceback" not in output
    assert raw_tables.content(fivetran.warehouse(project)) == {}
    assert len(sandbox.log()) == bad.requests


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
