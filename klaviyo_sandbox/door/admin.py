"""The door beside the API, for tests and demonstrations: look, move the clock, set faults, edit.

GET    /admin                  now, epoch, counts, requests by path and status, faults
GET    /admin/requests         every request since the start, with its time
POST   /admin/requests/reset   forget them
POST   /admin/clock            {"now": ISO 8601} or {"advance_seconds": n}
POST   /admin/fault            {"name": ..., "path": regex, "times": n, "after": n, ...}
DELETE /admin/fault            unset every fault
POST   /admin/edit             {"type": ..., "id": ..., "changes": {...} or null to delete}
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from klaviyo_sandbox.door.wire import Request, Response
from klaviyo_sandbox.jsonapi import Json, iso, seconds

if TYPE_CHECKING:
    from klaviyo_sandbox.door.app import App


class Admin:
    """Answers the admin's requests about one application."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.actions = {
            ("GET", "/admin"): self.state,
            ("GET", "/admin/requests"): lambda _given: {"requests": list(app.requests)},
            ("POST", "/admin/requests/reset"): self.reset,
            ("POST", "/admin/clock"): self.clock,
            ("POST", "/admin/fault"): self.fault,
            ("DELETE", "/admin/fault"): self.clear,
            ("POST", "/admin/edit"): self.edit,
        }

    def answer(self, request: Request) -> Response:
        """Return the answer to an admin's request; 400 says in one line what is wrong."""
        action = self.actions.get((request.method, request.path.rstrip("/")))
        if action is None:
            return _json(404, {"error": f"there is no {request.method} {request.path}"})
        try:
            given = orjson.loads(request.body) if request.body else {}
            return _json(200, action(given))
        except (KeyError, TypeError, ValueError) as error:
            return _json(400, {"error": f"{type(error).__name__}: {error}"})

    def state(self, _given: Json) -> Json:
        """Describe the account and what was asked of it."""
        account = self.app.account
        counted: dict[str, Counter[str]] = {}
        for entry in self.app.requests:
            name = f"{entry['method']} {entry['path']}"
            counted.setdefault(name, Counter())[str(entry["status"])] += 1
        return {
            "now": iso(account.now),
            "epoch": account.epoch.isoformat(),
            "counts": account.counts(),
            "requests": counted,
            "faults": [vars(fault) for fault in self.app.faults.active],
        }

    def reset(self, _given: Json) -> Json:
        """Forget the requests."""
        self.app.requests.clear()
        return {}

    def clock(self, given: Json) -> Json:
        """Move the account's clock, which stands still otherwise."""
        account = self.app.account
        if "now" in given:
            account.move_to(int(seconds(given["now"])))
        else:
            account.move_to(account.now + int(given["advance_seconds"]))
        self.app.reader.forget()
        return {"now": iso(account.now)}

    def fault(self, given: Json) -> Json:
        """Set a fault."""
        self.app.faults.add(**given)
        return {}

    def clear(self, _given: Json) -> Json:
        """Unset every fault."""
        self.app.faults.clear()
        return {}

    def edit(self, given: Json) -> Json:
        """Change or delete a resource."""
        self.app.account.edit(given["type"], given["id"], given["changes"])
        self.app.reader.forget()
        return {}


def _json(status: int, document: Any) -> Response:
    return Response(status, orjson.dumps(document), {"content-type": "application/json"})
