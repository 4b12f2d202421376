"""The official client of the revision, klaviyo-api 25.0.0, judges the sandbox."""

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
from tests.sandbox.reading import QUESTIONS, READS, paths, question
from tests.sandbox_server import KEY, Sandbox, body

GROUPS = (
    "Accounts Campaigns Events Flows Forms Lists Metrics Profiles Reporting Segments Tags Templates"
).split()


@cache
def operations() -> dict[tuple[str, str], tuple[str, str]]:
    """Where each method and path is found in the client: its group and its name."""
    found = {}
    for group in GROUPS:
        module = importlib.import_module(f"openapi_client.api.{group.lower()}_api")
        for name, function in inspect.getmembers(getattr(module, f"{group}Api")):
            source = inspect.getsource(function) if name.endswith("_serialize") else ""
            match = re.search(r"method='(\w+)',\s+resource_path='([^']+)'", source)
            if match:
                operation = name.removeprefix("_").removesuffix("_serialize")
                found[match[1], match[2]] = (group, operation)
    return found


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> KlaviyoAPI:
    """The client as its users make it, typed, without second tries."""
    return KlaviyoAPI(KEY, max_retries=0, test_host=sandbox.url)


def call(client: KlaviyoAPI, endpoint: Endpoint, *arguments: Any, **named: Any) -> Any:
    """Ask the endpoint through the client's own method for it."""
    group, name = operations()[endpoint.method, endpoint.path]
    return getattr(getattr(client, group), name)(*arguments, **named)


def as_found(model: Any) -> Any:
    """The plain document that a typed answer stands for."""
    assert isinstance(model, BaseModel)
    return model.model_dump(by_alias=True, mode="json")


def identity(data: Any) -> Any:
    """What the data of an answer shows, by type and id."""
    if isinstance(data, list):
        return [identity(each) for each in data]
    return (data["type"], data["id"]) if data else None


@pytest.mark.parametrize("endpoint", READS, ids=lambda endpoint: endpoint.path)
def test_client_reads_every_endpoint(
    client: KlaviyoAPI, sandbox: Sandbox, endpoint: Endpoint
) -> None:
    """Each GET endpoint, with all it can include, passes through the client's typed models."""
    named: dict[str, Any] = {}
    if endpoint.include:
        named["include"] = endpoint.include.split()
    if endpoint.additional:
        named[f"additional_fields_{endpoint.kind}"] = endpoint.additional.split()
    found = paths(sandbox, endpoint)
    assert found
    for path in found:
        arguments = [path.split("/")[3]] if "{id}" in endpoint.path else []
        seen = as_found(call(client, endpoint, *arguments, **named))["data"]
        assert identity(seen) == identity(sandbox.get(path)["data"])


@pytest.mark.parametrize("path", ["/api/campaigns", "/api/campaign-messages", "/api/events"])
def test_client_reads_every_page(client: KlaviyoAPI, sandbox: Sandbox, path: str) -> None:
    """Following the client's own cursors shows every item once."""
    endpoint = next(each for each in READS if each.path == path)
    found: list[str] = []
    cursor = None
    while cursor is not None or not found:
        answer = as_found(call(client, endpoint, page_cursor=cursor))
        found += [each["id"] for each in answer["data"]]
        query = parse_qs(urlsplit(answer["links"].get("next")).query)
        cursor = query.get("page[cursor]", [None])[0]
    assert found == [each["id"] for each in sandbox.all(path)]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("endpoint", QUESTIONS, ids=lambda endpoint: endpoint.path)
def test_client_asks_every_question(
    client: KlaviyoAPI, metric_ids: dict[str, str], endpoint: Endpoint
) -> None:
    """Each report and the aggregates take the client's typed question and give a typed answer."""
    asked = body(endpoint.kind, question(endpoint, metric_ids))
    answer = as_found(call(client, endpoint, asked))
    given = answer["data"]["attributes"]
    assert given["data" if endpoint.kind == "metric-aggregate" else "results"]
