"""Compares an answer with the form that Klaviyo's was recorded to have.

``data/recorded_shapes.yml`` holds the forms, their sources, and the language in which they are
written. Every function returns the differences, one line each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Json = dict[str, Any]
DATA = Path(__file__).parent / "data" / "recorded_shapes.yml"
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "json": (dict, list),
}


@cache
def load_shapes() -> Json:
    """Return the recorded forms."""
    shapes: Json = yaml.safe_load(DATA.read_text())
    return shapes


def compare(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Yield how a value differs from a shape: a text of types, an object's members, or a list's."""
    if isinstance(shape, str):
        if not any(_is_of_type(value, name) for name in shape.split("|")):
            yield f"{path}: {value!r:.60} is not {shape}"
    elif isinstance(shape, list):
        items = value if isinstance(value, list) else []
        if not isinstance(value, list):
            yield f"{path}: {value!r:.60} is not a list"
        for item in items:
            yield from compare(item, shape[0], f"{path}[]")
    elif not isinstance(value, dict):
        yield f"{path}: {value!r:.60} is not an object"
    else:
        yield from _compare_members(value, shape, path)


def _compare_members(value: Json, shape: Json, path: str) -> Iterator[str]:
    for name in sorted(value.keys() - {name.removesuffix("?") for name in shape}):
        yield f"{path}.{name}: not recorded"
    for name, expected in shape.items():
        member = name.removesuffix("?")
        if member in value:
            yield from compare(value[member], expected, f"{path}.{member}")
        elif member == name:
            yield f"{path}.{member}: missing"


def _is_of_type(value: Any, name: str) -> bool:
    if name == "time":
        return isinstance(value, str) and _is_time(value)
    # In Python a boolean is an integer too.
    return isinstance(value, TYPES[name]) and (name == "boolean") == isinstance(value, bool)


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() == timedelta(0) and text.endswith("+00:00")
    except ValueError:
        return False


def compare_headers(headers: Mapping[str, str], limit: str | None) -> Iterator[str]:
    """Yield what differs in the content type and in the headers of rate limits."""
    content_type = headers.get("content-type")
    if content_type != "application/vnd.api+json":
        yield f"content-type: {content_type}"
    names = [name for name in map(str.lower, headers) if "ratelimit" in name]
    expected = [f"ratelimit-{name}" for name in ("limit", "remaining", "reset")] if limit else []
    if sorted(names) != expected:
        yield f"headers {sorted(names)}, not {expected}"
    elif limit:
        told = headers["ratelimit-limit"], headers["ratelimit-reset"]
        if told != (load_shapes()["limits"][limit], "0"):
            yield f"limit and reset {told}"
        if not headers["ratelimit-remaining"].isdecimal():
            yield f"remaining {headers['ratelimit-remaining']}"


def compare_document(document: Json, answer: Json, url: str) -> Iterator[str]:
    """Yield what differs in a document of status 200 that answers ``url``."""
    query = parse_qs(urlsplit(url).query)
    included = query["include"][0].split(",") if "include" in query else []
    form, _, kind = answer["holds"].partition(" ")
    expected = {"data"} | {"links"} - {answer["links"]} | ({"included"} if included else set())
    if answer["links"] == "none":
        expected -= {"links"}
    if document.keys() != expected:
        yield f"members {sorted(document)}, not {sorted(expected)}"
    yield from _compare_links(document.get("links", {}), answer["links"], url)
    yield from _compare_data(document["data"], form, kind, included, url)
    for resource in document.get("included", ()):
        yield from compare_resource(resource, resource["type"], None, url)


def _compare_links(links: Json, form: str, url: str) -> Iterator[str]:
    names = load_shapes()["links"].get(form, [])
    if sorted(links) != names:
        yield f"links {sorted(links)}, not {names}"
    host = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
    for name, link in links.items():
        path = link and urlsplit(link).path
        if (link is None and name == "self") or (link and not link.startswith(host)):
            yield f"links.{name}: {link}"
        elif path and path != urlsplit(url).path:
            yield f"links.{name}: leads to {path}"


