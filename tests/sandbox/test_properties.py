"""Requests that Schemathesis makes from Klaviyo's OpenAPI never break the sandbox."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from klaviyo_sandbox.resources.registry import ENDPOINTS
from tests.sandbox.endpoint_samples import sample_ids
from tests.sandbox.klaviyo_contract import load_documents
from tests.sandbox_server import Sandbox

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]
EXAMPLES = 30
Case = schemathesis.Case[Any]


@cache
def load_operations() -> dict[str, Any]:
    """Return the operation at each path, as Schemathesis reads it."""
    schemas = (schemathesis.openapi.from_dict(document) for document in load_documents().values())
    results: list[Any] = [
        operation for schema in schemas for operation in schema.get_all_operations()
    ]
    return {result.ok().path: result.ok() for result in results}


def make_cases(path: str, ids: list[str], metric_id: str) -> st.SearchStrategy[Case]:
    """Return valid and invalid requests, of resources that exist and of any others."""
    operation = load_operations()[path]
    modes = [operation.as_strategy(mode) for mode in GenerationMode]
    known = [operation.as_strategy(path_parameters={"id": id_}) for id_ in ids[:3]]
    reports = [operation.as_strategy().map(lambda case: set_metric(case, metric_id))]
    return st.one_of(*modes, *known, *(reports if operation.method == "post" else ()))


def set_metric(case: Case, id_: str) -> Case:
    """Let a report request a metric that exists."""
    body: Any = case.body
    attributes = body["data"]["attributes"]
    for name in attributes.keys() & {"metric_id", "conversion_metric_id"}:
        attributes[name] = id_
    return case


def choose_checks(case: Case) -> list[Any]:
    """Return the checks of a request; the document does not describe sparse answers."""
    is_sparse = any(name.startswith("fields[") for name in case.query or {})
    return CHECKS if is_sparse else [*CHECKS, response_schema_conformance]


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_any_request_gets_a_documented_answer(
    sandbox: Sandbox, metric_ids: dict[str, str], subtests: pytest.Subtests
) -> None:
    """Whatever is requested: no 500, a documented status, and a body of the documented form."""
    for endpoint in ENDPOINTS:
        ids = sample_ids(sandbox, endpoint.owner) if "{id}" in endpoint.path else []

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=make_cases(endpoint.path, ids, metric_ids["Placed Order"]))
        def check(case: Case) -> None:
            response = case.call(base_url=sandbox.url, headers=sandbox.headers)
            case.validate_response(response, checks=choose_checks(case))

        with subtests.test(endpoint.path):
            check()
