"""What every destination offers to the engine and to the command line."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from simplyload.changes import Rejected, State, Table
from simplyload.errors import ConfigurationError, GivenUpError

# How many of a stream's loads a destination remembers at least. A run confirms each load before the
# next one, so that what a dead run left is among them.
KEPT_LOADS = 1000


@dataclass(frozen=True, kw_only=True)
class Staged:
    """One table's part of a load: its newest form, and its Parquet files of changes, in order.

    `omitted` are the columns that at least one change does not carry, `deletes` says that a change
    is a D, and `truncated` is the highest _seq of a T: what the merge may leave out otherwise.
    """

    table: Table
    files: Sequence[Path]
    rows: int
    omitted: frozenset[str] = frozenset()
    deletes: bool = False
    truncated: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Load:
    """The unit of commit: all staged tables and the state after them become visible together.

    `load_id` is `<epoch>-<number>`, zero-padded: loads of a stream sort by it, without a clock.
    `schema` is where the stream's tables are in the destination. `freeze` stops a table whose
    schema changed; `remove` deletes rows where they would be marked deleted. `held` are stopped
    tables that stay so, each with its newest message: the log lacks what they missed. `forgotten`
    are absent tables: the state copies them again, and their next changes make them. So it does
    those `refilled`, which are there and lack a column that was dropped. `is_given_up` is asked
    between statements: the load then ends with GivenUpError.
    """

    load_id: str
    stream: str
    schema: str
    state: State
    staged: Sequence[Staged]
    rejected: Sequence[Rejected] = ()
    held: Sequence["Stopped"] = ()
    forgotten: Collection[str] = ()
    refilled: Collection[str] = ()
    freeze: bool = False
    remove: bool = False
    is_given_up: Callable[[], bool] = bool

    def go_on(self) -> None:
        """Raise GivenUpError where the load is to end before its commit."""
        if self.is_given_up():
            raise GivenUpError(f"A signal ended load {self.load_id}: it is rolled back.")


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to commit for a stream; a higher epoch elsewhere ends it."""

    stream: str
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """A table that cannot go on: why, the remedy, and the first load that it misses.

    The log keeps the missed changes; each later load tries them again before its own.
    """

    table: str
    since: str
    message: str


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """What a load did: rows of the fold by table, and the tables that stopped.

    `stage_seconds` are those until every change was where MERGE reads it. `rejected_in` names the
    table or file that has each rejected cell.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    stopped: Sequence[Stopped] = ()
    stage_seconds: float = 0.0
    rejected_in: str = "_simplyload.rejected"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the destination cannot hold: longer values, or bytes; text with the character NUL."""

    max_value_bytes: int | None = None
    max_binary_bytes: int | None = None
    nul_in_text: bool = True


class Destination(Protocol):
    """A warehouse: current rows, loads, leases. A stream is a source by its configured name.

    It connects at first use and again after `close`. All metadata is in schema `_simplyload`.
    """

    @property
    def limits(self) -> Limits:
        """Return what cannot be held: the engine records such rows as rejected."""

    def check(self) -> None:
        """Raise DestinationError where a first load could not begin; changes nothing."""

    def read_state(self, stream: str) -> State | None:
        """Return the state of the stream's newest committed load; None before the first."""

    def acquire(self, stream: str, above: int = 0) -> Lease:
        """Take the lease: every holder of a lower epoch is fenced.

        The epoch rises by one, or to one more than `above`, the newest that the log has.
        """

    def load(self, lease: Lease, load: Load) -> LoadResult:
        """Commit a load. Raises FencedError for an old lease; a table that stops is in the result.

        A load without staged tables commits its state alone (a backfill, a reset).
        """

    def list_committed(self, stream: str) -> list[str]:
        """List the ids of the stream's committed loads, oldest first.

        These are all, or at least the newest `KEPT_LOADS`.
        """

    def read_schemas(self) -> Mapping[str, str]:
        """Return the schema of each stream's newest load, where the destination knows it."""

    def list_stopped(self, stream: str) -> list[Stopped]:
        """List the tables of the stream that wait for a remedy."""

    def find_absent(self, stream: str, schema: str) -> Mapping[str, Sequence[str]]:
        """Return the stream's tables that were made in the schema and are there no more.

        So are those that lack columns: with these, as the source names them.
        """

    def name_columns(self, schema: str, table: Table) -> Mapping[str, str]:
        """Name each source column as it is here; raises TableStoppedError where it has none."""

    def scan(self, schema: str, table: Table) -> Iterator[pa.Table]:
        """Yield the table's rows that are not marked deleted (the business columns it has).

        The first part has no row: it says which columns. Nothing comes before the first load.
        """

    def drop_leftovers(self, stream: str) -> list[str]:
        """Drop what dead loads of this stream left behind, and name it."""

    def drop_orphans(self, stream: str, before: datetime, *, dry_run: bool = False) -> list[str]:
        """Delete files that no load names, older than a moment; name them."""

    def close(self) -> None:
        """End the connection; safe to call twice."""


def check_schema(
    destination: Destination, stream: str, schema: str, *, moves: bool = False
) -> None:
    """Raise ConfigurationError where another stream, or an earlier load, makes the schema wrong.

    A stream that `moves` is copied whole into its new schema.
    """
    schemas = destination.read_schemas()
    for other, taken in schemas.items():
        if other != stream and taken.casefold() == schema.casefold():
            raise ConfigurationError(
                f"Stream {other} of this destination loads into schema `{schema}` too, and a copy "
                "of one would mark the rows of the other as deleted: set another `schema` for "
                f"stream {stream}."
            )
    present = schemas.get(stream, schema)
    if present != schema and not moves:
        raise ConfigurationError(
            f"Stream {stream} is in schema `{present}` of the destination, and `schema` is now "
            f"`{schema}`: set `schema: {present}`, or run `simplyload checkpoint reset {stream}`, "
            f"after which a sync copies every table into `{schema}`."
        )
