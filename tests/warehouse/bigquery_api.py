"""A BigQuery server on this machine: the part of its API that clients use, on top of GoogleSQL.

`python -m tests.warehouse.bigquery_api` serves an empty project, for tests in other environments:
it prints its address, and ends with its input.
"""

import base64
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.warehouse.googlesql import GoogleSQL, Table

PROJECT = "project"
# The API's names of GoogleSQL's types, where they differ.
API_TYPES = {"INT64": "INTEGER", "DOUBLE": "FLOAT", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
SQL_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
Response = dict[str, Any] | None


class ApiError(Exception):
    """An error of the API, with BigQuery's reason."""

    def __init__(self, status: HTTPStatus, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class BigQueryApi:
    """A project's datasets, tables and jobs, and every script that it received."""

    def __init__(self, url: str) -> None:
        self.url, self.sql = url, GoogleSQL()
        self.scripts: dict[str, str] = {}  # by job
        self._datasets: dict[str, dict[str, Any]] = {}
        self._created: dict[str, dict[str, Any]] = {}  # tables that the API created
        self._jobs: dict[str, dict[str, Any]] = {}  # the configurations of jobs
        self._changed: dict[str, int] = {}  # rows that a job changed
        self._uploads: dict[str, tuple[dict[str, Any], bytes]] = {}
        self._clock = 1_000  # milliseconds: no two tables begin at the same time
        self._lock = Lock()
        self._results: dict[str, Table | str] = {}  # a job's rows, or its error

    def respond(self, method: str, path: str, body: Any) -> Response:
        """The API's response to a request; None for what does not exist."""
        parts = path.partition(f"/projects/{PROJECT}")[2].strip("/").split("/")
        with self._lock:
            match parts[0]:
                case "datasets":
                    return self._respond_dataset(method, parts[1:], body)
                case "queries" if method == "POST":
                    self._run(body["requestId"], {"query": body})
                    return self._query_response(body["requestId"])
                case "queries":
                    return self._query_response(parts[1])
                case "jobs" if method == "POST":
                    return self._insert_job(body)
                case "jobs" if parts[1] in self._results:
                    return self._job_response(parts[1])
        return None

    def upload(self, query: Mapping[str, str], metadata: dict[str, Any], data: bytes) -> Response:
        """Begin or end the upload of a load job's file; a resumable one comes in parts."""
        with self._lock:
            if query["uploadType"] == "multipart":
                return self._load(metadata, data)
            begun, earlier = self._uploads.setdefault(query["upload_id"], (metadata, b""))
            self._uploads[query["upload_id"]] = begun, earlier + data
            if query.get("ends"):
                return self._load(*self._uploads.pop(query["upload_id"]))
            return None

    # ---- datasets and tables ----

    def _respond_dataset(self, method: str, parts: list[str], body: Any) -> Response:
        response: Response = None
        match method, *map(unquote, parts):
            case ("GET",):
                names = self._list_datasets()
                response = {"datasets": [_dataset_reference(name) for name in names]}
            case ("POST",):
                response = self._create_dataset(body)
            case "GET", dataset if self._has(dataset):
                response = _dataset_reference(dataset) | self._datasets.get(dataset, {})
            case "DELETE", dataset:
                response = self._delete_dataset(dataset)
            case _, dataset, "tables", *table:
                response = self._respond_table(method, dataset, table, body)
            case "GET", _, "routines":
                response = {"routines": []}
        return response

    def _respond_table(self, method: str, dataset: str, parts: list[str], body: Any) -> Response:
        if method == "POST":
            return self._create_table(dataset, body)
        if not parts:
            return {"tables": self._list_tables(dataset)} if self._has(dataset) else None
        name = f"{PROJECT}.{dataset}.{parts[0]}"
        if name not in self.sql.tables:
            return None
        if method == "DELETE":
            del self.sql.tables[name]
            self._created.pop(name, None)
            return {}
        return self._table_response(dataset, parts[0])

    def _has(self, dataset: str) -> bool:
        return dataset in self._list_datasets()

    def _create_dataset(self, body: dict[str, Any]) -> Response:
        name = body["datasetReference"]["datasetId"]
        if name in self._datasets:
            raise ApiError(HTTPStatus.CONFLICT, "duplicate", f"Already Exists: Dataset {name}")
        self._datasets[name] = {"location": "US", **body}
        return _dataset_reference(name) | self._datasets[name]

    def _delete_dataset(self, dataset: str) -> Response:
        if self._datasets.pop(dataset, None) is None:
            return None
        for name in [table for table in self.sql.tables if table.split(".")[1] == dataset]:
            del self.sql.tables[name]
        self._note_created()
        return {}

    def _create_table(self, dataset: str, body: dict[str, Any]) -> Response:
        table = body["tableReference"]["tableId"]
        name = f"{PROJECT}.{dataset}.{table}"
        if name in self.sql.tables:
            raise ApiError(HTTPStatus.CONFLICT, "duplicate", f"Already Exists: Table {name}")
        fields = body["schema"]["fields"]
        columns = ", ".join(f"`{field['name']}` {_declared_type(field)}" for field in fields)
        self.sql.run(f"create table `{PROJECT}`.`{dataset}`.`{table}` ({columns})")
        self._note_created()
        self._created[name] |= body
        return self._table_response(dataset, table)

    def _table_response(self, dataset: str, name: str) -> Response:
        table = self.sql.tables[f"{PROJECT}.{dataset}.{name}"]
        created = self._created.get(f"{PROJECT}.{dataset}.{name}", {})
        return (
            created
            | _table_reference(dataset, name, table)
            | {"schema": {"fields": _fields(table)}, "numRows": str(len(table.rows))}
        )

    def _list_datasets(self) -> set[str]:
        return {name.split(".")[1] for name in self.sql.tables} | self._datasets.keys()

    def _list_tables(self, dataset: str) -> list[dict[str, Any]]:
        prefix = f"{PROJECT}.{dataset}."
        return [
            _table_reference(dataset, name.removeprefix(prefix), table)
            for name, table in self.sql.tables.items()
            if name.startswith(prefix)
        ]

    # ---- jobs ----

    def _insert_job(self, body: dict[str, Any]) -> Response:
        job = body["jobReference"]["jobId"]
        self._refuse_known(job)
        if body["configuration"].get("dryRun"):
            return _job_reference(job) | {
                "configuration": body["configuration"],
                "status": {"state": "DONE"},
                "statistics": {"totalBytesProcessed": "0", "query": {}},
            }
        self._run(job, body["configuration"])
        return self._job_response(job)

    def _refuse_known(self, job: str) -> None:
        if job in self._results:
            raise ApiError(HTTPStatus.CONFLICT, "duplicate", f"Already Exists: Job {PROJECT}:{job}")

    def _run(self, job: str, configuration: dict[str, Any]) -> None:
        """Keep the rows or the error of a script; dbt retries a connection without an answer."""
        script = configuration["query"]["query"]
        self.scripts[job], self._jobs[job] = script, configuration
        try:
            self._results[job] = self.sql.run(script)
        except Exception as error:  # noqa: BLE001
            self._results[job] = f"{type(error).__name__}: {error}"
        self._changed[job] = self.sql.row_count
        self._note_created()

    def _note_created(self) -> None:
        """Give each new table the time at which it was made, and forget those that are gone."""
        for name in self._created.keys() - self.sql.tables.keys():
            del self._created[name]
        for name in sorted(self.sql.tables.keys() - self._created.keys()):
            self._clock += 1
            self._created[name] = {"creationTime": str(self._clock)}

    def _load(self, metadata: dict[str, Any], data: bytes) -> Response:
        """Append a file to its table, which a job does once."""
        from tests.warehouse import parquet_loads  # noqa: PLC0415 - it needs pyarrow

        job = metadata["jobReference"]["jobId"]
        self._refuse_known(job)
        self._jobs[job] = metadata["configuration"]
        load = metadata["configuration"]["load"]
        place = load["destinationTable"]
        name = f"{PROJECT}.{place['datasetId']}.{place['tableId']}"
        try:
            parquet_loads.append(self.sql, name, load, data)
            self._results[job] = Table({}, [])
        except Exception as error:  # noqa: BLE001
            self._results[job] = f"{type(error).__name__}: {error}"
        return self._job_response(job)

    def _job_response(self, job: str) -> Response:
        result = self._results[job]
        error = {"reason": "invalidQuery", "message": result}
        failed = {"errorResult": error, "errors": [error]} if isinstance(result, str) else {}
        return _job_reference(job) | {
            "configuration": self._jobs[job],
            "status": {"state": "DONE", **failed},
            "statistics": {"query": {"numDmlAffectedRows": str(self._changed.get(job, 0))}},
        }

    def _query_response(self, job: str) -> Response:
        table = self._results.get(job)
        if isinstance(table, str):
            raise ApiError(HTTPStatus.BAD_REQUEST, "invalidQuery", table)
        if table is None:
            return None
        return _job_reference(job) | {
            "jobComplete": True,
            "schema": {"fields": _fields(table)},
            "totalRows": str(len(table.rows)),
            "numDmlAffectedRows": str(self._changed.get(job, 0)),
            "rows": [{"f": [{"v": to_json(value)} for value in row]} for row in table.values],
        }


def _declared_type(field: Mapping[str, str]) -> str:
    """The type of a column of the API, as a CREATE TABLE writes it."""
    kind = SQL_TYPES.get(field["type"], field["type"])
    parameters = ", ".join(
        str(field[name]) for name in ("precision", "scale") if field.get(name) is not None
    )
    return f"{kind}({parameters})" if parameters else kind


def _job_reference(job: str) -> dict[str, Any]:
    return {"jobReference": {"projectId": PROJECT, "jobId": job, "location": "US"}}


def _dataset_reference(name: str) -> dict[str, Any]:
    return {"datasetReference": {"projectId": PROJECT, "datasetId": name}}


def _table_reference(dataset: str, name: str, table: Table) -> dict[str, Any]:
    reference = {"projectId": PROJECT, "datasetId": dataset, "tableId": name}
    kind = "VIEW" if re.match(r"create (or replace )?view", table.ddl, re.IGNORECASE) else "TABLE"
    return {"tableReference": reference, "type": kind}


def _fields(table: Table) -> list[dict[str, str]]:
    return [_field(table, name, kind) for name, kind in table.kinds.items()]


def _field(table: Table, name: str, kind: str) -> dict[str, str]:
    field = {"name": name, "type": API_TYPES.get(kind, kind)}
    numbers = re.findall(r"\d+", table.declared.get(name, "").partition("(")[2])
    return field | dict(zip(("precision", "scale"), numbers, strict=False))


def to_json(value: Any) -> Any:
    """A value in the API's JSON."""
    match value:
        case None:
            return None
        case bool():
            text = str(value).lower()
        case bytes():
            text = base64.b64encode(value).decode()
        case float() if math.isinf(value):
            text = "-Infinity" if value < 0 else "Infinity"
        case Decimal():
            text = f"{value:f}"
        case datetime() if value.tzinfo:
            since = value - datetime.fromtimestamp(0, value.tzinfo)
            text = str(since // timedelta(microseconds=1))
        case date():
            text = value.isoformat()
        case _:
            text = str(value)
    return text


class Handler(BaseHTTPRequestHandler):
    """Answers requests by the API of its server."""

    api: BigQueryApi
    protocol_version = "HTTP/1.1"

    def _respond(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        url = urlsplit(self.path)
        try:
            if url.path.startswith("/upload/"):
                self._upload({k: v[0] for k, v in parse_qs(url.query).items()}, body)
                return
            found = self.api.respond(self.command, url.path, json.loads(body or b"null"))
            self._send(HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK, found)
        except ApiError as error:
            self._send(error.status, _describe(error))
        except Exception as error:  # noqa: BLE001 - a client would send the request again
            text = f"{type(error).__name__}: {error}"
            unknown = ApiError(HTTPStatus.BAD_REQUEST, "invalid", text)
            self._send(unknown.status, _describe(unknown))

    def _upload(self, query: dict[str, str], body: bytes) -> None:
        """Take a file: at once, or at an address that the first request of several gets."""
        if query["uploadType"] == "multipart":
            boundary = self.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
            parts = body.split(b"--" + boundary)
            metadata, data = (part.partition(b"\r\n\r\n")[2][:-2] for part in parts[1:3])
            self._send(HTTPStatus.OK, self.api.upload(query, json.loads(metadata), data))
        elif self.command == "POST":
            number = str(id(body))
            query["upload_id"] = number
            self.api.upload(query, json.loads(body), b"")
            place = (
                f"{self.api.url}{urlsplit(self.path).path}?uploadType=resumable&upload_id={number}"
            )
            self._send(HTTPStatus.OK, {}, {"Location": place})
        else:
            self._continue(query, body)

    def _continue(self, query: dict[str, str], body: bytes) -> None:
        total = self.headers["Content-Range"].rpartition("/")[2]
        last = self.headers["Content-Range"].partition("-")[2].partition("/")[0]
        if total != "*" and (not last or int(last) + 1 == int(total)):
            query["ends"] = "yes"
            self._send(HTTPStatus.OK, self.api.upload(query, {}, body))
        else:
            self.api.upload(query, {}, body)
            self._send(HTTPStatus.PERMANENT_REDIRECT, {}, {"Range": f"bytes=0-{last}"})

    def _send(
        self, status: HTTPStatus, response: Response, headers: Mapping[str, str] | None = None
    ) -> None:
        content = json.dumps({} if response is None else response).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _respond  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def _describe(error: ApiError) -> dict[str, Any]:
    detail = {"reason": error.reason, "message": str(error)}
    return {"error": {"code": error.status, "message": str(error), "errors": [detail]}}


@contextmanager
def serve(make: Any = BigQueryApi) -> Iterator[Any]:
    """An empty BigQuery server, made from its address."""

    class Bound(Handler):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Bound) as server:
        Bound.api = make(f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, daemon=True).start()
        yield Bound.api
        server.shutdown()


if __name__ == "__main__":
    with serve() as api:
        print(api.url, flush=True)
        sys.stdin.read()
