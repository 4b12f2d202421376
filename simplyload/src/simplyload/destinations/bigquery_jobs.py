"""Jobs of BigQuery, each of which runs once: its id says which one it is.

The answer to a request may be lost, and the request be sent again: BigQuery refuses an id that it
has (409), and the job of that id is the one that was asked for.
"""

import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from simplyload.destinations.bigquery_login import BigQuerySettings, make_client
from simplyload.errors import DestinationError

# Seconds for a request; a job may take longer, and is asked for its state again.
TIMEOUT = 60.0
# How long a job is tried again that others kept from committing, or that Google could not run.
PATIENCE = 1800.0
_LATER = re.compile(
    "concurrent update|rateLimitExceeded|backendError|internalError|jobBackendError"
    "|jobInternalError|jobRateLimitExceeded|tableUnavailable"
)


class Jobs:
    """The jobs of a destination, with its labels and limits."""

    def __init__(self, settings: BigQuerySettings) -> None:
        self._settings = settings
        self._driver = import_module("google.cloud.bigquery")
        self._errors = import_module("google.api_core.exceptions")
        self.client = make_client(settings)
        self._labels = dict(settings.labels)

    def close(self) -> None:
        """End the connections."""
        self.client.close()

    def query(self, sql: str, name: str = "") -> tuple[list[tuple[Any, ...]], int]:
        """Run a statement or a script; return its rows, and the number of rows that it changed."""
        job, rows = self._finish(name, lambda job_id: self._begin_query(sql, job_id), sql)
        return [tuple(row.values()) for row in rows], job.num_dml_affected_rows or 0

    def read(self, sql: str) -> Any:
        """Run a query; return its rows as Arrow, part by part."""
        return self._finish("", lambda job_id: self._begin_query(sql, job_id), sql)[1]

    def load(self, path: Path, table: Any, name: str) -> None:
        """Append a Parquet file to a table."""
        self._finish(name, lambda job_id: self._begin_load(path, table, job_id))

    def check(self) -> None:
        """Raise DestinationError where the credentials may start no job; it costs nothing."""
        config = self._query_config()
        config.dry_run = True
        self.ask(lambda: self.client.query("SELECT 1", job_config=config, timeout=TIMEOUT))

    def ask(self, request: Callable[[], Any]) -> Any:
        """Send a request of the API; DestinationError has Google's own reason."""
        try:
            return request()
        except self._errors.GoogleAPIError as error:
            raise DestinationError(f"BigQuery refuses: {_reason(error)}") from error
        except (import_module("google.auth.exceptions").GoogleAuthError, OSError) as error:
            raise DestinationError(
                f"BigQuery cannot be reached: {type(error).__name__}: {error}"
            ) from error

    def find(self, request: Callable[[], Any]) -> Any:
        """Send a request of the API; return None for what is absent."""

        def find() -> Any:
            try:
                return request()
            except self._errors.NotFound:
                return None

        return self.ask(find)

    def _finish(self, name: str, begin: Callable[[str], Any], sql: str = "") -> tuple[Any, Any]:
        """Wait for a job; one that others kept from its end is tried again under its next id."""
        until = time.monotonic() + PATIENCE
        wait = 1.0
        for attempt in count():
            try:
                done = self.ask(partial(self._run_once, _job_id(name, attempt), begin, sql))
            except DestinationError as error:
                if not _LATER.search(str(error)) or time.monotonic() + wait > until:
                    raise
                time.sleep(wait)
                wait = min(wait * 2, 60.0)
            else:
                if done is not None:
                    return done[0], done[1]
        raise AssertionError

    def _run_once(
        self, job_id: str, begin: Callable[[str], Any], sql: str
    ) -> tuple[Any, Any] | None:
        """Begin a job and wait for it, or for the one that has this id already.

        Give None where that is another one: someone gave its id to a statement of theirs.
        """
        try:
            job = begin(job_id)
        except self._errors.Conflict:
            place = {"location": self._settings.location, "timeout": TIMEOUT}
            job = self.client.get_job(job_id, **place)
            if getattr(job, "query", sql) != sql:
                return None
        return job, job.result()

    def _begin_query(self, sql: str, job_id: str) -> Any:
        config = self._query_config()
        return self.client.query(
            sql, job_config=config, job_id=job_id, job_retry=None, timeout=TIMEOUT
        )

    def _query_config(self) -> Any:
        """Return what a statement runs under, whatever the project's own defaults are."""
        return self._driver.QueryJobConfig(
            labels=self._labels,
            maximum_bytes_billed=self._settings.maximum_bytes_billed,
            use_query_cache=False,
            connection_properties=[self._driver.ConnectionProperty("time_zone", "UTC")],
        )

    def _begin_load(self, path: Path, table: Any, job_id: str) -> Any:
        config = self._driver.LoadJobConfig(
            source_format="PARQUET",
            write_disposition="WRITE_APPEND",
            create_disposition="CREATE_NEVER",
            labels=self._labels,
        )
        # Names of columns with a space or an accent are as they are, in the file and the table.
        config.column_name_character_map = "V2"
        with path.open("rb") as file:
            return self.client.load_table_from_file(
                file,
                table,
                job_id=job_id,
                job_config=config,
                size=path.stat().st_size,
                timeout=TIMEOUT,
            )

    def label(self, labels: Mapping[str, str]) -> None:
        """Set the labels of the jobs that follow: the bill is grouped by them."""
        self._labels = {**self._settings.labels, **labels}


def _job_id(name: str, attempt: int) -> str:
    """Return the id of a job that has a name; the others need none that is known before."""
    if not name:
        return f"simplyload_{uuid4().hex}"
    return f"simplyload_{name}_{attempt}"


def _reason(error: Any) -> str:
    """Return Google's reason and message, without the address of the request and the job's text."""
    details = [detail for detail in getattr(error, "errors", ()) or () if isinstance(detail, dict)]
    reason = details[0].get("reason", "") if details else ""
    message = (details[0].get("message") if details else None) or getattr(error, "message", error)
    text = " ".join(str(message).split())
    return f"{reason}: {text}" if reason else text
