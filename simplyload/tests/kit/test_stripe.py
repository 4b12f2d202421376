"""The source Stripe passes the kit."""

import random
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from simplyload.testing import SourceKit
from simplyload.testing.memory import Row
from simplyload.testing.server import serve
from tests.stripe.conftest import OBJECTS, assert_cell
from tests.stripe.fake import KEY, FakeStripe, StripeHandler

TABLES = ["customers", "invoices", "invoice_line_items", "charges", "balance_transactions"]


class TestStripe(SourceKit):
    """A fake Stripe, and a shop that goes on."""

    kills = 20
    steps = (10, 40, 15)  # tests/stripe/test_kills.py has more, and 50 at random

    def start(self) -> AbstractContextManager[FakeStripe]:
        """Start a Stripe without objects."""
        return serve(FakeStripe(), StripeHandler)

    def settings(self, system: FakeStripe) -> dict[str, Any]:
        """Give what simplyload.yml says."""
        return {"type": "stripe", "api_key": KEY, "base_url": system.address, "tables": TABLES}

    def rows(self, system: FakeStripe) -> Mapping[str, Sequence[Row]]:
        """Give the objects with their account."""
        return {
            table: [
                {**item, "account": account or "main"}
                for (account, _), item in system.present(OBJECTS[table]).items()
            ]
            for table in TABLES
        }

    def change(self, system: FakeStripe, chooser: random.Random) -> None:
        """Create, change or delete an object."""
        customers = [id_ for _, id_ in system.present("customer")]
        invoices = [id_ for _, id_ in system.present("invoice")]
        what = chooser.choice(["customer", "charge", "invoice", "payment", "update", "delete"])
        if what == "update" and customers:
            system.update(chooser.choice(customers), balance=chooser.randrange(99))
        elif what == "delete" and len(customers) > 2:
            system.delete(chooser.choice(customers))
        elif what == "payment":
            system.create("balance_transaction", status="available", available_on=system.now)
        elif what == "invoice" and len(invoices) > 2:
            system.remove_children(chooser.choice(invoices), chooser.randrange(20))
            system.add_children(chooser.choice(invoices), 2)
        elif what == "invoice":
            system.add_children(system.create("invoice"), 14)
        else:
            system.create("charge" if what == "charge" else "customer")

    def wait(self, system: FakeStripe) -> None:
        """Let more time pass than events lag behind."""
        system.now += 120

    def fail(self, system: FakeStripe, after: int, message: str) -> None:
        """Refuse one request."""
        system.fail("", 400, message, after=after)

    def spoil(self, system: FakeStripe) -> str:
        """Send an amount as text."""
        (_, charge), *_ = system.present("charge")
        system.update(charge, amount="5.00")
        return "charges"

    def assert_cell(self, cell: Any, sent: Any, where: str) -> None:
        """A cell is what Stripe sends."""
        assert_cell(cell, sent, where)
