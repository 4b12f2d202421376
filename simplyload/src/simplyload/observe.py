"""What a run reports while it works: a live table on a terminal, one line of JSON elsewhere.

The engine reports events; what shows them is chosen here. No event carries a row or a secret.
"""

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Literal, Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table as RichTable

EventKind = Literal[
    "gathered",  # rows: read since the last load, not yet committed
    "loaded",  # tables: changed rows by table; changes, seconds, lag_seconds (None: unknown)
    "idle",  # nothing to load
    "waiting",  # seconds until the next read
    "warning",  # message
    "rejected",  # rows: how many rows no destination can hold
    "stopped",  # table, message: the others go on
    "failed",  # message: the stream ends
]


@dataclass(frozen=True)
class Event:
    """One thing that happened to a stream."""

    kind: EventKind
    stream: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Observer(Protocol):
    """Shows or records events; it may be called by several threads."""

    def report(self, event: Event) -> None:
        """Take note of one event."""


class JsonLines:
    """Writes each event but `gathered` as one line of JSON: for logs and orchestrators."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def report(self, event: Event) -> None:
        """Write one line."""
        if event.kind == "gathered":
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "event": event.kind, "stream": event.stream, **event.facts}
        with self._lock:
            print(json.dumps(line, default=str), file=self._out, flush=True)


@dataclass
class _Progress:
    """What the live table shows of one stream."""

    began: float = field(default_factory=monotonic)
    state: str = "reading"
    gathered: int = 0
    changes: int = 0
    loads: int = 0
    lag_seconds: float | None = None

    def take(self, event: Event) -> None:
        """Bring the row up to date."""
        facts = event.facts
        self.state = {"waiting": "waits", "idle": "idle", "failed": "failed"}.get(
            event.kind, "reading"
        )
        if event.kind == "gathered":
            self.gathered = facts["rows"]
        elif event.kind == "loaded":
            self.gathered, self.loads = 0, self.loads + 1
            self.changes += facts["changes"]
            self.lag_seconds = facts.get("lag_seconds")


class LiveTable:
    """Shows a row for each stream with its rate and lag, and prints what needs attention above."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._streams: dict[str, _Progress] = {}
        self._lock = threading.Lock()
        self.live = Live(console=console, get_renderable=self._render, refresh_per_second=4)

    def report(self, event: Event) -> None:
        """Update the row of the stream; print warnings and failures at once."""
        with self._lock:
            self._streams.setdefault(event.stream, _Progress()).take(event)
        if event.kind in ("warning", "stopped", "failed"):
            table = f" {event.facts['table']}" if "table" in event.facts else ""
            line = f"{event.kind}: {event.stream}{table}: {event.facts['message']}"
            self._console.print(line, markup=False, highlight=False)
        elif event.kind == "rejected":
            self._console.print(
                f"rejected: {event.stream}: {event.facts['rows']} rows; see _simplyload.rejected"
            )

    def _render(self) -> RichTable:
        table = RichTable("stream", "now", "changes", "loads", "changes/s", "lag", box=None)
        with self._lock:
            for stream, row in self._streams.items():
                seconds = max(monotonic() - row.began, 0.001)
                table.add_row(
                    stream,
                    f"{row.state} {row.gathered:,}" if row.gathered else row.state,
                    f"{row.changes:,}",
                    str(row.loads),
                    f"{row.changes / seconds:,.0f}",
                    format_lag(row.lag_seconds),
                )
        return table


def format_lag(seconds: float | None) -> str:
    """Give the time by which a destination is behind its source; - where it is unknown."""
    return "-" if seconds is None else f"{seconds:,.1f} s"


@contextmanager
def observing() -> Iterator[Observer]:
    """Choose by standard error, which leaves standard output to results."""
    if not sys.stderr.isatty():
        yield JsonLines(sys.stderr)
        return
    table = LiveTable(Console(stderr=True))
    with table.live:
        yield table
