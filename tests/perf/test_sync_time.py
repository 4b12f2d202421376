"""How long a first sync takes: `pytest -m perf` times the connector's generator of operations.

There is no loader, and the sandbox has no rate limits: their time is not the connector's.
The figures go to build/perf_results.csv: query, rows, seconds, success.
"""

import csv
import os
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import sync
from models import Upsert
from tests.loader import each_row
from tests.sandbox_server import KEY, Sandbox, run_sandbox

pytestmark = [pytest.mark.bench, pytest.mark.perf]

NOW = datetime.fromisoformat("2026-11-16T15:00:00+00:00")
RESULTS = Path(__file__).parents[2] / "build" / "perf_results.csv"


@pytest.fixture(scope="module", name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    """An account of the demo's size."""
    with run_sandbox(now=NOW.isoformat(), no_limits=True) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", name="results")
def _results() -> Iterator[list[dict[str, Any]]]:
    """A list of measurements, which is written to a file also if they are bad."""
    results: list[dict[str, Any]] = []
    yield results
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["query", "rows", "seconds", "success"])
        writer.writeheader()
        writer.writerows(results)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("days", "limit"), [(1, 60), (7, 300), (30, None)])
def test_first_sync_is_fast(
    sandbox: Sandbox, results: list[dict[str, Any]], days: int, limit: float | None
) -> None:
    """One day takes less than a minute and seven less than five; thirty are only measured."""
    start = NOW.date() - timedelta(days=days)
    began = time.perf_counter()
    rows = count_rows(sandbox, start)
    seconds = time.perf_counter() - began
    success = rows > 0 and (limit is None or seconds < limit)
    measurement = {"query": f"{days} days", "rows": rows, "seconds": f"{seconds:.2f}"}
    results.append(measurement | {"success": success})
    assert success, measurement


def count_rows(sandbox: Sandbox, start: date) -> int:
    """Sync every table from a day on, and count the rows."""
    configuration = {"api_key": KEY, "tables": "all", "start_date": start.isoformat()}
    with mock.patch.dict(os.environ, {"KLAVIYO_BASE_URL": sandbox.url}):
        operations = each_row(sync.sync(configuration, {}))
        return sum(isinstance(operation, Upsert) for operation in operations)
