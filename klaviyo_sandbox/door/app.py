"""The application: the API in front of an account, and the admin's door beside it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import formatdate

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import aggregates, body, query, questions
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.endpoints import Endpoint, Rate, route
from klaviyo_sandbox.api.errors import (
    ApiError,
    missing_scope,
    not_found,
    unauthenticated,
    wrong_key,
)
from klaviyo_sandbox.api.reader import Reader
from klaviyo_sandbox.door.admin import Admin
from klaviyo_sandbox.door.faults import Faults
from klaviyo_sandbox.door.limits import Limits
from klaviyo_sandbox.door.wire import JSON_API, Message, Receive, Request, Response, Send, Wire
from klaviyo_sandbox.jsonapi import Json

REVISION = "2026-10-15"
REVISION_YEARS = 2  # Klaviyo: one year stable, one deprecated, then sunset
SCHEME = "Klaviyo-API-Key "
REQUESTS_KEPT = 100_000

Keys = Mapping[str, frozenset[str] | None]
"""Each key and its scopes; None stands for all scopes."""


class App:
    """An ASGI application around one account.

    ``keys`` None accepts any key that begins with ``pk_``; ``limits`` None counts nothing;
    ``latency`` in seconds is added to every answer of the API.
    """

    def __init__(
        self,
        account: Account,
        *,
        keys: Keys | None = None,
        limits: Limits | None = None,
        latency: float = 0,
    ) -> None:
        self.account, self.keys, self.limits, self.latency = account, keys, limits, latency
        self.reader = Reader(account)
        self.faults = Faults(lambda: account.now)
        self.requests: deque[Json] = deque(maxlen=REQUESTS_KEPT)
        self.admin = Admin(self)

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
        }
        self.requests.append(entry)
        await asyncio.sleep(self.latency)
        entry["status"] = await self.faults.exchange(request, wire, self.answer)

    def answer(self, request: Request) -> Response:
        """Return the API's answer to a request."""
        headers = {"date": formatdate(self.account.now, usegmt=True)}
        try:
            endpoint, id_ = self._admitted(request)
            asked = query.parameters(request.query)
            rate = _rate(endpoint, asked)
            if self.limits:
                headers |= self.limits.count(endpoint.path, rate, self.account.now)
            url = Url(request.origin, request.path, asked)
            return Response.of(200, self._document(endpoint, id_, request, url), headers)
        except ApiError as error:
            error.headers = headers | error.headers
            return Response.refusing(error)

    def _admitted(self, request: Request) -> tuple[Endpoint, str]:
        """Return the endpoint, if the request may use it."""
        scopes = self._scopes(request.headers.get("authorization"))
        _check_revision(request.headers.get("revision"), self.account.now)
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

    def _scopes(self, authorization: str | None) -> frozenset[str] | None:
        """Return the scopes of the request's key, None for all of them."""
        if not authorization or not authorization.startswith(SCHEME):
            raise unauthenticated(
                "Missing or invalid authorization scheme. Please use "
                f"'{SCHEME}your-private-api-key'."
            )
        key = authorization.removeprefix(SCHEME).strip()
        if self.keys is not None:
            if key not in self.keys:
                raise wrong_key()
            return self.keys[key]
        if not key.startswith("pk_") or len(key) <= len("pk_xx"):
            raise wrong_key()
        return None

    def _document(self, endpoint: Endpoint, id_: str, request: Request, url: Url) -> Json:
        if endpoint.shape != "question":
            return self.reader.answer(endpoint, id_, query.read(endpoint, url.parameters), url)
        if request.headers.get("content-type", "").partition(";")[0] != JSON_API:
            title, detail = "Unsupported media type.", f"The content type must be {JSON_API}."
            raise ApiError(415, "unsupported_media_type", title, detail)
        attributes = body.read(endpoint.kind, request.body)
        if endpoint.kind == "metric-aggregate":
            return aggregates.answer(self.account, attributes, url)
        return questions.answer(self.account, endpoint.kind, attributes, url)


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
