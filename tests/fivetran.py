"""Runs a copy of a connector by the real `fivetran debug`, and reads what the run left."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from scripts import fivetran_debug

CONNECTOR = Path(__file__).parent.parent / "klaviyo_connector"

SCHEMA = fivetran_debug.SCHEMA


@dataclass(frozen=True)
class Result:
    """One finished run, with the warehouse file and the state after it."""

    returncode: int
    stdout: str
    stderr: str
    warehouse: Path
    state: Any


def copy_connector(folder: Path, source: Path = CONNECTOR) -> Path:
    """Copy the connector into `folder`, without what earlier runs of it left."""
    of_runs = shutil.ignore_patterns("files", "crash-reports", "__pycache__")
    return Path(shutil.copytree(source, folder / "connector", ignore=of_runs))


def alter(project: Path, module: str, old: str, new: str) -> None:
    """Replace the only occurrence of a text in a module of the copy."""
    text = (project / module).read_text()
    assert text.count(old) == 1, f"{module} has {old!r} {text.count(old)} times"
    (project / module).write_text(text.replace(old, new))


def start(
    project: Path, configuration: Mapping[str, str], env: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a sync and return at once: the caller reads, waits or kills.

    `env` is added to the environment. The run's home is a folder beside `project`.
    """
    process = subprocess.Popen(
        fivetran_debug.build_command(project),
        env=fivetran_debug.build_environment(project.parent / "home") | dict(env or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(json.dumps(configuration))
    process.stdin.close()
    process.stdin = None  # or communicate() would flush it once more
    return process


def debug(
    project: Path,
    configuration: Mapping[str, str],
    state: Any = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Run one sync to its end. Without `state` it resumes from the last run."""
    if state is not None:
        _state_file(project).parent.mkdir(exist_ok=True)
        _state_file(project).write_text(json.dumps(state))
    process = start(project, configuration, env)
    stdout, stderr = process.communicate()
    return Result(process.returncode, stdout, stderr, warehouse(project), stored_state(project))


def warehouse(project: Path) -> Path:
    """The DuckDB file that syncs of `project` load into."""
    return project / "files" / "warehouse.db"


def stored_state(project: Path) -> Any:
    """The state of the last checkpoint; None before the first."""
    file = _state_file(project)
    return json.loads(file.read_text()) if file.exists() else None


def rows(warehouse: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a raw table, in the order of their columns' values."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        cursor = connection.sql(f"from {SCHEMA}.{table} order by all")
        return [dict(zip(cursor.columns, row, strict=True)) for row in cursor.fetchall()]


def _state_file(project: Path) -> Path:
    return project / "files" / "state.json"
