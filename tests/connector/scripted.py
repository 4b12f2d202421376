"""A Klaviyo account of a few hand-written documents, behind a real HTTP server.

The sandbox is a whole company; this is for cases that no company would show on request.
"""

import copy
import json
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.http import http_date

import models
import sync
from api import KlaviyoError
from models import Checkpoint, Delete, Operation, Upsert
from state.state import VERSION
from streams import TABLES
from tests.loader import each_row

KEY = "pk_0123456789abcdef"
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)  # in New York
DAY = timedelta(days=1)
NO_RESULTS: dict[str, Any] = {  # of any kind of report
    "results": [],
    "date_times": [],
    "dates": [],
    "data": [],
}
# Of a connection whose tables have no rows yet, so that a sync need not truncate them.
EMPTY_WAREHOUSE = {"version": VERSION, "accounts": {}, "filled": list(TABLES)}
TIME_CONDITION = re.compile(r"(greater-or-equal|greater-than|less-than)\((\w+),([^)]+)\)")
METRIC_CONDITION = re.compile(r'equals\(metric_id,"(\w+)"\)')
ID_CONDITION = re.compile(r"any\(id,(\[.*?\])\)")
COMPARE = {
    "greater-or-equal": operator.ge,
    "greater-than": operator.gt,
    "less-than": operator.lt,
}


@dataclass(frozen=True)
class ReceivedRequest:
    """One request that reached the account."""

    path: str
    params: dict[str, str]
    body: Any  # the attributes of a POST
    key: str


@dataclass
class ScriptedAccount:
    """What the account holds; change it between syncs. Times are UTC.

    `responses` overrides the response of a path; None falls back to the documents.
    """

    now: datetime = NOON
    timezone: str = "America/New_York"
    account_id: str = ""  # by default each key opens an account of its own
    documents: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))  # by path
    included: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))  # by path
    reports: dict[str, Callable[[Any], Any]] = field(default_factory=dict)  # by path
    responses: dict[str, Callable[[Request], Response | None]] = field(default_factory=dict)
    page_size: int = 100
    requests: list[ReceivedRequest] = field(default_factory=list)

    def fail_with(self, path: str, status: int, detail: str = "", **headers: str) -> None:
        """From now on respond to `path` with an error."""
        body = json.dumps({"errors": [{"detail": detail}]})
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self.responses[path] = lambda _: Response(body, status, fields)

    def answer_record(self, path: str, record: Any) -> None:
        """From now on respond to `path` with one record."""
        content = {"data": record, "links": {"self": f"https://a.klaviyo.com{path}"}}
        self.responses[path] = lambda _: _document(content)

    def requests_to(self, path: str) -> list[ReceivedRequest]:
        """The requests for one path."""
        return [request for request in self.requests if request.path == path]

    def __call__(self, request: Request) -> Response:
        """Respond to one request."""
        body = json.loads(request.get_data())["data"]["attributes"] if request.data else None
        key = request.headers.get("Authorization", "").removeprefix("Klaviyo-API-Key ")
        self.requests.append(ReceivedRequest(request.path, request.args.to_dict(), body, key))
        respond = self.responses.get(request.path)
        scripted = respond(request) if respond else None
        if scripted is not None:
            return scripted
        if body is not None:
            report = self.reports.get(request.path)
            results = NO_RESULTS | (report(body) if report else {})
            return _document({"data": {"attributes": results}, "links": {}})
        if request.path == "/api/accounts":
            account = {
                "type": "account",
                "id": self.account_id or f"of-{key}",
                "attributes": {"timezone": self.timezone},
            }
            return _document({"data": [account], "links": {"next": None}})
        return self._page(request)

    def _page(self, request: Request) -> Response:
        listed = [
            document
            for document in self.documents.get(request.path, [])
            if _matches(document, request.args.get("filter", ""))
        ]
        start = int(request.args.get("page[cursor]", 0))
        end = start + self.page_size
        link = f"https://a.klaviyo.com{request.path}?page%5Bcursor%5D={end}"
        return _document(
            {
                "data": listed[start:end],
                "included": self.included.get(request.path, []),
                "links": {"next": link if end < len(listed) else None},
            }
        )


