"""The ``/admin`` endpoints, for tests and demonstrations: state, clock, faults, edits.

GET    /admin                  now, epoch, counts of the first account; account ids; requests by
                               path and status; faults
GET    /admin/requests         every request to the API since the start, with its time
POST   /admin/requests/reset   forget these requests
POST   /admin/clock            {"now": ISO 8601} or {"advance_seconds": n}
POST   /admin/fault            {"name": ..., "path": regex, "times": n, "after": n, ...}
DELETE /admin/fault            clear every fault
POST   /admin/edit             {"type": ..., "id": ..., "changes": {...} or null to delete}; of an
                               event only {"seen": ISO 8601}, the time from which it is visible
POST   /admin/erase            {"profile": id}: erase a person; their events are redacted
POST   /admin/merge            {"profile": id, "into": id}: merge two profiles; the events follow
POST   /admin/credit           {"event": id, "attributed_event": id or null}: credit another message
                               these three take "after_seconds", by which Klaviyo is late (0)
POST   /admin/settings         {"timezone": ..., "currency": ...}: change the first account's
POST   /admin/map              {"role": "revenue", "metric_id": ... or null}: map another metric
POST   /admin/reset            return to the state at the start: clock, edits, faults (those of the
                               command line are set again), counted rate limits, requests
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import orjson

from klaviyo_sandbox.http.exchange import Request, Response
from klaviyo_sandbox.http.faults import Faults
from klaviyo_sandbox.http.tenant import Tenant
from klaviyo_sandbox.jsonapi import Json, parse_iso, to_iso


class Admin:
    """Responds to ``/admin``; ``request_log`` holds the requests to the API so far."""

    def __init__(self, tenants: Sequence[Tenant], faults: Faults, request_log: deque[Json]) -> None:
        self.tenants, self.faults, self.request_log = tenants, faults, request_log
        self.actions = {
            ("GET", "/admin"): self.describe,
            ("GET", "/admin/requests"): lambda _body: {"requests": list(request_log)},
            ("POST", "/admin/requests/reset"): self.clear_request_log,
            ("POST", "/admin/clock"): self.set_clock,
            ("POST", "/admin/fault"): self.set_fault,
            ("DELETE", "/admin/fault"): self.clear_faults,
            ("POST", "/admin/edit"): self.edit,
            ("POST", "/admin/erase"): self.erase,
            ("POST", "/admin/merge"): self.merge,
            ("POST", "/admin/credit"): self.move_credit,
            ("POST", "/admin/settings"): self.change_settings,
            ("POST", "/admin/map"): self.map_metric,
            ("POST", "/admin/reset"): self.reset,
        }

    def respond(self, request: Request) -> Response:
        """Return the response to an admin request; 400 says in one line what is wrong."""
        action = self.actions.get((request.method, request.path.rstrip("/")))
        if action is None:
            return _json(404, {"error": f"there is no {request.method} {request.path}"})
        try:
            body = orjson.loads(request.body) if request.body else {}
            return _json(200, action(body))
        except (KeyError, TypeError, ValueError) as error:
            return _json(400, {"error": f"{type(error).__name__}: {error}"})

    def describe(self, _body: Json) -> Json:
        """Describe the first account and the requests to all."""
        account = self.tenants[0].account
        counts: dict[str, Counter[str]] = {}
        for entry in self.request_log:
            name = f"{entry['method']} {entry['path']}"
            counts.setdefault(name, Counter())[str(entry["status"])] += 1
        return {
            "now": to_iso(account.now),
            "epoch": account.epoch.isoformat(),
            "accounts": [tenant.account.company.account_id for tenant in self.tenants],
            "counts": account.counts(),
            "requests": counts,
            "faults": [vars(fault) for fault in self.faults.active],
        }

    def clear_request_log(self, _body: Json) -> Json:
        """Forget the requests."""
        self.request_log.clear()
        return {}

    def set_clock(self, body: Json) -> Json:
        """Move the accounts' clocks, which do not move otherwise."""
        if "now" in body:
            now = int(parse_iso(body["now"]))
        else:
            now = self.tenants[0].account.now + int(body["advance_seconds"])
        for tenant in self.tenants:
            tenant.set_clock(now)
        return {"now": to_iso(now)}

    def set_fault(self, body: Json) -> Json:
        """Set a fault."""
        self.faults.add(**body)
        return {}

    def clear_faults(self, _body: Json) -> Json:
        """Clear every fault."""
        self.faults.clear()
        return {}

    def edit(self, body: Json) -> Json:
        """Change or delete a resource, in the first account that has it."""
        resource_type, id_ = body["type"], body["id"]
        self._find_owner(resource_type, id_).edit(resource_type, id_, body["changes"])
        return {}

    def erase(self, body: Json) -> Json:
        """Erase a person."""
        tenant = self._find_owner("profile", body["profile"])
        tenant.account.erase(body["profile"], _get_delay(body))
        tenant.reader.clear_cache()
        return {}

    def merge(self, body: Json) -> Json:
        """Merge a profile into another."""
        tenant = self._find_owner("profile", body["profile"])
        tenant.account.merge(body["profile"], body["into"], _get_delay(body))
        tenant.reader.clear_cache()
        return {}

    def move_credit(self, body: Json) -> Json:
        """Move the credit for an event to another message."""
        tenant = self._find_owner("event", body["event"])
        tenant.account.move_credit(body["event"], body["attributed_event"], _get_delay(body))
        tenant.reader.clear_cache()
        return {}

    def _find_owner(self, resource_type: str, id_: str) -> Tenant:
        """Return the first account that has a resource, or the first of all."""
        owners = (tenant for tenant in self.tenants if tenant.account.exists(resource_type, id_))
        return next(owners, self.tenants[0])

    def change_settings(self, body: Json) -> Json:
        """Change the first account's time zone and currency; what is not given stays."""
        company = self.tenants[0].account.company
        settings = {"timezone": company.timezone, "currency": company.currency} | body
        self.tenants[0].change_settings(**settings)
        return {}

    def map_metric(self, body: Json) -> Json:
        """Give a role of the first account to another metric."""
        self.tenants[0].map_metric(body["role"], body["metric_id"])
        return {}

    def reset(self, _body: Json) -> Json:
        """Return to the state at the start."""
        for tenant in self.tenants:
            tenant.reset()
        self.faults.reset()
        self.request_log.clear()
        return {}


def _get_delay(body: Json) -> int:
    """Return by how many seconds a change is late."""
    delay = int(body.get("after_seconds", 0))
    if delay < 0:
        raise ValueError("after_seconds must be 0 or more")
    return delay


def _json(status: int, document: Any) -> Response:
    return Response(status, orjson.dumps(document), {"content-type": "application/json"})
