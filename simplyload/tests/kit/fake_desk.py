"""A fake help desk: tickets in memory, answered as the API of a desk answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from simplyload.testing.server import Fault, Handler

TOKEN = "tok_desk_5ecret"
PAGE = 5


@dataclass
class FakeDesk:
    """Tickets by id; each change of one takes the next version."""

    now: int = 1_800_000_000
    address: str = ""
    faults: list[Fault] = field(default_factory=list)
    tickets: dict[int, dict[str, Any]] = field(default_factory=dict)
    columns: dict[str, str] = field(
        default_factory=lambda: {"id": "number", "title": "text", "votes": "number"}
    )
    version: int = 0
    created: int = 0

    def put(self, id_: int | None = None, **values: Any) -> int:
        """Create a ticket or change one."""
        self.created += id_ is None
        id_ = self.created if id_ is None else id_
        self.version += 1
        known = self.tickets.get(id_, {"id": id_, "title": None, "votes": 0})
        self.tickets[id_] = {**known, **values, "version": self.version}
        return id_

    def answer(self, path: str, params: Mapping[str, str]) -> Any:
        """Answer a request."""
        if path == "columns":
            return self.columns
        if path == "ids":
            return sorted(self.tickets)
        found = [
            ticket for ticket in self.tickets.values() if ticket["version"] > int(params["after"])
        ]
        return sorted(found, key=lambda ticket: int(ticket["version"]))[:PAGE]


class DeskHandler(Handler):
    """Answers with JSON."""

    def answer(self, content: bytes) -> None:  # noqa: ARG002 - a GET has none
        """Answer a request, or with the fault that is due."""
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.send(401, {})
        elif not self.fail(lambda path: path in self.path):
            place = urlsplit(self.path)
            params = {name: values[0] for name, values in parse_qs(place.query).items()}
            self.send(200, self.fake.answer(place.path.strip("/"), params))

    def send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send JSON."""
        self.send_content(status, json.dumps(body).encode(), headers or {})
