"""What the POST endpoints share: reading a JSON:API body and paging an answer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any

import orjson

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import filters
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import ApiError, invalid_body, invalid_cursor, not_found
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import Filter

ATTRIBUTES = "/data/attributes"


def read(kind: str, content: bytes) -> Json:
    """Return the attributes in a request's body, which must be of this kind."""
    try:
        given = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise invalid_body("/", "The request's body is not JSON.") from None
    data = given.get("data") if isinstance(given, dict) else None
    if not isinstance(data, dict):
        raise invalid_body("/data", "'data' is required.")
    if data.get("type") != kind:
        raise invalid_body("/data/type", f"'type' must be '{kind}'.")
    attributes = data.get("attributes")
    if not isinstance(attributes, dict):
        raise invalid_body(ATTRIBUTES, "'attributes' is required.")
    return attributes


def known(attributes: Json, names: Collection[str]) -> None:
    """Refuse an attribute that the endpoint does not take."""
    for name in attributes:
        if name not in names:
            raise invalid_body(f"{ATTRIBUTES}/{name}", f"'{name}' is not a valid attribute.")


def names(
    attributes: Json, name: str, allowed: Collection[str], *, required: bool = True
) -> tuple[str, ...]:
    """Return a list of names, each one of those allowed, without repetitions."""
    pointer, given = f"{ATTRIBUTES}/{name}", attributes.get(name)
    if given is None and not required:
        return ()
    if not isinstance(given, list) or (required and not given):
        raise invalid_body(pointer, f"'{name}' must be a list with at least one entry.")
    for each in given:
        if each not in allowed:
            raise invalid_body(pointer, f"'{each}' is not a valid choice for '{name}'.")
    return tuple(dict.fromkeys(given))


def choice(
    attributes: Json, name: str, allowed: Collection[str], default: str | None = None
) -> str:
    """Return one name of those allowed."""
    given = attributes.get(name)
    chosen = default if given is None else given
    if chosen not in allowed:
        detail = f"'{name}' must be one of {', '.join(allowed)}."
        raise invalid_body(f"{ATTRIBUTES}/{name}", detail)
    return str(chosen)


def metric(account: Account, attributes: Json, name: str) -> str:
    """Return the id of a metric of the account."""
    id_ = attributes.get(name)
    if not isinstance(id_, str) or not id_:
        raise invalid_body(f"{ATTRIBUTES}/{name}", f"'{name}' is required.")
    if account.resource("metric", id_) is None:
        raise not_found(f"A metric with id {id_}")
    return id_


def conditions(
    given: str, allowed: Mapping[str, Filter], zone: tzinfo = UTC
) -> list[filters.Condition]:
    """Return the filters in ``given``; what is wrong with them is said of the body."""
    try:
        return filters.read(given, allowed, zone)
    except ApiError as error:
        raise invalid_body(f"{ATTRIBUTES}/filter", error.detail) from None


def page(
    rows: Sequence[Any], cursor: Any, size: int, url: Url
) -> tuple[Sequence[Any], dict[str, str | None]]:
    """Return one page of rows and its links; a cursor is the opaque number of its first row."""
    first = 0
    if cursor is not None:
        try:
            first = int(base64.urlsafe_b64decode(str(cursor)))
        except (binascii.Error, ValueError):
            raise invalid_cursor("page_cursor") from None
    following = first + size if first + size < len(rows) else None
    previous = max(first - size, 0) if first else None
    links = {"self": str(url), "next": _turn(url, following), "prev": _turn(url, previous)}
    return rows[first : first + size], links


def _turn(url: Url, row: int | None) -> str | None:
    if row is None:
        return None
    return str(url.turned_to("page_cursor", base64.urlsafe_b64encode(b"%d" % row).decode()))
