"""Trim Klaviyo's OpenAPI to the sandbox's endpoints.

    python -m tests.sandbox.trim_openapi stable.json beta.json > klaviyo_openapi.json

The first file is Klaviyo's stable OpenAPI 2026-07-15, the second its beta, 2026-07-15.pre, whose
campaigns, brands, senders of texts and billing usage revision 2026-10-15 made stable. Both are
published in github.com/klaviyo/openapi. The result holds one document of each, by revision.

The documents become OpenAPI 3.1, whose schemas are JSON Schema: ``nullable`` becomes a type.
Prose is dropped, and ``oneOf`` becomes ``anyOf``, because Klaviyo's alternatives overlap. What may
be null live is nullable: links to other pages, and the profile and metric of an event. The layouts
of forms and templates are cut off.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from klaviyo_sandbox.resources.registry import ENDPOINTS

Json = dict[str, Any]
PROSE = {"description", "example", "examples", "externalDocs", "discriminator", "deprecated"}
DROPPED = {"summary", "tags", "x-klaviyo-operation-aliases", "x-klaviyo-pre-release"}
CUT = {"FormDefinition", "TemplateDefinition"}
PREFIX = "#/components/schemas/"
# What 2026-10-15 includes and the beta does not, with the schema of what is included (from the
# official client klaviyo-api 25.0.0).
ADDED_INCLUDES = {
    "/api/campaigns": ("tags", "TagResponseObjectResource"),
    "/api/campaigns/{id}": ("tags", "TagResponseObjectResource"),
    "/api/campaigns/{id}/campaign-messages": ("campaign", "CampaignResponseObjectResource"),
}


def drop_prose(value: Any, *, names: bool = False) -> Any:
    """Return a part of a document without prose; with ``names`` its keys are properties."""
    if isinstance(value, list):
        return [drop_prose(part) for part in value]
    if not isinstance(value, dict):
        return value
    if names:
        return {name: drop_prose(part) for name, part in value.items()}
    kept = {
        key.replace("oneOf", "anyOf"): drop_prose(part, names=key == "properties")
        for key, part in value.items()
        if key not in PROSE and key != "nullable"
    }
    return make_nullable(kept) if value.get("nullable") is True else kept


def make_nullable(schema: Json) -> Json:
    """Return a schema that also allows null."""
    return {"anyOf": [schema, {"type": "null"}]}


def find_references(value: Any) -> set[str]:
    """Return the names of the schemas that a part of a document refers to."""
    if isinstance(value, list):
        return set().union(*map(find_references, value))
    if not isinstance(value, dict):
        return set()
    own = value.get("$ref")
    names = {own.removeprefix(PREFIX)} if isinstance(own, str) and own.startswith(PREFIX) else set()
    return names.union(*map(find_references, value.values()))


def trim(document: Json, paths: list[tuple[str, str]]) -> Json:
    """Return the operations at these methods and paths, and all that they refer to."""
    operations: Json = {}
    for method, path in paths:
        operation = drop_prose(document["paths"][path][method])
        kept = {name: part for name, part in operation.items() if name not in DROPPED}
        kept["responses"] = {
            status: response if "$ref" in response else {"description": status, **response}
            for status, response in operation["responses"].items()
        }
        operations[path] = {method: kept}
    components, defined = document["components"], document["components"]["schemas"]
    responses = {
        name: drop_prose(response) | {"description": name}
        for name, response in components["responses"].items()
    }
    schemas: Json = {}
    missing = find_references([operations, responses])
    while missing:
        found = {name: {} if name in CUT else drop_prose(defined[name]) for name in missing}
        schemas |= found
        missing = find_references(list(found.values())) - set(schemas)
    _allow_live_nulls(schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Klaviyo", "version": document["info"]["version"]},
        "servers": [{"url": server["url"]} for server in document["servers"]],
        "paths": operations,
        "components": {"responses": responses, "schemas": schemas},
    }


def _allow_live_nulls(schemas: Json) -> None:
    """Make nullable in place what is null live."""
    links = schemas["CollectionLinks"]["properties"]
    links |= {name: make_nullable(links[name]) for name in ("prev", "next")}
    # An event's metric or profile may be unknown (changelog of klaviyo-api 24.0.0).
    event = schemas.get("EventResponseObjectResource", {"properties": {}})["properties"]
    relationships = event.get("relationships", {"properties": {}})["properties"]
    for name in relationships.keys() & {"metric", "profile"}:
        relationship = relationships[name]["properties"]
        relationship["data"] = make_nullable(relationship["data"])


def add_includes(beta: Json, stable: Json) -> None:
    """Add to the beta in place what revision 2026-10-15 includes."""
    schemas = stable["components"]["schemas"] | beta["components"]["schemas"]
    beta["components"]["schemas"] = schemas
    for path, (include, schema) in ADDED_INCLUDES.items():
        operation = beta["paths"][path]["get"]
        _find_includes(operation["parameters"]).append(include)
        answer = operation["responses"]["200"]["content"]["application/vnd.api+json"]["schema"]
        members = schemas[answer["$ref"].removeprefix(PREFIX)]["properties"]
        known = members.setdefault("included", {"type": "array", "items": {}})
        added = {"$ref": f"{PREFIX}{schema}"}
        known["items"] = {"anyOf": [known["items"], added]} if known["items"] else added


def _find_includes(parameters: list[Json]) -> list[str]:
    """Return the list of includes that a request may ask for; a new one if there is none."""
    for parameter in parameters:
        if parameter["name"] == "include":
            includes: list[str] = parameter["schema"]["items"]["enum"]
            return includes
    schema = {"type": "array", "items": {"type": "string", "enum": (includes := [])}}
    parameters.append({"name": "include", "in": "query", "explode": False, "schema": schema})
    return includes


def format_json(value: Json, depth: int) -> str:
    """Return a document as JSON with one line for each thing that is ``depth`` levels down."""
    if depth < 0 or not isinstance(value, dict):
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    parts = (f"{json.dumps(name)}:{format_json(value[name], depth - 1)}" for name in sorted(value))
    return "{\n" + ",\n".join(parts) + "\n}"


def _is_campaign(path: str, beta: Json) -> bool:
    """Whether a path is one of campaigns, which 2026-10-15 took over from the beta."""
    return "campaign" in path and path in beta["paths"]


def main() -> None:
    """Print the trimmed documents."""
    stable, beta = (json.loads(Path(name).read_text()) for name in sys.argv[1:3])
    add_includes(beta, stable)
    paths = [(endpoint.method.lower(), endpoint.path) for endpoint in ENDPOINTS]
    kept = [
        path for path in paths if path[1] in stable["paths"] and not _is_campaign(path[1], beta)
    ]
    changed = [path for path in paths if path not in kept]
    trimmed = {"2026-07-15": trim(stable, kept), "2026-07-15.pre": trim(beta, changed)}
    print(format_json(trimmed, depth=3))


if __name__ == "__main__":
    main()
