"""Responses to GET: select, filter, sort and paginate the resources of an account."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import ceil, floor
from typing import Any, Literal, NamedTuple

import numpy as np
import orjson

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.api import documents, filters
from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.errors import (
    invalid_body,
    invalid_parameter,
    not_found,
    unknown_metrics,
)
from klaviyo_sandbox.api.query import Cursor, Query
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import Endpoint, ResourceType
from klaviyo_sandbox.resources.registry import RESOURCE_TYPES

MIN_EVENT_FILTER_AGE = 5
"""Seconds: Klaviyo refuses an event filter on a time nearer to now than this (airbyte#34998)."""
MAX_CACHED_LISTINGS = 64
MAX_CACHED_EVENTS = 500_000
"""In one form; each takes about 1 kB."""


class Listing(NamedTuple):
    """All items of a listing, on all pages, ascending by their keys.

    The items of events are their row numbers, which are also their keys.
    """

    keys: Sequence[Any]
    items: Sequence[Any]


class Reader:
    """Answers the GET endpoints from an account."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._listings: dict[object, Listing] = {}
        self._events: dict[object, dict[int, orjson.Fragment]] = {}

    def clear_cache(self) -> None:
        """Drop the cached listings and events, because the account has changed."""
        self._listings.clear()
        self._events.clear()

    def build_response(self, endpoint: Endpoint, id_: str, query: Query, url: Url) -> Json:
        """Return the document for one request."""
        if endpoint.shape == "one":
            items = [self._find(endpoint.resource_type, id_)]
            return self._build_document(endpoint, items, query, url, is_single=True)
        if endpoint.shape != "list" and not _is_to_many(endpoint):
            items = self._find_related(endpoint, id_)
            return self._build_document(endpoint, items, query, url, is_single=True)
        return self._build_page(endpoint, self._get_listing(endpoint, id_, query), query, url)

    def _build_page(self, endpoint: Endpoint, listing: Listing, query: Query, url: Url) -> Json:
        descending = query.sort.startswith("-")
        size = query.size if endpoint.has_page_links else None
        low, high = page_bounds(listing.keys, query.cursor, size, descending=descending)
        items, keys = listing.items[low:high], listing.keys[low:high]
        is_empty = low == high
        at_start, at_end = low == 0 or is_empty, high == len(listing.keys) or is_empty
        if descending:
            items, keys, at_start, at_end = items[::-1], keys[::-1], at_end, at_start
        document = self._build_document(endpoint, items, query, url)
        if endpoint.has_page_links:
            order, links = f"{endpoint.path} {query.sort}", document["links"]
            links["prev"] = None if at_start else _page_link(url, "prev", keys[0], order)
            links["next"] = None if at_end else _page_link(url, "next", keys[-1], order)
        return document

    def _build_document(
        self,
        endpoint: Endpoint,
        items: Sequence[Any],
        query: Query,
        url: Url,
        *,
        is_single: bool = False,
    ) -> Json:
        """Return the document of the items; ``is_single`` holds the first one, or null."""
        rendered: Sequence[Any]
        if endpoint.shape == "identifiers":
            rendered = documents.identifiers(self._load(endpoint, items))
        elif endpoint.resource_type == "event":
            rendered = self._serialize_events(items, query, url.origin)
        else:
            rendered = [documents.render_resource(item, query, url.origin) for item in items]
        document = documents.document(next(iter(rendered), None) if is_single else rendered, url)
        if query.include:
            document["included"] = self._build_included(endpoint, items, query, url)
        return document

    def _load(self, endpoint: Endpoint, items: Sequence[Any]) -> Sequence[Json]:
        """Return the resources of a listing's items."""
        if endpoint.resource_type == "event":
            return self.account.events.documents(np.asarray(items, dtype=np.int64))
        return items

    def _serialize_events(
        self, rows: Sequence[int], query: Query, origin: str
    ) -> list[orjson.Fragment]:
        """Return events as JSON. Making them costs most of a page, so each is made once."""
        cached = self._events.setdefault((origin, query.include, query.fields.get("event")), {})
        if len(cached) > MAX_CACHED_EVENTS:
            cached.clear()
        numbers = np.asarray(rows, dtype=np.int64)
        missing = [number for number in numbers.tolist() if number not in cached]
        resources = self.account.events.documents(np.asarray(missing, dtype=np.int64))
        for number, raw in zip(missing, resources, strict=True):
            rendered = documents.render_resource(raw, query, origin)
            # A copy, since orjson's own bytes hold several times the memory of their content.
            cached[number] = orjson.Fragment(bytes(memoryview(orjson.dumps(rendered))))
        return [cached[number] for number in numbers.tolist()]

    def _build_included(
        self, endpoint: Endpoint, items: Sequence[Any], query: Query, url: Url
    ) -> list[Json]:
        """Return every resource at the other end of the included relationships, once."""
        included: dict[tuple[str, str], Json] = {}
        for name in query.include:
            if name == "attributions":
                others = self.account.events.attributions(np.asarray(items, dtype=np.int64))
            else:
                others = self._follow(self._load(endpoint, items), name, included)
            for other in others:
                rendered = documents.render_resource(other, query, url.origin)
                included[other["type"], other["id"]] = rendered
        return list(included.values())

    def _follow(
        self, raw: Sequence[Json], name: str, included: dict[tuple[str, str], Json]
    ) -> list[Json]:
        """Return the resources that the relationship leads to and that are not included yet."""
        keys: dict[tuple[str, str], None] = {}
        for resource in raw:
            data = resource.get("relationships", {}).get(name, {}).get("data")
            for other in data if isinstance(data, list) else [data] if data else []:
                keys[other["type"], other["id"]] = None
        others = (self.account.resource(*key) for key in keys if key not in included)
        return [other for other in others if other is not None]

    def _find(self, resource_type: str, id_: str) -> Any:
        """Return a resource, or the row number of an event; ApiError 404 if it is not visible."""
        item: Any
        _check_id(RESOURCE_TYPES[resource_type], id_)
        if resource_type == "event":
            # An id leads to its event at any time, so whether it is visible is checked here.
            item = self.account.events.find_row(id_)
            if item is not None and self.account.events.seen[item] > self.account.now:
                item = None
        else:
            item = self.account.resource(resource_type, id_)
        if item is None:
            raise not_found(f"A {resource_type} with id {id_}")
        return item

    def _find_related(self, endpoint: Endpoint, id_: str) -> list[Json]:
        """Return the resources at the other end of the owner's relationship."""
        owner = self._find(endpoint.owner, id_)
        if endpoint.owner == "event":
            owner = self.account.events.documents(np.asarray([owner]))[0]
        if endpoint.relationship == "profiles":
            return self.account.members(id_)
        return self._follow([owner], endpoint.relationship, {})

    def _get_listing(self, endpoint: Endpoint, id_: str, query: Query) -> Listing:
        # Pages, directions and fieldsets of a listing share it: only the filter and the sort field
        # change which items it holds and in which order.
        key = (endpoint.path, id_, query.filter, query.sort.removeprefix("-"))
        if key not in self._listings:
            if len(self._listings) == MAX_CACHED_LISTINGS:
                self._listings.clear()
            self._listings[key] = (
                self._list_events(query)
                if endpoint.resource_type == "event"
                else self._list_resources(endpoint, id_, query)
            )
        return self._listings[key]

    def _list_events(self, query: Query) -> Listing:
        metrics = [
            condition.value for condition in query.conditions if condition.field == "metric_id"
        ]
        unknown = [id_ for id_ in metrics if self.account.resource("metric", id_) is None]
        if unknown:
            raise unknown_metrics(unknown)
        rows = self.account.events.query(
            now=self.account.now, **event_bounds(query.conditions, self.account.now)
        )
        return Listing(rows, rows)  # type: ignore[arg-type]  # numpy registers no Sequence

    def _list_resources(self, endpoint: Endpoint, id_: str, query: Query) -> Listing:
        resources = (
            self.account.resources(endpoint.resource_type)
            if endpoint.shape == "list"
            else self._find_related(endpoint, id_)
        )
        if endpoint.has_strict_times:
            _check_times(endpoint, query, self.account.now)
        declared = RESOURCE_TYPES[endpoint.resource_type]
        tests = [
            (condition, declared.field_path(condition.field), endpoint.filters[condition.field])
            for condition in query.conditions
        ]
        selected = [
            resource
            for resource in resources
            if all(
                filters.matches(condition, values_at(resource, path), rule)
                for condition, path, rule in tests
            )
        ]
        path = declared.field_path(query.sort.removeprefix("-"))
        keyed = [(_sort_key(resource, path), resource) for resource in selected]
        keyed.sort(key=lambda pair: pair[0])
        return Listing([key for key, _ in keyed], [resource for _, resource in keyed])


def _check_id(declared: ResourceType, id_: str) -> None:
    """Raise ApiError 400 for an id that no resource of the type could have."""
    if declared.id_pattern and not re.fullmatch(declared.id_pattern, id_):
        pointer, detail = declared.malformed_id
        raise invalid_body(pointer, detail.format(id=id_))


def _check_times(endpoint: Endpoint, query: Query, now: int) -> None:
    """Raise ApiError 400 for a filter on a time to come, or on another one than is sorted by."""
    for _, name, value in query.conditions:
        if endpoint.filters[name].type != "date-time":
            continue
        if value > now:
            raise invalid_parameter("filter", f"'{name}' must be in the past.")
        if query.sort.removeprefix("-") not in {name, "id"}:
            raise invalid_parameter("sort", f"A filter on '{name}' needs a sort by it.")


def _is_to_many(endpoint: Endpoint) -> bool:
    return RESOURCE_TYPES[endpoint.owner].is_to_many(endpoint.relationship)


def page_bounds(
    keys: Sequence[Any], cursor: Cursor | None, size: int | None, *, descending: bool
) -> tuple[int, int]:
    """Return where a page begins and ends among ascending ``keys``.

    A descending listing is the ascending one read backwards: its next page ends where an
    ascending one would begin.

        keys       k0  k1  k2  k3  k4  k5  k6      (cursor at k3, size 2)
        next asc                   [k4  k5]        next desc  [k1  k2]
        prev asc       [k1  k2]                    prev desc              [k4  k5]
    """
    size = len(keys) if size is None else size
    is_upwards = (cursor is None or cursor.direction == "next") != descending
    try:
        if is_upwards:
            low = 0 if cursor is None else bisect_right(keys, cursor.key)
            return low, min(low + size, len(keys))
        high = len(keys) if cursor is None else bisect_left(keys, cursor.key)
    except TypeError:
        raise invalid_parameter("page[cursor]", "Invalid cursor provided.") from None
    return max(high - size, 0), high


def _page_link(url: Url, direction: Literal["next", "prev"], key: Any, order: str) -> str:
    # orjson, which encodes the cursor, does not take numpy's integers.
    plain = int(key) if isinstance(key, np.integer) else key
    return str(url.with_cursor("page[cursor]", Cursor(direction, plain).encode(order)))


def _sort_key(resource: Json, path: str) -> list[Any]:
    """Return the sort key of a resource: nulls first, equal values by id."""
    values = [value for value in values_at(resource, path) if value is not None]
    return [bool(values), values[0] if values else "", resource["id"]]


def values_at(resource: Json, path: str) -> list[Any]:
    """Return the values at a dotted path; several where it leads through a list."""
    values: list[Any] = [resource]
    for step in path.split("."):
        below = [value.get(step) for value in values if isinstance(value, dict)]
        values = [
            item for value in below for item in (value if isinstance(value, list) else [value])
        ]
    return values


def event_bounds(conditions: Sequence[filters.Condition], now: int) -> dict[str, Any]:
    """Return the arguments for EventStore.query: whole seconds, half open."""
    bounds: dict[str, Any] = {}
    for operator, field, value in conditions:
        if field in {"metric_id", "profile_id"}:
            bounds[field] = value
        elif operator == "has":
            bounds[f"has_{field}"] = True
        else:
            if value > now - MIN_EVENT_FILTER_AGE:
                raise invalid_parameter("filter", f"'{field}' must be in the past.")
            # Events are dated in whole seconds, so a bound between two seconds rounds up and a
            # strict bound on a whole second moves by one.
            if operator.startswith("greater"):
                first = ceil(value) if operator == "greater-or-equal" else floor(value) + 1
                bounds["since"] = max(first, bounds.get("since", first))
            else:
                last = ceil(value) if operator == "less-than" else floor(value) + 1
                bounds["before"] = min(last, bounds.get("before", last))
    return bounds
