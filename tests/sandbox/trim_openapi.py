"""Trim Klaviyo's OpenAPI to the answers that the sandbox gives, as JSON Schema.

    python -m tests.sandbox.trim_openapi stable.json beta.json > klaviyo_openapi.json

The first file is Klaviyo's stable OpenAPI 2026-07-15, the second its beta, 2026-07-15.pre, from
whose campaigns revision 2026-10-15 was made. Both are published in github.com/klaviyo/openapi.
Prose is dropped, ``nullable`` becomes a type, and ``oneOf`` becomes ``anyOf``, because
Klaviyo's alternatives overlap. What the blocks of forms and templates look like is cut off.
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


def plain(schema: Any, *, names: bool = False) -> Any:
    """Return a schema of OpenAPI 3.0 as JSON Schema; ``names`` says its keys are properties."""
    if isinstance(schema, list):
        return [plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {name: plain(each) for name, each in schema.items()}
    kept = {
        key.replace("oneOf", "anyOf"): plain(value, names=key == "properties")
        for key, value in schema.items()
        if key not in PROSE and key != "nullable" and not key.startswith("x-")
    }
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = kept["$ref"].replace(PREFIX, "#/$defs/")
    return {"anyOf": [kept, {"type": "null"}]} if schema.get("nullable") else kept


def references(schema: Any) -> set[str]:
    """Return the names of the definitions that a schema refers to."""
    if isinstance(schema, list):
        return set().union(*map(references, schema))
    if not isinstance(schema, dict):
        return set()
    own = (
        {schema["$ref"].removeprefix("#/$defs/")} if isinstance(schema.get("$ref"), str) else set()
    )
    return own.union(*map(references, schema.values()))


def trim(document: dict[str, Any], paths: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the schemas of the answers to these methods and paths, and all they refer to."""
    answers, defined = {}, document["components"]["schemas"]
    for method, path in paths:
        answer = document["paths"][path][method]["responses"]["200"]["content"]
        answers[path] = plain(answer["application/vnd.api+json"]["schema"])
    definitions: dict[str, Any] = {}
    missing = references(list(answers.values()))
    while missing:
        found = {name: {} if name in CUT else plain(defined[name]) for name in missing}
        definitions |= found
        missing = references(list(found.values())) - set(definitions)
    return {"answers": answers, "$defs": definitions}


def lines(value: dict[str, Any], depth: int) -> str:
    """Return a document as JSON with one line for each thing that is ``depth`` levels down."""
    if depth < 0:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    parts = (f"{json.dumps(name)}:{lines(value[name], depth - 1)}" for name in sorted(value))
    return "{\n" + ",\n".join(parts) + "\n}"


def main() -> None:
    """Print the trimmed schemas."""
    stable, beta = (json.loads(Path(name).read_text()) for name in sys.argv[1:3])
    paths = [(endpoint.method.lower(), endpoint.path) for endpoint in ENDPOINTS]
    changed = [each for each in paths if each[1] in beta["paths"] and "campaign" in each[1]]
    kept = [each for each in paths if each not in changed and each[1] in stable["paths"]]
    trimmed = {"2026-07-15": trim(stable, kept), "2026-07-15.pre": trim(beta, changed)}
    print(lines(trimmed, depth=2))


if __name__ == "__main__":
    main()
