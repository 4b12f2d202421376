"""`python -m scripts.pipeline`: all in one, from a Klaviyo account to a mail in an inbox."""

import base64
import csv
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import boto3
import duckdb
import pytest
import responses
from moto import mock_aws
from playwright.sync_api import Browser

from scripts import fivetran_api, pipeline, steps
from scripts.results import Period
from scripts.warehouse import WarehouseSettings
from tests import browser
from tests.sandbox_server import KEY, running_sandbox
from tests.scripts.inbox import PASSWORD, Inbox, serving

ONLY_BUILD = [f"--skip={name}" for name in pipeline.STEPS if name != "build"]
DAYS = ["--start", "2026-09-01", "--end", "2026-11-16"]
SETTINGS = {
    "KLAVIYO_API_KEY": KEY,
    "DIGEST_FROM": "warehouse@example.com",
    "DIGEST_TO": "team@example.com",
    "SMTP_SECURITY": "none",
    "ARCHIVE_S3": "s3://archive/{start}_{end}.csv",
    "AWS_ACCESS_KEY_ID": "me",
    "AWS_SECRET_ACCESS_KEY": PASSWORD,
}


@dataclass(frozen=True)
class Finished:
    """A pipeline that ran to its end, and all that it reached."""

    code: int
    folder: Path
    inbox: Inbox
    archive: dict[str, str]


@pytest.fixture(scope="module", name="finished")
def _finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run on the sandbox, a simulated S3 and a mail server on this machine."""
    folder = tmp_path_factory.mktemp("pipeline")
    inbox = Inbox()
    with (
        pytest.MonkeyPatch.context() as patch,
        serving(inbox) as server,
        running_sandbox(
            campaigns=30, profiles=200, now="2026-11-16T15:00:00+00:00", no_limits=True
        ) as sandbox,
        mock_aws(),
    ):
        where = {
            "KLAVIYO_BASE_URL": sandbox.url,
            "KLAVIYO_RAW_SCHEMA": "of_another_target",
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        }
        for name, value in (SETTINGS | server | where).items():
            patch.setenv(name, value)
        patch.chdir(folder)
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="archive")
        code = pipeline.main([*DAYS, "--folder", str(folder / "build")])
        stored = s3.list_objects_v2(Bucket="archive").get("Contents", [])
        archive = {
            each["Key"]: s3.get_object(Bucket="archive", Key=each["Key"])["Body"].read().decode()
            for each in stored
        }
    return Finished(code, folder, inbox, archive)


def test_the_dashboard_has_charts(finished: Finished, chromium: Browser) -> None:
    """The page draws a chart in a real browser, without an error in its console."""
    assert browser.draws_chart(chromium, finished.folder / "build" / "dashboard.html")


def test_every_artefact_is_there(finished: Finished) -> None:
    """A dashboard, the rows in a file and in S3, and a digest with pictures."""
    assert finished.code == 0
    assert (finished.folder / "build" / "dashboard.html").exists()
    [file] = (finished.folder / "data").iterdir()
    assert file.name == "klaviyo__campaign_extract_from_2026-09-01_to_2026-11-16.csv"
    assert finished.archive == {"2026-09-01_2026-11-16.csv": file.read_text()}
    [message] = finished.inbox.messages
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds.count("image/png") == 2


def test_the_artefacts_agree(finished: Finished) -> None:
    """Every campaign that was archived stands in the digest, with as many recipients."""
    [text] = finished.archive.values()
    [message] = finished.inbox.messages
    body = message.get_body(("plain",))
    assert body
    rows = list(csv.DictReader(text.splitlines(keepends=True)))
    assert rows
    for row in rows:
        assert row["campaign_name"] in body.get_content()
        assert f"sent {int(row['recipients']):,}" in body.get_content()


def test_the_dashboard_of_another_engine_is_the_same(finished: Finished) -> None:
    """It is drawn from a copy of the marts, which here come from DuckDB as from any other."""
    build = finished.folder / "build"
    settings = WarehouseSettings(klaviyo_warehouse=build / "warehouse.duckdb")
    place = steps.Place(finished.folder, build / "warehouse.duckdb", finished.folder / "copy.html")
    days = Period(date(2026, 9, 1), date(2026, 11, 16))
    steps.draw(pipeline.copied(pipeline.Run(settings, place, days, {})))
    [drawn, copy] = [
        re.findall(r'id="data">(.+?)</script>', page.read_text(), re.DOTALL)
        for page in (build / "dashboard.html", place.dashboard)
    ]
    assert len(drawn) == 1
    assert copy == drawn


@pytest.fixture(name="settings")
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (SETTINGS | {"SMTP_HOST": "localhost", "SMTP_PORT": "9"}).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("settings")
def test_the_first_failure_is_the_end(
    finished: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was done and what was not is told, and the mail server that did not answer is named."""
    where = ["--folder", str(finished.folder / "build"), *DAYS]
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="archive")
        skipped = ["--skip", "sync", "--skip", "build", "--skip", "dashboard"]
        assert pipeline.main([*skipped, *where]) == 1
    out, err = capsys.readouterr()
    assert out.endswith("Done: archive. Failed: digest. Not done: nothing.\n")
    assert err.startswith("\nlocalhost:9 did not send")


