"""The dbt project covers the connector's tables, describes itself, and stays portable."""

import json
import os
import re
import subprocess
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlglot import transpile

from streams import TABLES
from streams.catalog import MESSAGE_METRICS
from tests.warehouse import dbt
from tests.warehouse.partitions import find_unfiltered

# They differ between DuckDB, Postgres and BigQuery, or query the warehouse while compiling. Only
# source_rows.sql looks which raw tables and columns exist.
# Snowflake has no `window` clause.
UNSAFE = (
    r"(?m)^ *window\b|dbt\.(dateadd|safe_cast|type_timestamp|date_spine|generate_series)\b"
    r"|dbt\.date_trunc\(\s*['\"]week|run_query|statement\(|adapter\.(?!dispatch)|::"
)
IS_ENABLED = re.compile(r"is_enabled\(\[(.*?)\]\)")
# A name between quotes, in SQL or in a list of Jinja.
MESSAGE_METRIC = re.compile(
    r"'((?:[A-Z][a-z]+ed|Read)(?: [a-z]+)* (?:Email|Text|Push|WhatsApp)[A-Za-z ]*)'"
)


@pytest.fixture(scope="module", name="manifest")
def _manifest(dbt_build: Path) -> dict[str, Any]:
    """The manifest that dbt writes."""
    manifest: dict[str, Any] = json.loads((dbt_build / "target" / "manifest.json").read_text())
    return manifest


@pytest.fixture(scope="module", name="models")
def _models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The models of the manifest by name."""
    nodes = manifest["nodes"].values()
    return {node["name"]: node for node in nodes if node["resource_type"] == "model"}


def test_sources_have_the_connectors_tables_columns_and_types(manifest: dict[str, Any]) -> None:
    """The sources declare each table of the connector, no other, and describe its columns."""
    sources = {source["name"]: source["columns"] for source in manifest["sources"].values()}
    declared = {
        table: {name: column["data_type"] for name, column in columns.items()}
        for table, columns in sources.items()
    }

    assert declared == {table.name: dict(table.types) for table in TABLES.values()}
    assert all(column["description"] for columns in sources.values() for column in columns.values())


def test_the_marts_alone_are_public(models: dict[str, dict[str, Any]]) -> None:
    """Another project may refer to marts and compatibility views; every model has an owner."""
    public = {model["fqn"][1] for model in models.values() if model["access"] == "public"}
    others = {model["fqn"][1] for model in models.values() if model["access"] != "public"}

    assert (public, others) == ({"marts", "compatibility"}, {"staging", "intermediate"})
    assert {model["group"] for model in models.values()} == {"klaviyo"}


def test_staging_selects_every_source_column(models: dict[str, dict[str, Any]]) -> None:
    """Every column that the connector loads is in the staging model of its table."""
    missing = {}
    for table in TABLES.values():
        sql = models[f"stg_klaviyo__{table.name}"]["compiled_code"]
        columns = sql.partition("\nfrom ")[0]
        selected = re.findall(
            r"^    (?:case when .* (?:else|then) |nullif\(upper\(trim\()?(\w+)"
            r"(?: end|\)\), ''\))?(?: as \w+)?,?$",
            columns,
            re.MULTILINE,
        )
        missing[table.name] = set(table.types) - set(selected)

    assert {table: columns for table, columns in missing.items() if columns} == {}


def test_every_report_is_staged_without_uncounted_statistics() -> None:
    """Each raw table of message statistics is staged with `counted_statistics`."""
    reports = [
        name for name, table in TABLES.items() if {"send_channel", "opens"} <= set(table.types)
    ]
    staged = {
        name: (dbt.PROJECT / "models/staging" / f"stg_klaviyo__{name}.sql").read_text()
        for name in reports
    }

    assert len(reports) >= 4
    assert [name for name, sql in staged.items() if "{{ counted_statistics() }}" not in sql] == []


def test_every_model_and_column_is_described(
    models: dict[str, dict[str, Any]], warehouse: Path
) -> None:
    """Each model's description begins with its grain, and each of its columns has one."""
    columns = dbt.query(
        warehouse,
        "select table_name, column_name from information_schema.columns"
        " where table_schema like 'klaviyo%'",
    )
    described = {
        (model["name"], name)
        for model in models.values()
        for name, column in model["columns"].items()
        if column["description"]
    }

    assert {row["table_name"] for row in columns} == set(models)
    assert [
        name
        for name, model in models.items()
        if not model["description"].startswith("One row per ")
    ] == []
    assert {(row["table_name"], row["column_name"]) for row in columns} - described == set()


