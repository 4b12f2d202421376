"""A BigQuery on this machine: as much of its API as dbt speaks, with GoogleSQL behind it.

dbt's own adapter talks to it as it talks to Google: what it sends is what a real build would send.
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
from tests.warehouse.googlesql import FilterMissingError, GoogleSQL, SqlError, Table

PROJECT = "project"
# What Fivetran makes of the declared types in BigQuery, by DuckDB's names for them.
TYPES = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "BOOLEAN": "bool",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "DATE": "date",
    "JSON": "json",
}
# What the API calls GoogleSQL's types.
API_TYPES = {"INT64": "INTEGER", "DOUBLE": "FLOAT", "BOOL": "BOOLEAN"}
Answer = dict[str, Any] | None


class BigQuery:
    """The project's datasets and tables, and every script that was sent to them."""

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
        self._results: dict[str, Table | str] = {}  # what a job found, or why it failed

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
                table = Table(types, []).holding(rows.fetchall())
                self.sql.tables[f"{PROJECT}.{RAW_SCHEMA}.{name}"] = table

    def rows(self, schemas: Mapping[str, str]) -> dict[str, Rows]:
        """Everything that models hold."""
        found = {
            name: self.sql.tables[f"{PROJECT}.{schema}.{name}"] for name, schema in schemas.items()
        }
        return {
            name: [dict(zip(table.types, row, strict=True)) for row in table.values]
            for name, table in found.items()
        }

    def answer(self, method: str, path: str, body: Any) -> Answer:  # noqa: C901
        """What the API says; None for what is not there."""
        answer: Answer = None
        with self._lock:
            match method, *path.removeprefix(f"/bigquery/v2/projects/{PROJECT}/").split("/"):
                case "POST", "jobs":
                    job = body["jobReference"]["jobId"]
                    self._run(job, body["configuration"]["query"]["query"])
                    answer = self._job(job)
                case "POST", "queries":
                    self._run(body["requestId"], body["query"])
                    answer = self._result(body["requestId"])
                case "GET", "jobs", job:
                    answer = self._job(job)
                case "GET", "queries", job:
                    answer = self._result(job)
                case "GET" | "PATCH", "datasets", dataset, "tables", table:
                    answer = self._table(dataset, table)
                case "DELETE", "datasets", dataset, "tables", table:
                    self.sql.tables.pop(f"{PROJECT}.{dataset}.{table}", None)
                    answer = {}
                case "GET", "datasets", dataset, "tables":
                    answer = {"tables": self._tables(dataset)}
                case "GET", "datasets", _, "routines":
                    answer = {"routines": []}
                case "GET", "datasets":
                    answer = {"datasets": [_dataset(name) for name in self._datasets()]}
                case "GET", "datasets", dataset if dataset in self._datasets():
                    answer = _dataset(dataset)
        return answer

    def _run(self, job: str, script: str) -> None:
        self.scripts[job] = script
        try:
            self._results[job] = self.sql.run(script)
        except (SqlError, FilterMissingError, NotImplementedError) as error:
            self._results[job] = f"{type(error).__name__}: {error}"

    def _job(self, job: str) -> Answer:
        result = self._results[job]
        error = {"reason": "invalidQuery", "message": result}
        failed = {"errorResult": error, "errors": [error]} if isinstance(result, str) else {}
        return {
            "jobReference": {"projectId": PROJECT, "jobId": job, "location": "US"},
            "configuration": {"query": {"query": self.scripts[job]}},
            "status": {"state": "DONE", **failed},
        }

    def _result(self, job: str) -> Answer:
        table = self._results[job]
        if isinstance(table, str):
            return None
        return {
            "jobComplete": True,
            "jobReference": {"projectId": PROJECT, "jobId": job, "location": "US"},
            "schema": {"fields": _fields(table)},
            "totalRows": str(len(table.rows)),
            "rows": [{"f": [{"v": _cell(value)} for value in row]} for row in table.values],
        }

    def _table(self, dataset: str, name: str) -> Answer:
        table = self.sql.tables.get(f"{PROJECT}.{dataset}.{name}")
        if table is None:
            return None
        return _reference(dataset, name, table) | {"schema": {"fields": _fields(table)}}

    def _datasets(self) -> set[str]:
        return {name.split(".")[1] for name in self.sql.tables}

    def _tables(self, dataset: str) -> list[dict[str, Any]]:
        prefix = f"{PROJECT}.{dataset}."
        return [
            _reference(dataset, name.removeprefix(prefix), table)
            for name, table in self.sql.tables.items()
            if name.startswith(prefix)
        ]


def _write_profile(folder: Path, url: str) -> Path:
    """The project's own profile, pointed at this server."""
    profile = yaml.safe_load((dbt.PROJECT / "profiles.yml").read_text())
    profile["klaviyo_warehouse"]["outputs"]["bigquery"] |= {
        "method": "oauth-secrets",
        "token": "none",
        "api_endpoint": url,
        "threads": 1,
    }
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    return folder


def _dataset(name: str) -> dict[str, Any]:
    return {"datasetReference": {"projectId": PROJECT, "datasetId": name}}


def _reference(dataset: str, name: str, table: Table) -> dict[str, Any]:
    reference = {"projectId": PROJECT, "datasetId": dataset, "tableId": name}
    kind = "VIEW" if table.ddl.startswith("create or replace view") else "TABLE"
    return {"tableReference": reference, "type": kind}


def _fields(table: Table) -> list[dict[str, str]]:
    return [{"name": name, "type": API_TYPES.get(kind, kind)} for name, kind in table.kinds.items()]


def _cell(value: Any) -> Any:
    """A value as the API writes it."""
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
    """An empty BigQuery, with the profile that leads to it in `folder`."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or "null")
            answer = engine.answer(self.command, urlsplit(self.path).path, body)
            status = HTTPStatus.NOT_FOUND if answer is None else HTTPStatus.OK
            content = json.dumps({} if answer is None else answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Leave the talking to dbt."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        engine = BigQuery(f"http://127.0.0.1:{server.server_port}", folder)
        Thread(target=server.serve_forever, daemon=True).start()
        yield engine
        server.shutdown()
