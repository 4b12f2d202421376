"""Whatever instant a load of Stripe is killed at, the destination ends as what Stripe holds."""

import random
from pathlib import Path
from typing import Any

import pytest

from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.testing.kills import load_with_kills
from tests.stripe.conftest import OBJECTS, assert_same, make_source
from tests.stripe.fake import KEY, FakeStripe

TABLES = ["customers", "invoices", "invoice_line_items", "charges", "balance_transactions"]
ROOT = Path(__file__).parents[2]


class Shop:
    """A shop that goes on while it is read: with every second request something changes."""

    def __init__(self, fake: FakeStripe) -> None:
        self._fake = fake
        self._chooser = random.Random(3)
        self._requests = 0
        for _ in range(12):
            self.change()
        fake.step = 7  # seconds, so that runs are further apart than the lag

    def change(self, _path: str = "") -> None:
        """Create, change or delete an object."""
        self._requests += 1
        fake, chooser = self._fake, self._chooser
        if self._requests % 2:
            return
        fake.create(chooser.choice(["customer", "charge"]))
        fake.create("balance_transaction", status="available", available_on=fake.now)
        customers = [id_ for _, id_ in fake.present("customer")]
        drafts = [id_ for _, id_ in fake.present("invoice")]
        if customers:
            fake.update(chooser.choice(customers), balance=self._requests)
        if len(customers) > 8:
            fake.delete(chooser.choice(customers))
        if len(drafts) < 4:
            fake.add_children(fake.create("invoice"), chooser.choice([2, 14]))
        else:
            invoice = chooser.choice(drafts)
            fake.remove_children(invoice, chooser.randrange(20))
            fake.add_children(invoice, 1)


def load(fake: FakeStripe, folder: Path, **kills: Any) -> int:
    """Run in a process that is killed, while the shop goes on, then once to the end."""
    source = {"type": "stripe", "api_key": KEY, "base_url": fake.address, "tables": TABLES}
    return load_with_kills(source, "shop", folder, **kills)


def assert_right(fake: FakeStripe, folder: Path) -> None:
    """The shop closes; after one more run every table is what Stripe holds, cell by cell."""
    fake.on_request = None
    fake.now += 300
    load(fake, folder)
    destination = DuckDBDestination(DuckDBSettings(path=folder / "target.duckdb"))
    schemas = {table.name: table for table in make_source(fake).tables()}
    for table in TABLES:
        parts = destination.scan("shop", schemas[table])
        rows = [row for part in parts for row in part.to_pylist()]
        live = {(row["account"].replace("main", ""), row["id"]): row for row in rows}
        assert len(live) == len(rows), table
        assert_same(live, fake.present(OBJECTS[table]), table)


@pytest.mark.slow
@pytest.mark.chaos
def test_r1_a_kill_at_any_step_of_a_load_of_stripe_loses_and_doubles_nothing(
    fake: FakeStripe, tmp_path: Path
) -> None:
    """Killed before requests, statements, syncs and renames while objects change: all is right."""
    fake.on_request = Shop(fake).change
    assert load(fake, tmp_path, steps=[1, 60, 6]) >= 8
    assert_right(fake, tmp_path)


@pytest.mark.chaos
def test_r1_fifty_kills_of_loads_of_stripe(fake: FakeStripe, tmp_path: Path) -> None:
    """60 steps, then 50 random instants, while objects change: no row is lost, doubled or old."""
    fake.on_request = Shop(fake).change
    assert load(fake, tmp_path, steps=[1, 61, 1], random=50, longest=1.5) >= 80
    assert_right(fake, tmp_path)