def _compare_data(data: Any, form: str, kind: str, included: list[str], url: str) -> Iterator[str]:
    if form == "null":
        yield from compare(data, "null", "data")
    elif kind == "report":
        yield from _compare_report(data, load_shapes()["reports"][form], url)
    elif kind == "ids":
        yield from compare(data, [{"type": "string", "id": "string"}], "data")
    elif isinstance(data, list) != (kind == "list"):
        yield f"data: {type(data).__name__}"
    else:
        for resource in data if isinstance(data, list) else [data]:
            yield from compare_resource(resource, form, included, url)


def _compare_report(data: Json, report: Json, url: str) -> Iterator[str]:
    shape = {"type": "string", "id": "string", "attributes": report["attributes"]}
    # Recorded reports have no results, and no relationships, which the OpenAPI describes.
    shape |= {"links": {"self": "string"}} if report.get("links") else {"relationships?": "json"}
    yield from compare(data, shape, "data")
    if not re.fullmatch(report["id"], data.get("id", "")):
        yield f"data.id: {data.get('id')}"
    if report.get("links") and data["links"]["self"] != f"{url.partition('?')[0]}/":
        yield f"data.links.self: {data['links']['self']}"


def compare_resource(
    resource: Json, type_: str, included: list[str] | None, url: str
) -> Iterator[str]:
    """Yield what differs in a resource; ``included`` is None for one that is itself included."""
    declared = load_shapes()["resources"].get(type_)
    if declared is None:
        return
    host = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
    address = f"{host}/api/{declared.get('path', f'{type_}s')}/{resource.get('id')}"
    if (resource.get("type"), resource.get("links")) != (type_, {"self": f"{address}/"}):
        yield f"{type_}: {resource.get('type')} {resource.get('links')}"
    yield from compare(resource.get("attributes"), declared["attributes"], type_)
    relationships, absent = resource.get("relationships", {}), declared.get("absent", [])
    shape = {
        f"{name.removesuffix('?')}?" if name in absent or included is None else name: "json"
        for name in declared.get("relationships", {})
    }
    yield from compare(relationships, shape, f"{type_}.relationships")
    if "relationships" in resource and not relationships:
        yield f"{type_}.relationships: empty"
    for name, relationship in relationships.items():
        yield from _compare_relationship(
            relationship, declared, name, address, is_included=name in (included or ())
        )


def _compare_relationship(
    relationship: Json, declared: Json, name: str, address: str, *, is_included: bool
) -> Iterator[str]:
    """Yield what differs in a relationship; data is an identifier, a list of them, or not there."""
    path = f"relationships.{name}"
    links = {"self": f"{address}/relationships/{name}/", "related": f"{address}/{name}/"}
    if relationship.get("links") != links:
        yield f"{path}.links: {relationship.get('links')}"
    always, identifier = declared.get("data", []), {"type": "string", "id": "string"}
    kinds = {key.removesuffix("?"): kind for key, kind in declared["relationships"].items()}
    if "data" in relationship:
        if not is_included and name not in [key.removesuffix("?") for key in always]:
            yield f"{path}.data: there without an include"
        shape = [identifier] if kinds[name] == "list" else identifier
        yield from compare(relationship["data"], shape, f"{path}.data")
    elif is_included or name in always:
        yield f"{path}.data: missing"


def compare_errors(document: Json, failure: Json) -> Iterator[str]:
    """Yield what differs in a document of errors."""
    expected = load_shapes()["errors"][failure["status"]] | failure
    if document.keys() != {"errors"}:
        yield f"members {sorted(document)}"
    for error in document["errors"]:
        told = {name: error.get(name) for name in ("status", "code", "title")}
        if told != {name: expected[name] for name in told}:
            yield f"told {told}"
        source = expected["source"]
        told_source = error.get("source", {})
        if told_source != source and list(told_source) not in [[name] for name in source]:
            yield f"source {told_source}"
        if error.get("detail") != expected.get("detail", error.get("detail")):
            yield f"detail {error.get('detail')}"
        known = ("id", "status", "code", "title", "detail", "source")
        extra = {name: value for name, value in error.items() if name not in known}
        if extra != expected.get("extra", {}):
            yield f"extra members {extra}"
