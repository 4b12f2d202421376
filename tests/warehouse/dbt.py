"""The real dbt in tests: build the project on a raw warehouse, query the marts.

dbt needs more time to start and to parse the project than for most runs. So runs are forks of one
process (dbt_server.py), and those with the same settings share one parsed project, kept in build/
under a digest of the settings and of the project's files; so by default a run enables everything
that a setting enables.
"""

import atexit
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from scripts.parsed_project import digest_files

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "dbt_project"
EVERYTHING = {"KLAVIYO_TABLES": "all", "KLAVIYO_COMPATIBILITY": "True"}
WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")  # they read no raw table
PARSED = Path("target", "partial_parse.msgpack")
DBT = os.environ.get("DBT", str(ROOT / ".venv-dbt" / "bin" / "dbt"))
SNOWFLAKE_DBT = ROOT / ".venv-snowflake" / "bin" / "dbt"
SERVER = Path(__file__).with_name("dbt_server.py")


def run(
    folder: Path,
    *arguments: str,
    raw: Path,
    tables: str = "all",
    artifacts: bool = False,
    **settings: str,
) -> subprocess.CompletedProcess[str]:
    """Run dbt with DuckDB on the raw warehouse file; everything it writes goes to `folder`."""
    environment = duckdb_environment(folder, raw) | EVERYTHING | {"KLAVIYO_TABLES": tables}
    return run_on(folder, environment | settings, *arguments, artifacts=artifacts)


def duckdb_environment(folder: Path, raw: Path) -> dict[str, str]:
    """The settings for DuckDB, equal in every folder, so that runs can share a parsed project."""
    return {
        "DBT_TARGET": "duckdb",
        "KLAVIYO_RAW_DUCKDB": os.path.relpath(raw, folder),
        "KLAVIYO_WAREHOUSE": "warehouse.duckdb",
    }


def run_on(
    folder: Path,
    environment: Mapping[str, str],
    *arguments: str,
    artifacts: bool = True,
    warn_error: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run dbt in `folder` with the engine that `environment` selects; a warning fails the run.

    It writes no log of every statement and, without `artifacts`, no JSON about the project to
    target/, which takes it seconds.
    """
    output = folder / "dbt_output.txt"
    flags = ["--no-use-colors", "--no-version-check", "--log-level-file", "none"]
    flags += ["--warn-error"] if warn_error else []
    command = [*flags, *([] if artifacts else ["--no-write-json"]), *arguments]
    settings = os.environ | _settings(folder, environment)
    if environment.get("DBT_TARGET") == "snowflake":
        code = _run_on_snowflake(command, folder, settings, output)
    else:
        server = _server()
        _restore_parsed_project(folder, environment)
        code = _request(
            server, arguments=command, folder=str(folder), environment=settings, output=str(output)
        )
    if code == 0:
        _keep_parsed_project(folder, environment)
    return subprocess.CompletedProcess(arguments, code, output.read_text(), "")


def _run_on_snowflake(
    arguments: Sequence[str], folder: Path, settings: Mapping[str, str], output: Path
) -> int:
    """Run dbt in the environment of Snowflake; returns its exit code."""
    with output.open("w") as file:
        return subprocess.run(
            [SNOWFLAKE_DBT, *arguments], cwd=folder, env=settings, stdout=file, check=False
        ).returncode


def _settings(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    return {
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_PARTIAL_PARSE": "true",  # the project does not change while tests run
        "DO_NOT_TRACK": "1",
        **environment,
    }


def _request(server: subprocess.Popen[str], **run: Any) -> int:
    """The exit code of a run. A run that a timeout interrupts ends the server with it."""
    assert server.stdin
    assert server.stdout
    print(json.dumps(run), file=server.stdin, flush=True)
    try:
        return int(server.stdout.readline())
    except BaseException:
        server.kill()
        _server.cache_clear()
        raise


@cache
def _server() -> subprocess.Popen[str]:
    """Start the server of this process, whose end closes its standard input and so ends it.

    One worker of pytest-xdist parses the project, and the others wait for what it keeps.
    """
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    environment = duckdb_environment(folder, folder / "raw.db") | EVERYTHING
    kept = _kept_file(environment)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept.with_suffix(".lock")):
        return _start_server(folder, environment)


def _start_server(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    _restore_parsed_project(folder, environment)
    server = subprocess.Popen(
        [Path(DBT).with_name("python"), "-P", SERVER],  # -P: this folder has a dbt.py, too
        cwd=folder,
        env=os.environ | _settings(folder, environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)
    assert server.stdout
    assert server.stdout.readline() == "ready\n"
    _keep_parsed_project(folder, environment)
    return server


def _restore_parsed_project(folder: Path, environment: Mapping[str, str]) -> None:
    """Give a new folder the parsed project of an earlier run with the same settings."""
    kept, own = _kept_file(environment), folder / PARSED
    if kept.exists() and not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(kept, own)


def _keep_parsed_project(folder: Path, environment: Mapping[str, str]) -> None:
    """Keep the parsed project for later runs; only settings for DuckDB are ever the same again."""
    kept = _kept_file(environment)
    if environment.get("DBT_TARGET") == "duckdb" and not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = shutil.copy(folder / PARSED, kept.with_suffix(f".{os.getpid()}"))
        Path(part).replace(kept)  # at once, so another worker never reads half a file


def _kept_file(environment: Mapping[str, str]) -> Path:
    return ROOT / "build" / "parsed_dbt_projects" / f"{_digest(environment)}.msgpack"


def _digest(environment: Mapping[str, str]) -> str:
    """Identifies the parsed project that these settings and the project's files give."""
    return hashlib.sha256(f"{sorted(environment.items())}{_project()}".encode()).hexdigest()


@cache
def _project() -> list[tuple[str, str]]:
    return digest_files(PROJECT)


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