@pytest.mark.usefixtures("settings")
def test_a_failed_sync_ends_the_run_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is built, drawn or sent from a warehouse whose connection is paused."""
    monkeypatch.setenv("FIVETRAN_API_KEY", base64.b64encode(b"key:secret").decode())
    monkeypatch.setenv("FIVETRAN_CONNECTION", "klaviyo")
    status = {"setup_state": "connected", "sync_state": "paused"}
    connection = {"id": "one", "schema": "klaviyo", "paused": True, "status": status}
    with responses.RequestsMock() as fivetran:
        fivetran.get(f"{fivetran_api.API}/connections", json={"data": {"items": [connection]}})
        fivetran.get(f"{fivetran_api.API}/connections/one", json={"data": connection})
        assert pipeline.main(["--target", "postgres"]) == 5
    out, err = capsys.readouterr()
    assert "Failed: sync. Not done: build, dashboard, archive, digest." in out
    assert "The connection is paused" in err


@pytest.mark.usefixtures("settings")
def test_a_dry_run_shows_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every step with its settings, the secrets masked; nothing is done."""
    assert pipeline.main(["--dry-run", *DAYS]) == 0
    out = capsys.readouterr().out
    assert [line.split(":")[0] for line in out.splitlines() if line[0] != " "] == list(
        pipeline.STEPS
    )
    assert "KLAVIYO_API_KEY=***" in out
    assert "SMTP_HOST=localhost" in out
    assert not any(secret in out for secret in (KEY, PASSWORD))
    assert list(tmp_path.iterdir()) == []


def test_all_that_is_missing_is_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first step, whichever step needs it, and nothing that a skipped step needs."""
    assert pipeline.main(["--target", "bigquery", "--skip", "archive"]) == 2
    [line] = capsys.readouterr().err.split("\n")[1:-1]
    missing = ["BQ_PROJECT", "FIVETRAN_API_KEY", "FIVETRAN_CONNECTION"]
    missing += ["DIGEST_FROM", "DIGEST_TO", "SMTP_HOST"]
    assert line.startswith("; ".join(f"{name} is not set" for name in missing))


@pytest.mark.parametrize(
    ("mart", "reason"),
    [("nope", "nope is none of dbt's marts"), ("klaviyo__data_health", "marts by day")],
)
@pytest.mark.usefixtures("settings")
def test_a_mart_that_cannot_be_archived_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mart: str, reason: str
) -> None:
    """One that dbt does not declare, or has no day, ends the run before anything is done."""
    monkeypatch.setenv("ARCHIVE_MART", mart)
    assert pipeline.main(["--skip", "sync", "--skip", "build"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert reason in err
    assert "klaviyo__campaign_extract" in err


def test_every_mart_of_days_can_be_archived() -> None:
    """The marts that dbt declares are all known, and only the account's health has no day."""
    declared = {path.stem for path in (steps.DBT_PROJECT / "models" / "marts").glob("klaviyo*.sql")}
    for mart in declared - {"klaviyo__calendar", "klaviyo__data_health"}:
        assert pipeline.ArchiveSettings.read(archive_mart=mart).archive_mart == mart


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("KLAVIYO_TABLES", "foo", "unknown table 'foo'"),
        ("KLAVIYO_COMPATIBILITY", "yes", "Input should be 'true' or 'false'"),
    ],
)
def test_what_dbt_would_refuse_is_refused_before_the_sync(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    reason: str,
) -> None:
    """In a dry run too, and where Fivetran syncs."""
    monkeypatch.setenv(name, value)
    assert pipeline.main(["--target", "postgres", "--skip", "sync", "--dry-run"]) == 2
    assert capsys.readouterr().err.startswith(f"\n{name}: {reason}")


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(("target", "prefix"), [("postgres", "PG_"), ("duckdb", "KLAVIYO_")])
def test_a_dry_run_shows_what_the_target_uses(
    capsys: pytest.CaptureFixture[str], target: str, prefix: str
) -> None:
    """And no setting of another one."""
    assert pipeline.main(["--target", target, "--dry-run", *ONLY_BUILD]) == 0
    shown = capsys.readouterr().out.splitlines()[1:]
    of_dbt = ("    DBT_TARGET=", "    KLAVIYO_TABLES=reporting", "    KLAVIYO_COMPATIBILITY=false")
    expected = (f"    {prefix}", *of_dbt)
    assert shown
    assert [line for line in shown if not line.startswith(expected)] == []


