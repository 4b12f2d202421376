"""A request's query string, checked against the parameters of its endpoint."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson

from klaviyo_sandbox.api import filters
from klaviyo_sandbox.api.errors import invalid_cursor, invalid_parameter
from klaviyo_sandbox.resources.declaration import Endpoint
from klaviyo_sandbox.resources.registry import RESOURCE_TYPES

FIELDSET = re.compile(r"(fields|additional-fields)\[([a-z-]+)\]")


@dataclass(frozen=True)
class Cursor:
    """A position between two items: the key of the one before (next) or after (prev) it."""

    direction: Literal["next", "prev"]
    key: Any

    def encode(self, order: str) -> str:
        """Return the opaque text of the cursor for a link; it is valid for ``order`` only."""
        # The order is part of the text, so a cursor of another endpoint or sort is recognised.
        return base64.urlsafe_b64encode(orjson.dumps([order, self.direction, self.key])).decode()

    @classmethod
    def decode(cls, text: str, order: str) -> Cursor:
        """Return the cursor in ``text``; ValueError if it was not made for ``order``."""
        try:
            made_for, direction, key = orjson.loads(base64.urlsafe_b64decode(text.encode()))
        except (binascii.Error, orjson.JSONDecodeError, TypeError, UnicodeEncodeError):
            raise ValueError(text) from None
        if made_for != order or direction not in {"next", "prev"}:
            raise ValueError(text)
        return cls(direction, key)


@dataclass(frozen=True)
class Query:
    """The parameters of a GET request.

    ``fields`` maps a resource type to its sparse fieldset; ``filter`` is the text of
    ``conditions``.
    """

    conditions: tuple[filters.Condition, ...] = ()
    filter: str = ""
    sort: str = ""
    size: int | None = None
    cursor: Cursor | None = None
    include: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    additional: frozenset[str] = frozenset()


def decode_parameters(query_string: bytes) -> dict[str, str]:
    """Return the decoded parameters; each may occur only once."""
    pairs = parse_qsl(query_string.decode("ascii", "replace"), keep_blank_values=True)
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise invalid_parameter(name, f"'{name}' was given more than once.")
        parameters[name] = value
    return parameters


def parse_query(endpoint: Endpoint, parameters: Mapping[str, str]) -> Query:
    """Return the checked query; ApiError 400 names the first parameter that is wrong."""
    pending = dict(parameters)
    fields: dict[str, tuple[str, ...]] = {}
    additional = frozenset(endpoint.always.split())
    include = _parse_include(endpoint, pending.pop("include", ""))
    conditions = tuple(_parse_filter(endpoint, text := pending.pop("filter", "")))
    sort = _parse_sort(endpoint, pending.pop("sort", None))
    size = _parse_page_size(endpoint, pending.pop("page[size]", None))
    cursor = _parse_cursor(endpoint, pending.pop("page[cursor]", None), f"{endpoint.path} {sort}")
    for name, value in pending.items():
        match = FIELDSET.fullmatch(name)
        if match is None:
            raise invalid_parameter(name, f"'{name}' is not a valid query parameter.")
        if match[1] == "fields":
            fields[match[2]] = _parse_fields(endpoint, match[2], value)
        else:
            additional |= _parse_additional(endpoint, match[2], value)
    return Query(conditions, text, sort, size, cursor, include, fields, additional)


def _parse_include(endpoint: Endpoint, text: str) -> tuple[str, ...]:
    names = tuple(filter(None, text.split(",")))
    for name in names:
        if name not in endpoint.include.split():
            raise invalid_parameter("include", f"'{name}' is not a valid include.")
    return names


def _parse_filter(endpoint: Endpoint, text: str) -> list[filters.Condition]:
    conditions = filters.parse_conditions(text, endpoint.filters) if text else []
    fields = {condition.field for condition in conditions}
    required = set(endpoint.required_filters.split())
    if required and not required & fields:
        raise invalid_parameter("filter", f"A filter on one of {sorted(required)} is required.")
    for name, default in endpoint.default_filters.items():
        if name not in fields:
            conditions += filters.parse_conditions(default, endpoint.filters)
    return conditions


def _parse_sort(endpoint: Endpoint, text: str | None) -> str:
    if text is None:
        return "-datetime" if endpoint.resource_type == "event" else "id"
    if text.removeprefix("-") not in endpoint.sort.split():
        raise invalid_parameter("sort", f"'{text}' is not a valid sort.")
    return text


def _parse_page_size(endpoint: Endpoint, text: str | None) -> int | None:
    page = endpoint.page
    if text is None:
        return page.size if page else None
    if page is None or page.maximum is None:
        raise invalid_parameter("page[size]", "'page[size]' is not a valid query parameter.")
    if not text.isdecimal() or not 1 <= int(text) <= page.maximum:
        detail = f"Page size must be an integer between 1 and {page.maximum}."
        raise invalid_parameter("page[size]", detail)
    return int(text)


def _parse_cursor(endpoint: Endpoint, text: str | None, order: str) -> Cursor | None:
    if text is None:
        return None
    if endpoint.page is None:
        raise invalid_parameter("page[cursor]", "'page[cursor]' is not a valid query parameter.")
    try:
        return Cursor.decode(text, order)
    except ValueError:
        raise invalid_cursor() from None


def _parse_fields(endpoint: Endpoint, resource_type: str, text: str) -> tuple[str, ...]:
    """Return a sparse fieldset of the endpoint's own type or of one that it can include."""
    relationships = RESOURCE_TYPES[endpoint.resource_type].relationships
    included = {relationships[name].rstrip("*") for name in endpoint.include.split()}
    if resource_type != endpoint.resource_type and resource_type not in included:
        name = f"fields[{resource_type}]"
        raise invalid_parameter(name, f"'{name}' is not a valid query parameter.")
    names = tuple(filter(None, text.split(",")))
    attributes = RESOURCE_TYPES[resource_type].all_attributes
    for name in names:
        if name != "id" and name.partition(".")[0] not in attributes:
            raise invalid_parameter(f"fields[{resource_type}]", f"'{name}' is not a valid field.")
    return names


def _parse_additional(endpoint: Endpoint, resource_type: str, text: str) -> frozenset[str]:
    names = frozenset(filter(None, text.split(",")))
    allowed = endpoint.additional.split() if resource_type == endpoint.resource_type else []
    for name in names:
        if name not in allowed:
            parameter = f"additional-fields[{resource_type}]"
            raise invalid_parameter(parameter, f"'{name}' is not a valid additional field.")
    return names