def _matches(document: Any, condition: str) -> bool:
    """Whether a document meets a filter on `archived`, on times, on ids and on a metric."""
    if any(document.get("id") not in json.loads(ids) for ids in ID_CONDITION.findall(condition)):
        return False
    for metric in METRIC_CONDITION.findall(condition):
        if (
            document["relationships"].get("metric", {"data": {"id": metric}})["data"]["id"]
            != metric
        ):
            return False
    attributes = document.get("attributes", {}) if isinstance(document, dict) else {}
    archived = attributes.get("archived", attributes.get("definition", {}).get("archived", False))
    if f"equals(archived,{str(not archived).lower()})" in condition:
        return False
    return all(
        COMPARE[operation](datetime.fromisoformat(attributes[name]), datetime.fromisoformat(bound))
        for operation, name, bound in TIME_CONDITION.findall(condition)
    )


def _document(content: Any) -> Response:
    return Response(json.dumps(content), content_type="application/vnd.api+json")


def serve(server: HTTPServer, account: ScriptedAccount) -> None:
    """Let `server` respond as `account`."""
    server.expect_request(re.compile("/api/.*")).respond_with_handler(account)


def http_time(account: ScriptedAccount) -> str:
    """The account's time as an HTTP header."""
    return http_date(account.now)


@dataclass
class ScriptedRun:
    """What one sync did: its operations in order, and the error it ended with."""

    operations: list[Operation] = field(default_factory=list)
    error: KlaviyoError | None = None

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows written to a table."""
        upserts = (operation for operation in self.operations if isinstance(operation, Upsert))
        return [upsert.row for upsert in upserts if upsert.table == table]

    def deleted_keys(self, table: str) -> list[dict[str, Any]]:
        """The keys deleted from a table."""
        deletes = (operation for operation in self.operations if isinstance(operation, Delete))
        return [delete.keys for delete in deletes if delete.table == table]

    @property
    def warnings(self) -> list[str]:
        """The messages to the user."""
        return [
            operation.message
            for operation in self.operations
            if isinstance(operation, models.Warning)
        ]

    @property
    def state(self) -> Any:
        """What the next sync resumes from: the last checkpoint, as a loader would store it."""
        states = [
            operation.state for operation in self.operations if isinstance(operation, Checkpoint)
        ]
        return json.loads(json.dumps(states[-1])) if states else {}


def run(state: Any = EMPTY_WAREHOUSE, **configuration: str) -> ScriptedRun:
    """Run one sync of the account that KLAVIYO_BASE_URL leads to, to its end or first error.

    The state `{}` is that of a re-sync, which truncates tables.
    """
    return _collect(sync.sync({"api_key": KEY, **configuration}, copy.deepcopy(state)))


def run_deferring(state: Any = EMPTY_WAREHOUSE, **configuration: str) -> ScriptedRun:
    """The same, of a loader that can defer a truncate to the end of a sync."""
    settings = {"api_key": KEY, **configuration}
    return _collect(sync.sync(settings, copy.deepcopy(state), defers_truncate=True))


def _collect(operations: Iterator[Operation]) -> ScriptedRun:
    done = ScriptedRun()
    try:
        for operation in each_row(operations):
            done.operations.append(operation)
    except KlaviyoError as error:
        done.error = error
    return done


def resource(kind: str, id_: str, related: dict[str, Any] | None = None, **attributes: Any) -> Any:
    """A JSON:API resource; `related` maps a relationship to the ids it points to, or to one id."""

    def pointer(name: str, id_: Any) -> Any:
        if isinstance(id_, list):
            return [pointer(name, item) for item in id_]
        return {"type": name.removesuffix("s"), "id": id_}

    links = {name: {"data": pointer(name, ids)} for name, ids in (related or {}).items()}
    return {"type": kind, "id": id_, "attributes": attributes, "relationships": links}
