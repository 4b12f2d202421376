"""What `PostgresSource` asks of the replication stream (`stream.py`), and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simplyload.changes import Batch, Waiting
from simplyload.sources.postgres.discover import SourceTable

# The stream's own position as a JSON object: at least the LSN; PostgresSource only keeps it.
StreamState = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The stream is ready: slot and publication exist and hold every change after `state`.

    `tables` are those that the stream carries, with the columns that it carries. `copy` names those
    whose rows it does not bring (all of them after the slot was made, later those new in the
    publication). PostgresSource copies them with a `_seq` of `lsn` * 1e9 at least, and then calls
    `read` from `state`, which counts them as copied: it keeps both in one committed state.
    """

    state: StreamState
    lsn: int
    tables: Sequence[SourceTable]
    copy: Sequence[str] = ()
    warnings: Sequence[str] = ()
    waiting: Sequence[Waiting] = ()


class Replication(Protocol):
    """The replication stream of one source: `ChangeStream(settings, stream)` in `stream.py`."""

    def prepare(self, state: StreamState | None, tables: Sequence[SourceTable]) -> Prepared:
        """Make or check publication and slot for tables without a refusal of either kind.

        A state of None means a first read. Raises SourceError where the server or the role does
        not permit it, and makes nothing then. It may wait for transactions of others; `close` from
        another thread ends that.
        """

    def read(self, state: StreamState, tables: Sequence[SourceTable]) -> Iterator[Batch]:
        """Yield what follows; each Batch's state is a StreamState. Returns when caught up.

        `tables` are those of `prepare` that are copied. Another one keeps its position: its changes
        follow once it is listed.
        """

    def ack(self, state: StreamState) -> None:
        """Let the slot advance to the state's LSN."""

    def drop_slot(self) -> bool:
        """Drop the slot, for a stream that ends; tell whether there was one."""

    def close(self) -> None:
        """End the replication connection; safe to call twice."""
