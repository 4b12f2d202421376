"""Dagster: a table is an asset, and a run that is not complete is no success."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    ExecuteInProcessResult,
    TableSchema,
    materialize,
)

from bench.environments import find_program
from simplyload.dagster import COLUMN_SCHEMA, load_assets
from tests.cli.conftest import REPOSITORY
from tests.monitor.conftest import Shop

# Dagster takes more time to begin than most tests.
pytestmark = pytest.mark.chaos

ORDERS = AssetKey(["shop", "orders"])
DBT = REPOSITORY / ".venv-dbt" / "bin" / "dbt"
PROJECT = {
    "dbt_project.yml": "{name: shop, config-version: 2, profile: shop}",
    "profiles.yml": (
        "shop: {target: dev, outputs: {dev: {type: duckdb, path: ../build/simplyload.duckdb}}}"
    ),
    "models/sources.yml": "{version: 2, sources: [{name: shop, tables: [{name: orders}]}]}",
    "models/order_count.sql": "select count(*) as orders from {{ source('shop', 'orders') }}",
}


def run_assets(shop: Shop, instance: DagsterInstance) -> ExecuteInProcessResult:
    """Materialize every asset of the shop as Dagster does, in this process."""
    assets = load_assets(shop.workspace.folder / "simplyload.yml")
    return materialize(assets, instance=instance, raise_on_error=False)


def read_rows(result: ExecuteInProcessResult) -> dict[AssetKey, object]:
    """Give the rows that the run says it wrote, by asset."""
    return {
        event.asset_key: event.materialization.metadata["rows_written"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


def read_failure(result: ExecuteInProcessResult) -> str:
    """Give the message with which the step of the shop failed."""
    [step] = result.filter_events(lambda event: event.is_step_failure)
    return str(step.step_failure_data.error_display_string)


@pytest.fixture
def instance() -> DagsterInstance:
    """Give a Dagster whose log and history end with the test."""
    return DagsterInstance.ephemeral()


def test_an_asset_is_a_table_of_the_destination(shop: Shop, instance: DagsterInstance) -> None:
    """A run loads each table under the key of its asset, says the rows, and goes on next time."""
    shop.execute("drop table no_key")
    shop.configure()
    assert read_rows(run_assets(shop, instance)) == {ORDERS: 7}
    shop.execute("insert into orders values (8, 'new')")
    assert run_assets(shop, instance).success
    path = shop.workspace.folder / "build" / "simplyload.duckdb"
    with duckdb.connect(str(path)) as warehouse:
        rows = warehouse.execute(f"select id from {'.'.join(ORDERS.path)} order by id").fetchall()
    assert rows == [(id_,) for id_ in range(1, 9)]


def test_an_asset_has_the_columns_of_its_table(shop: Shop) -> None:
    """Dagster shows columns and types before the first run."""
    shop.configure()
    [assets] = load_assets(shop.workspace.folder / "simplyload.yml")
    schema = assets.metadata_by_key[ORDERS][COLUMN_SCHEMA]
    assert isinstance(schema, TableSchema)
    assert [(column.name, column.type) for column in schema.columns] == [
        ("id", "int32"),
        ("note", "string"),
    ]


def test_a_table_that_waits_fails_the_run(shop: Shop, instance: DagsterInstance) -> None:
    """The other tables are loaded and say so; the failure names the table and the remedy."""
    shop.configure()
    result = run_assets(shop, instance)
    assert read_rows(result) == {ORDERS: 7}
    assert re.search("no_key: .*primary key", read_failure(result))


def test_a_source_that_is_away_fails_the_run(shop: Shop, instance: DagsterInstance) -> None:
    """No table counts as loaded, and the message has no password."""
    shop.configure()
    assets = load_assets(shop.workspace.folder / "simplyload.yml")
    shop.disconnect()
    result = materialize(assets, instance=instance, raise_on_error=False)
    assert read_rows(result) == {}
    assert "not permitted to log in" in read_failure(result)
    assert shop.workspace.environment["SHOP_PASSWORD"] not in read_failure(result)


def test_an_asset_runs_in_any_thread(shop: Shop, instance: DagsterInstance) -> None:
    """A notebook runs Dagster outside of the main thread, where Python sets no signal handler."""
    shop.execute("drop table no_key")
    shop.configure()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run_assets, shop, instance).result().success


def test_models_of_dbt_follow_what_they_read(shop: Shop) -> None:
    """dagster-dbt gives a source's table the key of our asset: it is loaded before dbt builds."""
    if not DBT.exists():
        pytest.skip("no .venv-dbt: `make load-demo ALL=1` makes it")
    try:
        python = find_program("dagster-dbt")
    except (subprocess.CalledProcessError, OSError):
        pytest.skip("dagster-dbt cannot be installed here")
    shop.execute("drop table no_key")
    shop.configure()
    project = shop.workspace.folder / "dbt"
    for name, text in PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    file = shop.workspace.folder / "simplyload.yml"
    program = Path(__file__).parent / "programs" / "load_and_build.py"
    done = subprocess.run(
        [python, str(program), str(file), str(project), str(DBT)],
        env={**shop.workspace.environment, "DAGSTER_HOME": ""},
        cwd=shop.workspace.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["shop/orders", "order_count"]
    with duckdb.connect(str(shop.workspace.folder / "build" / "simplyload.duckdb")) as warehouse:
        assert warehouse.execute("select orders from main.order_count").fetchall() == [(7,)]
