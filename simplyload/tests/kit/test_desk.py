"""The example of a source of your own passes the kit."""

import random
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from simplyload.testing import SourceKit
from simplyload.testing.server import Fault, serve
from tests.kit.fake_desk import TOKEN, DeskHandler, FakeDesk


class TestDesk(SourceKit):
    """A fake desk, and how it changes."""

    def start(self) -> AbstractContextManager[FakeDesk]:
        """Start a desk without tickets."""
        return serve(FakeDesk(), DeskHandler)

    def settings(self, system: FakeDesk) -> dict[str, Any]:
        """Give what simplyload.yml says."""
        return {"type": "examples.desk:Desk", "url": system.address, "token": TOKEN}

    def rows(self, system: FakeDesk) -> Mapping[str, Sequence[dict[str, Any]]]:
        """Give the tickets: the table has no version."""
        return {"tickets": [*system.tickets.values()]}

    def change(self, system: FakeDesk, chooser: random.Random) -> None:
        """Create a ticket, change one, or delete one."""
        ids = [*system.tickets]
        if len(ids) > 8 and chooser.random() < 0.4:
            del system.tickets[chooser.choice(ids)]
        elif len(ids) > 4 and chooser.random() < 0.5:
            system.put(chooser.choice(ids), votes=chooser.randrange(99))
        else:
            system.put(title=f"It is broken, {chooser.random()}")

    def fail(self, system: FakeDesk, after: int, message: str) -> None:
        """Answer one request with an error."""
        system.faults.append(Fault("", 400, {"error": message}, after=after))

    def spoil(self, system: FakeDesk) -> str:
        """Send a number as text."""
        system.put(next(iter(system.tickets)), votes="many")
        return "tickets"

    def add_column(self, system: FakeDesk) -> None:
        """Show a column that tickets had before."""
        for ticket in system.tickets.values():
            ticket["team"] = f"team {ticket['id'] % 3}"
        system.columns["team"] = "text"
