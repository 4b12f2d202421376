"""The real dbt in tests: build the project on a raw warehouse, query the marts.

dbt needs more time to parse the project than to start. Runs with the same settings share one parsed
project, kept in build/ under a digest of the settings and of the project's files; so by default a
run enables everything that a setting enables.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "dbt_project"
EVERYTHING = {"KLAVIYO_TABLES": "all", "KLAVIYO_COMPATIBILITY": "True"}
WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")  # they read no raw table
PARSED = ROOT / "build" / "parsed_dbt_projects"
DBT = os.environ.get("DBT", str(ROOT / ".venv-dbt" / "bin" / "dbt"))


def run(
    folder: Path, *arguments: str, raw: Path, tables: str = "all", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run dbt with DuckDB on the raw warehouse file; everything it writes goes to `folder`."""
    environment = duckdb_environment(folder, raw) | EVERYTHING | {"KLAVIYO_TABLES": tables}
    return run_on(folder, environment | settings, *arguments)


def duckdb_environment(folder: Path, raw: Path) -> dict[str, str]:
    """The settings for DuckDB, equal in every folder, so that runs can share a parsed project."""
    return {
        "DBT_TARGET": "duckdb",
        "KLAVIYO_RAW_DUCKDB": os.path.relpath(raw, folder),
        "KLAVIYO_WAREHOUSE": "warehouse.duckdb",
    }


def run_on(
    folder: Path, environment: Mapping[str, str], *arguments: str, warn_error: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run dbt in `folder` with the engine that `environment` selects; a warning fails the run."""
    settings = {
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_PARTIAL_PARSE": "true",  # the project does not change while tests run
        "DO_NOT_TRACK": "1",
        **environment,
    }
    shared = PARSED / f"{_digest(environment)}.msgpack"
    own = folder / "target" / "partial_parse.msgpack"
    if shared.exists() and not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shared, own)
    flags = [*(["--warn-error"] if warn_error else []), "--no-use-colors", "--no-version-check"]
    done = subprocess.run(
        [DBT, *flags, *arguments],
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0 and environment.get("DBT_TARGET") == "duckdb" and not shared.exists():
        PARSED.mkdir(parents=True, exist_ok=True)
        part = shutil.copy(own, PARSED / f"{os.getpid()}.part")
        Path(part).replace(shared)  # at once, so another worker never reads half a file
    return done


def _digest(environment: Mapping[str, str]) -> str:
    """Identifies the parsed project that these settings and the project's files give."""
    return hashlib.sha256(f"{sorted(environment.items())}{_project()}".encode()).hexdigest()


@cache
def _project() -> list[tuple[str, str]]:
    """The project's files, each with a digest of its content."""
    patterns = ("*.yml", "macros/*", "models/**/*", "tests/**/*")
    return [
        (str(file), hashlib.sha256(file.read_bytes()).hexdigest())
        for file in sorted(file for pattern in patterns for file in PROJECT.glob(pattern))
        if file.is_file()
    ]


def build(folder: Path, raw: Path, *arguments: str) -> Path:
    """Build every model and run dbt's tests; returns the warehouse file."""
    done = run(folder, "build", *arguments, raw=raw)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "warehouse.duckdb"


def query(warehouse: Path, sql: str) -> list[dict[str, Any]]:
    """The rows that `sql` selects from the marts."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set schema = 'klaviyo'; set timezone = 'UTC'")
        cursor = connection.sql(sql)
        return [dict(zip(cursor.columns, row, strict=True)) for row in cursor.fetchall()]
