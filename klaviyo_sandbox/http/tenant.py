"""One of the accounts behind the server."""

from __future__ import annotations

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import aggregate_requests, report_requests, request_body
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import ApiError
from klaviyo_sandbox.api.query import parse_query
from klaviyo_sandbox.api.reader import Reader
from klaviyo_sandbox.http.exchange import JSON_API, Request
from klaviyo_sandbox.http.rate_limits import RateLimits
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import Endpoint


class Tenant:
    """An account with its reader and, unless it is unlimited, its rate limits."""

    def __init__(self, account: Account, *, is_limited: bool) -> None:
        self.account, self.reader = account, Reader(account)
        self.rate_limits = RateLimits() if is_limited else None

    def build_document(self, endpoint: Endpoint, id_: str, request: Request, url: Url) -> Json:
        """Return the document that answers the request."""
        if endpoint.shape != "report":
            query = parse_query(endpoint, url.parameters)
            return self.reader.build_response(endpoint, id_, query, url)
        if request.headers.get("content-type", "").partition(";")[0] != JSON_API:
            title, detail = "Unsupported media type.", f"The content type must be {JSON_API}."
            raise ApiError(415, "unsupported_media_type", title, detail)
        attributes = request_body.parse_attributes(endpoint.resource_type, request.body)
        if endpoint.resource_type == "metric-aggregate":
            return aggregate_requests.build_response(self.account, attributes, url)
        return report_requests.build_response(self.account, endpoint.resource_type, attributes, url)

    def set_clock(self, now: int) -> None:
        """Set the account's clock."""
        self.account.set_clock(now)
        self.reader.clear_cache()

    def edit(self, resource_type: str, id_: str, changes: Json | None) -> None:
        """Change attributes of a resource, or delete it (None)."""
        self.account.edit(resource_type, id_, changes)
        self.reader.clear_cache()

    def change_settings(self, *, timezone: str, currency: str) -> None:
        """Set the company's time zone and currency."""
        self.account.change_settings(timezone=timezone, currency=currency)
        self.reader.clear_cache()

    def map_metric(self, role: str, metric_id: str | None) -> None:
        """Give a role to another metric or to none."""
        self.account.map_metric(role, metric_id)
        self.reader.clear_cache()

    def reset(self) -> None:
        """Return the account to its first state and forget the requests it has counted."""
        self.account.reset()
        self.reader.clear_cache()
        if self.rate_limits:
            self.rate_limits.reset()
