"""Klaviyo's OpenAPI judges the sandbox's answers.

The newest that is published is 2026-07-15; for campaigns, whose shape changed in 2026-10-15, it is
the beta that the change was made from.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from klaviyo_sandbox.resources.declaration import ENDPOINTS, Endpoint
from klaviyo_sandbox.resources.resource_types import KINDS
from tests.sandbox.reading import QUESTIONS, READS, paths, question
from tests.sandbox_server import Sandbox

SPECIFICATION = Path(__file__).parent / "data" / "klaviyo_openapi.json"
IN_NO_BETA = {"campaign": {"tags"}}  # what 2026-10-15 can include and its beta could not
formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_datetime(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def validators() -> dict[str, Draft202012Validator]:
    """What judges the answer at each path."""
    return {
        path: Draft202012Validator(schema | {"$defs": part["$defs"]}, format_checker=formats)
        for part in json.loads(SPECIFICATION.read_text()).values()
        for path, schema in part["answers"].items()
    }


def complaints(path: str, document: Any) -> list[str]:
    """What is wrong with a document, in the specification's eyes.

    It does not know the null that Klaviyo links to where there is no other page.
    """
    links = {name: link for name, link in document["links"].items() if link is not None}
    errors = validators()[path].iter_errors(document | {"links": links})
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


@pytest.mark.parametrize("endpoint", READS, ids=lambda endpoint: endpoint.path)
def test_answer_is_as_specified(sandbox: Sandbox, endpoint: Endpoint) -> None:
    """Each answer to GET, with all it can include, is valid by Klaviyo's OpenAPI."""
    included = set(endpoint.include.split()) - IN_NO_BETA.get(endpoint.kind, set())
    asked = {"include": ",".join(sorted(included))} if included else {}
    if endpoint.additional:
        asked[f"additional-fields[{endpoint.kind}]"] = endpoint.additional.replace(" ", ",")
    for path in paths(sandbox, endpoint):
        assert complaints(endpoint.path, sandbox.get(path, **asked)) == []


@pytest.mark.parametrize("endpoint", QUESTIONS, ids=lambda endpoint: endpoint.path)
def test_report_is_as_specified(
    sandbox: Sandbox, metric_ids: dict[str, str], endpoint: Endpoint
) -> None:
    """Each answer to POST is valid by Klaviyo's OpenAPI."""
    answer = sandbox.report(endpoint.kind, **question(endpoint, metric_ids))
    assert complaints(endpoint.path, answer) == []


def attribute_names(path: str) -> set[str]:
    """The attributes that the specification gives the main resource at a path."""
    whole: dict[str, Any] = dict(validators()[path].schema)  # type: ignore[arg-type]
    found: set[str] = set()

    def look(schema: dict[str, Any], steps: tuple[str, ...]) -> None:
        if "$ref" in schema:
            look(whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], steps)
        for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
            look(part, steps)
        if "items" in schema:
            look(schema["items"], steps)
        if not steps:
            found.update(schema.get("properties", {}))
        elif steps[0] in schema.get("properties", {}):
            look(schema["properties"][steps[0]], steps[1:])

    look(whole, ("data", "attributes"))
    return found


@pytest.mark.parametrize(
    "endpoint",
    [each for each in READS if each.shape in {"list", "one"}],
    ids=lambda endpoint: endpoint.path,
)
def test_attributes_are_those_specified(endpoint: Endpoint, sandbox: Sandbox) -> None:
    """A resource has no attribute that Klaviyo's has not, and its table names them all."""
    specified = attribute_names(endpoint.path)
    for path in paths(sandbox, endpoint):
        data = sandbox.get(path)["data"]
        for each in data if isinstance(data, list) else [data]:
            assert set(each["attributes"]) <= specified
    listed = KINDS[endpoint.kind].attributes
    assert specified <= listed, "a field that a client may ask for"


def test_every_endpoint_is_judged() -> None:
    """No endpoint that Klaviyo specifies escapes its specification."""
    assert {endpoint.path for endpoint in ENDPOINTS} == set(validators())


@pytest.mark.parametrize("wrong", ["no key", "no such parameter", "no such thing"])
def test_refusal_is_as_specified(sandbox: Sandbox, wrong: str) -> None:
    """An error has an id, a code, a title, a detail and its source, as clients expect."""
    answer = {
        "no key": lambda: sandbox.ask("GET", "/api/events", headers={"Authorization": None}),
        "no such parameter": lambda: sandbox.ask("GET", "/api/events?colour=red"),
        "no such thing": lambda: sandbox.ask("GET", "/api/flows/NONE"),
    }[wrong]()
    assert answer.status_code in {400, 401, 404}
    (error,) = answer.json()["errors"]
    assert {"id", "status", "code", "title", "detail", "source"} == set(error)
    assert error["status"] == answer.status_code
