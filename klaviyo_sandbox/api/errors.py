"""The error responses of the API, in Klaviyo's error shape.

Members, codes, titles and sources are as recorded live (tests/sandbox/data/recorded_shapes.yml):
a 400 also has empty ``links`` and ``meta``, a 429 a link to Klaviyo's guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

GUIDE = "https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling#rate-limits"
DOCUMENT = {"pointer": "/data/"}  # the source of an error that no part of the request causes


@dataclass
class ApiError(Exception):
    """A response with an error status; ``source`` names the parameter or pointer at fault.

    ``more_details`` are those of further errors of the same kind, ``extra`` further members.
    """

    status: int
    code: str
    title: str
    detail: str
    source: dict[str, str] = field(default_factory=lambda: DOCUMENT)
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    more_details: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the JSON:API error document."""
        return {"errors": [self._describe(detail) for detail in (self.detail, *self.more_details)]}

    def _describe(self, detail: str) -> dict[str, Any]:
        return {
            "id": str(uuid5(NAMESPACE_URL, f"{self.status} {self.code} {detail}")),
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": detail,
            "source": self.source,
            **self.extra,
        }


def _invalid(source: dict[str, str], detail: str, *more_details: str) -> ApiError:
    extra: dict[str, Any] = {"links": [], "meta": []}
    return ApiError(
        400, "invalid", "Invalid input.", detail, source, extra=extra, more_details=more_details
    )


def invalid_parameter(parameter: str, detail: str) -> ApiError:
    """A query parameter that the endpoint does not take, or not with this value."""
    return _invalid({"parameter": parameter}, detail)


def invalid_body(pointer: str, *details: str) -> ApiError:
    """A part of the request's body, given as a JSON pointer, that is missing or wrong."""
    return _invalid({"pointer": pointer}, *details)


def invalid_cursor(parameter: str = "page[cursor]") -> ApiError:
    """A cursor that does not belong to this endpoint and sort order."""
    return invalid_parameter(parameter, "Invalid cursor provided.")


def unknown_metrics(ids: Sequence[str]) -> ApiError:
    """A filter on metrics that the account does not have (klaviyo-api-python#41)."""
    return invalid_parameter("filter", f"Metric IDs {list(ids)} do not exist.")


def not_found(what: str) -> ApiError:
    """A path or a resource that does not exist."""
    return ApiError(404, "not_found", "Not found.", f"{what} does not exist.")


def missing_key(detail: str) -> ApiError:
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


def too_many_requests(retry_after: int | str | None) -> ApiError:
    """Too many requests; Klaviyo then sends ``Retry-After`` and no other limit header."""
    detail = "Request was throttled."
    if isinstance(retry_after, int):
        unit = "second" if retry_after == 1 else "seconds"
        detail += f" Expected available in {retry_after} {unit}."
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    extra: dict[str, Any] = {"links": {"type": GUIDE}, "meta": []}
    source = {"pointer": "/data"}
    return ApiError(429, "throttled", "Request was throttled.", detail, source, headers, extra)


def server_error() -> ApiError:
    """A failure inside the server."""
    detail = "A server error occurred."
    return ApiError(500, "error", detail, detail)
