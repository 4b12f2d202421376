"""The source Salesforce passes the kit."""

import random
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from simplyload.testing import SourceKit
from simplyload.testing.memory import Row
from simplyload.testing.server import serve
from tests.salesforce.conftest import OBJECTS, assert_cell
from tests.salesforce.fake import CLIENT_ID, CLIENT_SECRET, FakeSalesforce, SalesforceHandler
from tests.salesforce.shapes import Field
from tests.salesforce.test_changes import change


class TestSalesforce(SourceKit):
    """A fake org in which people work."""

    kills = 20  # tests/salesforce/test_kills.py has those of processes

    begin, steps = 24, (10, 40, 15)  # tests/salesforce/test_kills.py has more

    def start(self) -> AbstractContextManager[FakeSalesforce]:
        """Start an org without records."""
        return serve(FakeSalesforce(), SalesforceHandler)

    def settings(self, system: FakeSalesforce) -> dict[str, Any]:
        """Give what simplyload.yml says."""
        return {
            "type": "salesforce",
            "login_url": system.address,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "objects": OBJECTS,
        }

    def rows(self, system: FakeSalesforce) -> Mapping[str, Sequence[Row]]:
        """Give the records, fields in lower case."""
        return {
            name.lower(): [
                {field.lower(): value for field, value in record.items()}
                for record in system.present(name).values()
            ]
            for name in OBJECTS
        }

    def change(self, system: FakeSalesforce, chooser: random.Random) -> None:
        """Create, update, delete, purge, restore or merge records."""
        change(system, chooser)
        if not system.present("Account"):
            system.create("Account")

    def wait(self, system: FakeSalesforce) -> None:
        """Let more time pass than stamps lag behind."""
        system.now += 600

    def fail(self, system: FakeSalesforce, after: int, message: str) -> None:
        """Refuse one query."""
        system.fail("SELECT", 400, "BAD", message=message, after=after)

    def spoil(self, system: FakeSalesforce) -> str:
        """Send a number as text."""
        system.update(next(iter(system.present("Account"))), NumberOfEmployees="many")
        return "account"

    def add_column(self, system: FakeSalesforce) -> None:
        """Add a field whose values move no stamp."""
        system.add_field("Account", Field("CurrencyIsoCode", "picklist"), "EUR")

    def assert_cell(self, cell: Any, sent: Any, where: str) -> None:
        """A cell is what Salesforce sends."""
        assert_cell(cell, sent, where)
