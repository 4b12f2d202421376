"""Trim Klaviyo's OpenAPI to the responses of the sandbox's endpoints, as JSON Schema.

    python -m tests.sandbox.trim_openapi stable.json beta.json > klaviyo_openapi.json

The first file is Klaviyo's stable OpenAPI 2026-07-15, the second its beta, 2026-07-15.pre, from
whose campaigns revision 2026-10-15 follows. Both are published in github.com/klaviyo/openapi.
Prose is dropped, ``nullable`` becomes a type, and ``oneOf`` becomes ``anyOf``, because
Klaviyo's alternatives overlap. The layouts of forms and templates are cut off.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from klaviyo_sandbox.resources.registry import ENDPOINTS

PROSE = {"description", "example", "examples", "externalDocs", "discriminator", "deprecated"}
CUT = {"FormDefinition", "TemplateDefinition"}
PREFIX = "#/components/schemas/"


def to_json_schema(schema: Any, *, names: bool = False) -> Any:
    """Return a schema of OpenAPI 3.0 as JSON Schema; with ``names`` its keys are properties."""
    if isinstance(schema, list):
        return [to_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {name: to_json_schema(each) for name, each in schema.items()}
    kept = {
        key.replace("oneOf", "anyOf"): to_json_schema(value, names=key == "properties")
        for key, value in schema.items()
        if key not in PROSE and key != "nullable" and not key.startswith("x-")
    }
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = kept["$ref"].replace(PREFIX, "#/$defs/")
    return {"anyOf": [kept, {"type": "null"}]} if schema.get("nullable") else kept


def find_references(schema: Any) -> set[str]:
    """Return the names of the definitions that a schema refers to."""
    if isinstance(schema, list):
        return set().union(*map(find_references, schema))
    if not isinstance(schema, dict):
        return set()
    own = (
        {schema["$ref"].removeprefix("#/$defs/")} if isinstance(schema.get("$ref"), str) else set()
    )
    return own.union(*map(find_references, schema.values()))


def trim(document: dict[str, Any], paths: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the schemas of the responses at these methods and paths, and all they refer to."""
    responses, defined = {}, document["components"]["schemas"]
    for method, path in paths:
        response = document["paths"][path][method]["responses"]["200"]["content"]
        responses[path] = to_json_schema(response["application/vnd.api+json"]["schema"])
    definitions: dict[str, Any] = {}
    missing = find_references(list(responses.values()))
    while missing:
        found = {name: {} if name in CUT else to_json_schema(defined[name]) for name in missing}
        definitions |= found
        missing = find_references(list(found.values())) - set(definitions)
    return {"answers": responses, "$defs": definitions}


def format_json(value: dict[str, Any], depth: int) -> str:
    """Return a document as JSON with one line for each thing that is ``depth`` levels down."""
    if depth < 0:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    parts = (f"{json.dumps(name)}:{format_json(value[name], depth - 1)}" for name in sorted(value))
    return "{\n" + ",\n".join(parts) + "\n}"


def main() -> None:
    """Print the trimmed schemas."""
    stable, beta = (json.loads(Path(name).read_text()) for name in sys.argv[1:3])
    paths = [(endpoint.method.lower(), endpoint.path) for endpoint in ENDPOINTS]
    changed = [each for each in paths if each[1] in beta["paths"] and "campaign" in each[1]]
    kept = [each for each in paths if each not in changed and each[1] in stable["paths"]]
    trimmed = {"2026-07-15": trim(stable, kept), "2026-07-15.pre": trim(beta, changed)}
    print(format_json(trimmed, depth=2))


if __name__ == "__main__":
    main()
