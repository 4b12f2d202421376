"""`python -m scripts.pipeline`: every step, from a Klaviyo account to an e-mail."""

import base64
import csv
import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import duckdb
import pytest
import responses
from moto import mock_aws
from playwright.sync_api import Browser
from pytest_httpserver import HTTPServer

from scripts import fivetran_api, pipeline, steps
from scripts.warehouse import WarehouseSettings
from tests import browser
from tests.checkout import Checkout
from tests.sandbox_server import KEY, run_sandbox
from tests.scripts.inbox import PASSWORD, Inbox, serve

BUILD_ONLY = [f"--skip={name}" for name in pipeline.STEPS if name != "build"]
SMALL: dict[str, Any] = {
    "campaigns": 30,
    "profiles": 200,
    "now": "2026-11-16T15:00:00+00:00",
    "no_limits": True,
}
BUILT = ["--skip=sync", "--skip=build"]
DAYS = ["--start", "2026-10-16", "--end", "2026-11-16"]
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
class PipelineRun:
    """A finished run: its exit code, its files, and what the mail server and S3 received."""

    code: int
    folder: Path
    inbox: Inbox
    archive: dict[str, str]


@pytest.fixture(
    scope="module", name="run", params=[BUILT, pytest.param([], marks=pytest.mark.chaos, id="all")]
)
def _run(
    request: pytest.FixtureRequest, demo: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> PipelineRun:
    """A run with a simulated S3 and a mail server on this machine.

    In `make test` it starts from the raw tables and marts of the demo, which takes the same steps
    to them; in `make chaos` from a sandbox.
    Its folder has an apostrophe and a space, which every path in SQL has to survive.
    """
    folder = tmp_path_factory.mktemp("client's pipeline")
    inbox = Inbox()
    with (
        ExitStack() as stack,
        pytest.MonkeyPatch.context() as patch,
        serve(inbox) as server,
        mock_aws(),
    ):
        if request.param:
            shutil.copytree(demo.build, folder / "build")
            shutil.copy(demo.warehouse, folder / "build")
        else:
            patch.setenv("KLAVIYO_BASE_URL", stack.enter_context(run_sandbox(**SMALL)).url)
        environment = {
            "KLAVIYO_START_DATE": "2026-09-14",  # a year of days takes the loader 20 s more
            "KLAVIYO_RAW_SCHEMA": "of_another_target",
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        }
        for name, value in (SETTINGS | server | environment).items():
            patch.setenv(name, value)
        patch.chdir(folder)
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="archive")
        code = pipeline.main([*DAYS, "--folder", str(folder / "build"), *request.param])
        stored = s3.list_objects_v2(Bucket="archive").get("Contents", [])
        archive = {
            item["Key"]: s3.get_object(Bucket="archive", Key=item["Key"])["Body"].read().decode()
            for item in stored
        }
    return PipelineRun(code, folder, inbox, archive)


def test_the_dashboard_has_charts(run: PipelineRun, chromium: Browser) -> None:
    """The page draws a chart in a real browser, without an error in its console."""
    assert browser.draws_chart(chromium, run.folder / "build" / "dashboard.html")


def test_run_produces_every_artifact(run: PipelineRun) -> None:
    """A run writes a dashboard, the rows to a file and to S3, and a digest with charts."""
    assert run.code == 0
    assert (run.folder / "build" / "dashboard.html").exists()
    [file] = (run.folder / "data").iterdir()
    assert file.name == "klaviyo__campaign_extract_from_2026-10-16_to_2026-11-16.csv"
    assert run.archive == {"2026-10-16_2026-11-16.csv": file.read_text()}
    [message] = run.inbox.messages
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds.count("image/png") == 2


def test_only_the_owner_can_read_what_a_run_writes(run: PipelineRun) -> None:
    """The export, the page and their folders; test_demo.py has what a sync and dbt write."""
    build, data = run.folder / "build", run.folder / "data"
    written = [build, data, *data.iterdir(), build / "dashboard.html"]
    assert {path.stat().st_mode & 0o077 for path in written} == {0}


def test_a_folder_with_an_apostrophe_works(run: PipelineRun) -> None:
    """A whole run in it: the page, the export and the digest."""
    assert "'" in run.folder.name
    assert run.code == 0


