"""Whatever instant a load of Salesforce is killed at, the tables end as what the org holds."""

import random
from pathlib import Path
from typing import Any

import pytest

from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.testing.kills import load_with_kills
from tests.salesforce.conftest import OBJECTS, assert_same, make_source
from tests.salesforce.fake import CLIENT_ID, CLIENT_SECRET, DAY, FakeSalesforce
from tests.salesforce.test_changes import change


class Office:
    """People go on working while the org is read: with every second request four things change."""

    def __init__(self, fake: FakeSalesforce) -> None:
        self._fake = fake
        self._chooser = random.Random(3)
        self._requests = 0
        for _ in range(24):
            change(fake, self._chooser)
        fake.batch = 3
        fake.step = 47  # seconds: runs are further apart than the lag, and a scan is due at times

    def work(self, _path: str) -> None:
        """Change four records with every second request: more than one load holds of a run."""
        self._requests += 1
        for _ in range(4 if self._requests % 2 == 0 else 0):
            change(self._fake, self._chooser)


def load(fake: FakeSalesforce, folder: Path, **kills: Any) -> int:
    """Run in a process that is killed, while the office works, then once to the end."""
    source = {
        "type": "salesforce",
        "login_url": fake.address,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "objects": OBJECTS,
        "bulk_rows": 4,
        "delete_scan": "PT2H",
        "refresh_formulas": "PT3H",
    }
    return load_with_kills(source, "shop", folder, **kills)


def assert_right(fake: FakeSalesforce, folder: Path) -> None:
    """The office closes; after one more run every table is what the org holds, cell by cell."""
    fake.on_request, fake.step = None, 0
    fake.now += DAY
    load(fake, folder)
    destination = DuckDBDestination(DuckDBSettings(path=folder / "target.duckdb"))
    for table in make_source(fake).tables():
        rows = [row for part in destination.scan("shop", table) for row in part.to_pylist()]
        live = {row["id"]: row for row in rows}
        assert len(live) == len(rows), table
        assert_same(live, fake, table.source_name)


@pytest.mark.slow
@pytest.mark.chaos
def test_r1_a_kill_at_any_step_of_a_load_of_salesforce_loses_and_doubles_nothing(
    fake: FakeSalesforce, tmp_path: Path
) -> None:
    """Killed before requests, statements, syncs and renames while records change: all is right."""
    fake.on_request = Office(fake).work
    assert load(fake, tmp_path, steps=[30, 130, 9]) >= 8
    assert any("/results" in path for path in fake.requests)  # a job too
    assert_right(fake, tmp_path)


@pytest.mark.chaos
def test_r1_fifty_kills_of_loads_of_salesforce(fake: FakeSalesforce, tmp_path: Path) -> None:
    """60 steps, then 50 random instants, while records change: no row is lost, doubled or old."""
    fake.on_request = Office(fake).work
    assert load(fake, tmp_path, steps=[1, 121, 2], random=50, longest=1.5) >= 80
    assert_right(fake, tmp_path)
