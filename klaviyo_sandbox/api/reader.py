"""Answers to GET: what is asked for is found, filtered, sorted and cut into pages."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import documents, filters
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import invalid_parameter, not_found
from klaviyo_sandbox.api.query import Cursor, Query
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import Endpoint
from klaviyo_sandbox.resources.resource_types import KINDS

FRESHEST_FILTER = 5
"""Seconds: Klaviyo refuses an event filter on a time nearer to now than this (airbyte#34998)."""
VIEWS_KEPT = 64


class View(NamedTuple):
    """Everything a listing would show on endless paper: items, ascending by their keys.

    The items of events are their row numbers, which are their own keys.
    """

    keys: Sequence[Any]
    items: Sequence[Any]


class Reader:
    """Reads an account for the GET endpoints."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._views: dict[object, View] = {}

    def forget(self) -> None:
        """Drop what was remembered, because the account has changed."""
        self._views.clear()

    def answer(self, endpoint: Endpoint, id_: str, query: Query, url: Url) -> Json:
        """Return the document for one request."""
        if endpoint.shape == "one":
            return self._document(endpoint, [self._one(endpoint.kind, id_)], query, url, one=True)
        if endpoint.shape != "list" and not _is_many(endpoint):
            return self._document(endpoint, self._related(endpoint, id_), query, url, one=True)
        return self._page(endpoint, self._view(endpoint, id_, query), query, url)

    def _page(self, endpoint: Endpoint, view: View, query: Query, url: Url) -> Json:
        descending = query.sort.startswith("-")
        low, high = window(view.keys, query.cursor, query.size, descending=descending)
        found, keys = view.items[low:high], view.keys[low:high]
        nothing = low == high
        at_start, at_end = low == 0 or nothing, high == len(view.keys) or nothing
        if descending:
            found, keys, at_start, at_end = found[::-1], keys[::-1], at_end, at_start
        answer = self._document(endpoint, found, query, url)
        if endpoint.page:
            order, links = f"{endpoint.path} {query.sort}", answer["links"]
            links["prev"] = None if at_start else _turn(url, "prev", keys[0], order)
            links["next"] = None if at_end else _turn(url, "next", keys[-1], order)
        return answer

    def _document(
        self, endpoint: Endpoint, found: Sequence[Any], query: Query, url: Url, *, one: bool = False
    ) -> Json:
        """Return the document of the items found; ``one`` shows the first, or null."""
        raw = self._raw(endpoint, found)
        if endpoint.shape == "identifiers":
            shown = documents.identifiers(raw)
        else:
            shown = [documents.resource(each, query, url.origin) for each in raw]
        answer = documents.document(next(iter(shown), None) if one else shown, url)
        if query.include:
            answer["included"] = self._included(raw, found, query, url)
        return answer

    def _raw(self, endpoint: Endpoint, found: Sequence[Any]) -> Sequence[Json]:
        """Return the resources of the items found."""
        if endpoint.kind == "event":
            return self.account.events.documents(np.asarray(found, dtype=np.int64))
        return found

    def _included(
        self, raw: Sequence[Json], found: Sequence[Any], query: Query, url: Url
    ) -> list[Json]:
        """Return every resource that the included relationships point to, once."""
        included: dict[tuple[str, str], Json] = {}
        for name in query.include:
            if name == "attributions":
                others = self.account.events.attributions(np.asarray(found, dtype=np.int64))
            else:
                others = self._others(raw, name, included)
            for other in others:
                shown = documents.resource(other, query, url.origin)
                included[other["type"], other["id"]] = shown
        return list(included.values())

    def _others(
        self, raw: Sequence[Json], name: str, known: dict[tuple[str, str], Json]
    ) -> list[Json]:
        named: dict[tuple[str, str], None] = {}
        for each in raw:
            data = each.get("relationships", {}).get(name, {}).get("data")
            for other in data if isinstance(data, list) else [data] if data else []:
                named[other["type"], other["id"]] = None
        others = (self.account.resource(*key) for key in named if key not in known)
        return [other for other in others if other is not None]

    def _one(self, kind: str, id_: str) -> Any:
        found: Any
        if kind == "event":
            found = self.account.events.row(id_)
            if found is not None and self.account.events.seen[found] > self.account.now:
                found = None
        else:
            found = self.account.resource(kind, id_)
        if found is None:
            raise not_found(f"A {kind} with id {id_}")
        return found

    def _related(self, endpoint: Endpoint, id_: str) -> list[Json]:
        """Return the resources at the other end of the owner's relationship."""
        owner = self._one(endpoint.owner, id_)
        if endpoint.owner == "event":
            owner = self.account.events.documents(np.asarray([owner]))[0]
        if endpoint.relation == "profiles":
            return self.account.members(id_)
        return self._others([owner], endpoint.relation, {})

    def _view(self, endpoint: Endpoint, id_: str, query: Query) -> View:
        name = (endpoint.path, id_, query.filter, query.sort.removeprefix("-"))
        if name not in self._views:
            if len(self._views) == VIEWS_KEPT:
                self._views.clear()
            self._views[name] = (
                self._event_view(query)
                if endpoint.kind == "event"
                else self._resource_view(endpoint, id_, query)
            )
        return self._views[name]

    def _event_view(self, query: Query) -> View:
        rows = self.account.events.query(
            now=self.account.now, **event_bounds(query.conditions, self.account.now)
        )
        return View(rows, rows)  # type: ignore[arg-type]  # numpy registers no Sequence

    def _resource_view(self, endpoint: Endpoint, id_: str, query: Query) -> View:
        resources = (
            self.account.resources(endpoint.kind)
            if endpoint.shape == "list"
            else self._related(endpoint, id_)
        )
        kind = KINDS[endpoint.kind]
        tests = [
            (condition, kind.place(condition.field), endpoint.filters[condition.field])
            for condition in query.conditions
        ]
        kept = [
            each
            for each in resources
            if all(
                filters.holds(condition, values_at(each, place), rule)
                for condition, place, rule in tests
            )
        ]
        place = kind.place(query.sort.removeprefix("-"))
        keyed = sorted(((_key(each, place), each) for each in kept), key=lambda pair: pair[0])
        return View([key for key, _ in keyed], [each for _, each in keyed])


def _is_many(endpoint: Endpoint) -> bool:
    return KINDS[endpoint.owner].relations[endpoint.relation].endswith("*")


def window(
    keys: Sequence[Any], cursor: Cursor | None, size: int | None, *, descending: bool
) -> tuple[int, int]:
    """Return where a page begins and ends among ascending ``keys``; it may be read backwards."""
    size = len(keys) if size is None else size
    upwards = (cursor is None or cursor.direction == "next") != descending
    try:
        if upwards:
            low = 0 if cursor is None else bisect_right(keys, cursor.key)
            return low, min(low + size, len(keys))
        high = len(keys) if cursor is None else bisect_left(keys, cursor.key)
    except TypeError:
        raise invalid_parameter("page[cursor]", "Invalid cursor provided.") from None
    return max(high - size, 0), high


def _turn(url: Url, direction: Any, key: Any, order: str) -> str:
    plain = int(key) if isinstance(key, np.integer) else key
    return str(url.turned_to("page[cursor]", Cursor(direction, plain).encode(order)))


def _key(resource: Json, place: str) -> list[Any]:
    """Return what a resource is sorted by: nulls first, equals by id."""
    values = [value for value in values_at(resource, place) if value is not None]
    return [bool(values), values[0] if values else "", resource["id"]]


def values_at(resource: Json, place: str) -> list[Any]:
    """Return the values at a dotted place; several where the way leads through a list."""
    found: list[Any] = [resource]
    for step in place.split("."):
        below = [value.get(step) for value in found if isinstance(value, dict)]
        found = [one for value in below for one in (value if isinstance(value, list) else [value])]
    return found


def event_bounds(conditions: Sequence[filters.Condition], now: int) -> dict[str, Any]:
    """Return the arguments for Events.query; whole seconds, half open."""
    bounds: dict[str, Any] = {}
    for operator, field, value in conditions:
        if field in {"metric_id", "profile_id"}:
            bounds[field] = value
        elif operator == "has":
            bounds[f"has_{field}"] = True
        else:
            if value > now - FRESHEST_FILTER:
                raise invalid_parameter("filter", f"'{field}' must be in the past.")
            if operator.startswith("greater"):
                first = ceil(value) if operator == "greater-or-equal" else floor(value) + 1
                bounds["since"] = max(first, bounds.get("since", first))
            else:
                last = ceil(value) if operator == "less-than" else floor(value) + 1
                bounds["before"] = min(last, bounds.get("before", last))
    return bounds