def test_artifacts_agree(run: PipelineRun) -> None:
    """The digest has every archived campaign, with the same number of recipients."""
    [text] = run.archive.values()
    [message] = run.inbox.messages
    body = message.get_body(("plain",))
    assert body
    rows = list(csv.DictReader(text.splitlines(keepends=True)))
    assert rows
    for row in rows:
        assert row["campaign_name"] in body.get_content()
        assert f"sent {int(row['recipients']):,}" in body.get_content()


@pytest.mark.slow
def test_dashboard_from_copied_marts_is_the_same(run: PipelineRun) -> None:
    """The dashboard of another engine is drawn from copied marts and equals the local one."""
    build = run.folder / "build"
    settings = WarehouseSettings(klaviyo_warehouse=build / "warehouse.duckdb")
    file = run.folder / "copy.html"
    workspace = steps.Workspace(run.folder, build / "warehouse.duckdb", file)
    steps.draw(pipeline.copy_marts_here(settings, workspace))
    [drawn, copy] = [
        re.findall(r'id="data">(.+?)</script>', page.read_text(), re.DOTALL)
        for page in (build / "dashboard.html", workspace.dashboard)
    ]
    assert len(drawn) == 1
    assert copy == drawn


@pytest.fixture(name="settings")
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting that the pipeline needs, with a mail server that does not respond."""
    for name, value in (SETTINGS | {"SMTP_HOST": "localhost", "SMTP_PORT": "9"}).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("settings")
def test_first_failure_ends_the_run(run: PipelineRun, capsys: pytest.CaptureFixture[str]) -> None:
    """The first failed step ends the run, which prints what was done, what failed and what not."""
    options = ["--folder", str(run.folder / "build"), *DAYS]
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="archive")
        skipped = [f"--skip={name}" for name in ("sync", "build", "health", "dashboard")]
        assert pipeline.main([*skipped, *options]) == 1
    out, err = capsys.readouterr()
    assert out.endswith("Done: archive. Failed: digest. Not done: nothing.\n")
    assert err.startswith("\nlocalhost:9 did not send")


@pytest.mark.usefixtures("settings")
def test_failed_sync_ends_the_run_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a paused connection the run exits with 5, and nothing is built, drawn or sent."""
    monkeypatch.setenv("FIVETRAN_API_KEY", base64.b64encode(b"key:secret").decode())
    monkeypatch.setenv("FIVETRAN_CONNECTION", "klaviyo")
    status = {"setup_state": "connected", "sync_state": "paused"}
    connection = {"id": "one", "schema": "klaviyo", "paused": True, "status": status}
    with responses.RequestsMock() as fivetran:
        fivetran.get(f"{fivetran_api.API}/connections", json={"data": {"items": [connection]}})
        fivetran.get(f"{fivetran_api.API}/connections/one", json={"data": connection})
        assert pipeline.main(["--target", "postgres"]) == 5
    out, err = capsys.readouterr()
    assert "Failed: sync. Not done: build, health, dashboard, archive, digest." in out
    assert "The connection is paused" in err


@pytest.mark.usefixtures("settings")
def test_a_failed_step_alerts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, httpserver: HTTPServer
) -> None:
    """The webhook gets the failed step and its reason; the exit code stays that of the step."""
    httpserver.expect_request("/hook").respond_with_data("ok")
    monkeypatch.setenv("DIGEST_WEBHOOK", httpserver.url_for("/hook"))
    assert pipeline.main(["--folder", str(tmp_path), *BUILD_ONLY]) == 1
    [(request, _)] = httpserver.log
    text = request.get_json()["text"]
    assert text.startswith("Klaviyo pipeline: build failed")
    assert "warehouse.db is missing: sync first" in text
    assert text.endswith("Done: nothing. Failed: build. Not done: nothing.")


@pytest.mark.usefixtures("settings")
def test_a_failed_alert_keeps_the_error_of_the_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A webhook that does not answer is named, and the last line is still the step's error."""
    monkeypatch.setenv("DIGEST_WEBHOOK", "http://localhost:9/secret-path")
    assert pipeline.main(["--folder", str(tmp_path), *BUILD_ONLY]) == 1
    first, *_, last = filter(None, capsys.readouterr().err.splitlines())
    assert first == "The webhook at localhost cannot be reached: ConnectionError."
    assert "warehouse.db is missing: sync first" in last


