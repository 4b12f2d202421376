"""Settings and commands are documented, and every command explains itself."""

import importlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import pytest

import scripts
from configuration import KEYS
from scripts import fivetran_sync, pipeline, warehouse
from scripts.command import Settings
from scripts.digest import send

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "scripts"
EXAMPLE = (ROOT / ".env.example").read_text()
CLASSES: list[type[Settings]] = [
    fivetran_sync.SyncSettings,
    send.SmtpSettings,
    pipeline.ArchiveSettings,
    pipeline.BuildSettings,
    warehouse.WarehouseSettings,
]
NOT_OURS = {  # dbt, boto3 and the connector's environment read these
    "KLAVIYO_BASE_URL",
    "KLAVIYO_RAW_SCHEMA",
    "KLAVIYO_RAW_DATABASE",
    "KLAVIYO_MUTED_FINDINGS",
    "KLAVIYO_REPORTING_CURRENCY",
    "KLAVIYO_EXCHANGE_RATES",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "SNOWFLAKE_ACCOUNT",
    "SNOWFLAKE_USER",
    "SNOWFLAKE_PRIVATE_KEY_PATH",
    "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE",
    "SNOWFLAKE_PASSWORD",
    "SNOWFLAKE_ROLE",
    "SNOWFLAKE_WAREHOUSE",
    "SNOWFLAKE_DATABASE",
    "SNOWFLAKE_SCHEMA",
}


def find_commands() -> dict[str, Callable[[Sequence[str]], int]]:
    """Find the main function of every module or package that `python -m` runs, by its name."""
    files = [*FOLDER.glob("*.py"), *FOLDER.glob("*/__main__.py")]
    modules = {
        file.parent.name if file.name == "__main__.py" else file.stem: file
        for file in files
        if 'if __name__ == "__main__":' in file.read_text()
    }
    return {
        name: importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts)).main
        for name, file in sorted(modules.items())
    }


COMMANDS = find_commands()


def get_help(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command with --help and return what it prints."""
    with pytest.raises(SystemExit, match="0"):
        COMMANDS[name](["--help"])
    return capsys.readouterr().out


def test_example_has_exactly_the_settings() -> None:
    """.env.example has every variable that a command, dbt or boto3 reads, and no other."""
    ours = {name.upper() for settings in CLASSES for name in settings.model_fields}
    connector = {f"KLAVIYO_{key.upper()}" for key in KEYS}
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]
    assert {line.removesuffix("=") for line in lines} == ours | connector | NOT_OURS


def test_help_states_usage_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """The --help of every command begins with how to run it and lists its exit codes."""
    helps = {name: get_help(name, capsys) for name in COMMANDS}
    usage = "usage: .venv/bin/python -m scripts."
    offenders = [
        name
        for name, text in helps.items()
        if not text.startswith(f"{usage}{name} ") or "\nexit codes:\n  0  " not in text
    ]
    assert offenders == []


def test_only_commands_are_listed() -> None:
    """The docstring of `scripts` names every command and no library; a library has no `main`."""
    modules = {file.stem for file in FOLDER.glob("[a-z]*.py")}
    words = set(re.findall(r"\w+", str(scripts.__doc__)))
    assert words & (modules | set(COMMANDS)) == set(COMMANDS)
    libraries = modules - set(COMMANDS)
    assert [name for name in libraries if "def main(" in (FOLDER / f"{name}.py").read_text()] == []


def test_every_command_is_shown_in_use() -> None:
    """The guide, a workflow, the Makefile or the compose file shows every command in use."""
    places = ["docs/operations.md", "docker-compose.yml", "Makefile"]
    files = [ROOT / place for place in places] + list((ROOT / ".github/workflows").glob("*.yml"))
    text = "\n".join(file.read_text() for file in files)
    assert [name for name in COMMANDS if f"-m scripts.{name}" not in text] == []


def test_empty_setting_counts_as_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a copy of .env.example only the variables that are filled in have an effect."""
    (tmp_path / ".env").write_text(f"{EXAMPLE}\nBQ_PROJECT=mine\n")
    monkeypatch.setenv("BQ_LOCATION", "")
    with mock.patch.dict(os.environ):
        skipped = ["--skip", "sync", "--skip", "archive", "--skip", "digest"]
        assert pipeline.main(["--target", "bigquery", "--dry-run", *skipped]) == 0
        assert "PG_HOST" not in os.environ
    out = capsys.readouterr().out
    assert "BQ_PROJECT=mine" in out
    assert "BQ_LOCATION=US" in out
