"""A BigQuery server on this machine: the part of its API that dbt uses, on top of GoogleSQL.

dbt's own adapter connects to it, so it sends what it sends to Google.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

import duckdb
import yaml

from tests.fivetran import SCHEMA
from tests.raw_tables import Rows
from tests.warehouse import dbt
from tests.warehouse.engines import RAW_SCHEMA
from tests.warehouse.googlesql import GoogleSQL, Table

PROJECT = "project"
# The BigQuery types that Fivetran creates, by the DuckDB types of the raw file.
TYPES = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "BOOLEAN": "bool",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "DATE": "date",
    "JSON": "json",
}
# The API's names of GoogleSQL's types, where they differ.
API_TYPES = {"INT64": "INTEGER", "DOUBLE": "FLOAT", "BOOL": "BOOLEAN"}
Response = dict[str, Any] | None


class BigQuery:
    """A project's datasets and tables, and every script that it received."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.sql = url, GoogleSQL()
        self.scripts: dict[str, str] = {}  # by job
        self.environment = {
            "DBT_TARGET": "bigquery",
            "BQ_PROJECT": PROJECT,
            "KLAVIYO_RAW_SCHEMA": RAW_SCHEMA,
            "DBT_PROFILES_DIR": str(_write_profile(folder, url)),
        }
        self._lock = Lock()
        self._results: dict[str, Table | str] = {}  # a job's rows, or its error

    def load(self, file: Path) -> None:
        """Copy the raw tables."""
        casts = ", ".join(f"cast(null as {ours}) as `{theirs}`" for theirs, ours in TYPES.items())
        of = self.sql.run(f"select {casts}").types
        with duckdb.connect(str(file), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            names = connection.execute(
                "select table_name from duckdb_tables() where schema_name = ?", [SCHEMA]
            ).fetchall()
            for (name,) in names:
                rows = connection.sql(f"from {SCHEMA}.{name}")
                types = {
                    column: of[str(kind)]
                    for column, kind in zip(rows.columns, rows.types, strict=True)
                }
                table = Table(types, []).with_rows(rows.fetchall())
                self.sql.tables[f"{PROJECT}.{RAW_SCHEMA}.{name}"] = table

    def rows(self, schemas: Mapping[str, str]) -> dict[str, Rows]:
        """The rows of models."""
        tables = {
            name: self.sql.tables[f"{PROJECT}.{schema}.{name}"] for name, schema in schemas.items()
        }
        return {
            name: [dict(zip(table.types, row, strict=True)) for row in table.values]
            for name, table in tables.items()
        }

    def respond(self, method: str, path: str, body: Any) -> Response:  # noqa: C901
        """The API's response to a request; None for what does not exist."""
        response: Response = None
        with self._lock:
            match method, *path.removeprefix(f"/bigquery/v2/projects/{PROJECT}/").split("/"):
                case "POST", "jobs":
                    job = body["jobReference"]["jobId"]
                    self._run(job, body["configuration"]["query"]["query"])
                    response = self._job_response(job)
                case "POST", "queries":
                    self._run(body["requestId"], body["query"])
                    response = self._query_response(body["requestId"])
                case "GET", "jobs", job:
                    response = self._job_response(job)
                case "GET", "queries", job:
                    response = self._query_response(job)
                case "GET" | "PATCH", "datasets", dataset, "tables", table:
                    response = self._table_response(dataset, table)
                case "DELETE", "datasets", dataset, "tables", table:
                    self.sql.tables.pop(f"{PROJECT}.{dataset}.{table}", None)
                    response = {}
                case "GET", "datasets", dataset, "tables":
                    response = {"tables": self._list_tables(dataset)}
                case "GET", "datasets", _, "routines":
                    response = {"routines": []}
                case "GET", "datasets":
                    response = {
                        "datasets": [_dataset_reference(name) for name in self._list_datasets()]
                    }
                case "GET", "datasets", dataset if dataset in self._list_datasets():
                    response = _dataset_reference(dataset)
        return response

    def _run(self, job: str, script: str) -> None:
        """Keep the rows or the error of a script; dbt retries a connection without an answer."""
        self.scripts[job] = script
        try:
            self._results[job] = self.sql.run(script)
        except Exception as error:  # noqa: BLE001
            self._results[job] = f"{type(error).__name__}: {error}"

    def _job_response(self, job: str) -> Response:
        result = self._results[job]
        error = {"reason": "invalidQuery", "message": result}
        failed = {"errorResult": error, "errors": [error]} if isinstance(result, str) else {}
        return {
            "jobReference": {"projectId": PROJECT, "jobId": job, "location": "US"},
            "configuration": {"query": {"query": self.scripts[job]}},
            "status": {"state": "DONE", **failed},
        }

    def _query_response(self, job: str) -> Response:
        table = self._results[job]
        if isinstance(table, str):
            return None
        return {
            "jobComplete": True,
            "jobReference": {"projectId": PROJECT, "jobId": job, "location": "US"},
            "schema": {"fields": _fields(table)},
            "totalRows": str(len(table.rows)),
            "rows": [{"f": [{"v": _to_json(value)} for value in row]} for row in table.values],
        }

    def _table_response(self, dataset: str, name: str) -> Response:
        table = self.sql.tables.get(f"{PROJECT}.{dataset}.{name}")
        if table is None:
            return None
        return _table_reference(dataset, name, table) | {"schema": {"fields": _fields(table)}}

    def _list_datasets(self) -> set[str]:
        return {name.split(".")[1] for name in self.sql.tables}

    def _list_tables(self, dataset: str) -> list[dict[str, Any]]:
        prefix = f"{PROJECT}.{dataset}."
        return [
            _table_reference(dataset, name.removeprefix(prefix), table)
            for name, table in self.sql.tables.items()
            if name.startswith(prefix)
        ]


def _write_profile(folder: Path, url: str) -> Path:
    """Write the project's own profile with the address of this server."""
    profile = yaml.safe_load((dbt.PROJECT / "profiles.yml").read_text())
    profile["klaviyo_warehouse"]["outputs"]["bigquery"] |= {
        "method": "oauth-secrets",
        "token": "none",
        "api_endpoint": url,
        "threads": 1,
    }
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    return folder


def _dataset_reference(name: str) -> dict[str, Any]:
    return {"datasetReference": {"projectId": PROJECT, "datasetId": name}}


def _table_reference(dataset: str, name: str, table: Table) -> dict[str, Any]:
    reference = {"projectId": PROJECT, "datasetId": dataset, "tableId": name}
    kind = "VIEW" if table.ddl.startswith("create or replace view") else "TABLE"
    return {"tableReference": reference, "type": kind}


def _fields(table: Table) -> list[dict[str, str]]:
    return [{"name": name, "type": API_TYPES.get(kind, kind)} for name, kind in table.kinds.items()]


def _to_json(value: Any) -> Any:
    """A value in the API's JSON."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case datetime():
            return str(round(value.timestamp() * 1_000_000))
    return str(value)


@contextmanager
def running_bigquery(folder: Path) -> Iterator[BigQuery]:
    """An empty BigQuery server, with a profile in `folder` that connects to it."""

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or "null")
            response = engine.respond(self.command, urlsplit(self.path).path, body)
            status = HTTPStatus.NOT_FOUND if response is None else HTTPStatus.OK
            content = json.dumps({} if response is None else response).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _respond  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        engine = BigQuery(f"http://127.0.0.1:{server.server_port}", folder)
        Thread(target=server.serve_forever, daemon=True).start()
        yield engine
        server.shutdown()