@pytest.mark.usefixtures("settings")
def test_old_data_and_differences_alert(
    run: PipelineRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, httpserver: HTTPServer
) -> None:
    """A step checks the data health, and the webhook gets what it finds."""
    file = shutil.copy(run.folder / "build" / "warehouse.duckdb", tmp_path)
    with duckdb.connect(str(file)) as marts:
        marts.execute(
            "update klaviyo.klaviyo__data_health set rows_compared = 30, rows_different = 2"
            " where table_name = 'event'"
        )
    httpserver.expect_request("/hook").respond_with_data("ok")
    monkeypatch.setenv("DIGEST_WEBHOOK", httpserver.url_for("/hook"))
    skipped = [f"--skip={name}" for name in pipeline.STEPS if name != "health"]
    assert pipeline.main(["--folder", str(tmp_path), *skipped]) == 0
    [(request, _)] = httpserver.log
    text = request.get_json()["text"]
    assert "last synced on 16 November 2026 at" in text
    assert "2 of 30 rows of event differ from Klaviyo's count." in text


@pytest.mark.usefixtures("settings")
def test_dry_run_prints_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run prints every step with its settings, secrets masked, and runs none."""
    assert pipeline.main(["--dry-run", *DAYS]) == 0
    out = capsys.readouterr().out
    assert [line.split(":")[0] for line in out.splitlines() if line[0] != " "] == list(
        pipeline.STEPS
    )
    assert "KLAVIYO_API_KEY=***" in out
    assert "SMTP_HOST=localhost" in out
    assert not any(secret in out for secret in (KEY, PASSWORD))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("target", ["duckdb", "postgres"])
def test_dry_run_names_the_loader(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    """With `--loader simplyload` the sync is SimplyLoad's on this machine, the key masked."""
    options = ["--loader", "simplyload", "--target", target, "--folder", str(tmp_path)]
    assert pipeline.main([*options, "--dry-run"]) == 0
    output = capsys.readouterr().out
    assert "sync: Syncing with SimplyLoad" in output
    assert "KLAVIYO_API_KEY=***" in output


@pytest.mark.usefixtures("settings")
def test_simplyload_refuses_bigquery(capsys: pytest.CaptureFixture[str]) -> None:
    """A loader that cannot fill the target is refused before anything is done."""
    assert pipeline.main(["--loader", "simplyload", "--target", "bigquery", "--dry-run"]) == 2
    assert "duckdb or postgres" in capsys.readouterr().err


