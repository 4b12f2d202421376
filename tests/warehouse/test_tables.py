"""Tables that are not synced are empty, not missing: the word is the connector's own `tables`."""

from pathlib import Path
from typing import Any

import pytest

import configuration
from streams import TABLES
from tests.warehouse import dbt, raw, shop

CHOSEN = ["campaign", "campaign_performance"]
ALWAYS = ["account", "sync_report", "sync_error"]


def columns(warehouse: Path) -> list[dict[str, Any]]:
    """Every column of every model, with its type."""
    return dbt.query(
        warehouse,
        "select table_name, column_name, data_type from information_schema.columns"
        " where table_schema like 'klaviyo%' order by all",
    )


def test_tables_that_are_not_synced_are_empty_and_typed(built: Path, tmp_path: Path) -> None:
    """Two tables alone give every mart, with the columns and types of a whole account's."""
    synced = raw.write(tmp_path / "raw.db", shop.ROWS, CHOSEN + ALWAYS)

    run = dbt.run(tmp_path, "run", raw=synced, tables=", ".join(CHOSEN))

    assert run.returncode == 0, run.stdout
    partial = tmp_path / "warehouse.duckdb"
    assert columns(partial) == columns(built / "warehouse.duckdb")
    assert dbt.query(partial, "select 1 from klaviyo__message_performance") != []
    assert dbt.query(partial, "select 1 from klaviyo_staging.stg_klaviyo__flow") == []


@pytest.mark.parametrize("word", ["", "list_profile, predictive_analytics"])
def test_dbt_and_connector_agree_on_a_word(word: str, tmp_path: Path) -> None:
    """Dbt reads the tables that the connector syncs for the same word, or for none."""
    listed = dbt.run(
        tmp_path,
        *("ls", "--resource-type", "source", "--select", "+stg_klaviyo__*", "--quiet"),
        raw=tmp_path / "raw.db",
        tables=word,
    )

    read = {line.rpartition(".")[2] for line in listed.stdout.split()}
    synced = configuration.parse_configuration({"api_key": "pk_anything", "tables": word}).tables
    assert read == synced & set(TABLES) < set(TABLES)


def test_an_unknown_table_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    """One line names the setting, the word and what is known."""
    empty = raw.write(tmp_path / "raw.db", {})
    run = dbt.run(tmp_path, "build", raw=empty, tables="reporting, Campaign")

    assert run.returncode != 0
    assert "KLAVIYO_TABLES: unknown table 'Campaign'; known: reporting, all" in run.stdout
    assert "START" not in run.stdout
