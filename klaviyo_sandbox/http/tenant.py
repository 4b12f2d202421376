"""One of the accounts behind the door."""

from __future__ import annotations

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import aggregate_requests, query, report_requests, request_body
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import ApiError
from klaviyo_sandbox.api.reader import Reader
from klaviyo_sandbox.http.exchange import JSON_API, Request
from klaviyo_sandbox.http.rate_limits import Limits
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import Endpoint


class Tenant:
    """An account and what serves it: its reader, and its limits unless it has none."""

    def __init__(self, account: Account, *, limited: bool) -> None:
        self.account, self.reader = account, Reader(account)
        self.limits = Limits(account.company.timezone) if limited else None

    def document(self, endpoint: Endpoint, id_: str, request: Request, url: Url) -> Json:
        """Return the document that answers the request."""
        if endpoint.shape != "question":
            return self.reader.answer(endpoint, id_, query.read(endpoint, url.parameters), url)
        if request.headers.get("content-type", "").partition(";")[0] != JSON_API:
            title, detail = "Unsupported media type.", f"The content type must be {JSON_API}."
            raise ApiError(415, "unsupported_media_type", title, detail)
        attributes = request_body.read(endpoint.kind, request.body)
        if endpoint.kind == "metric-aggregate":
            return aggregate_requests.answer(self.account, attributes, url)
        return report_requests.answer(self.account, endpoint.kind, attributes, url)

    def move_to(self, now: int) -> None:
        """Set the account's clock."""
        self.account.move_to(now)
        self.reader.forget()

    def reset(self) -> None:
        """Put the account back to where it began."""
        self.account.reset()
        self.reader.forget()

    def edit(self, kind: str, id_: str, changes: Json | None) -> None:
        """Change attributes of a resource, or delete it (None)."""
        self.account.edit(kind, id_, changes)
        self.reader.forget()
