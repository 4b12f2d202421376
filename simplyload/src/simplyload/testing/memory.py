"""A destination in memory: the rows to which changes lead, without a fold and without SQL."""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

from simplyload.changes import (
    COLS,
    DELETE,
    OP,
    SEQ,
    TOMBSTONE,
    TRUNCATE,
    Batch,
    Changes,
    State,
    Table,
)
from simplyload.sources.source import Source

Row = dict[str, Any]
Rows = dict[tuple[Any, ...], Row]


@dataclass
class MemoryDestination:
    """The changes that were committed, and the state after them."""

    state: State = field(default_factory=dict, kw_only=True)
    parts: list[Changes] = field(default_factory=list, kw_only=True)

    def load(
        self, source: Source, *, batches: int | None = None, uncommitted: int = 0
    ) -> list[Batch]:
        """Read and commit, then close the source; return what was committed.

        A number of batches alone is a kill after them; some more may be read before it.
        """
        read: list[Batch] = []
        with closing(source):
            last = None if batches is None else batches + uncommitted
            for number, batch in enumerate(islice(source.read(self.state), last), start=1):
                if batches is not None and number > batches:
                    continue
                read.append(batch)
                if batch.state is not None:
                    self._commit(read, batch.state)
        return read

    def live(self, table: str) -> Rows:
        """Return the rows that are there, by key."""
        return live_rows(self.parts, table)

    def _commit(self, read: Sequence[Batch], state: State) -> None:
        """Take what was read since the last state, which is kept as text."""
        unit = 1
        while unit < len(read) and read[-unit - 1].state is None:
            unit += 1
        self.parts += [part for batch in read[-unit:] for part in batch.changes]
        kept = json.loads(json.dumps(state))
        assert kept == state, "a state is what JSON can hold: numbers, text, lists, mappings"
        self.state = kept


def live_rows(parts: Sequence[Changes], name: str = "orders") -> Rows:
    """Apply changes of a table one by one, as a destination does; return the live rows by key."""
    live: Rows = {}
    seqs: dict[tuple[Any, ...], Decimal] = {}
    for part in parts:
        if part.table.name == name:
            for change in part.rows.to_pylist():
                _apply(live, seqs, part.table, change)
    return live


def _apply(
    live: Rows, seqs: dict[tuple[Any, ...], Decimal], table: Table, change: Mapping[str, Any]
) -> None:
    if change[OP] == TRUNCATE:
        for key in [key for key in live if seqs[key] < change[SEQ]]:
            del live[key]
        return
    key = tuple(change[name] for name in table.key)
    if change[SEQ] < seqs.get(key, change[SEQ]):
        return  # a later change is there
    if change[OP] == DELETE and key not in seqs and TOMBSTONE not in (change[COLS] or ()):
        return  # of a row that never was there: nothing is kept of it
    seqs[key] = change[SEQ]
    if change[OP] == DELETE:
        live.pop(key, None)
        return
    carried = set(table.schema.names if change[COLS] is None else change[COLS]) | set(table.key)
    if key not in live and change[COLS] is not None and carried == set(table.key):
        return  # a key alone says that a row is there, and not what it holds
    live.setdefault(key, {}).update({name: change[name] for name in carried})
