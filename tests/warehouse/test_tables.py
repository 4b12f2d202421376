"""KLAVIYO_TABLES: a raw table that is not selected is empty, with its columns and types."""

from pathlib import Path
from typing import Any

import pytest

import configuration
from streams import TABLES
from tests.warehouse import dbt, raw, shop

SELECTED = ["campaign", "campaign_performance"]
ALWAYS = ["account", "sync_report", "sync_error"]


def columns(warehouse: Path) -> list[dict[str, Any]]:
    """Every column of every model, with its type."""
    return dbt.query(
        warehouse,
        "select table_schema, table_name, column_name, data_type from information_schema.columns"
        " where table_schema like 'klaviyo%' order by all",
    )


def test_tables_that_are_not_selected_are_empty_and_typed(built: Path, tmp_path: Path) -> None:
    """A raw warehouse of two tables gives every model the columns and types of a complete one.

    The exception are the compatibility views, which are only built on request.
    """
    synced = raw.write(tmp_path / "raw.db", shop.ROWS, SELECTED + ALWAYS)

    done = dbt.run(tmp_path, "run", raw=synced, tables=", ".join(SELECTED))

    assert done.returncode == 0, done.stdout
    partial, complete = tmp_path / "warehouse.duckdb", columns(built / "warehouse.duckdb")
    requested = [row for row in complete if row["table_schema"] == "klaviyo_compatibility"]
    assert columns(partial) == [row for row in complete if row not in requested]
    assert requested != []
    assert dbt.query(partial, "select 1 from klaviyo__message_performance") != []
    assert dbt.query(partial, "select 1 from klaviyo_staging.stg_klaviyo__flow") == []


@pytest.mark.parametrize("selection", ["", "list_profile, predictive_analytics"])
def test_dbt_reads_the_tables_that_the_connector_syncs(selection: str, tmp_path: Path) -> None:
    """KLAVIYO_TABLES selects the same raw tables as the connector's setting `tables`."""
    listed = dbt.run(
        tmp_path,
        *("ls", "--resource-type", "source", "--select", "+stg_klaviyo__*", "--quiet"),
        raw=tmp_path / "raw.db",
        tables=selection,
    )

    read = {line.rpartition(".")[2] for line in listed.stdout.split()}
    synced = configuration.parse_configuration(
        {"api_key": "pk_anything", "tables": selection}
    ).tables
    assert read == synced & set(TABLES) < set(TABLES)


def test_an_unknown_table_fails_before_anything_is_built(tmp_path: Path) -> None:
    """The error names the setting, the unknown word and the known ones."""
    empty = raw.write(tmp_path / "raw.db", {})
    done = dbt.run(tmp_path, "build", raw=empty, tables="reporting, Campaign")

    assert done.returncode != 0
    assert "KLAVIYO_TABLES: unknown table 'Campaign'; known: reporting, all" in done.stdout
    assert "START" not in done.stdout
