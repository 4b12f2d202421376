"""Dagster: a table is an asset, and a run that is not complete is no success."""

import re
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    ExecuteInProcessResult,
    TableSchema,
    materialize,
)

from simplyload.dagster import COLUMN_SCHEMA, load_assets
from tests.monitor.conftest import Shop

# Dagster takes more time to begin than most tests.
pytestmark = pytest.mark.chaos

ORDERS = AssetKey(["shop", "orders"])


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
