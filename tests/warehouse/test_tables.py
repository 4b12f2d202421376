"""A raw table that is not selected, or does not exist, is empty, with its columns and types."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import duckdb
import pytest

import configuration
from streams import TABLES
from tests.fivetran import SCHEMA
from tests.warehouse import dbt, raw, shop
from tests.warehouse.bigquery import run_bigquery
from tests.warehouse.compare import Contents, read_contents
from tests.warehouse.engines import DuckDB, Engine, run_postgres

SELECTED = "campaign, campaign_performance, event, form, list_profile, predictive_analytics"
# The user of Fivetran unticked two of them, the tables about syncs, and some columns.
EXISTING = ["account", "campaign", "campaign_performance", "flow"]
MISSING = ["list", "form", "event", "profile", "list_profile", "sync_report", "sync_error"]
UNTICKED = {
    "account": ("organization_name", "is_test_account"),
    "campaign": ("name", "is_archived", "definition", "created_at"),
    "campaign_performance": ("opens_unique", "text_message_roi", "synced_at"),
}
SOME = ["run", "--select", "staging", "+klaviyo__message_performance"]
BUILD = ["build", *dbt.WITHOUT_UNIT_TESTS, "--exclude", "config.severity:warn"]


def untick(file: Path, columns: Mapping[str, Iterable[str]]) -> Path:
    """Drop columns of raw tables."""
    with duckdb.connect(str(file)) as connection:
        for table, names in columns.items():
            for name in names:
                connection.execute(f"alter table {SCHEMA}.{table} drop column {name}")
    return file


def columns(warehouse: Path) -> list[dict[str, Any]]:
    """Every column of every model, with its type."""
    return dbt.query(
        warehouse,
        "select table_schema, table_name, column_name, data_type from information_schema.columns"
        " where table_schema like 'klaviyo%' order by all",
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", [SOME, pytest.param(BUILD, marks=pytest.mark.chaos)])
def test_what_is_not_selected_or_unticked_is_empty_and_typed(
    command: Sequence[str], dbt_build: Path, tmp_path: Path
) -> None:
    """A raw warehouse of four incomplete tables gives every model its columns and types.

    One line of the log has the missing tables; `-tag` leaves a table out that the words select. The
    exception are the compatibility views, which are only built on request. `make chaos` builds
    every mart, and the data tests that are errors pass too.
    """
    synced = untick(raw.write(tmp_path / "raw.db", shop.ROWS, EXISTING), UNTICKED)

    done = dbt.run(
        tmp_path,
        *command,
        raw=synced,
        tables=f"{SELECTED}, tag, -tag",
        artifacts=True,
        KLAVIYO_COMPATIBILITY="False",
    )

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Read as empty, because they are missing: ") == 1
    assert f"are missing: {', '.join(MISSING)}. Tick them" in done.stdout
    assert read_tables(tmp_path) == synced_tables(SELECTED) == {*EXISTING, *MISSING} - {"flow"}
    partial = tmp_path / "warehouse.duckdb"
    typed, complete = columns(partial), columns(dbt_build / "warehouse.duckdb")
    models = {row["table_name"] for row in (typed if command == SOME else complete)}
    requested = [row for row in complete if row["table_schema"] == "klaviyo_compatibility"]
    assert typed == [r for r in complete if r["table_name"] in models and r not in requested]
    assert requested != []
    rows = dbt.query(
        partial,
        "select account_id, campaign_name, opens_unique, delivered"
        " from klaviyo__message_performance where variation_id = 'A'",
    )
    assert [tuple(row.values()) for row in rows] == [(shop.US, None, None, 1000)]
    flows = "select flow_name from klaviyo__message_performance where message_type = 'flow'"
    assert dbt.query(partial, flows) == []  # the table exists and is not selected


def run_some(engine: Engine, folder: Path, file: Path) -> Contents:
    """Run some models with all tables selected; returns their rows."""
    folder.mkdir()
    engine.load(file)
    done = dbt.run_on(folder, dbt.EVERYTHING | engine.environment, *SOME)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Read as empty, because they are missing: ") == 1
    return read_contents(engine, folder)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("run_engine", [run_postgres, run_bigquery])
def test_what_is_missing_is_empty_on_every_engine(
    run_engine: Callable[[Path], AbstractContextManager[Engine]], tmp_path: Path
) -> None:
    """Without most tables and some columns every engine has the rows of DuckDB, and one line."""
    synced = untick(raw.write(tmp_path / "raw.db", shop.ROWS, EXISTING), UNTICKED)
    expected = run_some(DuckDB(tmp_path / "duckdb"), tmp_path / "duckdb", synced)
    with run_engine(tmp_path) as engine:
        found = run_some(engine, tmp_path / "engine", synced)

    assert len(expected["klaviyo__message_performance"]) > 2
    assert found == expected


@pytest.mark.slow
def test_by_default_dbt_reads_what_is_synced_and_warns_of_an_unticked_table(
    tmp_path: Path,
) -> None:
    """Without settings dbt and the connector have the same tables; the build goes on without one.

    A missing table that never had a row is named in the log alone.
    """
    file = raw.write(tmp_path / "raw.db", shop.ROWS, ["account", "sync_report", "campaign"])
    environment = dbt.duckdb_environment(tmp_path, file) | {"KLAVIYO_TABLES": ""}
    arguments = ("run", "--select", "stg_klaviyo__campaign_performance")

    done = dbt.run_on(tmp_path, environment, "--log-level", "warn", *arguments, warn_error=False)

    assert done.returncode == 0, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if "The marts lack the numbers of" in line]
    assert "numbers of campaign_performance: the connector fills them" in line
    assert "Tick them in the connection's schema tab" in done.stdout
    assert read_tables(tmp_path) == synced_tables("") < set(TABLES)


@pytest.mark.parametrize(
    ("tables", "unticked", "message"),
    [
        (["campaign"], {}, "The raw table account is missing: set KLAVIYO_RAW_SCHEMA"),
        (
            ["account", "event"],
            {"event": ("timestamp", "datetime")},
            "The raw table event lacks datetime, timestamp, which the marts require: tick it",
        ),
        (["account"], {"account": ("preferred_currency",)}, "account lacks preferred_currency, wh"),
        (["account", "metric"], {"metric": ("name",)}, "The raw table metric lacks name, which"),
    ],
)
def test_what_is_required_is_named_with_its_remedy(
    tables: list[str], unticked: Mapping[str, Iterable[str]], message: str, tmp_path: Path
) -> None:
    """A run without what the marts require ends at once, with one line that has the remedy."""
    file = untick(raw.write(tmp_path / "raw.db", {}, tables), unticked)
    done = dbt.run(tmp_path, "build", raw=file)

    assert done.returncode != 0
    assert message in done.stdout
    assert "START" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("connections", "message"),
    [
        (
            [{"name": "shop", "schema": SCHEMA}, {"name": "shop", "schema": "klaviyo_fr"}],
            "klaviyo_sources: two entries have the name 'shop'",
        ),
        (
            [{"schema": SCHEMA, "database": "raw"}, {"schema": SCHEMA, "database": "other"}],
            f"klaviyo_sources: two entries have the name '{SCHEMA}', by default their schema",
        ),
        (
            [{"name": "us", "schema": SCHEMA}, {"name": "fr", "schema": "klavyo_fr"}],
            'the connection fr has no table "raw"."klavyo_fr"."account"',
        ),
    ],
)
def test_a_connection_that_would_not_be_read_is_named(
    connections: list[dict[str, str]], message: str, tmp_path: Path
) -> None:
    """Of two connections by one name one would be lost, and all of one in a misspelt schema."""
    file = raw.write(tmp_path / "raw.db", shop.ROWS, ["account"])
    variables = "--vars", json.dumps({"klaviyo_sources": connections})

    done = dbt.run(tmp_path, "run", "--select", "stg_klaviyo__account", *variables, raw=file)

    assert done.returncode != 0
    assert message in done.stdout
    assert "START" not in done.stdout


def test_a_table_in_history_mode_is_refused_by_name(tmp_path: Path) -> None:
    """Fivetran's history mode keeps every version of a row, each of which would count."""
    file = raw.write(tmp_path / "raw.db", shop.ROWS)
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"alter table {SCHEMA}.campaign add column _fivetran_active boolean")

    done = dbt.run(tmp_path, "run", "--select", "stg_klaviyo__campaign", raw=file)

    assert done.returncode != 0
    assert "The raw table campaign is in Fivetran's history mode" in done.stdout
    assert "soft delete mode" in done.stdout


