"""The error responses of the API, in Klaviyo's error shape.

Shape: ``{"errors": [{"id", "status", "code", "title", "detail", "source"}]}`` as in Klaviyo's
OpenAPI (components/responses/ClientError). Codes and titles are those that clients report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5


@dataclass
class ApiError(Exception):
    """A response with an error status; ``source`` names the parameter or pointer at fault."""

    status: int
    code: str
    title: str
    detail: str
    source: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the JSON:API error document."""
        error = {
            "id": str(uuid5(NAMESPACE_URL, f"{self.status} {self.code} {self.detail}")),
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "source": self.source,
        }
        return {"errors": [error]}


def invalid_parameter(parameter: str, detail: str) -> ApiError:
    """A query parameter that the endpoint does not take, or not with this value."""
    return ApiError(400, "invalid", "Invalid input.", detail, {"parameter": parameter})


def invalid_body(pointer: str, detail: str) -> ApiError:
    """A part of the request's body, given as a JSON pointer, that is missing or wrong."""
    return ApiError(400, "invalid", "Invalid input.", detail, {"pointer": pointer})


def invalid_cursor(parameter: str = "page[cursor]") -> ApiError:
    """A cursor that does not belong to this endpoint and sort order."""
    return invalid_parameter(parameter, "Invalid cursor provided.")


def unknown_metrics(ids: Sequence[str]) -> ApiError:
    """A filter on metrics that the account does not have (klaviyo-api-python#41)."""
    return invalid_parameter("filter", f"Metric IDs {list(ids)} do not exist.")


def not_found(what: str) -> ApiError:
    """A path or a resource that does not exist."""
    return ApiError(404, "not_found", "Not found.", f"{what} does not exist.")


def unauthenticated(detail: str) -> ApiError:
    """A request without a key."""
    title = "Authentication credentials were not provided."
    return ApiError(401, "not_authenticated", title, detail)


def wrong_key() -> ApiError:
    """A key that belongs to no account."""
    title = "Incorrect authentication credentials."
    return ApiError(401, "authentication_failed", title, title)


def missing_scope(scope: str) -> ApiError:
    """A key without the endpoint's scope."""
    title = "You do not have permission to perform this action."
    detail = f"The API key used for this request is missing required scopes: {scope}"
    return ApiError(403, "permission_denied", title, detail)


def throttled(retry_after: int | str | None) -> ApiError:
    """Too many requests; Klaviyo then sends ``Retry-After`` and no other limit header."""
    detail = "Request was throttled."
    if isinstance(retry_after, int):
        unit = "second" if retry_after == 1 else "seconds"
        detail += f" Expected available in {retry_after} {unit}."
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return ApiError(429, "throttled", "Request was throttled.", detail, {}, headers)


def server_error() -> ApiError:
    """A failure inside the server."""
    detail = "A server error occurred."
    return ApiError(500, "error", detail, detail)
