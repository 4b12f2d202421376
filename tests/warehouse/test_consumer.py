"""The dbt project as a package of another one, an analyst's (consumer/)."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pytest

from streams import TABLES
from tests.fivetran import SCHEMA
from tests.warehouse import dbt, raw, shop
from tests.warehouse.bigquery import run_bigquery
from tests.warehouse.engines import RAW_SCHEMA, Engine, run_postgres
from tests.warehouse.snowflake import run_snowflake

CONSUMER = Path(__file__).with_name("consumer")
ONLY_ITS_OWN = ("build", "--indirect-selection", "cautious", "--select", "+best_seller")
CONNECTIONS = [
    {"name": "l'Amérique", "schema": "klaviyo_us"},
    {"database": "raw", "schema": "klaviyo_fr"},
]
IN_EUROS = {"klaviyo_reporting_currency": "eur", "klaviyo_exchange_rates": "raw.main.rates"}
ADDRESSES = {"klaviyo_looker_url": "https://looker.example/dashboards/klaviyo_overview"}
RATES = """
    from (values
        (date '2026-10-01', 'USD', 'EUR', 0.5::double),
        (date '2026-10-30', 'USD', 'EUR', 0.25::double),
        (date '2026-11-02', 'USD', 'EUR', 0.75::double)
    ) as rates (date, from_currency, to_currency, rate)
"""
# The group `orders`, the incremental models that it reads, and the time spine.
OF_ORDERS = (
    *("int_klaviyo__conversion", "int_klaviyo__form_submission", "int_klaviyo__order_content"),
    "int_klaviyo__order_number",
    *("klaviyo__attributed_order", "klaviyo__calendar", "klaviyo__cohort"),
    *("klaviyo__coupon_performance", "klaviyo__product_performance", "klaviyo__revenue_daily"),
    "klaviyo__rfm",
)
BEST_SELLERS = [("Mug", "HELLO", 3.0), ("Tea", "HELLO", 1.0)]


def install(folder: Path, package: str, profiles: Path = dbt.PROJECT) -> dict[str, str]:
    """Copy the analyst's project to `folder` with ours as its package; returns its settings."""
    shutil.copytree(CONSUMER, folder, dirs_exist_ok=True)
    profile = (profiles / "profiles.yml").read_text()
    (folder / "profiles.yml").write_text(profile.replace("klaviyo_warehouse:", "shop_analytics:"))
    (folder / "packages.yml").write_text(f"packages:\n{package}")
    environment = {"DBT_PROJECT_DIR": str(folder), "DBT_PROFILES_DIR": str(folder)}
    run(folder, environment, "deps")
    return environment


