"""The status of each stream: its last success, what is wrong with it, what it has counted.

The stream's folder of the change log keeps all of it except the counts, so that the next process
knows since when a stream is behind, and which problems were reported. Losing the file loses only
that.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from threading import Lock
from typing import Any

from simplyload.engine import Event, RunResult
from simplyload.errors import AlreadyRunningError, SimplyLoadError
from simplyload.store import Store, folder_name

Counts = dict[tuple[str, str], float]  # by metric, and the value of its label beside `stream`


@dataclass(kw_only=True)
class TableStatus:
    """A table: the destination holds what it was at `last_success`; why it is stopped."""

    last_success: float | None = None
    stopped: str = ""

    def lag(self, now: float, since: float) -> float:
        """Return the seconds by which the destination is behind; `since` is the stream's begin."""
        return max(0.0, now - (self.last_success or since))


@dataclass(kw_only=True)
class StreamStatus:
    """A stream: as a table, and its failed runs since then. Times are seconds since 1970."""

    since: float
    last_success: float | None = None
    failures: int = 0
    failure: str = ""
    failed_part: str = ""
    next_try: float | None = None  # of a source that rests
    tables: dict[str, TableStatus] = field(default_factory=dict)
    reported: dict[str, str] = field(default_factory=dict)  # problems whose alert is delivered
    counts: Counts = field(default_factory=lambda: defaultdict(float))

    def lag(self, now: float) -> float:
        """Return the seconds by which it is behind; before a success, since when it waits."""
        return max(0.0, now - (self.last_success or self.since))

    def table(self, name: str) -> TableStatus:
        """Return the status of a table."""
        return self.tables.setdefault(name, TableStatus())

    def add(self, event: Event) -> None:
        """Count an event of the pipeline."""
        if event.kind == "gathered":
            self.counts["changes", event.table] += event.rows
        elif event.kind == "loaded":
            self.counts["rows", event.table] += event.rows
        elif event.kind == "rejected":
            self.counts["rejected_rows", event.table] += event.rows
        elif event.kind == "stopped":
            self.table(event.table).stopped = event.message
        elif event.kind == "postponed":
            self.next_try = time.time() + event.seconds["wait"]
        elif event.kind == "measured":
            self.counts["loads", ""] += bool(event.load_id)
            self.counts["log_bytes", ""] += event.bytes
            for step, seconds in event.seconds.items():
                self.counts["step_seconds", step] += seconds

    def succeed(self, when: float, stopped: Mapping[str, str]) -> None:
        """Record a complete run: the destination holds what the source was at its begin."""
        self.last_success, self.next_try = when, None
        self.failures, self.failure, self.failed_part = 0, "", ""
        for name in {*self.tables, *stopped}:
            table = self.table(name)
            table.stopped = stopped.get(name, "")
            table.last_success = table.last_success if table.stopped else when

    def fail(self, error: SimplyLoadError) -> None:
        """Record a failed run. A run that finds another one active has not failed."""
        self.counts["errors", error.part] += 1
        self.next_try = None
        if error.exit_code != AlreadyRunningError.exit_code:
            self.failures += 1
            self.failure, self.failed_part = str(error), error.part

    def problems(self, name: str, max_lag: timedelta | None, now: float) -> dict[str, str]:
        """Return what is wrong with the stream: a sentence for each problem, by a stable key."""
        found = {}
        if self.failure:
            found["failed"] = f"stream {name}: the run failed: {self.failure}"
        if max_lag is not None and self.lag(now) > max_lag.total_seconds():
            found["lag"] = f"stream {name}: the destination is more than {max_lag} behind"
        for table, status in self.tables.items():
            if status.stopped:
                sentence = f"stream {name}: table {table} is stopped: {status.stopped}"
                found[f"stopped {table}"] = sentence
        return found


class Status:
    """The status of streams, written by their runs and read by other threads."""

    def __init__(self, streams: Sequence[str], log: Store) -> None:
        self._log, self._lock = log, Lock()
        self._streams = {name: self._read(name) for name in streams}
        self._listed: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Count an event of a pipeline."""
        with self._lock:
            self._streams[event.stream].add(event)

    def end(self, result: RunResult, *, lag_seconds: float) -> None:
        """Record that a run is complete."""
        with self._lock:
            self._streams[result.stream].succeed(time.time() - lag_seconds, result.stopped)

    def fail(self, stream: str, error: SimplyLoadError) -> None:
        """Record that a run failed."""
        with self._lock:
            self._streams[stream].fail(error)

    def lacks_tables(self, stream: str) -> bool:
        """Return whether the stream's tables are not listed yet: an idle run names none."""
        return stream not in self._listed and not self._streams[stream].failure

    def list_tables(self, stream: str, names: Iterable[str]) -> None:
        """Record the tables that the stream has, which its complete run has brought to the present.

        A table that the source no longer has is forgotten.
        """
        with self._lock:
            status, listed = self._streams[stream], set(names)
            self._listed.add(stream)
            for name in listed - set(status.tables):
                status.table(name).last_success = status.last_success
            for name in set(status.tables) - listed:
                if not status.tables[name].stopped:
                    del status.tables[name]

    def record_reported(self, stream: str, problems: Mapping[str, str]) -> None:
        """Record the problems whose alert is delivered."""
        with self._lock:
            self._streams[stream].reported = dict(problems)
        self.save(stream)

    def snapshot(self) -> dict[str, StreamStatus]:
        """Return the streams as they are at this moment."""
        with self._lock:
            return deepcopy(self._streams)

    def save(self, stream: str) -> None:
        """Keep the status for the next process, if the log can be written."""
        with self._lock, suppress(OSError, SimplyLoadError):
            kept = asdict(replace(self._streams[stream], counts={}))
            self._log.write(_name(stream), json.dumps(kept).encode())

    def _read(self, stream: str) -> StreamStatus:
        """Read what an earlier process kept; begin without it where it cannot be read."""
        try:
            kept: dict[str, Any] = json.loads(self._log.read(_name(stream)))
            kept["reported"] = kept.pop("told", None) or kept.get("reported", {})  # its former name
            tables = {name: TableStatus(**table) for name, table in kept["tables"].items()}
            return StreamStatus(**kept | {"tables": tables, "counts": defaultdict(float)})
        except (OSError, SimplyLoadError, ValueError, TypeError, KeyError, AttributeError):
            return StreamStatus(since=time.time())


def _name(stream: str) -> str:
    return f"{folder_name(stream)}/.status.json"
