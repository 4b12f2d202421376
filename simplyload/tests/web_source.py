"""What tests of sources by HTTP share: destinations to load into, and loads that are killed."""

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from simplyload.changes import Batch, Changes, State
from simplyload.engine import Event
from simplyload.sources.source import Source
from tests.core import worker

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
class MemoryReader(ABC):
    """A destination in memory: the changes that were committed, and the state after them."""

    fake: Any
    settings: dict[str, Any] = field(default_factory=dict)
    state: State = field(default_factory=dict)
    parts: list[Changes] = field(default_factory=list)
    pause: ClassVar[int]  # seconds before a read, more than the lag

    @abstractmethod
    def source(self) -> Source:
        """Give a new source of the fake."""

    def read(self, *, after: int | None = None, batches: int | None = None) -> list[Batch]:
        """Let time pass, read in a new process; a number of batches alone is a kill after them."""
        self.fake.now += self.pause if after is None else after
        read: list[Batch] = []
        with closing(self.source()) as source:
            for batch in islice(source.read(self.state), batches):
                assert batch.state is not None
                read.append(batch)
                self.parts += batch.changes
                self.state = json.loads(json.dumps(batch.state))
        return read


def waiting(batches: Sequence[Batch]) -> dict[str, str]:
    """Give the tables that wait, and why."""
    return {one.table: one.message for batch in batches for one in batch.waiting}


def count(batches: Sequence[Batch], table: str) -> int:
    """Count the changes of a table, a truncate aside."""
    parts = [part for batch in batches for part in batch.changes if part.table.name == table]
    return sum(row["_op"] != "T" for part in parts for row in part.rows.to_pylist())


def run_with_kills(module: str, source: dict[str, Any], folder: Path, **kills: Any) -> int:
    """Load into DuckDB in processes that are killed, then once to the end; count the kills."""
    job = {
        "kind": "duckdb",
        "settings": {"path": str(folder / "target.duckdb")},
        "log": str(folder / "log"),
        "protocol": "",
        "seed": 7,
        "batches": 0,
        "source": source,
        "steps": [0, 0, 1],
        **kills,
    }
    return worker.run_worker(module, job)


def load_with_kills(
    job: dict[str, Any], client: type, request: str, make_source: Callable[[], Source]
) -> int:
    """Kill as the job says, before a request of the client too; give the number of kills."""
    ask, steps = getattr(client, request), logging.getLogger("simplyload.sql")

    def ask_as_step(self: Any, *arguments: Any, **named: Any) -> Any:
        steps.debug("request")
        return ask(self, *arguments, **named)

    setattr(client, request, ask_as_step)
    worker.make_source = lambda *_: make_source()  # type: ignore[assignment]
    return worker.main(job)
