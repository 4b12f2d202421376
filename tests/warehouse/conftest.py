"""One build of the warehouse that all tests of a file share."""

from pathlib import Path

import pytest

from tests.warehouse import dbt, raw, shop


@pytest.fixture(scope="session", name="built")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one build of the two shops: `warehouse.duckdb` and `target/`."""
    folder = tmp_path_factory.mktemp("warehouse")
    dbt.build(folder, raw.write(folder / "raw.db", shop.ROWS))
    return folder


@pytest.fixture(name="warehouse")
def _warehouse(built: Path) -> Path:
    """The marts of that build."""
    return built / "warehouse.duckdb"