@pytest.mark.slow
def test_freshness_fails_where_the_last_sync_is_old(tmp_path: Path) -> None:
    """`dbt source freshness` judges by the reports of syncs: other tables get only what changes."""
    file = raw.write(tmp_path / "raw.db", shop.ROWS)
    done = dbt.run(tmp_path, "source", "freshness", raw=file)

    assert done.returncode != 0
    assert done.stdout.count("START freshness") == 1
    assert "ERROR STALE freshness of klaviyo.sync_report" in done.stdout


def synced_tables(selection: str) -> set[str]:
    """The raw tables that the connector syncs with this setting `tables`."""
    settings = {"api_key": "pk_anything", "tables": selection}
    return {*configuration.parse_configuration(settings).tables & TABLES.keys()}


def read_tables(folder: Path) -> set[str]:
    """The raw tables that the staging models of a run read."""
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    models = (node for node in manifest["nodes"].values() if node["name"].startswith("stg_"))
    nodes = {node for model in models for node in model["depends_on"]["nodes"]}
    return {node.rpartition(".")[2] for node in nodes if node.startswith("source.")}


def test_an_unknown_group_is_named_with_the_groups(tmp_path: Path) -> None:
    """`klaviyo_groups` with a name that no group has builds nothing."""
    empty = raw.write(tmp_path / "raw.db", {})
    wrong = "--vars", "{klaviyo_groups: 'orders, order'}"
    done = dbt.run(tmp_path, "parse", *wrong, raw=empty, tables="account")  # a parse of its own

    assert done.returncode != 0
    assert "klaviyo_groups: no group is named order; the groups are messages," in done.stdout