def test_all_settings_are_validated_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first step one line names every missing setting but those of skipped steps."""
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
def test_mart_without_days_is_refused_before_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mart: str, reason: str
) -> None:
    """ARCHIVE_MART exits with 2 at once if dbt does not declare it or its rows have no day."""
    monkeypatch.setenv("ARCHIVE_MART", mart)
    assert pipeline.main(["--skip", "sync", "--skip", "build"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert reason in err
    assert "klaviyo__campaign_extract" in err


def test_every_mart_by_day_can_be_archived() -> None:
    """ARCHIVE_MART accepts every mart whose rows are of a day."""
    declared = {path.stem for path in (steps.DBT_PROJECT / "models" / "marts").glob("klaviyo*.sql")}
    without_a_day = (
        "calendar cohort data_health flow_period flow_step send_pressure subject_line_pattern"
    )
    for mart in declared - {f"klaviyo__{name}" for name in without_a_day.split()}:
        assert pipeline.ArchiveSettings.read(archive_mart=mart).archive_mart == mart


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("KLAVIYO_TABLES", "foo", "unknown table 'foo'"),
        ("KLAVIYO_COMPATIBILITY", "yes", "Input should be 'true' or 'false'"),
    ],
)
def test_dbt_settings_are_validated_before_the_sync(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    reason: str,
) -> None:
    """A value that dbt refuses exits with 2 before the sync, also in a dry run."""
    monkeypatch.setenv(name, value)
    assert pipeline.main(["--target", "postgres", "--skip", "sync", "--dry-run"]) == 2
    assert capsys.readouterr().err.startswith(f"\n{name}: {reason}")


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(("target", "prefix"), [("postgres", "PG_"), ("duckdb", "KLAVIYO_")])
def test_dry_run_prints_the_settings_of_the_target(
    capsys: pytest.CaptureFixture[str], target: str, prefix: str
) -> None:
    """A dry run prints the settings of the chosen target and of no other."""
    assert pipeline.main(["--target", target, "--dry-run", *BUILD_ONLY]) == 0
    settings = capsys.readouterr().out.splitlines()[1:]
    of_dbt = ("    DBT_TARGET=", "    KLAVIYO_TABLES=reporting", "    KLAVIYO_COMPATIBILITY=false")
    assert settings
    assert [line for line in settings if not line.startswith((f"    {prefix}", *of_dbt))] == []


def test_marts_are_built_in_the_configured_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The marts are built in the file of KLAVIYO_WAREHOUSE, which --folder overrides."""
    for value, options, file in (
        ("", [], "build/account/warehouse.duckdb"),
        ("mine.duckdb", [], "mine.duckdb"),
        ("mine.duckdb", ["--folder", "other"], "other/warehouse.duckdb"),
    ):
        monkeypatch.setenv("KLAVIYO_WAREHOUSE", value)
        assert pipeline.main(["--dry-run", *BUILD_ONLY, *options]) == 0
        assert f"KLAVIYO_WAREHOUSE={tmp_path / file}" in capsys.readouterr().out


@pytest.mark.parametrize("occupied", ["connector/files/warehouse.db", "warehouse.duckdb"])
def test_database_that_cannot_be_opened_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], occupied: str
) -> None:
    """A locked file or one that is no database exits with 1 and one line, before dbt starts."""
    raw = tmp_path / "connector" / "files" / "warehouse.db"
    raw.parent.mkdir(parents=True)
    duckdb.connect(str(raw)).close()
    file = tmp_path / occupied
    options = ["--folder", str(tmp_path), *BUILD_ONLY]
    script = f"import duckdb; c = duckdb.connect({str(file)!r}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert_cannot_open(options, file, "Conflicting lock", capsys)
    file.write_text("no database " * 1000)
    assert_cannot_open(options, file, "not a valid DuckDB database", capsys)


def assert_cannot_open(
    options: list[str], file: Path, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Assert that the pipeline exits with 1 and one line with the file and the reason."""
    assert pipeline.main(options) == 1
    [line] = capsys.readouterr().err.split("\n")[1:-1]
    assert line.startswith(f"{file} cannot be opened: end what holds it")
    assert reason in line


def test_build_without_a_sync(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A build without raw tables exits with 1 and names the missing file."""
    assert pipeline.main(["--folder", str(tmp_path), *BUILD_ONLY]) == 1
    assert "connector/files/warehouse.db is missing: sync first" in capsys.readouterr().err


def test_configuration_is_validated_by_the_connector(
    capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    """A configuration that the connector refuses exits with 2 at once and names the variable."""
    cases: list[tuple[dict[str, str], str]] = [
        ({}, "KLAVIYO_API_KEY is not set"),
        ({"KLAVIYO_API_KEY": "hush-hush"}, "KLAVIYO_API_KEY is malformed"),
        ({"KLAVIYO_API_KEY": KEY, "KLAVIYO_TABLES": "foo"}, "KLAVIYO_TABLES: unknown table 'foo'"),
        ({"KLAVIYO_API_KEY": KEY, "KLAVIYO_START_DATE": "soon"}, "KLAVIYO_START_DATE must be"),
        ({"KLAVIYO_API_KEY": KEY, "KLAVIYO_CONCURRENCY": "99"}, "KLAVIYO_CONCURRENCY must be"),
    ]
    for settings, line in cases:
        with subtests.test(line), mock.patch.dict(os.environ, settings):
            assert pipeline.main(["--skip", "archive", "--skip", "digest"]) == 2
            err = capsys.readouterr().err
            assert err.startswith(f"\n{line}")
            assert "hush-hush" not in err
