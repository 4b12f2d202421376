"""What `PostgresSource` asks of the replication stream (`stream.py`), and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simplyload.changes import Batch
from simplyload.sources.postgres.discover import SourceTable

# The stream's own position as a JSON object: at least the LSN; PostgresSource only keeps it.
StreamState = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The stream is ready: slot and publication exist and hold every change after `state`.

    `copy` names the tables whose rows the stream does not bring (all of them after the slot was
    made, later those new in the publication). They are copied with `_seq` = `lsn` * 1e9, then
    `read` continues from `state`.
    """

    state: StreamState
    lsn: int
    copy: Sequence[str] = ()
    warnings: Sequence[str] = ()


class Replication(Protocol):
    """The replication stream of one source. `tables` never holds a table with a refusal."""

    def prepare(self, state: StreamState | None, tables: Sequence[SourceTable]) -> Prepared:
        """Make or check publication and slot; None means a first read.

        Raises SourceError where the server or the role does not permit it, and makes nothing then.
        """

    def read(self, state: StreamState, tables: Sequence[SourceTable]) -> Iterator[Batch]:
        """Yield what follows; each Batch's state is a StreamState. Returns when caught up."""

    def ack(self, state: StreamState) -> None:
        """Let the slot advance to the state's LSN."""

    def close(self) -> None:
        """End the replication connection; safe to call twice."""