def run(folder: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """Run dbt on the analyst's project without a warning; returns what it prints."""
    done = dbt.run_on(folder, environment, *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout


def commit(folder: Path) -> Path:
    """A git repository with the committed state of our project as its folder `dbt_project`."""
    shutil.copytree(dbt.PROJECT, folder / "dbt_project", ignore=shutil.ignore_patterns("target"))
    identity = {
        f"GIT_{who}_{what}": "a@b.c"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    for command in ("init --quiet", "add .", "commit --quiet --message x", "tag v1"):
        subprocess.run(
            ["git", *command.split()],  # noqa: S607
            cwd=folder,
            check=True,
            env=os.environ | identity,
        )
    return folder


def install_from_git(folder: Path) -> dict[str, str]:
    """Install our project as an analyst does, at a tag; returns the settings for dbt."""
    origin = commit(folder.parent / "origin")
    package = f"  - git: file://{origin}\n    revision: v1\n    subdirectory: dbt_project\n"
    return install(folder, package)


@pytest.mark.slow
def test_an_analysts_project_builds_the_marts_of_one_connection(tmp_path: Path) -> None:
    """From git: the variables name the schema, the prefix and the tables."""
    file = raw.write(tmp_path / "raw.db", shop.ROWS)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema landing")
        for table in TABLES:
            connection.execute(f"create table landing.kl_{table} as from {SCHEMA}.{table}")
    folder = tmp_path / "analyst"
    environment = install_from_git(folder) | dbt.duckdb_environment(folder, file)
    del environment["DBT_TARGET"]  # the default; so no parsed project is kept

    run(folder, environment, *ONLY_ITS_OWN)

    rows = dbt.query(folder / "warehouse.duckdb", "from best_seller")
    assert sorted(tuple(row.values()) for row in rows) == BEST_SELLERS


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "run_engine", [run_postgres, pytest.param(run_snowflake, marks=pytest.mark.chaos)]
)
def test_an_analysts_project_builds_on_a_server(
    run_engine: Callable[[Path], AbstractContextManager[Engine]], tmp_path: Path
) -> None:
    """From a folder, its own model and all marts that it refers to, on Postgres and on fakesnow."""
    folder = tmp_path / "analyst"
    with run_engine(tmp_path) as engine:
        engine.load(raw.write(tmp_path / "raw.db", shop.ROWS))
        profiles = tmp_path if (tmp_path / "profiles.yml").exists() else dbt.PROJECT
        installed = install(folder, f"  - local: {dbt.PROJECT}\n", profiles)
        run(
            folder,
            engine.environment | installed,
            *ONLY_ITS_OWN,
            *("--vars", f"{{klaviyo_raw_schema: {RAW_SCHEMA}, klaviyo_table_prefix: ''}}"),
        )
        (best_sellers,) = engine.rows({"best_seller": "klaviyo"}).values()

    assert sorted(tuple(row.values()) for row in best_sellers) == BEST_SELLERS


@pytest.mark.slow
def test_an_analysts_project_unites_several_connections(dbt_build: Path, tmp_path: Path) -> None:
    """From git: `klaviyo_sources` gives the rows of one schema that has all, and names each.

    Variables name the prefix and the tables, staging is ephemeral; one connection lacks a table.
    Side by side the accounts are in one currency, by the analyst's own rates. An exposure has the
    address of the analyst's dashboard.
    """
    folder = tmp_path / "analyst"
    file = raw.write(tmp_path / "raw.db", shop.ROWS, shop.TABLE_NAMES)
    with duckdb.connect(str(file)) as connection:
        for account, schema in ((shop.US, "klaviyo_us"), (shop.FR, "klaviyo_fr")):
            connection.execute(f"create schema {schema}")
            for table in shop.TABLE_NAMES:
                connection.execute(
                    f"create table {schema}.kl_{table} as"
                    f" from {SCHEMA}.{table} where account_id = ?",
                    [account],
                )
        assert connection.execute("from klaviyo_fr.kl_tag").fetchall() == []
        connection.execute("drop table klaviyo_fr.kl_tag")
        connection.execute(f"create table main.rates as {RATES}")
    environment = install_from_git(folder) | dbt.duckdb_environment(folder, file)
    del environment["DBT_TARGET"]  # the default; so no parsed project is kept
    marts = ("klaviyo__message_performance", "klaviyo__attributed_order", "klaviyo__data_health")

    run(
        folder,
        environment,
        *ONLY_ITS_OWN,
        "+klaviyo__account_daily",
        *(f"+{mart}" for mart in marts),
        *("--vars", json.dumps({"klaviyo_sources": CONNECTIONS} | IN_EUROS | ADDRESSES)),
    )

    united = folder / "warehouse.duckdb"
    best_sellers = dbt.query(united, "from best_seller")
    assert sorted(tuple(row.values()) for row in best_sellers) == BEST_SELLERS
    for mart in marts[:2]:
        one_schema = dbt.query(dbt_build / "warehouse.duckdb", f"from {mart} order by all")
        assert dbt.query(united, f"from klaviyo_klaviyo.{mart} order by all") == one_schema != []
    named = dbt.query(
        united,
        "select distinct account_id, source_relation from klaviyo_klaviyo.klaviyo__data_health"
        " order by account_id",
    )
    assert [tuple(row.values()) for row in named] == [
        (shop.FR, "klaviyo_fr"),
        (shop.US, "l'Amérique"),
    ]
    days = dbt.query(
        united,
        "select account_currency, cast(sent_on as text), currency, exchange_rate, conversion_value"
        " from klaviyo_klaviyo.klaviyo__account_daily order by all",
    )
    assert [tuple(day.values()) for day in days] == [
        ("EUR", "2026-11-03", "EUR", 1.0, 0.0),
        ("USD", "2026-10-02", "EUR", 0.5, 15.0),
        ("USD", "2026-11-01", "EUR", 0.25, 92.5625),
        ("USD", "2026-11-02", "EUR", 0.75, 0.0),
        ("USD", "2026-11-03", "EUR", 0.75, 483.75),
        ("USD", "2026-11-04", "EUR", 0.75, 0.0),
    ]
    exposures = json.loads((folder / "target" / "manifest.json").read_text())["exposures"]
    assert {exposure["name"]: exposure["url"] for exposure in exposures.values()} == {
        "dashboard": "",
        "looker": ADDRESSES["klaviyo_looker_url"],
        "data_studio": "",
    }


@pytest.mark.slow
def test_an_analyst_builds_one_group_of_marts(tmp_path: Path) -> None:
    """`klaviyo_groups` leaves out marts and what only they read; a variable adds the old views."""
    folder = tmp_path / "analyst"
    file = raw.write(tmp_path / "raw.db", shop.ROWS)
    environment = install(folder, f"  - local: {dbt.PROJECT}\n")
    chosen = {"klaviyo_groups": ["orders"], "klaviyo_compatibility": True}
    landing = {"klaviyo_raw_schema": SCHEMA, "klaviyo_table_prefix": ""}

    run(
        folder,
        environment | dbt.duckdb_environment(folder, file),
        *("build", "--vars", json.dumps(chosen | landing)),
    )

    built = folder / "warehouse.duckdb"
    tables = dbt.query(built, "select table_name as name from duckdb_tables()")
    views = dbt.query(built, "select view_name as name from duckdb_views() where not internal")
    assert {table["name"] for table in tables} == {*OF_ORDERS}
    assert {"best_seller", "event", "campaign", "flow", "metric", "person"} <= {
        view["name"] for view in views
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_analysts_project_replaces_months_on_bigquery(tmp_path: Path) -> None:
    """From a folder, its own model and all that it reads: a second run without an affected month
    succeeds as in our own project.
    """
    folder = tmp_path / "analyst"
    with run_bigquery(tmp_path) as engine:
        engine.load(raw.write(tmp_path / "raw.db", shop.ROWS))
        installed = install(folder, f"  - local: {dbt.PROJECT}\n", profiles=tmp_path)
        environment = engine.environment | installed
        orders = (
            *("run", "--select", "+best_seller"),
            *("--vars", "{klaviyo_raw_schema: klaviyo_raw, klaviyo_table_prefix: ''}"),
        )
        run(folder, environment, *orders)
        run(folder, environment, *orders)
        (best_sellers,) = engine.rows({"best_seller": "klaviyo"}).values()
        scripts = [
            script
            for script in engine.scripts.values()
            if "dbt_partitions_for_replacement" in script
        ]

    assert sorted(tuple(row.values()) for row in best_sellers) == BEST_SELLERS
    assert len(scripts) == 4  # attributed orders and the incremental models that they read
    assert all(
        "if array_length(dbt_partitions_for_replacement) > 0 then" in script for script in scripts
    )
