"""The warehouses: DuckDB, in which dbt builds the models, and fakesnow, which runs their SQL."""

import os
import subprocess
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from simplyload.errors import SimplyLoadError
from tests.core.snowflake_server import Server

PROJECT = Path(__file__).parent / "dbt"
MODELS = ("customer_revenue", "crm_account_revenue")
Row = dict[str, Any]


def build_by_dbt(dbt: Path, folder: Path) -> None:
    """Run models and tests of dbt on the DuckDB file, into another one."""
    command = [dbt, "build", "--project-dir", PROJECT, "--profiles-dir", PROJECT]
    places = {"--target-path": folder / "dbt", "--log-path": folder / "dbt"}
    files = {"TOUR_RAW": folder / "warehouse.duckdb", "TOUR_MODELS": folder / "revenue.duckdb"}
    done = subprocess.run(
        [*map(str, command), *(str(part) for place in places.items() for part in place)],
        env=os.environ | {name: str(path) for name, path in files.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SimplyLoadError(f"dbt build failed:\n{done.stdout}{done.stderr}")


def read_from_duckdb(folder: Path, model: str) -> list[Row]:
    """Read what dbt built."""
    with closing(duckdb.connect(str(folder / "revenue.duckdb"), read_only=True)) as connection:
        rows = connection.sql(f"select * from models.{model} order by 1").to_arrow_table()
        return [_plain(row) for row in rows.to_pylist()]


def build_on_fakesnow(server: Server, settings: Any, folder: Path) -> None:
    """Run the SQL that dbt compiled, in Snowflake's words."""
    server.query(settings, "create schema if not exists models")
    for model in MODELS:
        compiled = (folder / "dbt" / "compiled" / "tour" / "models" / f"{model}.sql").read_text()
        server.query(settings, f"create or replace table models.{model} as {translate(compiled)}")


def translate(compiled: str) -> str:
    """Write a model for Snowflake: in the schemas of the session's database, names unquoted."""
    tree = sqlglot.parse_one(compiled, read="duckdb")
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
    for name in tree.find_all(exp.Identifier):
        name.set("quoted", False)  # noqa: FBT003 - sqlglot's own argument
    return tree.sql("snowflake")


def read_from_fakesnow(server: Server, settings: Any, model: str) -> list[Row]:
    """Read what the same SQL made there."""
    rows = server.query(settings, f"select * from models.{model} order by 1")
    return [_plain(row) for row in rows]


def _plain(row: Row) -> Row:
    """Give numbers in one form: the warehouses differ in the types of sums."""
    return {
        name: round(float(value), 2) if isinstance(value, Decimal | float | int) else value
        for name, value in row.items()
    }
