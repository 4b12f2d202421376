"""How the judges of the sandbox find something to read at every endpoint."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from klaviyo_sandbox.api.aggregate_requests import MEASUREMENTS
from klaviyo_sandbox.api.report_requests import REPORTS
from klaviyo_sandbox.resources.declaration import ENDPOINTS, Endpoint
from klaviyo_sandbox.resources.resource_types import KINDS
from tests.sandbox_server import Sandbox

MANY = 12  # objects of a kind that are read one by one
READS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]
QUESTIONS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "POST"]
WEEKS = {"start": "2026-09-20T00:00:00+00:00", "end": "2026-11-16T23:00:00+00:00"}
# Kinds without a listing of their own: where a reader of the API meets them.
MET_AT = {
    "campaign-audience": "/api/campaigns/{}/campaign-audiences",
    "campaign-variation": "/api/campaign-messages/{}/campaign-variations",
    "flow-action": "/api/flows/{}/flow-actions",
    "flow-message": "/api/flow-actions/{}/flow-messages",
    "form-version": "/api/forms/{}/form-versions",
}


@cache
def ids(sandbox: Sandbox, kind: str) -> list[str]:
    """The ids of some objects of a kind, found as a reader of the API finds them."""
    if kind not in MET_AT:
        return [each["id"] for each in sandbox.get(f"/api/{KINDS[kind].plural}")["data"]][:MANY]
    path = MET_AT[kind]
    owner = path.split("/")[2].removesuffix("s")
    pages = [sandbox.get(path.format(id_))["data"] for id_ in ids(sandbox, owner)]
    return [each["id"] for page in pages for each in page][:MANY]


def paths(sandbox: Sandbox, endpoint: Endpoint) -> list[str]:
    """The endpoint's path for each object that it may be read of."""
    if "{id}" not in endpoint.path:
        return [endpoint.path]
    return [endpoint.path.replace("{id}", id_) for id_ in ids(sandbox, endpoint.owner)]


def question(endpoint: Endpoint, metric_ids: dict[str, str]) -> dict[str, object]:
    """The attributes of a question to a POST endpoint that asks for all it can say."""
    if endpoint.kind == "metric-aggregate":
        return {
            "metric_id": metric_ids["Opened Email"],
            "measurements": list(MEASUREMENTS),
            "by": ["$message"],
            "filter": ["greater-or-equal(datetime,2026-11-10)", "less-than(datetime,2026-11-17)"],
        }
    report = REPORTS[endpoint.kind.partition("-")[0]]
    asked: dict[str, object] = {"statistics": report.statistics, "timeframe": WEEKS}
    if report.converts:
        asked["conversion_metric_id"] = metric_ids["Placed Order"]
    if "series" in endpoint.kind:
        asked["interval"] = "daily"
    return asked


def refusal(sandbox: Sandbox, path: str, status: int = 400, **more: Any) -> dict[str, Any]:
    """The one error of an answer that must be refused."""
    answer = sandbox.ask(more.pop("method", "GET"), path, **more)
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    found: dict[str, Any] = error
    return found


def at(text: str) -> datetime:
    """A datetime as the API writes it."""
    return datetime.fromisoformat(text)
