"""What every source offers to the engine and to the command line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import pyarrow as pa

from simplyload.changes import Batch, State, Table


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One result of `validate`: what was looked at, and the remedy when it is no `ok`."""

    level: Literal["ok", "warning", "error"]
    subject: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """One table as `discover` lists it. Rows and bytes are the source's own estimates."""

    table: Table
    mode: Literal["cdc", "poll", "copy", "api"]
    cursor_candidates: Sequence[str] = ()
    estimated_rows: int | None = None
    bytes: int | None = None
    warnings: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Rows that a source gives once, and the destination keeps: what `check` cannot compare.

    Of rows with the same values of `series` the source has, where there is a `day`, those from some
    day on, or else any. Without a series it gives none of the table again, for a `reason`. Where
    there is an `owner`, a column, rows with a value that is none of `owners` are never kept.
    """

    series: Sequence[str] = ()
    day: str | None = None
    owner: str | None = None
    owners: Sequence[str] = ()
    reason: str = ""


@runtime_checkable
class ForgettingSource(Protocol):
    """A source that gives some rows once."""

    def find_kept(self, table: Table, /) -> Kept | None:
        """Return which rows of the table cannot be read again; None where all can."""


class Source(Protocol):
    """A source of changes. One instance serves one run and is used by one thread at a time."""

    def tables(self) -> list[Table]:
        """List the chosen tables that this source can replicate."""

    def read(self, state: State) -> Iterator[Batch]:
        """Yield the batches that follow a committed state; return when nothing more is there now.

        An empty state means a first read. It may be called again from any committed state.
        """

    def ack(self, state: State) -> None:
        """Record that the destination holds everything up to this state (a slot may advance)."""

    def backfill(self, state: State, table: str, since: str | None) -> State:
        """Return a state from which the table is read again, whole or from a cursor value."""

    def reset(self, state: State) -> State:
        """Return a state from which everything is read again; its _seq are higher than before."""

    def discover(self) -> list[Discovered]:
        """List what could be replicated."""

    def validate(self) -> list[Finding]:
        """Check rights, keys and settings; changes nothing."""

    def scan(self, table: Table) -> Iterator[pa.Table] | None:
        """Return the table's present rows, for `check` and for tests.

        Columns that say when a row was read are left out. None where the source does not keep the
        rows: a log of its own runs.
        """

    def drop(self) -> list[str]:
        """Remove what the source keeps for this stream (a slot, a publication), and name it."""

    def close(self) -> None:
        """End connections and processes; safe to call twice."""
