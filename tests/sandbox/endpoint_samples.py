"""Paths and request bodies with which a test reads every endpoint of the sandbox."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from klaviyo_sandbox.api.aggregate_requests import MEASUREMENTS
from klaviyo_sandbox.api.report_requests import REPORTS
from klaviyo_sandbox.resources.declaration import Endpoint
from klaviyo_sandbox.resources.registry import ENDPOINTS
from tests.sandbox_server import Sandbox

SAMPLE_SIZE = 12  # resources of a type that are read one by one
GET_ENDPOINTS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]
REPORT_ENDPOINTS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "POST"]
# A listing that Klaviyo refuses without a filter.
SAMPLE_FILTERS = {"/api/coupon-codes": 'any(coupon.id,["WELCOME10"])'}
WEEKS = {"start": "2026-09-20T00:00:00+00:00", "end": "2026-11-16T23:00:00+00:00"}


@cache
def sample_ids(sandbox: Sandbox, resource_type: str) -> list[str]:
    """Return the ids of some resources of a type, from its listing or from its owners'."""
    sources = [
        endpoint
        for endpoint in GET_ENDPOINTS
        if endpoint.resource_type == resource_type and endpoint.shape in {"list", "related"}
    ]
    # A listing needs no id of another resource; among relationships the to-many ones show most.
    source = min(sources, key=lambda link: (link.shape, not link.relationship.endswith("s")))
    query = sample_query(source)
    documents = [sandbox.get(path, **query) for path in sample_paths(sandbox, source)]
    return [record["id"] for document in documents for record in document["data"]][:SAMPLE_SIZE]


def sample_paths(sandbox: Sandbox, endpoint: Endpoint) -> list[str]:
    """Return the endpoint's path for some of the resources that it can be read of."""
    if "{id}" not in endpoint.path:
        return [endpoint.path]
    ids = sample_ids(sandbox, endpoint.owner)
    return [endpoint.path.replace("{id}", id_) for id_ in ids]


def sample_query(endpoint: Endpoint) -> dict[str, str]:
    """Return the filter that an endpoint demands, if any."""
    return {"filter": SAMPLE_FILTERS[endpoint.path]} if endpoint.required_filters else {}


def report_attributes(endpoint: Endpoint, metric_ids: dict[str, str]) -> dict[str, object]:
    """Return attributes that request every statistic of a POST endpoint."""
    if endpoint.resource_type == "metric-aggregate":
        return {
            "metric_id": metric_ids["Opened Email"],
            "measurements": list(MEASUREMENTS),
            "by": ["$message"],
            "filter": ["greater-or-equal(datetime,2026-11-10)", "less-than(datetime,2026-11-17)"],
        }
    rules = REPORTS[endpoint.resource_type.partition("-")[0]]
    attributes: dict[str, object] = {"statistics": rules.statistics, "timeframe": WEEKS}
    if rules.has_conversions:
        attributes["conversion_metric_id"] = metric_ids["Placed Order"]
    if "series" in endpoint.resource_type:
        attributes["interval"] = "daily"
    return attributes


def get_error(
    sandbox: Sandbox, path: str, status: int = 400, *, method: str = "GET", **parameters: Any
) -> dict[str, Any]:
    """Return the one error of a response with this status."""
    response = sandbox.request(method, path, **parameters)
    assert response.status_code == status, response.text
    (error,) = response.json()["errors"]
    found: dict[str, Any] = error
    return found


def parse_time(text: str) -> datetime:
    """Return a datetime as the API writes it."""
    return datetime.fromisoformat(text)
