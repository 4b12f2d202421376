"""The dbt project covers the connector's tables, describes itself, and stays portable."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from streams import TABLES
from tests.warehouse import dbt

# They differ between DuckDB, Postgres and BigQuery, or query the warehouse while compiling.
UNSAFE = (
    r"dbt\.(dateadd|safe_cast|type_timestamp|date_spine|generate_series)\b"
    r"|dbt\.date_trunc\(\s*['\"]week|run_query|statement\(|adapter\.(?!dispatch)|::"
)


@pytest.fixture(name="manifest")
def _manifest(built: Path) -> dict[str, Any]:
    """What dbt knows of the project."""
    manifest: dict[str, Any] = json.loads((built / "target" / "manifest.json").read_text())
    return manifest


def test_every_raw_table_is_a_source(manifest: dict[str, Any]) -> None:
    """The sources are the connector's tables, no more and no fewer."""
    assert {source["name"] for source in manifest["sources"].values()} == set(TABLES)


def test_every_raw_column_has_the_connectors_type(manifest: dict[str, Any]) -> None:
    """What a table that is not synced looks like is what it would look like synced."""
    declared = {
        source["name"]: {name: column["data_type"] for name, column in source["columns"].items()}
        for source in manifest["sources"].values()
    }

    assert declared == {table.name: dict(table.types) for table in TABLES.values()}


@pytest.mark.parametrize("table", TABLES)
def test_staging_keeps_every_column(table: str, manifest: dict[str, Any]) -> None:
    """A column that the connector loads is there for the models."""
    sql = manifest["nodes"][f"model.klaviyo_warehouse.stg_klaviyo__{table}"]["compiled_code"]
    selected = set(re.findall(r"^        (\w+)(?: as \w+)?,?$", sql, re.MULTILINE))

    assert set(TABLES[table].types) <= selected


def test_everything_is_described(manifest: dict[str, Any], warehouse: Path) -> None:
    """Every model says its grain first, and every column of it has a description."""
    columns = dbt.query(
        warehouse,
        "select table_name, column_name from information_schema.columns"
        " where table_schema like 'klaviyo%'",
    )
    models = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}

    assert {row["table_name"] for row in columns} == set(models)
    for model in models.values():
        assert model["description"].startswith("One row per "), model["name"]
    for row in columns:
        described = models[row["table_name"]]["columns"].get(row["column_name"], {})
        assert described.get("description"), (row["table_name"], row["column_name"])


def test_descriptions_are_kept_in_the_warehouse(warehouse: Path) -> None:
    """Who looks at a table or a column there reads what it means."""
    bare = dbt.query(
        warehouse,
        """
        select table_name, column_name from duckdb_columns()
        where schema_name like 'klaviyo%' and comment is null
        union all
        select table_name, null from duckdb_tables()
        where schema_name like 'klaviyo%' and comment is null
        """,
    )

    assert bare == []


def test_every_mart_is_under_contract(manifest: dict[str, Any]) -> None:
    """A column that a tool reads cannot go, or change its type, unnoticed."""
    marts = {
        node["name"]: node["contract"]["enforced"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["path"].startswith("marts/")
    }

    assert len(marts) > 10
    assert [name for name, enforced in marts.items() if not enforced] == []


def test_every_model_has_a_tested_key(manifest: dict[str, Any]) -> None:
    """No model may hold a row twice without a test that fails."""
    tested = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and test.get("test_metadata", {}).get("name") in ("primary_key", "unique")
    }
    models = {key for key in manifest["nodes"] if key.startswith("model.")}

    assert models <= tested


WRITTEN = sorted(
    file
    for folder in ("models", "macros", "tests")
    for file in dbt.PROJECT.glob(f"{folder}/**/*.sql")
)


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: file.stem)
def test_nothing_asks_the_warehouse_or_reads_differently_on_an_engine(file: Path) -> None:
    """What DuckDB, Postgres and BigQuery write differently stands in our own dispatched macros."""
    assert not re.findall(UNSAFE, file.read_text())


def test_every_mart_and_check_is_in_the_readme() -> None:
    """A reader finds each mart with its grain, and each comparison with Klaviyo's numbers."""
    readme = (dbt.PROJECT / "README.md").read_text()
    files = [*dbt.PROJECT.glob("models/marts/*.sql"), *dbt.PROJECT.glob("tests/*.sql")]

    assert [file.stem for file in files if f"`{file.stem}`" not in readme] == []
