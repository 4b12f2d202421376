"""Shows what a run does: a live table on a terminal, one line of JSON per event elsewhere.

Both write to standard error, which leaves standard output to results. No event carries a row.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Protocol, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table as RichTable

from simplyload.engine import Event, RunResult
from simplyload.errors import SimplyLoadError

QUIET = {"gathered", "measured"}  # events that say a number, several a second


def make_table(names: Iterable[str]) -> RichTable:
    """Return a table of these columns whose cells wrap: a name cut short may be another's."""
    table = RichTable(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold")
    return table


class Display(Protocol):
    """Shows the events of a pipeline, and what happens between its runs."""

    def __call__(self, event: Event) -> None:
        """Show an event of a pipeline."""

    def end(self, result: RunResult, *, lag_seconds: float) -> None:
        """Show that a run is done: the destination holds what the source had so long ago.

        Without the tables that are stopped, each with its remedy.
        """

    def fail(self, stream: str, error: SimplyLoadError) -> None:
        """Show that a run failed."""


class JsonLines:
    """Writes one line of JSON for each event that says more than a number: for orchestrators."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: Event) -> None:
        """Write an event of a pipeline; what it leaves empty is left out."""
        if event.kind not in QUIET:
            facts = {name: value for name, value in asdict(event).items() if value}
            self._write(facts.pop("kind"), **facts)

    def end(self, result: RunResult, *, lag_seconds: float) -> None:
        """Write what a run did, and each time which tables wait: the numbers are its metrics."""
        self._write(
            "done",
            stream=result.stream,
            lag_seconds=round(lag_seconds, 3),
            loads=result.loads,
            changes=result.changes,
            rows=sum(result.rows.values()),
            rejected=result.rejected,
            **({"stopped": result.stopped} if result.stopped else {}),
        )

    def fail(self, stream: str, error: SimplyLoadError) -> None:
        """Write that a run failed."""
        self._write("failed", stream=stream, message=str(error))

    def _write(self, event: str, **facts: Any) -> None:
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": time, "event": event, **facts}, ensure_ascii=False)
        self._out.write(f"{line}\n")  # whole: alerts write from a thread of their own
        self._out.flush()


@dataclass
class _Progress:
    """What the live table shows of one stream."""

    began: float = field(default_factory=monotonic)
    now: str = "reads"
    gathered: int = 0
    rows: int = 0
    lag: str = "-"


class LiveTable:
    """Shows a row for each stream with its rate and lag; prints above it what needs attention."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._streams: dict[str, _Progress] = {}
        self.live = Live(console=console, get_renderable=self._render, refresh_per_second=4)

    def __call__(self, event: Event) -> None:
        """Update the row of the stream; print warnings, refusals and stopped tables."""
        row = self._update_row(event.stream, "reads")
        if event.kind == "gathered":
            row.gathered += event.rows
        elif event.kind == "loaded":
            row.rows += event.rows
        elif event.kind != "measured":
            self._print(event.kind, event.stream, event.table, event.message)

    def end(self, result: RunResult, *, lag_seconds: float) -> None:
        """Show the lag, and that the stream waits."""
        stopped = ", ".join(result.stopped)
        now = f"up to date but {stopped}" if stopped else "up to date"
        self._update_row(result.stream, now).lag = f"{lag_seconds:,.1f} s"

    def fail(self, stream: str, error: SimplyLoadError) -> None:
        """Print the reason."""
        self._update_row(stream, "failed")
        self._print("failed", stream, "", str(error))

    def _update_row(self, stream: str, now: str) -> _Progress:
        row = self._streams.setdefault(stream, _Progress())
        row.now = now
        return row

    def _print(self, *parts: str) -> None:
        self._console.print(": ".join(filter(None, parts)), markup=False, highlight=False)

    def _render(self) -> RichTable:
        table = RichTable("stream", "now", "changes read", "rows loaded", "per second", "lag")
        table.box = None
        for stream, row in self._streams.items():
            rate = row.gathered / max(monotonic() - row.began, 0.001)
            table.add_row(
                stream, row.now, f"{row.gathered:,}", f"{row.rows:,}", f"{rate:,.0f}", row.lag
            )
        return table


@contextmanager
def open_display() -> Iterator[Display]:
    """Choose the display by standard error."""
    if not sys.stderr.isatty():
        yield JsonLines(sys.stderr)
        return
    table = LiveTable(Console(stderr=True))
    with table.live:
        yield table
