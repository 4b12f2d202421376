"""What is wrong with a bucket is named with its remedy before any harm; no secret is shown."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from simplyload.cli import main
from simplyload.config import read_configuration
from simplyload.engine import Event
from simplyload.errors import ConfigurationError, LogError
from simplyload.log import ChangeLog
from simplyload.s3_store import S3Store
from tests.core.conftest import Target
from tests.core.scripted import ScriptedSource, changes, upsert
from tests.s3.conftest import BUCKET, ON_S3, BucketTarget, Place, S3Place
from tests.s3.proxy import Fault, Proxy, run_proxy
from tests.s3.server import KEYS, secret_of


@pytest.fixture
def file(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a configuration with the log and the destination in a bucket; no source is asked."""
    monkeypatch.setattr("simplyload.cli.open_sources", lambda *_: ())
    values = {
        "sources": {
            "pay": {"type": "stripe", "api_key": "rk_test_canary", "tables": ["customers"]}
        },
        "destination": {"type": "parquet", "path": f"{place.address}/files"},
        "log": f"{place.address}/log",
        place.section: {"endpoint": place.endpoint, "timeout": "PT10S"},
    }
    file = tmp_path / "simplyload.yml"
    file.write_text(yaml.safe_dump(values))
    return file


def findings(file: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, str]:
    """Give what `validate` says of log and destination; nothing may show a secret."""
    sets = [part for option in options for part in ("--set", option)]
    main(["validate", "--config", str(file), *sets])
    output = capsys.readouterr()
    for key in KEYS:
        assert secret_of(key) not in output.out + output.err
    rows = [json.loads(line) for line in output.out.splitlines()]
    found = {row["subject"]: f"{row['level']}: {row['message']}" for row in rows}
    return {subject: found[subject] for subject in ("log", "destination")}


def test_validate_finds_nothing_wrong_and_leaves_nothing(
    file: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bucket that can be written is found good, and has no object afterwards."""
    found = findings(file, capsys)
    assert {text.split(":")[0] for text in found.values()} == {"ok"}
    assert place.objects() == set()


def test_validate_names_a_bucket_that_is_missing(
    file: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bucket that does not exist is named, and not made."""
    absent = f"{place.scheme}://absent"
    found = findings(file, capsys, f"log={absent}/log", f"destination.path={absent}/files")
    for setting, text in (("log", found["log"]), ("destination.path", found["destination"])):
        assert f"error: {setting}: " in text
        assert absent in text
        assert "the bucket is missing: create it, or correct its name" in text
    assert "absent" not in place.buckets()


@ON_S3
def test_validate_names_a_right_that_is_missing(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of a key that may read and not write names the right that it needs."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret_of("reader"))
    for text in findings(file, capsys).values():
        assert "it is not allowed (AccessDenied): grant s3:PutObject to the credentials" in text


@ON_S3
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("AWS_SECRET_ACCESS_KEY", "canary-wrong", "are refused (SignatureDoesNotMatch): renew"),
        ("AWS_ACCESS_KEY_ID", "canary-wrong", "are refused (InvalidAccessKeyId): renew"),
        ("AWS_SECRET_ACCESS_KEY", None, "no credentials are found"),
        ("AWS_PROFILE", "canary", "no credentials are found (ProfileNotFound)"),
    ],
)
def test_validate_names_credentials_that_are_wrong(  # noqa: PLR0913, PLR0917
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str | None,
    reason: str,
) -> None:
    """Credentials that are wrong or missing are said to be so, and where to set them."""
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    for text in findings(file, capsys).values():
        assert reason in text
        assert "canary-wrong" not in text