@pytest.mark.slow
def test_a_blank_selection_of_groups_is_all_of_them(tmp_path: Path) -> None:
    """`klaviyo_groups` without a name keeps every mart, metric and exposure."""
    empty = raw.write(tmp_path / "raw.db", {})
    blank = "--vars", "{klaviyo_groups: [' ', '']}"
    done = dbt.run(tmp_path, "ls", "--output", "name", *blank, raw=empty)

    assert done.returncode == 0, done.stdout
    marts = {file.stem for file in (dbt.PROJECT / "models" / "marts").glob("*.sql")}
    assert {*marts, "dashboard", "open_rate"} - {*done.stdout.split()} == set()


@pytest.mark.slow
def test_wrong_settings_fail_before_anything_is_built(tmp_path: Path) -> None:
    """One error names every wrong setting and word, and the nearest name where there is one."""
    empty = raw.write(tmp_path / "raw.db", {})
    wrong = "reporting, Campaigns, foo, -Event, -account"
    done = dbt.run(
        tmp_path,
        "build",
        raw=empty,
        tables=wrong,
        KLAVIYO_COMPATIBILITY="yes",
        KLAVIYO_MUTED_FINDINGS="bounce:email",
        KLAVIYO_SUNSET_DAYS="half a year",
        KLAVIYO_REPORTING_CURRENCY="euros",
    )

    assert done.returncode != 0
    assert "KLAVIYO_COMPATIBILITY: true or false, not 'yes'. " in done.stdout
    assert "KLAVIYO_SUNSET_DAYS: a number such as 180, not 'half a year'. " in done.stdout
    assert "KLAVIYO_REPORTING_CURRENCY: an ISO 4217 code such as EUR, not 'euros'" in done.stdout
    assert "unknown table 'Campaigns'; did you mean campaign? docs/tables.md" in done.stdout
    assert "unknown table 'foo'; docs/tables.md lists the names" in done.stdout
    assert "unknown table '-Event'; did you mean event?" in done.stdout
    assert "KLAVIYO_TABLES: account is always synced; remove -account" in done.stdout
    assert "no rule is named 'bounce'; the rules are flow_stopped, spam_complaints" in done.stdout
    assert "START" not in done.stdout