def test_descriptions_are_comments_in_the_warehouse(warehouse: Path) -> None:
    """Each table and column in the warehouse has its description as a comment."""
    without_comment = dbt.query(
        warehouse,
        """
        select table_name, column_name from duckdb_columns()
        where schema_name like 'klaviyo%' and comment is null
        union all
        select table_name, null from duckdb_tables()
        where schema_name like 'klaviyo%' and comment is null
        """,
    )

    assert without_comment == []


def test_every_mart_has_an_enforced_contract(models: dict[str, dict[str, Any]]) -> None:
    """A build fails if a column of a mart is missing or has another type."""
    marts = {
        name: model["contract"]["enforced"]
        for name, model in models.items()
        if model["path"].startswith("marts/")
    }

    assert len(marts) > 10
    assert [name for name, enforced in marts.items() if not enforced] == []


def test_every_model_has_a_tested_key(manifest: dict[str, Any]) -> None:
    """Each model has a data test that fails if a key is there twice."""
    tested = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and test.get("test_metadata", {}).get("name") in ("primary_key", "unique")
    }

    assert {key for key in manifest["nodes"] if key.startswith("model.")} - tested == set()


def test_no_sql_queries_while_compiling_or_differs_between_engines() -> None:
    """SQL that engines write differently is only in the project's own dispatched macros."""
    folders = ("models", "macros", "tests")
    files = [file for folder in folders for file in dbt.PROJECT.glob(f"{folder}/**/*.sql")]
    lookups = ("adapter.get_relation(", "adapter.get_columns_in_relation(")
    texts = {file.name: file.read_text() for file in files}
    for lookup in lookups:
        assert texts["source_rows.sql"].count(lookup) == 1
        texts["source_rows.sql"] = texts["source_rows.sql"].replace(lookup, "")
    # Queries of a build alone: what the last sync wrote, whether syncs still report, and which
    # months a run reads and writes.
    for file, queries in {"settings.sql": 1, "incremental_by_month.sql": 5}.items():
        assert texts[file].count("run_query(") == queries
        texts[file] = texts[file].replace("run_query(", "")
    del texts["analyze.sql"]  # before a build on Postgres
    unsafe = {name: re.search(UNSAFE, text) for name, text in texts.items()}

    assert len(files) > 80
    assert {name: found.group() for name, found in unsafe.items() if found} == {}


@pytest.fixture(scope="module", name="groups")
def _groups(manifest: dict[str, Any]) -> dict[str, list[set[str]]]:
    """By model or test: sets of groups; it is built if one of each is selected."""
    return {
        key: [
            set(re.findall("'(.*?)'", condition))
            for condition in IS_ENABLED.findall(node["raw_code"])
        ]
        for key, node in manifest["nodes"].items()
        if "test_metadata" not in node  # which belongs to a model
    }


def test_what_is_built_reads_no_group_that_is_left_out(
    manifest: dict[str, Any], groups: dict[str, list[set[str]]]
) -> None:
    """Whichever groups are selected, every model and test that is built finds what it reads."""
    names = sorted(set().union(*chain(*groups.values())))
    assert len(names) > 4
    for count in range(1, len(names) + 1):
        for selected in combinations(names, count):
            built = {key for key, lists in groups.items() if all(map(set(selected).__and__, lists))}
            read = {node for key in built for node in manifest["nodes"][key]["depends_on"]["nodes"]}
            assert (selected, (read & groups.keys()) - built) == (selected, set())


def test_a_group_builds_no_table_that_none_of_its_marts_reads(
    manifest: dict[str, Any], groups: dict[str, list[set[str]]]
) -> None:
    """Selecting one group does not read the events for another one."""
    models = {key: group for key, group in groups.items() if key.startswith("model.")}
    for key in {key for key, model in models.items() if model and ".int_" in key}:
        readers = [groups[child] for child in manifest["child_map"][key] if child in models]
        assert (key, groups[key]) == (key, [set().union(*chain(*readers))])


