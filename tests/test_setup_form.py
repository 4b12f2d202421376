"""The setup form has a field for every setting, and its tests find a key that will not do."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import configuration
from tests.fivetran import CONNECTOR
from tests.fivetran_cli import fivetran
from tests.sandbox_server import Sandbox, run_sandbox

SCOPES = "accounts:read,metrics:read,campaigns:read,flows:read,segments:read,tags:read,forms:read"
OTHERS = (
    "lists:read,events:read,profiles:read,templates:read,push-tokens:read,coupon-codes:read,"
    "catalogs:read,reviews:read"
)
FORM = """
import json, connector
form = connector.configuration_form()
print(json.dumps([[field.name, field.required] for field in form._fields]))
"""


@pytest.fixture(scope="module", name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    keys = [f"pk_whole:{SCOPES},{OTHERS}", f"pk_no_lists:{SCOPES},events:read"]
    with run_sandbox(campaigns=2, profiles=10, no_limits=True, api_key=keys) as sandbox:
        yield sandbox


def run_setup_tests(
    project: Path, sandbox: Sandbox, configuration: Mapping[str, str]
) -> tuple[int, str]:
    """The exit code and output of the form's tests."""
    (project / "configuration.json").write_text(json.dumps(configuration))
    env = {"KLAVIYO_BASE_URL": sandbox.url}
    done = fivetran("configuration", project, "--test", env=env)
    return done.returncode, done.stdout


def test_form_has_every_setting() -> None:
    """One field for each configuration key, of which only the API key is required."""
    done = subprocess.run(
        [sys.executable, "-c", FORM], cwd=CONNECTOR, capture_output=True, text=True, check=True
    )
    fields = json.loads(done.stdout.splitlines()[-1])
    assert fields == [[key, key == "api_key"] for key in configuration.KEYS]


def test_a_good_key_passes(connector_project: Path, sandbox: Sandbox) -> None:
    """The key and each scope that is not optional are tried, and every test succeeds."""
    configuration = {"api_key": "pk_whole", "tables": "all"}
    returncode, output = run_setup_tests(connector_project, sandbox, configuration)
    assert returncode == 0, output
    for test in ("api_key_is_valid", "can_read_campaigns", "can_read_events"):
        assert f"calling test '{test}'" in output


def test_only_the_scopes_of_the_chosen_tables_are_tested(
    connector_project: Path, sandbox: Sandbox
) -> None:
    """A key that has just the scopes of its tables passes."""
    configuration = {"api_key": "pk_no_lists", "tables": "campaign,segment,event"}
    returncode, output = run_setup_tests(connector_project, sandbox, configuration)
    assert returncode == 0, output


@pytest.mark.parametrize(
    ("configuration", "line"),
    [
        ({"api_key": "pk_no_lists"}, "lists:read"),
        ({"api_key": "pk_unknown"}, "Klaviyo rejected the API key: check api_key"),
        ({"api_key": "hunter2"}, "api_key is malformed: a private Klaviyo key begins with pk_"),
        (
            {"api_key": "pk_whole", "tables": "campaigns"},
            "unknown table 'campaigns'; did you mean campaign? Separate names by commas; docs/",
        ),
    ],
    ids=["missing scope", "wrong key", "malformed key", "unknown table"],
)
def test_a_failure_says_what_to_change(
    connector_project: Path, sandbox: Sandbox, configuration: Mapping[str, str], line: str
) -> None:
    """The output names the scope, the key or the setting, without a traceback."""
    returncode, output = run_setup_tests(connector_project, sandbox, configuration)
    assert returncode == 1
    assert line in output
    assert "Traceback" not in output
