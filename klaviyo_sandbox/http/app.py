"""The ASGI application: the API of the accounts, and ``/admin`` beside it."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from email.utils import formatdate
from typing import NamedTuple

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import (
    ApiError,
    missing_key,
    missing_scope,
    not_found,
    wrong_key,
)
from klaviyo_sandbox.api.query import decode_parameters
from klaviyo_sandbox.http.admin import Admin
from klaviyo_sandbox.http.exchange import Exchange, Message, Receive, Request, Response, Send
from klaviyo_sandbox.http.faults import Faults
from klaviyo_sandbox.http.tenant import Tenant
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import Endpoint, Rate
from klaviyo_sandbox.resources.registry import find_endpoint

REVISION = "2026-10-15"
REVISION_YEARS = 2  # Klaviyo: one year stable, one deprecated, then sunset
AUTHORIZATION_SCHEME = "Klaviyo-API-Key "
MAX_LOGGED_REQUESTS = 100_000


class Key(NamedTuple):
    """The account that a key opens, by its seed, and the key's scopes (None: all of them)."""

    seed: int
    scopes: frozenset[str] | None = None


class App:
    """An ASGI application around accounts, by seed, whose clocks move together.

    ``keys`` None accepts any key that begins with ``pk_``, for the first account; ``is_limited``
    counts the requests of each account; ``latency`` in seconds is added to every response of the
    API; ``compresses`` serves gzip, as Klaviyo does, to clients that accept it; ``faults`` are set
    from the start.
    """

    def __init__(  # noqa: PLR0913 - one argument per option of the command
        self,
        accounts: Mapping[int, Account],
        *,
        keys: Mapping[str, Key] | None = None,
        is_limited: bool = True,
        latency: float = 0,
        compresses: bool = False,
        faults: Sequence[str] = (),
    ) -> None:
        self.tenants = {
            seed: Tenant(account, is_limited=is_limited) for seed, account in accounts.items()
        }
        self.first_seed, self.account = next(iter(accounts.items()))
        self.keys, self.latency, self.compresses = keys, latency, compresses
        self.faults = Faults(lambda: self.account.now, initial=faults)
        self.request_log: deque[Json] = deque(maxlen=MAX_LOGGED_REQUESTS)
        self.admin = Admin(list(self.tenants.values()), self.faults, self.request_log)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        exchange = Exchange(scope, receive, send)
        request = await exchange.read_request()
        if not request.path.startswith("/api/"):
            await exchange.send(self.admin.respond(request))
            return
        entry = {
            "at": time.monotonic(),
            "method": request.method,
            "path": request.path,
            "query": request.query.decode("latin-1"),
            "status": 0,
            "records": 0,
        }
        self.request_log.append(entry)
        await asyncio.sleep(self.latency)

        # A fault may alter or drop the response; the log keeps how many records it held.
        def respond(request: Request) -> Response:
            response = self.respond(request)
            entry["records"] = response.records
            if self.compresses and "gzip" in request.headers.get("accept-encoding", ""):
                response.body = gzip.compress(response.body, compresslevel=1)
                response.headers["content-encoding"] = "gzip"
            return response

        entry["status"] = await self.faults.serve(request, exchange, respond)

    def respond(self, request: Request) -> Response:
        """Return the API's response to a request."""
        headers = {"date": formatdate(self.account.now, usegmt=True)}
        try:
            key = self._authenticate(request.headers.get("authorization"))
            _check_revision(request.headers.get("revision"), self.account.now)
            endpoint, id_ = _authorize(request, key.scopes)
            parameters = decode_parameters(request.query)
            tenant = self.tenants[key.seed]
            if tenant.rate_limits:
                rate = _choose_rate(endpoint, parameters)
                headers |= tenant.rate_limits.acquire(endpoint.path, rate, self.account.now)
            url = Url(request.origin, request.path, parameters)
            document = tenant.build_document(endpoint, id_, request, url)
            return Response.from_document(200, document, headers)
        except ApiError as error:
            error.headers = headers | error.headers
            return Response.from_error(error)

    def _authenticate(self, authorization: str | None) -> Key:
        """Return what the request's key opens; ApiError 401 if it opens nothing."""
        if not authorization or not authorization.startswith(AUTHORIZATION_SCHEME):
            raise missing_key(
                "Missing or invalid authorization scheme. Please use "
                f"'{AUTHORIZATION_SCHEME}your-private-api-key'."
            )
        name = authorization.removeprefix(AUTHORIZATION_SCHEME).strip()
        if self.keys is None and name.startswith("pk_") and len(name) > len("pk_xx"):
            return Key(self.first_seed)
        if self.keys is None or name not in self.keys:
            raise wrong_key()
        return self.keys[name]


def _authorize(request: Request, scopes: frozenset[str] | None) -> tuple[Endpoint, str]:
    """Return the endpoint and the id in its path, if the scopes allow the request."""
    found = find_endpoint(request.path)
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


def _choose_rate(endpoint: Endpoint, parameters: Mapping[str, str]) -> Rate:
    """Return the endpoint's rate, or the slower one of a requested additional attribute."""
    additional = parameters.get(f"additional-fields[{endpoint.resource_type}]", "").split(",")
    slow = [rate for name, rate in endpoint.slow_rates.items() if name in additional]
    return slow[0] if slow else endpoint.rate


def _check_revision(revision: str | None, now: int) -> None:
    """Raise ApiError unless the revision is the one that this sandbox implements."""
    title = "Invalid revision."
    if revision is None:
        raise ApiError(400, "invalid", title, "The 'revision' header is required.")
    if revision == REVISION:
        return
    try:
        released = date.fromisoformat(revision.partition(".")[0])
        sunset = released.replace(year=released.year + REVISION_YEARS)
    except ValueError:
        raise ApiError(400, "invalid", title, f"'{revision}' is not a revision.") from None
    if sunset <= datetime.fromtimestamp(now, UTC).date():
        raise ApiError(410, "gone", "Gone.", f"Revision {revision} has been sunset.")
    detail = f"This sandbox speaks revision {REVISION} only, not {revision}."
    raise ApiError(400, "invalid", title, detail)
