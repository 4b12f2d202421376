"""JSON:API documents: resources with links and sparse fields, and the document around them.

A relationship has data when it is included, or when its resource type shows it always; an empty
one has links alone or is absent (tests/sandbox/data/recorded_shapes.yml).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from klaviyo_sandbox.api.query import Query
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import ResourceType
from klaviyo_sandbox.resources.registry import RESOURCE_TYPES

NO_RELATIONSHIP: Json = {}


@dataclass(frozen=True)
class Url:
    """The address of a request; ``origin`` is scheme and host, without a slash."""

    origin: str
    path: str
    parameters: Mapping[str, str]

    def __str__(self) -> str:
        query = urlencode(self.parameters)
        return f"{self.origin}{self.path}?{query}" if query else f"{self.origin}{self.path}"

    def with_cursor(self, name: str, cursor: str) -> Url:
        """Return the address of another page; ``name`` is the parameter that takes the cursor."""
        return Url(self.origin, self.path, {**self.parameters, name: cursor})


def render_resource(raw: Json, query: Query, origin: str) -> Json:
    """Return a resource with its links and only the fields that the query selects."""
    declared = RESOURCE_TYPES[raw["type"]]
    url = f"{origin}/api/{declared.plural}/{raw['id']}"
    rendered: Json = {"type": raw["type"], "id": raw["id"]}
    if declared.attributes:
        rendered["attributes"] = _select_attributes(raw, declared, query)
    relationships = _render_relationships(
        raw.get("relationships", NO_RELATIONSHIP), declared, url, query.include
    )
    if relationships:
        rendered["relationships"] = relationships
    rendered["links"] = {"self": f"{url}/"}
    return rendered


def _select_attributes(raw: Json, declared: ResourceType, query: Query) -> Json:
    attributes: Json = raw["attributes"]
    fields = query.fields.get(raw["type"])
    if fields is not None:
        return _select_paths(attributes, [name.split(".") for name in fields])
    if not declared.additional:
        return attributes
    hidden = set(declared.additional.split()) - query.additional
    return {name: value for name, value in attributes.items() if name not in hidden}


def _render_relationships(
    relationships: Json, declared: ResourceType, url: str, include: Collection[str]
) -> Json:
    rendered: Json = {}
    for name in declared.relationships:
        links = {"self": f"{url}/relationships/{name}/", "related": f"{url}/{name}/"}
        relationship = relationships.get(name, NO_RELATIONSHIP)
        if name in declared.left_out.split() and not relationship.get("data"):
            continue
        has_data = "data" in relationship and (name in include or declared.has_data(name))
        rendered[name] = (
            {"data": relationship["data"], "links": links} if has_data else {"links": links}
        )
    return rendered


def _select_paths(value: Json, paths: list[list[str]]) -> Json:
    """Return the parts of an object at the paths, nested as in the object."""
    selected: Json = {}
    for name, child in value.items():
        below = [path[1:] for path in paths if path[0] == name]
        if not below:
            continue
        is_whole = [] in below or not isinstance(child, dict)
        selected[name] = child if is_whole else _select_paths(child, below)
    return selected


def document(data: Any, url: Url) -> Json:
    """Return a top-level document; one without a resource has no links."""
    return {"data": None} if data is None else {"data": data, "links": {"self": str(url)}}


def identifiers(resources: Iterable[Json]) -> list[Json]:
    """Return only the type and id of each resource."""
    return [{"type": resource["type"], "id": resource["id"]} for resource in resources]
