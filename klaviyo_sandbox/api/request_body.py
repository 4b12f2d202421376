"""The part that all POST endpoints share: a checked JSON:API body and a paginated response."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import filters
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import ApiError, invalid_body, invalid_cursor, not_found
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import Filter

ATTRIBUTES = "/data/attributes"


def parse_attributes(resource_type: str, content: bytes) -> Json:
    """Return the attributes in a request's body, which must be of this type."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise invalid_body("/", "The request's body is not JSON.") from None
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise invalid_body("/data", "'data' is required.")
    if data.get("type") != resource_type:
        raise invalid_body("/data/type", f"'type' must be '{resource_type}'.")
    attributes = data.get("attributes")
    if not isinstance(attributes, dict):
        raise invalid_body(ATTRIBUTES, "'attributes' is required.")
    return attributes


def check_names(attributes: Json, allowed: Collection[str]) -> None:
    """Reject an attribute that the endpoint does not take."""
    for name in attributes:
        if name not in allowed:
            raise invalid_body(f"{ATTRIBUTES}/{name}", f"'{name}' is not a valid attribute.")


def parse_names(
    attributes: Json, name: str, allowed: Collection[str], *, required: bool = True
) -> tuple[str, ...]:
    """Return a list of allowed names, without repetitions."""
    pointer, value = f"{ATTRIBUTES}/{name}", attributes.get(name)
    if value is None and not required:
        return ()
    if not isinstance(value, list) or (required and not value):
        raise invalid_body(pointer, f"'{name}' must be a list with at least one entry.")
    unknown = [entry for entry in value if entry not in allowed]
    if unknown:
        raise invalid_body(
            pointer, *(f"'{entry}' is not a valid choice for '{name}'." for entry in unknown)
        )
    return tuple(dict.fromkeys(value))


def parse_choice(
    attributes: Json, name: str, allowed: Collection[str], default: str | None = None
) -> str:
    """Return one allowed name."""
    value = attributes.get(name)
    choice = default if value is None else value
    if choice not in allowed:
        detail = f"'{name}' must be one of {', '.join(allowed)}."
        raise invalid_body(f"{ATTRIBUTES}/{name}", detail)
    return str(choice)


def parse_metric_id(account: Account, attributes: Json, name: str) -> str:
    """Return the id of a metric of the account."""
    id_ = attributes.get(name)
    if not isinstance(id_, str) or not id_:
        raise invalid_body(f"{ATTRIBUTES}/{name}", f"'{name}' is required.")
    if account.resource("metric", id_) is None:
        raise not_found(f"A metric with id {id_}")
    return id_


def parse_filter(text: str, allowed: Mapping[str, Filter]) -> list[filters.Condition]:
    """Return the conditions of a filter; an error names the body, not the query string."""
    try:
        return filters.parse_conditions(text, allowed)
    except ApiError as error:
        raise invalid_body(f"{ATTRIBUTES}/filter", error.detail) from None


def paginate(
    rows: Sequence[Any], cursor: Any, size: int, url: Url
) -> tuple[Sequence[Any], dict[str, str | None]]:
    """Return one page of rows and its links; a cursor is the encoded number of its first row."""
    first = 0
    if cursor is not None:
        try:
            first = int(base64.urlsafe_b64decode(str(cursor)))
        except (binascii.Error, ValueError):
            raise invalid_cursor("page_cursor") from None
    following = first + size if first + size < len(rows) else None
    previous = max(first - size, 0) if first else None
    links = {
        "self": str(url),
        "next": _page_link(url, following),
        "prev": _page_link(url, previous),
    }
    return rows[first : first + size], links


def _page_link(url: Url, row: int | None) -> str | None:
    if row is None:
        return None
    return str(url.with_cursor("page_cursor", base64.urlsafe_b64encode(b"%d" % row).decode()))