def test_no_table_is_made_of_all_events_in_each_run(manifest: dict[str, Any]) -> None:
    """Through views, only incremental models read the events, and the mart that counts rows."""
    kinds = {key: node["config"].get("materialized") for key, node in manifest["nodes"].items()}

    def reads_events(key: str) -> bool:
        parents = manifest["parent_map"][key]
        views = [one for one in parents if kinds.get(one) == "view"]
        return any(one.endswith((".event", ".event_attribution")) for one in parents) or any(
            map(reads_events, views)
        )

    tables = [key for key, kind in kinds.items() if kind == "table"]
    assert len(tables) > 20
    assert [key for key in tables if reads_events(key)] == [
        "model.klaviyo_warehouse.klaviyo__data_health"
    ]


def test_every_query_filters_the_months_of_a_model_of_events(manifest: dict[str, Any]) -> None:
    """BigQuery refuses a query of an incremental model that filters no months, whoever reads it."""
    partitioned = {
        node["relation_name"].replace('"', ""): "occurred_month"
        for node in manifest["nodes"].values()
        if node["config"].get("materialized") == "incremental"
        and node["name"] != "klaviyo__attributed_order"  # which readers filter by date
    }
    compiled = {
        node["name"]: transpile(node["compiled_code"], "duckdb", "bigquery")[0]
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "test")
        and any(name.rpartition(".")[2] in node.get("compiled_code", "") for name in partitioned)
    }

    assert len(compiled) > len(partitioned) > 7
    unfiltered = {name: find_unfiltered(sql, partitioned, ()) for name, sql in compiled.items()}
    assert {name: tables for name, tables in unfiltered.items() if tables} == {}


def test_duckdb_has_the_local_time_of_every_zone(models: dict[str, dict[str, Any]]) -> None:
    """A zone that the macro lists as a constant and one that it does not are converted alike."""
    code = models["int_klaviyo__last_sync"]["compiled_code"]
    expressions = re.findall(r"case timezone\n.*?\n *end", code, re.DOTALL)
    wrong = duckdb.sql(f"""
        select timezone from (
            select distinct name as timezone from pg_timezone_names()
        ), (
            select unnest(generate_series(
                timestamptz '2020-01-01 00:30:00Z', '2027-01-01 00:00:00Z', interval 11 hours
            )) as synced_at
        )
        group by timezone
        having bool_or({expressions[0]} is distinct from (synced_at at time zone timezone))
    """).fetchall()
    assert (len(expressions), wrong) == (1, [])


def test_models_name_only_metrics_that_the_connector_counts() -> None:
    """A metric whose name only one of the two knows is counted in some marts and not in others."""
    models = (dbt.PROJECT / "models").rglob("*.sql")
    named = {name for model in models for name in MESSAGE_METRIC.findall(model.read_text())}

    assert len(named) > 10
    assert named - MESSAGE_METRICS.keys() == set()


def test_every_mart_and_data_test_is_in_the_readme() -> None:
    """The README has each mart with its grain, and each comparison with Klaviyo's numbers."""
    readme = (dbt.PROJECT / "README.md").read_text()
    files = [*dbt.PROJECT.glob("models/marts/*.sql"), *dbt.PROJECT.glob("tests/*.sql")]

    assert [file.stem for file in files if f"`{file.stem}`" not in readme] == []


@pytest.mark.parametrize("target", ["duckdb", "bigquery", "snowflake"])
def test_dbt_2_parses_the_project(target: str, tmp_path: Path) -> None:
    """The parser of dbt 2 that dbt 1.12 installs, 2.0.0-alpha.4, finds no error.

    It does not know Postgres yet, and it has no engine to build with.
    """
    done = subprocess.run(
        [Path(dbt.DBT).with_name("dbt-core-experimental-parser"), "parse", "--target", target],
        cwd=tmp_path,
        env=os.environ
        | {
            "DBT_PROJECT_DIR": str(dbt.PROJECT),
            "DBT_PROFILES_DIR": str(dbt.PROJECT),
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
            "SNOWFLAKE_ACCOUNT": "account",
            "SNOWFLAKE_DATABASE": "analytics",
            "BQ_PROJECT": "project",
            **dbt.EVERYTHING,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "dbt-core 2.0.0-alpha.4" in done.stdout + done.stderr
    assert "[error]" not in done.stdout + done.stderr
