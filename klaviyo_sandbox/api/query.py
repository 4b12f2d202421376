"""A request's query string, checked against what its endpoint takes."""

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
from klaviyo_sandbox.resources.resource_types import KINDS

FIELDSET = re.compile(r"(fields|additional-fields)\[([a-z-]+)\]")


@dataclass(frozen=True)
class Cursor:
    """The place between two items: the key of the one before (next) or after (prev) it."""

    direction: Literal["next", "prev"]
    key: Any

    def encode(self, order: str) -> str:
        """Return the opaque text that goes into a link; it serves for ``order`` only."""
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
    """What a GET asks for, beside its path.

    ``fields`` maps a kind to its sparse fieldset; ``filter`` is the text behind ``conditions``.
    """

    conditions: tuple[filters.Condition, ...] = ()
    filter: str = ""
    sort: str = ""
    size: int | None = None
    cursor: Cursor | None = None
    include: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    additional: frozenset[str] = frozenset()


def parameters(query_string: bytes) -> dict[str, str]:
    """Return the decoded parameters; each may stand once only."""
    pairs = parse_qsl(query_string.decode("ascii", "replace"), keep_blank_values=True)
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise invalid_parameter(name, f"'{name}' was given more than once.")
        found[name] = value
    return found


def read(endpoint: Endpoint, given: Mapping[str, str]) -> Query:
    """Return the checked query; ApiError 400 names the first parameter that is wrong."""
    asked = dict(given)
    fields: dict[str, tuple[str, ...]] = {}
    additional = frozenset(endpoint.always.split())
    include = _include(endpoint, asked.pop("include", ""))
    conditions = tuple(_conditions(endpoint, text := asked.pop("filter", "")))
    sort = _sort(endpoint, asked.pop("sort", None))
    size = _size(endpoint, asked.pop("page[size]", None))
    cursor = _cursor(endpoint, asked.pop("page[cursor]", None), f"{endpoint.path} {sort}")
    for name, value in asked.items():
        match = FIELDSET.fullmatch(name)
        if match is None:
            raise invalid_parameter(name, f"'{name}' is not a valid query parameter.")
        if match[1] == "fields":
            fields[match[2]] = _fields(endpoint, match[2], value)
        else:
            additional |= _additional(endpoint, match[2], value)
    return Query(conditions, text, sort, size, cursor, include, fields, additional)


def _include(endpoint: Endpoint, text: str) -> tuple[str, ...]:
    names = tuple(filter(None, text.split(",")))
    for name in names:
        if name not in endpoint.include.split():
            raise invalid_parameter("include", f"'{name}' is not a valid include.")
    return names


def _conditions(endpoint: Endpoint, text: str) -> list[filters.Condition]:
    conditions = filters.read(text, endpoint.filters) if text else []
    named = {condition.field for condition in conditions}
    for name, default in endpoint.unasked.items():
        if name not in named:
            conditions += filters.read(default, endpoint.filters)
    return conditions


def _sort(endpoint: Endpoint, text: str | None) -> str:
    if text is None:
        return "-datetime" if endpoint.kind == "event" else "id"
    if text.removeprefix("-") not in endpoint.sort.split():
        raise invalid_parameter("sort", f"'{text}' is not a valid sort.")
    return text


def _size(endpoint: Endpoint, text: str | None) -> int | None:
    page = endpoint.page
    if text is None:
        return page.size if page else None
    if page is None or page.most is None:
        raise invalid_parameter("page[size]", "'page[size]' is not a valid query parameter.")
    if not text.isdecimal() or not 1 <= int(text) <= page.most:
        detail = f"Page size must be an integer between 1 and {page.most}."
        raise invalid_parameter("page[size]", detail)
    return int(text)


def _cursor(endpoint: Endpoint, text: str | None, order: str) -> Cursor | None:
    if text is None:
        return None
    if endpoint.page is None:
        raise invalid_parameter("page[cursor]", "'page[cursor]' is not a valid query parameter.")
    try:
        return Cursor.decode(text, order)
    except ValueError:
        raise invalid_cursor() from None


def _fields(endpoint: Endpoint, kind: str, text: str) -> tuple[str, ...]:
    relations = KINDS[endpoint.kind].relations
    included = {relations[name].rstrip("*") for name in endpoint.include.split()}
    if kind != endpoint.kind and kind not in included:
        name = f"fields[{kind}]"
        raise invalid_parameter(name, f"'{name}' is not a valid query parameter.")
    names = tuple(filter(None, text.split(",")))
    for name in names:
        if name != "id" and name.partition(".")[0] not in KINDS[kind].attributes:
            raise invalid_parameter(f"fields[{kind}]", f"'{name}' is not a valid field.")
    return names


def _additional(endpoint: Endpoint, kind: str, text: str) -> frozenset[str]:
    names = frozenset(filter(None, text.split(",")))
    allowed = endpoint.additional.split() if kind == endpoint.kind else []
    for name in names:
        if name not in allowed:
            parameter = f"additional-fields[{kind}]"
            raise invalid_parameter(parameter, f"'{name}' is not a valid additional field.")
    return names
