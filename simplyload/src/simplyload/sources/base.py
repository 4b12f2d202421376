"""What a source does that reads an API and keeps nothing there: all but `tables` and `read`."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel

from simplyload.changes import COLS, OP, UPSERT, Batch, State, Table
from simplyload.errors import ConfigurationError, SourceError
from simplyload.sources.position import StreamPosition
from simplyload.sources.source import Discovered, Finding

SomeSettings = TypeVar("SomeSettings", bound=BaseModel)


class BaseSource(ABC, Generic[SomeSettings]):
    """A source of your own; `Settings` declares the keys beside `type` in the configuration."""

    Settings: ClassVar[type[BaseModel]]

    def __init__(self, settings: SomeSettings, stream: str) -> None:
        self.settings = settings
        self.stream = stream

    @abstractmethod
    def tables(self) -> list[Table]:
        """List the tables that this source replicates."""

    @abstractmethod
    def read(self, state: State) -> Iterator[Batch]:
        """Yield the batches that follow a committed state; return when nothing more is there."""

    def ack(self, state: State) -> None:
        """Do nothing: the source keeps no position of ours."""

    def backfill(self, state: State, table: str, since: str | None) -> State:
        """Return a state from which everything is read again, and with it the table."""
        names = [other.name for other in self.tables()]
        if table not in names:
            raise ConfigurationError(f"{self.stream} has no table {table}; it has {names}")
        if since is not None:
            raise ConfigurationError(f"{self.stream} has no cursor: leave out --from")
        return self.reset(state)

    def reset(self, state: State) -> State:
        """Return a state from which everything is read again, numbered higher than before."""
        return StreamPosition(seq=StreamPosition.from_state(state).seq).as_state()

    def discover(self) -> list[Discovered]:
        """List the tables."""
        return [Discovered(table=table, mode="api") for table in self.tables()]

    def validate(self) -> list[Finding]:
        """Ask for the tables."""
        try:
            found = ", ".join(table.name for table in self.tables())
        except SourceError as error:
            return [Finding(level="error", subject="source", message=str(error))]
        return [Finding(level="ok", subject="source", message=f"it has {found}")]

    def scan(self, table: Table) -> Iterator[pa.Table] | None:
        """Return the rows of a first read, which has each row once."""
        return (
            changes.rows.filter(self._is_row(changes.rows)).select(table.schema.names)
            for batch in self.read({})
            for changes in batch.changes
            if changes.table.name == table.name
        )

    def drop(self) -> list[str]:
        """Remove nothing: the source keeps nothing for a stream."""
        return []

    def close(self) -> None:
        """Do nothing; a source with connections ends them."""

    @staticmethod
    def _is_row(rows: pa.Table) -> Any:
        """Leave out keys alone, which a list of all keys has."""
        return pc.and_(pc.equal(rows[OP], pa.scalar(UPSERT)), pc.is_null(rows[COLS]))
