"""The application: the API in front of the accounts, and the admin's door beside it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import formatdate
from typing import NamedTuple

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import query
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import (
    ApiError,
    missing_scope,
    not_found,
    unauthenticated,
    wrong_key,
)
from klaviyo_sandbox.http.admin import Admin
from klaviyo_sandbox.http.exchange import Message, Receive, Request, Response, Send, Wire
from klaviyo_sandbox.http.faults import Faults
from klaviyo_sandbox.http.tenant import Tenant
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import Endpoint, Rate, route

REVISION = "2026-10-15"
REVISION_YEARS = 2  # Klaviyo: one year stable, one deprecated, then sunset
SCHEME = "Klaviyo-API-Key "
REQUESTS_KEPT = 100_000


class Key(NamedTuple):
    """What a key opens: the account of a seed, within some scopes (None: all of them)."""

    seed: int
    scopes: frozenset[str] | None = None


class App:
    """An ASGI application around accounts, by seed, whose clocks go together.

    ``keys`` None accepts any key that begins with ``pk_``, for the first account; ``limited``
    counts requests, each account's apart; ``latency`` in seconds is added to every answer of the
    API.
    """

    def __init__(
        self,
        accounts: Mapping[int, Account],
        *,
        keys: Mapping[str, Key] | None = None,
        limited: bool = True,
        latency: float = 0,
    ) -> None:
        self.tenants = {seed: Tenant(one, limited=limited) for seed, one in accounts.items()}
        self.first, self.account = next(iter(accounts.items()))
        self.keys, self.latency = keys, latency
        self.faults = Faults(lambda: self.account.now)
        self.requests: deque[Json] = deque(maxlen=REQUESTS_KEPT)
        self.admin = Admin(list(self.tenants.values()), self.faults, self.requests)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        wire = Wire(scope, receive, send)
        request = await wire.request()
        if not request.path.startswith("/api/"):
            await wire.send(self.admin.answer(request))
            return
        entry = {
            "at": time.monotonic(),
            "method": request.method,
            "path": request.path,
            "query": request.query.decode("latin-1"),
            "status": 0,
            "records": 0,
        }
        self.requests.append(entry)
        await asyncio.sleep(self.latency)

        def answer(request: Request) -> Response:
            response = self.answer(request)
            entry["records"] = response.records
            return response

        entry["status"] = await self.faults.exchange(request, wire, answer)

    def answer(self, request: Request) -> Response:
        """Return the API's answer to a request."""
        headers = {"date": formatdate(self.account.now, usegmt=True)}
        try:
            key = self._key(request.headers.get("authorization"))
            _check_revision(request.headers.get("revision"), self.account.now)
            endpoint, id_ = _admitted(request, key.scopes)
            asked = query.parameters(request.query)
            tenant = self.tenants[key.seed]
            if tenant.limits:
                rate = _rate(endpoint, asked)
                headers |= tenant.limits.count(endpoint.path, rate, self.account.now)
            url = Url(request.origin, request.path, asked)
            return Response.of(200, tenant.document(endpoint, id_, request, url), headers)
        except ApiError as error:
            error.headers = headers | error.headers
            return Response.refusing(error)

    def _key(self, authorization: str | None) -> Key:
        """Return what the request's key opens."""
        if not authorization or not authorization.startswith(SCHEME):
            raise unauthenticated(
                "Missing or invalid authorization scheme. Please use "
                f"'{SCHEME}your-private-api-key'."
            )
        name = authorization.removeprefix(SCHEME).strip()
        if self.keys is None and name.startswith("pk_") and len(name) > len("pk_xx"):
            return Key(self.first)
        if self.keys is None or name not in self.keys:
            raise wrong_key()
        return self.keys[name]


def _admitted(request: Request, scopes: frozenset[str] | None) -> tuple[Endpoint, str]:
    """Return the endpoint and the id in its path, if the request may use it."""
    found = route(request.path)
    if found is None:
        raise not_found(f"The path {request.path}")
    endpoint = found[0]
    if request.method != endpoint.method:
        detail = f'Method "{request.method}" not allowed.'
        allow = {"allow": endpoint.method}
        raise ApiError(405, "method_not_allowed", "Method not allowed.", detail, {}, allow)
    for scope in endpoint.scopes.split():
        if scopes is not None and scope not in scopes:
            raise missing_scope(scope)
    return found


def _rate(endpoint: Endpoint, asked: Mapping[str, str]) -> Rate:
    additional = asked.get(f"additional-fields[{endpoint.kind}]", "").split(",")
    slow = [rate for name, rate in endpoint.slow.items() if name in additional]
    return slow[0] if slow else endpoint.rate


def _check_revision(revision: str | None, now: int) -> None:
    """Accept the one revision this sandbox speaks; say what is wrong with another."""
    title = "Invalid revision."
    if revision is None:
        raise ApiError(400, "invalid", title, "The 'revision' header is required.")
    if revision == REVISION:
        return
    try:
        made = date.fromisoformat(revision.partition(".")[0])
        sunset = made.replace(year=made.year + REVISION_YEARS)
    except ValueError:
        raise ApiError(400, "invalid", title, f"'{revision}' is no revision.") from None
    if sunset <= datetime.fromtimestamp(now, UTC).date():
        raise ApiError(410, "gone", "Gone.", f"Revision {revision} has been sunset.")
    detail = f"This sandbox speaks revision {REVISION} only, not {revision}."
    raise ApiError(400, "invalid", title, detail)
