"""The door beside the API, for tests and demonstrations: look, move the clock, set faults, edit.

GET    /admin                  now, epoch, counts of the first account; account ids; requests by
                               path and status; faults
GET    /admin/requests         every request since the start, with its time
POST   /admin/requests/reset   forget them
POST   /admin/clock            {"now": ISO 8601} or {"advance_seconds": n}
POST   /admin/fault            {"name": ..., "path": regex, "times": n, "after": n, ...}
DELETE /admin/fault            unset every fault
POST   /admin/edit             {"type": ..., "id": ..., "changes": {...} or null to delete}; of an
                               event only {"seen": ISO 8601}, the time from which it is shown
POST   /admin/reset            undo every edit, turn the clock back, unset faults, forget requests
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import orjson

from klaviyo_sandbox.http.exchange import Request, Response
from klaviyo_sandbox.http.faults import Faults
from klaviyo_sandbox.http.tenant import Tenant
from klaviyo_sandbox.jsonapi import Json, iso, seconds


class Admin:
    """Answers the admin's requests; ``requests`` are those made of the API so far."""

    def __init__(self, tenants: Sequence[Tenant], faults: Faults, requests: deque[Json]) -> None:
        self.tenants, self.faults, self.requests = tenants, faults, requests
        self.actions = {
            ("GET", "/admin"): self.state,
            ("GET", "/admin/requests"): lambda _given: {"requests": list(requests)},
            ("POST", "/admin/requests/reset"): self.reset,
            ("POST", "/admin/clock"): self.clock,
            ("POST", "/admin/fault"): self.fault,
            ("DELETE", "/admin/fault"): self.clear,
            ("POST", "/admin/edit"): self.edit,
            ("POST", "/admin/reset"): self.start_over,
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
        """Describe the first account and what was asked of all."""
        account = self.tenants[0].account
        counted: dict[str, Counter[str]] = {}
        for entry in self.requests:
            name = f"{entry['method']} {entry['path']}"
            counted.setdefault(name, Counter())[str(entry["status"])] += 1
        return {
            "now": iso(account.now),
            "epoch": account.epoch.isoformat(),
            "accounts": [tenant.account.company.account_id for tenant in self.tenants],
            "counts": account.counts(),
            "requests": counted,
            "faults": [vars(fault) for fault in self.faults.active],
        }

    def reset(self, _given: Json) -> Json:
        """Forget the requests."""
        self.requests.clear()
        return {}

    def clock(self, given: Json) -> Json:
        """Move the accounts' clocks, which stand still otherwise."""
        if "now" in given:
            now = int(seconds(given["now"]))
        else:
            now = self.tenants[0].account.now + int(given["advance_seconds"])
        for tenant in self.tenants:
            tenant.move_to(now)
        return {"now": iso(now)}

    def fault(self, given: Json) -> Json:
        """Set a fault."""
        self.faults.add(**given)
        return {}

    def clear(self, _given: Json) -> Json:
        """Unset every fault."""
        self.faults.clear()
        return {}

    def edit(self, given: Json) -> Json:
        """Change or delete a resource, in the first account that has it."""
        kind, id_ = given["type"], given["id"]
        owners = (one for one in self.tenants if one.account.has(kind, id_))
        next(owners, self.tenants[0]).edit(kind, id_, given["changes"])
        return {}

    def start_over(self, _given: Json) -> Json:
        """Put every account back to where it began."""
        for tenant in self.tenants:
            tenant.reset()
        self.faults.clear()
        self.requests.clear()
        return {}


def _json(status: int, document: Any) -> Response:
    return Response(status, orjson.dumps(document), {"content-type": "application/json"})
