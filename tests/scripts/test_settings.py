"""Settings and commands are where a reader looks for them."""

import importlib
import os
from pathlib import Path
from unittest import mock

import pytest
from configuration import KEYS

from scripts import fivetran_sync, mail, pipeline, warehouse
from scripts.command import Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
GUIDE = (ROOT / "docs" / "operations.md").read_text()
CLASSES: list[type[Settings]] = [
    fivetran_sync.SyncSettings,
    mail.SmtpSettings,
    pipeline.ArchiveSettings,
    pipeline.BuildSettings,
    warehouse.WarehouseSettings,
]
ELSEWHERE = {  # read by dbt and by boto3
    "KLAVIYO_RAW_SCHEMA",
    "KLAVIYO_RAW_DATABASE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
}
COMMANDS = ("configuration", "digest", "export", "fivetran_sync", "load_postgres", "pipeline")


def test_the_example_has_every_setting_and_no_other() -> None:
    """Whoever copies .env.example finds all that can be set, and nothing that is set for them."""
    ours = {name.upper() for kind in CLASSES for name in kind.model_fields}
    connector = {f"KLAVIYO_{key.upper()}" for key in KEYS}
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]
    assert {line.removesuffix("=") for line in lines} == ours | connector | ELSEWHERE


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--help says what the command does, and the guide or a workflow shows it in use."""
    with pytest.raises(SystemExit, match="0"):
        importlib.import_module(f"scripts.{name}").main(["--help"])
    assert capsys.readouterr().out.startswith(f"usage: .venv/bin/python -m scripts.{name}")
    workflows = (path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    compose = (ROOT / "docker-compose.yml").read_text()
    assert any(f"scripts.{name}" in text for text in (GUIDE, compose, *workflows))


def test_an_empty_setting_counts_as_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy of .env.example in which little is filled in sets that little and no more."""
    (tmp_path / ".env").write_text(f"{EXAMPLE}\nBQ_PROJECT=mine\n")
    monkeypatch.setenv("BQ_LOCATION", "")
    with mock.patch.dict(os.environ):
        skipped = ["--skip", "sync", "--skip", "archive", "--skip", "digest"]
        assert pipeline.main(["--target", "bigquery", "--dry-run", *skipped]) == 0
        assert "PG_HOST" not in os.environ
    out = capsys.readouterr().out
    assert "BQ_PROJECT=mine" in out
    assert "BQ_LOCATION=US" in out
