"""The workflow's deploy step with the real `fivetran deploy`, against a Fivetran API in the test.

How the SDK takes another address and what it requests there is that of version 3.0.0.
"""

import base64
import io
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scripts import fivetran_debug
from tests.fivetran import CONNECTOR, copy_connector
from tests.test_workflows import get_step

ROOT = Path(__file__).parent.parent
KEY = base64.b64encode(b"name:hush-hush").decode()
KLAVIYO_KEY = "pk_hush_hush"
SECRETS = {"FIVETRAN_API_KEY": KEY, "KLAVIYO_API_KEY": KLAVIYO_KEY}
CONNECTION = {
    "id": "c1",
    "group_id": "g1",
    "schema": "klaviyo",
    "service": "connector_sdk",
    "config": {"package_id": "old", "python_version": "3.11"},
    "destination_schema_names": "FIVETRAN_NAMING",
    "setup_tests": [],
}


class Fivetran:
    """The part of Fivetran's API that a deploy uses; it records what it is sent."""

    def __init__(self, server: HTTPServer, *, has_connection: bool) -> None:
        self.url = server.url_for("").rstrip("/")
        self.writes: list[str] = []
        self.keys: set[str | None] = set()
        self.package = b""
        self.body: dict[str, Any] = {}
        self._has_connection = has_connection
        server.expect_request(re.compile("/v1/.*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.keys.add(request.headers.get("Authorization"))
        call = f"{request.method} {request.path}"
        if request.method != "GET":
            self.writes.append(call)
        if request.is_json:
            self.body = request.get_json()
        elif request.files:
            self.package = request.files["file"].read()
        status = 201 if request.method == "POST" else 200
        document = {"code": "Success", "data": self._data(call)}
        return Response(json.dumps(document), status, content_type="application/json")

    def _data(self, call: str) -> dict[str, Any]:
        match call:
            case "GET /v1/groups":
                return {"items": [{"id": "g1", "name": "Warehouse"}]}
            case "GET /v1/groups/g1/connectors":
                return {"items": [CONNECTION] if self._has_connection else []}
            case "POST /v1/connector-sdk/packages":
                return {"id": "new"}
        return CONNECTION


@dataclass(frozen=True)
class Checkout:
    """What a deploy needs of the repository, in a folder of its own."""

    folder: Path

    def deploy(self, fivetran: Fivetran, secrets: Mapping[str, str]) -> tuple[int, str]:
        """Run the workflow's step `Deploy`; gives its exit code and all it printed."""
        self._set_address(fivetran)
        deploy = get_step("deploy", "Deploy")
        unset = dict.fromkeys(deploy["env"], "")  # GitHub gives an empty text for what is not set
        environment = fivetran_debug.build_environment(self.folder / "home")
        done = subprocess.run(
            ["/bin/bash", "-e", "-o", "pipefail", "-c", deploy["run"]],
            cwd=self.folder,
            env={**environment, "CI": "true", **unset, "PROFILE": "production", **secrets},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def _set_address(self, fivetran: Fivetran) -> None:
        settings = self.folder / "home" / ".fivetran" / "connector_sdk"
        settings.mkdir(parents=True)
        (settings / "_config.json").write_text(json.dumps({"production_base_url": fivetran.url}))

    def find(self, secret: str) -> list[Path]:
        """The files that hold a secret."""
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        own = [file for file in files if ".venv" not in file.parts]
        return [file for file in own if secret.encode() in file.read_bytes()]


def check_out(folder: Path) -> Checkout:
    """Copy the parts; the environment is shared."""
    copy_connector(folder).rename(folder / "klaviyo_connector")
    for part in ("scripts", "looker"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "options.toml", folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return Checkout(folder)


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Checkout:
    return check_out(tmp_path)


def test_new_connection_is_created(checkout: Checkout, httpserver: HTTPServer) -> None:
    """It is in the profile's group and of its name, with the connector and its configuration."""
    fivetran = Fivetran(httpserver, has_connection=False)
    returncode, output = checkout.deploy(fivetran, SECRETS)
    assert returncode == 0, output
    assert fivetran.writes == ["POST /v1/connector-sdk/packages", "POST /v1/connectors"]
    assert fivetran.body["group_id"] == "g1"
    assert fivetran.body["config"] == {
        "schema": "klaviyo",
        "secrets_list": [{"key": "api_key", "value": KLAVIYO_KEY}],
        "python_version": "3.11",
        "package_id": "new",
    }


@dataclass(frozen=True)
class Update:
    """A deploy to a connection that exists, and its output."""

    checkout: Checkout
    fivetran: Fivetran
    output: str


@pytest.fixture(scope="module", name="update")
def _update(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Update]:
    settings = {"KLAVIYO_TABLES": "all", "KLAVIYO_START_DATE": "2024-01-31"}
    checkout = check_out(tmp_path_factory.mktemp("checkout"))
    with HTTPServer() as server:
        fivetran = Fivetran(server, has_connection=True)
        returncode, output = checkout.deploy(fivetran, SECRETS | settings)
        assert returncode == 0, output
        yield Update(checkout, fivetran, output)


def test_existing_connection_is_updated(update: Update) -> None:
    """It gets the new package and every setting that is set, without a question to the user."""
    assert update.fivetran.writes == [
        "POST /v1/connector-sdk/packages",
        "PATCH /v1/connectors/c1",
    ]
    config = update.fivetran.body["config"]
    sent = {secret["key"]: secret["value"] for secret in config["secrets_list"]}
    assert sent == {"api_key": KLAVIYO_KEY, "tables": "all", "start_date": "2024-01-31"}
    assert config["package_id"] == "new"


def test_package_is_the_connector(update: Update) -> None:
    """The package has the modules of the folder unchanged, and holds no secret."""
    with zipfile.ZipFile(io.BytesIO(update.fivetran.package)) as package:
        sent = {name: package.read(name) for name in package.namelist()}
    for module in CONNECTOR.rglob("*.py"):
        assert sent[str(module.relative_to(CONNECTOR))] == module.read_bytes()
    assert not any(KLAVIYO_KEY.encode() in content for content in sent.values())


def test_secrets_stay_off_the_disk_and_the_log(update: Update) -> None:
    """Only Fivetran gets the keys, and what the SDK prints of one is masked before."""
    assert update.fivetran.keys == {f"Basic {KEY}"}
    assert update.checkout.find(KLAVIYO_KEY) == update.checkout.find(KEY) == []
    assert KLAVIYO_KEY not in update.output
    assert KEY not in update.output
    assert update.output.startswith(f"::add-mask::{KEY[:8]}\n")


@pytest.mark.parametrize(
    ("secrets", "line"),
    [
        (SECRETS | {"KLAVIYO_API_KEY": ""}, "KLAVIYO_API_KEY is not set"),
        (SECRETS | {"KLAVIYO_API_KEY": "hush"}, "KLAVIYO_API_KEY is malformed"),
        (SECRETS | {"KLAVIYO_TABLES": "campaigns"}, "KLAVIYO_TABLES: unknown table 'campaigns'"),
        (SECRETS | {"PROFILE": "staging"}, "staging"),
    ],
    ids=["no key", "malformed key", "unknown table", "unknown profile"],
)
def test_wrong_setting_ends_before_anything_is_sent(
    checkout: Checkout, httpserver: HTTPServer, secrets: Mapping[str, str], line: str
) -> None:
    """The step fails, names the setting and writes nothing to Fivetran."""
    fivetran = Fivetran(httpserver, has_connection=True)
    returncode, output = checkout.deploy(fivetran, secrets)
    assert returncode != 0
    assert line in output
    assert fivetran.writes == []
