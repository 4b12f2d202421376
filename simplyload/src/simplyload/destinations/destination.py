"""What every destination offers to the engine and to the command line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from simplyload.changes import Rejected, State, Table


@dataclass(frozen=True, kw_only=True)
class Staged:
    """One table's part of a load: its newest form, and its Parquet files of changes, in order."""

    table: Table
    files: Sequence[Path]
    rows: int


@dataclass(frozen=True, kw_only=True)
class Load:
    """The unit of commit: all staged tables and the state after them become visible together."""

    load_id: str
    stream: str
    state: State
    staged: Sequence[Staged]
    rejected: Sequence[Rejected] = ()


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to commit for a stream; a higher epoch elsewhere ends it."""

    stream: str
    epoch: int


class Destination(Protocol):
    """A warehouse: current rows, loads, leases. A stream is a source by its configured name."""

    def read_state(self, stream: str) -> State | None:
        """Give the state of the stream's newest committed load; None before the first."""

    def acquire(self, stream: str) -> Lease:
        """Take the lease: the epoch rises by one, and every holder of a lower one is fenced."""

    def load(self, lease: Lease, load: Load) -> Mapping[str, int]:
        """Commit a load, give the changed rows by table. Raises FencedError for an old lease."""

    def scan(self, table: Table) -> Iterator[pa.Table]:
        """Yield the table's rows that are not marked deleted (business columns)."""

    def drop_leftovers(self, stream: str) -> list[str]:
        """Drop what dead loads of this stream left behind, and name it."""

    def close(self) -> None:
        """End the connection; safe to call twice."""
