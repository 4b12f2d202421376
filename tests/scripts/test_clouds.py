"""Commands in an environment without the clients of S3, Amazon SES and BigQuery."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import clouds, export, pipeline
from scripts.digest.__main__ import main as digest
from scripts.mcp.__main__ import main as mcp
from tests.sandbox_server import KEY

SETTINGS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "BQ_PROJECT": "mine",
    "DIGEST_FROM": "warehouse@example.com",
    "DIGEST_TO": "team@example.com",
    "KLAVIYO_API_KEY": KEY,
    "SMTP_HOST": "localhost",
    "SMTP_PORT": "9",
}
BIGQUERY = ["--target", "bigquery", "--skip", "sync"]


@pytest.fixture(autouse=True)
def _make_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """All settings, and what `make demo` installs."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    for package in ("boto3", "google.cloud.bigquery"):
        monkeypatch.setitem(sys.modules, package, None)  # which import treats as not installed


@pytest.mark.parametrize(
    ("settings", "arguments", "service"),
    [
        ({"ARCHIVE_S3": "s3://archive/{start}.csv"}, [], "S3"),
        ({"DIGEST_BY": "ses"}, [], "Amazon SES"),
        ({}, BIGQUERY, "BigQuery"),
    ],
)
def test_the_pipeline_names_a_missing_client_before_the_first_step(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, str],
    arguments: list[str],
    service: str,
) -> None:
    """A run exits with 2, as for a missing setting, where a step would fail for lack of it."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert pipeline.main(arguments) == 2
    assert_only_missing(service, capsys)


@pytest.mark.parametrize(
    ("main", "arguments", "service"),
    [
        (export.main, ["--upload-s3", "s3://archive/a.csv"], "S3"),
        (export.main, ["--target", "bigquery"], "BigQuery"),
        (digest, ["smoke", "--by", "ses"], "Amazon SES"),
        (digest, ["ses-bootstrap", "example.com"], "Amazon SES"),
        (mcp, ["--target", "bigquery"], "BigQuery"),
    ],
)
def test_a_command_names_a_missing_client_at_once(
    capsys: pytest.CaptureFixture[str],
    main: Callable[..., int],
    arguments: list[str],
    service: str,
) -> None:
    """A command that needs it exits with 2 before it reads or writes."""
    assert main(arguments) == 2
    assert_only_missing(service, capsys)


def assert_only_missing(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Assert that the output is one line, which begins with the service."""
    out, err = capsys.readouterr()
    assert out == ""
    [line] = err.split("\n")[1:-1]
    assert line.startswith(f"{service} needs packages that are not installed")


def test_missing_clients_are_named_with_missing_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line has every problem, so that one run finds all."""
    monkeypatch.setenv("ARCHIVE_S3", "s3://archive/{start}.csv")
    monkeypatch.delenv("SMTP_HOST")
    assert pipeline.main(BIGQUERY) == 2
    [line] = capsys.readouterr().err.split("\n")[1:-1]
    assert line.count("needs packages") == 2
    assert "SMTP_HOST is not set" in line


def test_steps_that_need_no_client_run_without_it() -> None:
    """A build on BigQuery takes dbt's own client, and an archive on this machine takes none."""
    assert pipeline.main(["--dry-run"]) == 0
    skipped = [f"--skip={name}" for name in pipeline.STEPS if name != "build"]
    assert pipeline.main(["--dry-run", "--target", "bigquery", *skipped]) == 0


@pytest.mark.parametrize("name", [".venv", ".venv-scripts"])
def test_the_remedy_is_for_the_environment_that_runs(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An environment of the Makefile has a target there; another has a command of pip."""
    monkeypatch.setattr(sys, "prefix", str(clouds.ROOT / name))
    [problem] = clouds.find_missing("S3", "boto3")
    assert problem.endswith(f"(boto3): run `make {name}/.clouds`")
    monkeypatch.setattr(sys, "prefix", str(Path("/opt") / name))
    [problem] = clouds.find_missing("S3", "boto3")
    assert f"`{sys.executable} -m pip install " in problem
