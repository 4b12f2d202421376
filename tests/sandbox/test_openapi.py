"""The sandbox's responses are valid by Klaviyo's OpenAPI.

The newest published revision is 2026-07-15. For campaigns, whose shape changed in 2026-10-15, the
specification is the beta that the change was made from.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from klaviyo_sandbox.resources.registry import ENDPOINTS, RESOURCE_TYPES
from tests.sandbox.endpoint_samples import (
    GET_ENDPOINTS,
    REPORT_ENDPOINTS,
    report_attributes,
    sample_paths,
)
from tests.sandbox_server import Sandbox

SPECIFICATION = Path(__file__).parent / "data" / "klaviyo_openapi.json"
NOT_IN_BETA = {"campaign": {"tags"}}  # includes of 2026-10-15 that its beta lacks
RECORDED = {"anonymous_id", "whatsapp_bsuid"}  # of live profiles, though not specified
formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_datetime(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def load_validators() -> dict[str, Draft202012Validator]:
    """Return the validator of the response at each path."""
    return {
        path: Draft202012Validator(schema | {"$defs": part["$defs"]}, format_checker=formats)
        for part in json.loads(SPECIFICATION.read_text()).values()
        for path, schema in part["answers"].items()
    }


def validate(path: str, document: Any) -> list[str]:
    """Return what the specification finds wrong with a document.

    It does not allow the null that Klaviyo links to where there is no other page.
    """
    if document["data"] is None:
        return []  # recorded live: a to-one relationship that leads nowhere is null, without links
    links = {name: link for name, link in document["links"].items() if link is not None}
    errors = load_validators()[path].iter_errors(document | {"links": links})
    return [f"{path} {error.json_path}: {error.message[:300]}" for error in errors]


def specified_attributes(path: str) -> set[str]:
    """Return the attributes that the specification gives the main resource at a path."""
    whole: dict[str, Any] = dict(load_validators()[path].schema)  # type: ignore[arg-type]
    names: set[str] = set()

    def collect(schema: dict[str, Any], steps: tuple[str, ...]) -> None:
        if "$ref" in schema:
            collect(whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], steps)
        for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
            collect(part, steps)
        if "items" in schema:
            collect(schema["items"], steps)
        if not steps:
            names.update(schema.get("properties", {}))
        elif steps[0] in schema.get("properties", {}):
            collect(schema["properties"][steps[0]], steps[1:])

    collect(whole, ("data", "attributes"))
    return names


def test_get_responses_are_valid(sandbox: Sandbox) -> None:
    """Each response to GET, with every include, is valid by Klaviyo's OpenAPI."""
    errors = []
    for endpoint in GET_ENDPOINTS:
        includes = set(endpoint.include.split())
        includes -= NOT_IN_BETA.get(endpoint.resource_type, set())
        parameters = {"include": ",".join(sorted(includes))} if includes else {}
        if endpoint.additional:
            name = f"additional-fields[{endpoint.resource_type}]"
            parameters[name] = endpoint.additional.replace(" ", ",")
        paths = sample_paths(sandbox, endpoint)
        errors += [] if paths else [f"{endpoint.path}: no resource to read"]
        for path in paths:
            errors += validate(endpoint.path, sandbox.get(path, **parameters))
    assert errors == []


def test_report_responses_are_valid(sandbox: Sandbox, metric_ids: dict[str, str]) -> None:
    """Each response to POST is valid by Klaviyo's OpenAPI."""
    errors = []
    for endpoint in REPORT_ENDPOINTS:
        attributes = report_attributes(endpoint, metric_ids)
        response = sandbox.report(endpoint.resource_type, **attributes)
        errors += validate(endpoint.path, response)
    assert errors == []


def test_attributes_are_those_specified(sandbox: Sandbox) -> None:
    """A resource has no unspecified attribute, and its declaration has every specified one."""
    unspecified, undeclared = set(), set()
    for endpoint in GET_ENDPOINTS:
        if endpoint.shape not in {"list", "one"}:
            continue
        specified = specified_attributes(endpoint.path)
        for path in sample_paths(sandbox, endpoint):
            data = sandbox.get(path)["data"]
            for each in data if isinstance(data, list) else [data]:
                names = set(each["attributes"]) - specified - RECORDED
                unspecified |= {(endpoint.path, name) for name in names}
        names = specified - RESOURCE_TYPES[endpoint.resource_type].all_attributes
        undeclared |= {(endpoint.path, name) for name in names}
    assert (unspecified, undeclared) == (set(), set())


def test_every_endpoint_has_a_specification() -> None:
    """Every endpoint of the sandbox has a specification, and every specification an endpoint."""
    assert {endpoint.path for endpoint in ENDPOINTS} == set(load_validators())


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/events", {"Authorization": None}, 401),
        ("/api/events?colour=red", {}, 400),
        ("/api/flows/NONE", {}, 404),
    ],
)
def test_errors_are_complete(
    sandbox: Sandbox, path: str, headers: dict[str, Any], status: int
) -> None:
    """An error has at least an id, a code, a title, a detail and its source, as clients expect."""
    response = sandbox.request("GET", path, headers=headers)
    (error,) = response.json()["errors"]
    assert {"id", "status", "code", "title", "detail", "source"} <= set(error)
    assert (response.status_code, error["status"]) == (status, status)
