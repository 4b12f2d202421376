"""What tests of sources by HTTP share: destinations to load into."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from simplyload.changes import Batch
from simplyload.engine import Event
from simplyload.sources.source import Source
from simplyload.testing.memory import MemoryDestination

Row = dict[str, Any]


@dataclass
class DuckDBFile:
    """A fake and a DuckDB file in a folder, which is loaded from it, and what the runs showed."""

    fake: Any
    folder: Path
    events: list[Event] = field(default_factory=list, kw_only=True)

    @property
    def file(self) -> Path:
        """The DuckDB file."""
        return self.folder / "warehouse.duckdb"

    def query(self, sql: str) -> list[Row]:
        """Read the destination by its own driver."""
        with closing(duckdb.connect(self.file, read_only=True)) as connection:
            connection.execute("set timezone = 'UTC'")
            rows: list[Row] = connection.sql(sql).to_arrow_table().to_pylist()
            return rows


@dataclass
class MemoryReader(MemoryDestination, ABC):
    """A destination in memory, into which a fake is loaded."""

    fake: Any
    settings: dict[str, Any] = field(default_factory=dict)
    pause: ClassVar[int]  # seconds before a read, more than the lag

    @abstractmethod
    def source(self) -> Source:
        """Give a new source of the fake."""

    def read(self, *, after: int | None = None, batches: int | None = None) -> list[Batch]:
        """Let time pass, read in a new process; a number of batches alone is a kill after them."""
        self.fake.now += self.pause if after is None else after
        return self.load(self.source(), batches=batches)


def waiting_tables(batches: Sequence[Batch]) -> dict[str, str]:
    """Give the tables that wait, and why."""
    return {wait.table: wait.message for batch in batches for wait in batch.waiting}


def count(batches: Sequence[Batch], table: str) -> int:
    """Count the changes of a table, a truncate aside."""
    parts = [part for batch in batches for part in batch.changes if part.table.name == table]
    return sum(row["_op"] != "T" for part in parts for row in part.rows.to_pylist())
