"""Snowflake gives the rows of DuckDB: dbt's own adapter on fakesnow, run by `make chaos`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warehouse import raw, shop
from tests.warehouse.compare import BUILD, Contents, read_contents, run_dbt
from tests.warehouse.engines import DuckDB
from tests.warehouse.snowflake import Snowflake, run_snowflake
from tests.warehouse.test_engines import NEXT_SYNC, OF_NEXT_SYNC, load, raw_after

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("snowflake")


@pytest.fixture(scope="module", name="engine")
def _engine(folder: Path) -> Iterator[Snowflake]:
    with run_snowflake(folder) as engine:
        yield engine


@pytest.fixture(scope="module", name="first")
def _first(engine: Snowflake, folder: Path) -> Contents:
    """The rows of every model after a first build, with dbt's data tests."""
    engine.load(raw.write(folder / "raw.db", shop.ROWS, shop.TABLE_NAMES))
    return run_dbt(engine, folder, *BUILD)


def test_snowflake_gives_the_rows_of_duckdb(dbt_build: Path, first: Contents) -> None:
    """Every model has the same rows and columns, and dbt's data tests pass."""
    duckdb = DuckDB(dbt_build)
    duckdb.load(dbt_build / "raw.db")
    expected = read_contents(duckdb, dbt_build)

    assert first.keys() == expected.keys()
    for model, rows in first.items():
        assert rows == expected[model], model


def test_an_incremental_run_on_snowflake_gives_the_rows_of_duckdb(
    engine: Snowflake, folder: Path, first: Contents, dbt_build: Path, tmp_path: Path
) -> None:
    """Late, changed and deleted events replace the months that they replace on DuckDB."""
    load(engine, folder, raw_after(*NEXT_SYNC))
    updated = run_dbt(engine, folder, "run", "--select", *OF_NEXT_SYNC)
    shutil.copytree(dbt_build, tmp_path, dirs_exist_ok=True)
    duckdb = DuckDB(tmp_path)
    load(duckdb, tmp_path, raw_after(*NEXT_SYNC))
    expected = run_dbt(duckdb, tmp_path, "run", "--select", *OF_NEXT_SYNC)

    assert updated["klaviyo__attributed_order"] != first["klaviyo__attributed_order"]
    for model, rows in updated.items():
        assert rows == expected[model], model
