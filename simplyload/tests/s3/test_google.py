"""What is wrong with a bucket of Google is named with its remedy; Snowflake reads none."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simplyload.cli import main
from simplyload.config import read_configuration
from simplyload.errors import ConfigurationError, LogError
from simplyload.gcs_store import GcsSettings, GcsStore
from simplyload.store import GcsAddress
from tests.s3.conftest import BUCKET, ON_GCS, Place
from tests.s3.proxy import Fault, Proxy, Request


@ON_GCS
@pytest.mark.parametrize(
    ("method", "query", "right"),
    [
        ("GET", "prefix=", "list objects in gs://.*: .*grant storage.objects.list to"),
        ("POST", "uploadType=", "write .check.*grant storage.objects.create and storage.objects.d"),
        ("GET", "alt=media", "read .check.*grant storage.objects.get to the credentials"),
        ("DELETE", "/o/", "delete .check.*: grant storage.objects.delete to the credentials"),
    ],
)
def test_a_right_that_is_missing_is_named(
    place: Place, proxy: Proxy, method: str, query: str, right: str
) -> None:
    """Where a request is forbidden, the error names what was tried and the right that it needs."""

    def forbid(request: Request) -> Fault | None:
        is_it = request.method == method and query in request.path
        return Fault(status=403, code="forbidden") if is_it else None

    proxy.rule = forbid
    with pytest.raises(LogError, match=right) as error:
        place.through(proxy).store().check()
    assert "it is not allowed (403 forbidden)" in str(error.value)
    assert "canary" not in str(error.value)


@ON_GCS
@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (401, "required", r"gcs.endpoint http://\S+ wants credentials, which"),
        (403, "accountDisabled", r"cannot be billed \(403 accountDisabled\): turn on its billing"),
        (403, "retentionPolicyNotMet", "retention policy keeps the object .* use another bucket"),
        (400, "required", r"the server refuses it \(400 required\)"),
        (429, "rateLimitExceeded", r"the server fails \(429 rateLimitExceeded\) for 1 seconds"),
        (503, "no word: canary", r"the server fails \(503\) for 1 seconds: run again later"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_an_answer_is_explained_and_not_quoted(
    place: Place, proxy: Proxy, status: int, reason: str, message: str
) -> None:
    """Each refusal has its remedy; of the answer only the status and a single word are shown."""
    proxy.rule = lambda _request: Fault(status=status, code=reason)
    with pytest.raises(LogError, match=message) as error:
        place.through(proxy).store().check()
    assert "canary" not in str(error.value)


class _TokenHandler(BaseHTTPRequestHandler):
    """A server that gives a token at one path, and refuses it at another."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"error": "invalid_grant", "error_description": "canary-answer"}'
        if self.path == "/give":
            body = b'{"access_token": "canary-token", "expires_in": 3600, "token_type": "Bearer"}'
        self.send_response(200 if self.path == "/give" else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def token_address() -> Iterator[str]:
    """Yield the address of a server of tokens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _TokenHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def make_key(token_address: str) -> str:
    """Give the key of a service account, as Google's tools read it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    values = {"type": "service_account", "client_email": "canary-account@example.com"}
    values |= {"private_key": key.decode(), "token_uri": token_address, "project_id": "project"}
    return json.dumps({**values, "private_key_id": "canary-id"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"no credentials are found \(DefaultCredentialsError\): run `gcloud auth appl"),
        ("absent", r"no credentials are found \(DefaultCredentialsError\)"),
        ("{canary", r"no credentials are found \(DefaultCredentialsError\)"),
        ('{"type": "service_account", "private_key": "canary"}', "no credentials are found"),
        ("a folder", r"no credentials are found \(DefaultCredentialsError\)"),
        ("refused", r"the credentials are refused \(RefreshError\): renew them by `gcloud auth"),
    ],
)
def test_credentials_that_are_wrong_are_named(
    token_address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str | None,
    message: str,
) -> None:
    """Credentials that are missing, damaged or refused are said to be so, and none is shown."""
    file = tmp_path / "canary-key.json"
    if content == "a folder":
        file.mkdir()
    elif content not in (None, "absent"):
        key = make_key(f"{token_address}refuse")
        file.write_text(key if content == "refused" else str(content))
    if content is not None:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    store = GcsStore(GcsAddress(BUCKET, "x"), GcsSettings(), "log", LogError, tmp_path)
    with pytest.raises(LogError, match=message) as error:
        store.check()
    assert "canary" not in str(error.value)


@pytest.fixture
def key_file(token_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a key for which a token is given; a server of this machine is sent it too."""
    file = tmp_path / "key.json"
    file.write_text(make_key(f"{token_address}give"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setattr(GcsSettings, "is_local", False)


@ON_GCS
@pytest.mark.usefixtures("key_file")
def test_the_token_of_a_key_is_in_the_header_alone(place: Place, proxy: Proxy) -> None:
    """The key that Google's tools are given signs in; the token is in no address and no object."""
    store = place.through(proxy).store()
    store.check(exclusive=True)
    store.write("a", b"x")
    assert {request.headers["authorization"] for request in proxy.requests} == {
        "Bearer canary-token"
    }
    assert not any("canary" in request.path for request in proxy.requests)
    assert place.objects() == {"log/a"}


@ON_GCS
def test_no_more_than_objects_is_asked_for(place: Place, proxy: Proxy) -> None:
    """The client reads nothing of the bucket itself, which a right on its objects forbids."""
    place.through(proxy).store().check(exclusive=True)
    assert [request.path for request in proxy.requests if "/o" not in request.path] == []


@ON_GCS
@pytest.mark.usefixtures("key_file")
def test_a_token_that_is_refused_is_not_shown(place: Place, proxy: Proxy) -> None:
    """A token that the server refuses, also after a new one was got, is said to be refused."""
    proxy.rule = lambda _request: Fault(status=401, code="authError")
    message = r"the credentials are refused \(401 authError\): renew them"
    with pytest.raises(LogError, match=message) as error:
        place.through(proxy).store().check()
    assert "canary" not in str(error.value)


SOURCES = "sources: {shop: {type: postgres, host: h, database: d, user: u}}\n"
LAKE = "destination: {type: parquet, path: gs://lake/files}\n"
STAGE = "destination: {type: snowflake, account: a, database: D, private_key: k, stage: gs://x-y/z}"


@pytest.mark.parametrize("arguments", [["sql"], ["setup", "snowflake"]])
def test_sql_for_snowflake_is_refused_for_a_bucket_of_google(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """No command prints SQL by which Snowflake would not find the files."""
    file = tmp_path / "simplyload.yml"
    file.write_text(SOURCES + LAKE)
    assert main([*arguments, "--config", str(file)]) == 2
    printed = capsys.readouterr()
    assert (printed.out, "destination.path: Snowflake reads a bucket of Google" in printed.err) == (
        "",
        True,
    )


def test_a_stage_of_google_is_refused(tmp_path: Path) -> None:
    """Snowflake's stage in a bucket is one of Amazon; the log may be in one of Google."""
    file = tmp_path / "simplyload.yml"
    file.write_text(f"{SOURCES}log: gs://lake/log\n{STAGE}\n")
    message = r"destination.stage: Snowflake reads a bucket of Google .*, or leave it out"
    with pytest.raises(ConfigurationError, match=message):
        read_configuration(file)
    read_configuration(file, ["destination.stage=s3://lake/stage"])
