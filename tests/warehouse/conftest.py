"""What the tests of the warehouse share."""

from pathlib import Path

import pytest


@pytest.fixture(name="warehouse")
def _warehouse(dbt_build: Path) -> Path:
    """The marts of the one build of the shops."""
    return dbt_build / "warehouse.duckdb"
