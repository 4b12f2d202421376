"""What the tests of the warehouse share."""

from pathlib import Path

import pytest


@pytest.fixture(name="warehouse")
def _warehouse(built: Path) -> Path:
    """The marts of the one build of the shops."""
    return built / "warehouse.duckdb"
