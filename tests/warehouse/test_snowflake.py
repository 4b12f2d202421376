"""Snowflake gives the rows of DuckDB: dbt's own adapter on fakesnow, run by `make chaos`."""

from pathlib import Path

import pytest

from tests.warehouse import raw, shop
from tests.warehouse.compare import BUILD, read_contents, run_dbt
from tests.warehouse.engines import DuckDB
from tests.warehouse.snowflake import running_snowflake

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]


def test_snowflake_gives_the_rows_of_duckdb(built: Path, tmp_path: Path) -> None:
    """Every model has the same rows and columns, and dbt's data tests pass."""
    duckdb = DuckDB(built)
    duckdb.load(built / "raw.db")
    with running_snowflake(tmp_path) as engine:
        engine.load(raw.write(tmp_path / "raw.db", shop.ROWS, shop.TABLE_NAMES))
        found = run_dbt(engine, tmp_path, *BUILD)

    expected = read_contents(duckdb, built)
    assert found.keys() == expected.keys()
    for model, rows in found.items():
        assert rows == expected[model], model
