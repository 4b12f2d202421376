"""The API key leaves the process in one header only, and what people are called stays in rows."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests import fivetran, raw_tables
from tests.fivetran_cli import package
from tests.raw_server import serve
from tests.sandbox_server import Sandbox, running_sandbox

KEY = "pk_n33dle7f0c52haystack91d4e86b"
OTHER = "pk_0therb8a17needle5c20f9e3d64"
TABLES = "account,campaign,segment,event"
WORDS = json.dumps({"errors": [{"detail": f"there is no account of {KEY}"}]}).encode()
QUOTING = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%b" % (len(WORDS), WORDS)


@pytest.fixture(scope="module", name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    with running_sandbox(campaigns=6, profiles=40, no_limits=True) as sandbox:
        yield sandbox


@pytest.fixture(name="project")
def _project(connector_project: Path) -> Path:
    """A connector that asks twice instead of six times."""
    replace(connector_project / "asking.py", "ATTEMPTS = 6", "ATTEMPTS = 2")
    return connector_project


def replace(file: Path, old: str, new: str) -> None:
    """Change the one place in a file of the copy."""
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def run(project: Path, url: str, keys: str = KEY) -> fivetran.Result:
    """One sync."""
    given = {"api_key": keys, "tables": TABLES}
    return fivetran.debug(project, given, env={"KLAVIYO_BASE_URL": url})


def forms(key: str) -> set[bytes]:
    """How a secret may look: as it is, encoded, or its telling beginning."""
    encoded = {base64.b64encode(f"{'x' * shift}{key}".encode())[4:-4] for shift in range(3)}
    return {key.encode(), quote(key).encode(), key[:12].encode(), repr(key).encode(), *encoded}


def assert_hidden(project: Path, result: fivetran.Result, *keys: str) -> None:
    """No form of a key is in what the run printed or in any file that it left."""
    left = {str(file): file.read_bytes() for file in project.parent.rglob("*") if file.is_file()}
    left |= {"stdout": result.stdout.encode(), "stderr": result.stderr.encode()}
    tables = raw_tables.everything(result.warehouse)  # the file itself is compressed
    left |= {name: repr(rows).encode() for name, rows in tables.items()}
    shown = [
        (key, name)
        for key in keys
        for name, said in left.items()
        for form in forms(key)
        if form in said
    ]
    assert shown == []


class TestKey:
    """Promise 5: the key."""

    def test_a_good_sync_hides_it(self, project: Path, sandbox: Sandbox) -> None:
        """Not in the log, the state, the warehouse or the package made afterwards."""
        result = run(project, sandbox.url)
        assert result.returncode == 0, result.stdout
        package(project)
        assert_hidden(project, result, KEY)

    @pytest.mark.parametrize("fault", ["401", "500", "html403", "redirect"])
    def test_a_failed_sync_hides_it(self, project: Path, sandbox: Sandbox, fault: str) -> None:
        """Not in the error either, nor in what is logged while asking again."""
        sandbox.fault(fault)
        result = run(project, sandbox.url)
        sandbox.clear_faults()
        assert result.returncode == 1
        assert_hidden(project, result, KEY)

    def test_an_answer_that_quotes_it_is_not_repeated(self, project: Path) -> None:
        """Klaviyo's own words go into the error without the key in them."""
        with serve(QUOTING) as server:
            result = run(project, server.url)
        assert result.returncode == 1
        assert "there is no account of ***" in result.stdout
        assert_hidden(project, result, KEY)

    @pytest.mark.parametrize("keys", [KEY, f"{KEY}, {OTHER}"], ids=["one", "two"])
    def test_a_crash_hides_it(self, project: Path, sandbox: Sandbox, keys: str) -> None:
        """A fault of ours, whose report shows the variables of every frame, shows no key."""
        replace(project / "listings.py", "mirror = Mirror(account, stream)", "mirror = 1 / 0")
        result = run(project, sandbox.url, keys)
        assert result.returncode == 1
        assert "ZeroDivisionError" in result.stdout + result.stderr
        assert list((project / "crash-reports").iterdir())
        assert_hidden(project, result, KEY, OTHER)


class TestPeople:
    """Personal data."""

    @pytest.mark.parametrize("fault", [None, "500", "no_data"])
    def test_nobody_is_named_in_a_log(
        self, project: Path, sandbox: Sandbox, fault: str | None
    ) -> None:
        """No e-mail address or phone number of a profile is printed, however a sync ends."""
        people = [one["attributes"] for one in sandbox.all("/api/profiles")]
        named = {one[name] for one in people for name in ("email", "phone_number") if one[name]}
        assert len(named) > len(people)
        if fault is not None:
            sandbox.fault(fault, path="/api/events")
        result = run(project, sandbox.url)
        sandbox.clear_faults()
        assert (result.returncode == 0) == (fault is None)
        assert [one for one in named if one in result.stdout + result.stderr] == []
