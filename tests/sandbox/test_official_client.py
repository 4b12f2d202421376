"""The official client of the revision, klaviyo-api 25.0.0, reads the sandbox."""

from __future__ import annotations

import importlib
import inspect
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from klaviyo_api import KlaviyoAPI  # type: ignore[import-untyped]
from pydantic import BaseModel

from klaviyo_sandbox.resources.declaration import Endpoint
from tests.sandbox.endpoint_samples import (
    GET_ENDPOINTS,
    REPORT_ENDPOINTS,
    report_attributes,
    sample_paths,
    sample_query,
)
from tests.sandbox_server import KEY, Sandbox, build_body

# What `make test` holds the same answers to is the OpenAPI, of which the client is generated.
pytestmark = pytest.mark.chaos

GROUPS = (
    "Accounts Billing Brands Campaigns Catalogs Coupons Custom_Objects Events Flows Forms Images"
    " Lists Metrics Profiles Reporting Reviews Segments Tags Templates Text_Messaging"
    " Tracking_Settings Web_Feeds Webhooks"
).split()

# Klaviyo includes it (singer-io/tap-klaviyo#89), but the client types campaigns alone.
UNTYPED_INCLUDES = {"/api/campaign-messages": "campaign-variations"}


@cache
def find_operations() -> dict[tuple[str, str], tuple[str, str]]:
    """Return the client's group and method name for each HTTP method and path."""
    operations = {}
    for group in GROUPS:
        module = importlib.import_module(f"openapi_client.api.{group.lower()}_api")
        for name, function in inspect.getmembers(getattr(module, f"{group.replace('_', '')}Api")):
            source = inspect.getsource(function) if name.endswith("_serialize") else ""
            match = re.search(r"method='(\w+)',\s+resource_path='([^']+)'", source)
            if match:
                operation = name.removeprefix("_").removesuffix("_serialize")
                operations[match[1], match[2]] = (group, operation)
    return operations


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> KlaviyoAPI:
    """The client with typed models and without retries."""
    return KlaviyoAPI(KEY, max_retries=0, test_host=sandbox.url)


def call(client: KlaviyoAPI, endpoint: Endpoint, *arguments: Any, **options: Any) -> Any:
    """Return the document that the client's own method for the endpoint reads."""
    group, name = find_operations()[endpoint.method, endpoint.path]
    model = getattr(getattr(client, group), name)(*arguments, **options)
    assert isinstance(model, BaseModel)
    return model.model_dump(by_alias=True, mode="json")


def identify(data: Any) -> Any:
    """Return the type and id of each resource."""
    if isinstance(data, list):
        return [identify(record) for record in data]
    return (data["type"], data["id"]) if data else None


def test_client_reads_every_endpoint(client: KlaviyoAPI, sandbox: Sandbox) -> None:
    """Each GET endpoint, with every include, passes through the client's typed models."""
    offenders = []
    for endpoint in GET_ENDPOINTS:
        options: dict[str, Any] = {}
        if endpoint.include:
            untyped = UNTYPED_INCLUDES.get(endpoint.path)
            options["include"] = [name for name in endpoint.include.split() if name != untyped]
        query = sample_query(endpoint)
        if endpoint.additional:
            options[f"additional_fields_{endpoint.resource_type}"] = endpoint.additional.split()
        for path in sample_paths(sandbox, endpoint):
            arguments = [path.split("/")[3]] if "{id}" in endpoint.path else []
            read = call(client, endpoint, *arguments, **options, **query)["data"]
            if identify(read) != identify(sandbox.get(path, **query)["data"]):
                offenders.append(path)
    assert offenders == []


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/api/campaigns", {}),
        ("/api/campaign-messages", {}),
        ("/api/events", {"filter": "greater-than(datetime,2026-11-01T00:00:00Z)"}),
    ],
)
def test_client_reads_every_page(
    client: KlaviyoAPI, sandbox: Sandbox, path: str, options: dict[str, str]
) -> None:
    """The client's own cursors lead to every item once."""
    endpoint = next(endpoint for endpoint in GET_ENDPOINTS if endpoint.path == path)
    ids: list[str] = []
    cursor = None
    while cursor is not None or not ids:
        page = call(client, endpoint, page_cursor=cursor, **options)
        ids += [record["id"] for record in page["data"]]
        query = parse_qs(urlsplit(page["links"].get("next")).query)
        cursor = query.get("page[cursor]", [None])[0]
    assert ids == [record["id"] for record in sandbox.all(path, **options)]
    assert len(set(ids)) == len(ids)


def test_client_requests_every_report(client: KlaviyoAPI, metric_ids: dict[str, str]) -> None:
    """Each report and the aggregates accept the client's typed request and return results."""
    without_results = []
    for endpoint in REPORT_ENDPOINTS:
        body = build_body(endpoint.resource_type, report_attributes(endpoint, metric_ids))
        attributes = call(client, endpoint, body)["data"]["attributes"]
        is_aggregate = endpoint.resource_type == "metric-aggregate"
        if not attributes["data" if is_aggregate else "results"]:
            without_results.append(endpoint.path)
    assert without_results == []
