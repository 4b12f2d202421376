"""One build of the warehouse that all tests share."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from tests.warehouse import dbt, raw, shop


@pytest.fixture(scope="session", name="built")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one build of the two shops: `raw.db`, `warehouse.duckdb` and `target/`.

    The first worker of pytest-xdist that needs it builds it, with the compatibility views; the
    others wait.
    """
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "built"
    complete = folder / "complete"
    with FileLock(f"{folder}.lock"):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            file = raw.write(folder / "raw.db", shop.ROWS, shop.TABLE_NAMES)
            done = dbt.run(folder, "build", raw=file, KLAVIYO_COMPATIBILITY="True")
            assert done.returncode == 0, done.stdout + done.stderr
            complete.touch()
    return folder


@pytest.fixture(name="warehouse")
def _warehouse(built: Path) -> Path:
    """The marts of that build."""
    return built / "warehouse.duckdb"
