"""JSON:API documents: resources as the API shows them, with links, and their wrapping.

A to-one relationship always carries its data; a to-many one only when it is included (clients of
``/api/events`` read metric and profile without asking; Klaviyo's guide on relationships says the
rest).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from klaviyo_sandbox.api.query import Query
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.resource_types import KINDS, Kind

NO_RELATIONSHIP: Json = {}


@dataclass(frozen=True)
class Url:
    """The address a request came to; ``origin`` is scheme and host, without a slash."""

    origin: str
    path: str
    parameters: Mapping[str, str]

    def __str__(self) -> str:
        query = urlencode(self.parameters)
        return f"{self.origin}{self.path}?{query}" if query else f"{self.origin}{self.path}"

    def turned_to(self, name: str, cursor: str) -> Url:
        """Return the address of another page; ``name`` is the parameter that takes the cursor."""
        return Url(self.origin, self.path, {**self.parameters, name: cursor})


def resource(raw: Json, query: Query, origin: str) -> Json:
    """Return a resource with its links, without what was not asked for."""
    kind = KINDS[raw["type"]]
    own = f"{origin}/api/{kind.plural}/{raw['id']}"
    shown: Json = {"type": raw["type"], "id": raw["id"]}
    if kind.fields:
        shown["attributes"] = _attributes(raw, kind, query)
    if kind.relations:
        shown["relationships"] = _relationships(raw["relationships"], kind, own, query.include)
    shown["links"] = {"self": f"{own}/"}
    return shown


def _attributes(raw: Json, kind: Kind, query: Query) -> Json:
    attributes: Json = raw["attributes"]
    asked = query.fields.get(raw["type"])
    if asked is not None:
        return _picked(attributes, [name.split(".") for name in asked])
    if not kind.additional:
        return attributes
    hidden = set(kind.additional.split()) - query.additional
    return {name: value for name, value in attributes.items() if name not in hidden}


def _relationships(known: Json, kind: Kind, own: str, include: Collection[str]) -> Json:
    shown: Json = {}
    for name in kind.relations:
        links = {"self": f"{own}/relationships/{name}/", "related": f"{own}/{name}/"}
        relationship = known.get(name, NO_RELATIONSHIP)
        is_told = "data" in relationship and (
            name in include or not isinstance(relationship["data"], list)
        )
        shown[name] = (
            {"data": relationship["data"], "links": links} if is_told else {"links": links}
        )
    return shown


def _picked(value: Json, paths: list[list[str]]) -> Json:
    """Return the parts of an object that the paths lead to, nested as they were."""
    picked: Json = {}
    for name, child in value.items():
        below = [path[1:] for path in paths if path[0] == name]
        if not below:
            continue
        whole = [] in below or not isinstance(child, dict)
        picked[name] = child if whole else _picked(child, below)
    return picked


def document(data: Any, url: Url) -> Json:
    """Return a top-level document."""
    return {"data": data, "links": {"self": str(url)}}


def identifiers(shown: Iterable[Json]) -> list[Json]:
    """Return only what names each resource."""
    return [{"type": each["type"], "id": each["id"]} for each in shown]