def test_the_marts_go_where_they_are_said_to_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """KLAVIYO_WAREHOUSE is the file that is built, as it is read; --folder comes before it."""
    for value, options, file in (
        ("", [], "build/account/warehouse.duckdb"),
        ("mine.duckdb", [], "mine.duckdb"),
        ("mine.duckdb", ["--folder", "other"], "other/warehouse.duckdb"),
    ):
        monkeypatch.setenv("KLAVIYO_WAREHOUSE", value)
        assert pipeline.main(["--dry-run", *ONLY_BUILD, *options]) == 0
        assert f"KLAVIYO_WAREHOUSE={tmp_path / file}" in capsys.readouterr().out


@pytest.mark.parametrize("occupied", ["connector/files/warehouse.db", "warehouse.duckdb"])
def test_a_file_that_dbt_cannot_open_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], occupied: str
) -> None:
    """One that another program holds, or that is no database: one line, and dbt is not begun."""
    raw = tmp_path / "connector" / "files" / "warehouse.db"
    raw.parent.mkdir(parents=True)
    duckdb.connect(str(raw)).close()
    file = tmp_path / occupied
    only = ["--folder", str(tmp_path), *ONLY_BUILD]
    holding = f"import duckdb; c = duckdb.connect({str(file)!r}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert_cannot_open(only, file, "Conflicting lock", capsys)
    file.write_text("no database " * 1000)
    assert_cannot_open(only, file, "not a valid DuckDB database", capsys)


def assert_cannot_open(
    options: list[str], file: Path, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pipeline ends in one line that names the file and the reason."""
    assert pipeline.main(options) == 1
    [line] = capsys.readouterr().err.split("\n")[1:-1]
    assert line.startswith(f"{file} cannot be opened: end what holds it")
    assert reason in line


def test_nothing_is_built_before_a_sync(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no raw tables are, the missing file is named."""
    assert pipeline.main(["--folder", str(tmp_path), *ONLY_BUILD]) == 1
    assert "connector/files/warehouse.db is missing: sync first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "KLAVIYO_API_KEY is not set"),
        ({"KLAVIYO_API_KEY": "hush-hush"}, "KLAVIYO_API_KEY is malformed"),
        ({"KLAVIYO_API_KEY": KEY, "KLAVIYO_TABLES": "foo"}, "KLAVIYO_TABLES: unknown table 'foo'"),
        ({"KLAVIYO_API_KEY": KEY, "KLAVIYO_START_DATE": "soon"}, "KLAVIYO_START_DATE must be"),
        ({"KLAVIYO_API_KEY": KEY, "KLAVIYO_CONCURRENCY": "99"}, "KLAVIYO_CONCURRENCY must be"),
    ],
)
def test_the_connector_has_its_say(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, str],
    line: str,
) -> None:
    """A configuration that it would refuse is refused before anything is done, by variable."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert pipeline.main(["--skip", "archive", "--skip", "digest"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"\n{line}")
    assert "hush-hush" not in err
