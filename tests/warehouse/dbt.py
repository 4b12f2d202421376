"""The real dbt in tests: build the project on a raw warehouse, look at the marts."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "dbt_project"
DBT = os.environ.get("DBT", str(ROOT / ".venv-dbt" / "bin" / "dbt"))


def run(
    folder: Path, *arguments: str, raw: Path, tables: str = "all"
) -> subprocess.CompletedProcess[str]:
    """Run dbt with DuckDB on the raw warehouse file; everything it writes goes to `folder`."""
    environment = {
        "KLAVIYO_TABLES": tables,
        "KLAVIYO_RAW_DUCKDB": str(raw),
        "KLAVIYO_WAREHOUSE": str(folder / "warehouse.duckdb"),
    }
    return run_on(folder, environment, *arguments)


def run_on(
    folder: Path, environment: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run dbt with the engine that `environment` leads to."""
    settings = {
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DO_NOT_TRACK": "1",
        **environment,
    }
    return subprocess.run(
        [DBT, "--warn-error", "--no-use-colors", "--no-version-check", *arguments],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def build(folder: Path, raw: Path) -> Path:
    """Build everything and run all of dbt's own tests; gives the warehouse file."""
    run_ = run(folder, "build", raw=raw)
    assert run_.returncode == 0, run_.stdout + run_.stderr
    return folder / "warehouse.duckdb"


def query(warehouse: Path, sql: str) -> list[dict[str, Any]]:
    """The rows that `sql` gives on the marts."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set schema = 'klaviyo'; set timezone = 'UTC'")
        cursor = connection.sql(sql)
        return [dict(zip(cursor.columns, row, strict=True)) for row in cursor.fetchall()]
