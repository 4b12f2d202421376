"""The sandbox's responses are valid by Klaviyo's OpenAPI.

The newest published revision is 2026-07-15. For campaigns, whose shape changed in 2026-10-15, the
specification is the beta that the change was made from.
"""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_sandbox.resources.registry import ENDPOINTS, RESOURCE_TYPES
from tests.sandbox.endpoint_samples import (
    GET_ENDPOINTS,
    REPORT_ENDPOINTS,
    report_attributes,
    sample_paths,
    sample_query,
)
from tests.sandbox.klaviyo_contract import (
    Exchange,
    find_schema,
    list_paths,
    validate_answer,
    validate_request,
)
from tests.sandbox_server import Sandbox, build_body

PREFIX = "#/components/schemas/"
RECORDED = {"anonymous_id", "whatsapp_bsuid"}  # of live profiles, though not specified


def validate(sandbox: Sandbox, method: str, path: str, **options: Any) -> list[str]:
    """Return what the OpenAPI finds wrong with a request and the sandbox's answer to it."""
    response = sandbox.request(method, path, **options)
    assert response.status_code == 200, response.text
    if response.json()["data"] is None:
        return []  # recorded live: a to-one relationship that leads nowhere is null, without links
    sent = response.request
    body: Any = sent.body
    exchange = Exchange(method, str(sent.url), sent.headers, body, 200, response.content)
    return validate_request(exchange) + validate_answer(exchange)


def specified_attributes(path: str) -> set[str]:
    """Return the attributes that the specification gives the main resource at a path."""
    whole = find_schema(path)
    names: set[str] = set()

    def collect(schema: dict[str, Any], steps: tuple[str, ...]) -> None:
        if "$ref" in schema:
            collect(whole["components"]["schemas"][schema["$ref"].removeprefix(PREFIX)], steps)
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
        includes = endpoint.include.replace(" ", ",")
        parameters = {**sample_query(endpoint), **({"include": includes} if includes else {})}
        if endpoint.additional:
            name = f"additional-fields[{endpoint.resource_type}]"
            parameters[name] = endpoint.additional.replace(" ", ",")
        paths = sample_paths(sandbox, endpoint)
        errors += [] if paths else [f"{endpoint.path}: no resource to read"]
        for path in paths[::3]:
            errors += validate(sandbox, "GET", path, params=parameters)
    assert errors == []


def test_report_responses_are_valid(sandbox: Sandbox, metric_ids: dict[str, str]) -> None:
    """Each response to POST is valid by Klaviyo's OpenAPI."""
    errors = []
    for endpoint in REPORT_ENDPOINTS:
        attributes = report_attributes(endpoint, metric_ids)
        body = build_body(endpoint.resource_type, attributes)
        errors += validate(sandbox, "POST", endpoint.path, json=body)
    assert errors == []


def test_attributes_are_those_specified(sandbox: Sandbox) -> None:
    """A resource has no unspecified attribute, and its declaration has every specified one."""
    unspecified, undeclared = set(), set()
    for endpoint in GET_ENDPOINTS:
        if endpoint.shape not in {"list", "one"}:
            continue
        specified = specified_attributes(endpoint.path)
        for path in sample_paths(sandbox, endpoint):
            data = sandbox.get(path, **sample_query(endpoint))["data"]
            for record in data if isinstance(data, list) else [data]:
                names = set(record["attributes"]) - specified - RECORDED
                unspecified |= {(endpoint.path, name) for name in names}
        names = specified - RESOURCE_TYPES[endpoint.resource_type].all_attributes
        undeclared |= {(endpoint.path, name) for name in names}
    assert (unspecified, undeclared) == (set(), set())


def test_every_endpoint_has_a_specification() -> None:
    """Every endpoint has a specification, and the reverse."""
    paths = {endpoint.path for endpoint in ENDPOINTS}
    assert paths == list_paths()


def test_errors_are_complete(sandbox: Sandbox, subtests: pytest.Subtests) -> None:
    """An error has at least an id, a code, a title, a detail and its source, as clients expect."""
    cases: list[tuple[str, dict[str, Any], int]] = [
        ("/api/events", {"Authorization": None}, 401),
        ("/api/events?colour=red", {}, 400),
        ("/api/flows/NONE", {}, 404),
    ]
    for path, headers, status in cases:
        with subtests.test(path=path):
            response = sandbox.request("GET", path, headers=headers)
            (error,) = response.json()["errors"]
            assert {"id", "status", "code", "title", "detail", "source"} <= set(error)
            assert (response.status_code, error["status"]) == (status, status)
