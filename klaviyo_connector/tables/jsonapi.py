"""Reads JSON:API documents: paths, included resources, relationships. Pure; nothing here raises."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = Any


def get_path(source: Json, path: Sequence[str]) -> Json:
    """The value at a path of keys and list positions, or None if the path does not exist."""
    found = source
    try:
        for step in path:
            found = found[step]
    except (KeyError, TypeError):
        return _get_odd_path(source, path)
    return found


def _get_odd_path(source: Json, path: Sequence[str]) -> Json:
    for step in path:
        if isinstance(source, dict):
            source = source.get(step)
        elif isinstance(source, list) and step.isdigit() and int(step) < len(source):
            source = source[int(step)]
        else:
            return None
    return source


def documents(page: Json) -> Iterator[Json]:
    """Each document of a page, with `related`: relationship name to the resources it points to.

    A resource that the page does not include is represented by its pointer (type and id). An entry
    that is not an object becomes an empty document, which is rejected because it has no key.
    """
    # JSON:API includes a resource once per page, however many documents point to it.
    included = {_identity(item): item for item in _objects(page.get("included"))}
    for entry in page["data"]:
        document = entry if isinstance(entry, dict) else {}
        relationships = document.get("relationships")
        links = relationships if isinstance(relationships, dict) else {}
        related = {name: _resolve(link, included) for name, link in links.items()}
        yield {**document, "related": related}


def related_resources(document: Json, relationship: str) -> Iterator[Json]:
    """Each resource of one relationship, with the document itself as its `owner`."""
    found = get_path(document, ("related", relationship)) or []
    for resource in _objects(found if isinstance(found, list) else [found]):
        yield {**resource, "owner": document}


def _resolve(relationship: Json, included: Mapping[tuple[str, str], Json]) -> Json:
    pointer = relationship.get("data") if isinstance(relationship, dict) else None
    if isinstance(pointer, dict):
        return included.get(_identity(pointer), pointer)
    if isinstance(pointer, list):
        return [included.get(_identity(identifier), identifier) for identifier in _objects(pointer)]
    return None


def _objects(value: Json) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _identity(resource: dict[str, Any]) -> tuple[str, str]:
    return str(resource.get("type")), str(resource.get("id"))