@pytest.mark.usefixtures("impatient")
def test_validate_names_a_server_that_does_not_answer(
    file: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """An address where nothing listens is named, with the setting."""
    setting, address = f"{place.section}.endpoint", "http://127.0.0.1:9"
    for text in findings(file, capsys, f"{setting}={address}").values():
        assert re.search(rf"{setting} {address} does not answer \(\w*ConnectionError\)", text)


@ON_S3
@pytest.mark.parametrize("status", [301, 400])
def test_validate_names_the_region_of_the_bucket(
    file: Path, capsys: pytest.CaptureFixture[str], proxy: Proxy, status: int
) -> None:
    """A bucket of another region is named with the region, as far as the server says it."""
    code = {301: "PermanentRedirect", 400: "AuthorizationHeaderMalformed"}[status]
    fault = Fault(status=status, code=code, headers=(("x-amz-bucket-region", "eu-west-3"),))
    proxy.rule = lambda _request: fault
    for text in findings(file, capsys, f"s3.endpoint={proxy.address}").values():
        assert "the bucket is in region eu-west-3: set s3.region" in text


@ON_S3
def test_validate_names_a_region_that_is_none(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no name of a region is called so, and not a region that is missing."""
    for text in findings(file, capsys, "s3.region=nowhere x").values():
        assert "such as eu-central-1: correct s3.region" in text


def test_replay_of_an_empty_bucket_is_refused(
    file: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log without an object is named by its address, which is no folder."""
    assert main(["replay", "--config", str(file)]) == 2
    assert f"log: {place.address}/log has no object" in capsys.readouterr().err


@ON_S3
def test_a_first_run_looks_at_the_bucket_before_it_reads_the_source(
    duckdb_target: Target, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a bucket that cannot be written, a source is not read: it makes no slot for nothing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret_of("reader"))
    source = ScriptedSource([changes(upsert(1, {"id": 1, "a": "x"}))])
    duckdb_target.log = ChangeLog(place.store())
    with pytest.raises(LogError, match="grant s3:PutObject"):
        duckdb_target.pipeline(source).run_once()
    assert source.reads == 0
    assert not duckdb_target.settings.path.exists()


def test_without_the_client_the_remedy_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the extra is not installed, the error says how to install it."""
    store = place.store()
    monkeypatch.setitem(sys.modules, store.module, None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'simplyload\[{place.section}\]'"):
        store.check()


@ON_S3
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("log=s3://Lake/x", "log: it takes a folder, or s3://bucket/prefix"),
        ("log=s3://lake/x?key=canary", "log: it takes a folder, or s3://bucket/prefix"),
        ("log=[s3://lake/x]", "log: it takes a folder, or s3://bucket/prefix"),
        ("log=gs://Lake/x", "or gs://bucket/prefix with the bucket's name in lower case"),
        ("log=gs://lake/x?key=canary", "log: it takes a folder, or s3://bucket/prefix"),
        ("log=az://lake/x", "log: it takes a folder, or s3://bucket/prefix"),
        ("destination.path=s3://key:canary@lake/x", "destination.path: it takes a folder"),
        ("s3.endpoint=http://key:canary@localhost", "s3.endpoint: it is the address of a server"),
        ("s3.endpoint=https://localhost/?sig=canary", "s3.endpoint: it is the address of a server"),
        ("s3.endpoint=https://localhost#canary", "without a user, a query (`?`) and a fragment"),
        ("gcs.endpoint=https://example.com?sig=canary", "gcs.endpoint: it is the address of a"),
        ("s3.kms_key=canary", "s3: kms_key needs `encryption: aws:kms`"),
        ("s3.encryption=des", "s3.encryption: "),
        ("s3.regoin=x", "s3.regoin is no setting: remove it; did you mean region?"),
        ("gcs.endpoint=https://key:canary@localhost", "gcs.endpoint: it is the address of a"),
        ("gcs.endpoint=http://canary.example.com", "gcs.endpoint: it begins with https:// except"),
        ("gcs.tiemout=PT1M", "gcs.tiemout is no setting: remove it; did you mean timeout?"),
    ],
)
def test_r35_a_wrong_setting_is_named_without_its_value(
    file: Path, setting: str, message: str
) -> None:
    """A wrong address or option is named with the remedy; its value, which may be a secret, not."""
    with pytest.raises(ConfigurationError) as error:
        read_configuration(file, [setting])
    assert message in str(error.value)
    assert "canary" not in str(error.value)


@ON_S3
@pytest.mark.parametrize("at", ["s3://lake/both", "gs://lake/both", "both"])
def test_one_place_for_log_and_destination_is_refused(file: Path, at: str) -> None:
    """The log and the destination have places of their own: `clean` removes old files of a log."""
    with pytest.raises(ConfigurationError, match="give one of them another place"):
        read_configuration(file, [f"log={at}", f"destination.path={at}"])


def test_the_configuration_shows_addresses_and_no_secret(
    file: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """`config` prints the addresses as they are written, and nothing of the credentials."""
    assert main(["config", "--config", str(file)]) == 0
    output = capsys.readouterr().out
    assert yaml.safe_load(output)["log"] == f"{place.address}/log"
    assert "canary" not in output


def test_r33_no_secret_is_in_an_object_or_an_event(target: BucketTarget, place: Place) -> None:
    """Neither the objects of log and destination nor what a run shows has a secret."""
    target.pipeline(ScriptedSource([changes(upsert(1, {"id": 1, "a": "x"}))])).run_once()
    secrets = [secret_of(key).encode() for key in KEYS]
    for name in place.objects():
        content = place.read(name)
        assert not any(secret in content for secret in secrets)
    assert all(isinstance(event, Event) for event in target.events)
    assert not any(secret.decode() in repr(target.events) for secret in secrets)


@pytest.fixture
def encrypting(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the address of a server of moto, which keeps with each object how it is encrypted."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    _, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "owner")
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{"encryption": "AES256"}, {"encryption": "aws:kms", "kms_key": "key-1"}]
)
def test_each_object_is_encrypted_as_set(
    encrypting: str, tmp_path: Path, settings: dict[str, str]
) -> None:
    """Small objects, conditional ones and those of several parts are encrypted by the setting."""
    place = S3Place(encrypting, settings["encryption"], tmp_path / "machine")
    place.client().create_bucket(Bucket=BUCKET)
    with run_proxy(encrypting) as proxy:
        write_objects(place.through(proxy).store(**settings), tmp_path)
    headers = [request.headers for request in proxy.requests if request.makes_object]
    assert len(headers) == 3
    assert {fields.get("x-amz-server-side-encryption") for fields in headers} == {
        settings["encryption"]
    }
    assert {fields.get("x-amz-server-side-encryption-aws-kms-key-id") for fields in headers} == {
        settings.get("kms_key")
    }
    for name in ("small", "lease"):
        found = place.client().head_object(Bucket=BUCKET, Key=f"{place.prefix}/log/{name}")
        assert found["ServerSideEncryption"] == settings["encryption"]
    found = place.client().head_object(Bucket=BUCKET, Key=f"{place.prefix}/log/large")
    assert found["ETag"].endswith('-3"')  # it has three parts


def write_objects(store: S3Store, tmp_path: Path) -> None:
    """Write an object in each way there is."""
    file = tmp_path / "large"
    file.write_bytes(bytes(20 << 20))
    store.write("small", b"x")
    store.write_if_absent("lease", b"x")
    store.copy(file, "large")
