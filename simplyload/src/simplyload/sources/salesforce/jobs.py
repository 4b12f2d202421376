"""Reads all rows of a large object by one query job of Bulk API 2.0, which costs few requests.

An answer is CSV, in which nothing and an empty text are the same: NULL, as Salesforce keeps no
empty text. A job and its results live for seven days, whatever session asks for them.
"""

import csv
import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from simplyload.errors import SourceError
from simplyload.sources.salesforce.client import Client, Record, RefusedError
from simplyload.sources.salesforce.objects import Declared, Type

PART = 10_000  # rows of one answer, which is in memory
LONGEST_PAUSE = 30  # seconds between two looks at a job
PATIENCE = 3600  # seconds that a run waits for a job
LAST = "null"  # the locator of the last part

csv.field_size_limit(sys.maxsize)  # a text has up to 131,072 characters, its quotes come on top


class Part(NamedTuple):
    """Rows of a job, and the locator of those that follow."""

    records: list[Record]
    locator: str


def count_rows(client: Client, declared: Declared) -> int:
    """Return about how many rows an object has; 0 where Salesforce does not say."""
    try:
        counts = client.get("limits/recordCount", sObjects=declared.name)["sObjects"]
    except RefusedError:
        return 0
    return int(counts[0]["count"]) if counts else 0


def begin_job(client: Client, declared: Declared) -> str:
    """Order all present rows, and return the id of the job."""
    condition = f" WHERE {' AND '.join(declared.present)}" if declared.present else ""
    soql = f"SELECT {', '.join(declared.fields)} FROM {declared.name}{condition}"  # noqa: S608
    job = client.send("POST", "jobs/query", {"operation": "queryAll", "query": soql})
    return str(job["id"])


def read_job(client: Client, declared: Declared, job: str, locator: str) -> Iterator[Part]:
    """Yield the rows of a job from a locator on, once it is complete."""
    _wait(client, job)
    while locator != LAST:
        after = {"locator": locator} if locator else {}
        text, locator = client.get_part(f"jobs/query/{job}/results", maxRecords=str(PART), **after)
        rows = csv.DictReader(io.StringIO(text, newline=""))
        yield Part([_to_record(declared, row) for row in rows], locator or LAST)
        locator = locator or LAST


def count_job(client: Client, job: str) -> int:
    """Return how many rows a complete job has."""
    return int(client.get(f"jobs/query/{job}")["numberRecordsProcessed"])


def end_job(client: Client, job: str) -> None:
    """Delete a job with its results. A job that no longer exists is no error."""
    try:
        client.send("DELETE", f"jobs/query/{job}")
    except RefusedError:
        return


def _wait(client: Client, job: str) -> None:
    pause, waited = 1, 0
    while (state := client.get(f"jobs/query/{job}")["state"]) != "JobComplete":
        if state in {"Failed", "Aborted"}:
            raise RefusedError(f"Salesforce's job {job} ended as {state}.")
        if waited > PATIENCE:
            raise SourceError(
                f"Salesforce's job {job} is not complete after an hour: the next run goes on with"
                " it."
            )
        time.sleep(pause)
        pause, waited = min(2 * pause, LONGEST_PAUSE), waited + pause


def _to_record(declared: Declared, row: Mapping[str, str]) -> Record:
    """Return a row as a query would: what is of another form than declared stays text."""
    return {name: _to_value(kind, row[name]) for name, kind in declared.fields.items()}


def _to_value(kind: Type, text: str) -> Any:
    if not text:
        return None
    try:
        return _VALUES[kind](text) if kind in _VALUES else text
    except (ValueError, LookupError):
        return text


_VALUES: Mapping[Type, Callable[[str], Any]] = {
    "flag": {"true": True, "false": False}.__getitem__,
    "integer": int,
    "number": float,
}
