"""Settings and commands are documented, and every command explains itself."""

import importlib
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import pytest
from dotenv import dotenv_values

import scripts
from configuration import KEYS
from scripts import fivetran_sync, pipeline, steps, warehouse
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
    "KLAVIYO_DUCKDB_MEMORY",
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
    assert set(re.findall(r"^#?(\w+)=$", EXAMPLE, re.MULTILINE)) == ours | connector | NOT_OURS


def test_example_sets_the_key_alone() -> None:
    """A copy of .env.example sets nothing else: dbt reads it too, and uses an empty value."""
    assert dotenv_values(stream=io.StringIO(EXAMPLE)) == {"KLAVIYO_API_KEY": ""}


DBT_THAT_READS_DOTENV = """#!{python}
import os, dotenv
dotenv.load_dotenv(dotenv.find_dotenv(usecwd=True))
print(sorted({{"KLAVIYO_API_KEY", "KLAVIYO_TABLES", "PG_HOST"}} & os.environ.keys()))
"""


def test_dbt_gets_what_is_filled_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of `.env`, which dbt 1.12 reads by itself, it gets no empty setting and not the API key."""
    (tmp_path / ".env").write_text("KLAVIYO_API_KEY=pk_canary\nKLAVIYO_TABLES=\nPG_HOST=here\n")
    dbt = tmp_path / "dbt"
    dbt.write_text(DBT_THAT_READS_DOTENV.format(python=sys.executable))
    dbt.chmod(0o700)
    monkeypatch.setattr(steps, "DBT", dbt)
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    workspace = steps.Workspace(tmp_path, tmp_path / "warehouse.duckdb", tmp_path / "page.html")
    steps.build(workspace, {"PG_HOST": "here"}, target="postgres")
    assert "['PG_HOST']" in capsys.readouterr().out


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
    (tmp_path / ".env").write_text(f"{EXAMPLE}\nPG_HOST=\nBQ_PROJECT=mine\n")
    monkeypatch.setenv("BQ_LOCATION", "")
    with mock.patch.dict(os.environ):
        skipped = ["--skip", "sync", "--skip", "archive", "--skip", "digest"]
        assert pipeline.main(["--target", "bigquery", "--dry-run", *skipped]) == 0
        assert "PG_HOST" not in os.environ
    out = capsys.readouterr().out
    assert "BQ_PROJECT=mine" in out
    assert "BQ_LOCATION=US" in out
