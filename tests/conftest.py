"""Fixtures that every test may use."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests import fivetran

# Cores are shared: how long an example takes says nothing about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def connector_project(tmp_path: Path) -> Path:
    """A fresh copy of the connector, ready for `fivetran.debug`."""
    return fivetran.copy_connector(tmp_path)
