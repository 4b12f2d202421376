"""KLAVIYO_TABLES: a raw table that is not selected is empty, with its columns and types."""

import json
from pathlib import Path
from typing import Any

import pytest

import configuration
from streams import TABLES
from tests.warehouse import dbt, raw, shop

SELECTED = "campaign, campaign_performance, list_profile, predictive_analytics"


@pytest.fixture(scope="module", name="partial")
def _partial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on a raw warehouse that has only the selected tables."""
    folder = tmp_path_factory.mktemp("partial")
    synced = raw.write(folder / "raw.db", shop.ROWS, sorted(synced_tables(SELECTED)))
    done = dbt.run(folder, "run", raw=synced, tables=SELECTED, KLAVIYO_COMPATIBILITY="False")
    assert done.returncode == 0, done.stdout
    return folder


def synced_tables(selection: str) -> set[str]:
    """The tables that the connector syncs with a selection."""
    parsed = configuration.parse_configuration({"api_key": "pk_anything", "tables": selection})
    return set(parsed.tables & TABLES.keys())


def read_tables(folder: Path) -> set[str]:
    """The raw tables that the staging models of a run read."""
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    models = (node for node in manifest["nodes"].values() if node["name"].startswith("stg_"))
    nodes = {node for model in models for node in model["depends_on"]["nodes"]}
    return {node.rpartition(".")[2] for node in nodes if node.startswith("source.")}


def columns(warehouse: Path) -> list[dict[str, Any]]:
    """Every column of every model, with its type."""
    return dbt.query(
        warehouse,
        "select table_schema, table_name, column_name, data_type from information_schema.columns"
        " where table_schema like 'klaviyo%' order by all",
    )


def test_tables_that_are_not_selected_are_empty_and_typed(built: Path, partial: Path) -> None:
    """A raw warehouse of some tables gives every model the columns and types of a complete one.

    The exception are the compatibility views, which are only built on request.
    """
    warehouse, complete = partial / "warehouse.duckdb", columns(built / "warehouse.duckdb")
    requested = [row for row in complete if row["table_schema"] == "klaviyo_compatibility"]
    assert columns(warehouse) == [row for row in complete if row not in requested]
    assert requested != []
    assert dbt.query(warehouse, "select 1 from klaviyo__message_performance") != []
    assert dbt.query(warehouse, "select 1 from klaviyo_staging.stg_klaviyo__flow") == []


def test_dbt_reads_the_tables_that_the_connector_syncs(partial: Path, tmp_path: Path) -> None:
    """KLAVIYO_TABLES selects the same raw tables as the connector's setting `tables`."""
    assert dbt.run(tmp_path, "parse", raw=tmp_path / "raw.db", tables="").returncode == 0
    for folder, selection in ((tmp_path, ""), (partial, SELECTED)):
        assert read_tables(folder) == synced_tables(selection) < set(TABLES), selection


def test_an_unknown_table_fails_before_anything_is_built(tmp_path: Path) -> None:
    """The error names the setting, the unknown word and the known ones."""
    empty = raw.write(tmp_path / "raw.db", {})
    done = dbt.run(tmp_path, "build", raw=empty, tables="reporting, Campaign")

    assert done.returncode != 0
    assert "KLAVIYO_TABLES: unknown table 'Campaign'; known: reporting, all" in done.stdout
    assert "START" not in done.stdout
