"""A scripted source, and a naive destination in memory that says what the right result is."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa

from simplyload.changes import COLS, OP, SEQ, TOMBSTONE, Batch, Changes, State, Table
from simplyload.sources.source import Discovered, Finding
from simplyload.testing.memory import live_rows

ORDERS = Table(
    name="orders",
    key=("id",),
    schema=pa.schema([("id", pa.int64()), ("a", pa.string()), ("b", pa.int32())]),  # type: ignore[arg-type]
)

Row = dict[str, Any]


def upsert(seq: int, row: Row, cols: Sequence[str] | None = None) -> Row:
    """Give an upsert of a whole row, or of some columns."""
    return {OP: "U", SEQ: Decimal(seq), COLS: cols, **row}


def delete(seq: int, key: int, *, tombstone: bool = False) -> Row:
    """Give a delete; a tombstone is kept where there is no row."""
    return {OP: "D", SEQ: Decimal(seq), "id": key, COLS: [TOMBSTONE] if tombstone else None}


def truncate(seq: int) -> Row:
    """Give a truncate."""
    return {OP: "T", SEQ: Decimal(seq)}


def changes(*rows: Row, table: Table = ORDERS) -> Changes:
    """Give changes of one table as Arrow data."""
    return Changes(table, pa.Table.from_pylist(list(rows), schema=table.change_schema()))


@dataclass
class ScriptedSource:
    """A source whose batches are given; its state is the number of batches read."""

    batches: Sequence[Batch | Changes | Sequence[Changes]]
    acked: list[State] = field(default_factory=list)
    reads: int = 0

    def tables(self) -> list[Table]:
        """List the tables of the batches."""
        return list({table.name: table for table in self._tables()}.values())

    def read(self, state: State) -> Iterator[Batch]:
        """Yield the batches after the state."""
        self.reads += 1
        for number in range(state.get("n", 0), len(self.batches)):
            item = self.batches[number]
            if isinstance(item, Batch):
                yield item
            else:
                parts = [item] if isinstance(item, Changes) else item
                yield Batch(changes=parts, state={"n": number + 1})

    def ack(self, state: State) -> None:
        """Note the state."""
        self.acked.append(state)

    def reset(self, state: State) -> State:  # noqa: ARG002
        """Give the first state."""
        return {}

    def backfill(self, state: State, table: str, since: str | None) -> State:  # noqa: ARG002
        """Give the first state."""
        return {"n": 0}

    def discover(self) -> list[Discovered]:
        """Find nothing."""
        return []

    def validate(self) -> list[Finding]:
        """Find nothing."""
        return []

    def scan(self, table: Table) -> Iterator[pa.Table]:
        """Yield the rows that the batches lead to."""
        rows = live_rows([part for batch in self.batches for part in _parts(batch)], table.name)
        yield pa.Table.from_pylist(list(rows.values()), schema=table.schema)

    def drop(self) -> list[str]:
        """Remove nothing."""
        return []

    def close(self) -> None:
        """Do nothing."""

    def _tables(self) -> Iterator[Table]:
        for batch in self.batches:
            yield from (part.table for part in _parts(batch))


def random_changes(seed: int, length: int, keys: int = 4, truncates: int = 1) -> list[Row]:
    """Give changes of some keys: whole and partial upserts, deletes, truncates (in percent)."""
    chooser = random.Random(seed)
    present: set[int] = set()
    rows: list[Row] = []
    for seq in range(1, length + 1):
        key = chooser.randrange(keys)
        row = {"id": key, "a": chooser.choice([None, "x", "y"]), "b": chooser.choice([None, 1, 2])}
        kind = chooser.choices("UPDT", [50, 30, 20, truncates])[0] if key in present else "U"
        if kind == "T":
            present.clear()
            rows.append(truncate(seq))
        elif kind == "D":
            present.discard(key)
            rows.append(delete(seq, key))
        elif kind == "P":
            column = chooser.choice("ab")
            rows.append(upsert(seq, {"id": key, column: row[column]}, ["id", column]))
        else:
            present.add(key)
            rows.append(upsert(seq, row))
    return rows


def _parts(batch: Batch | Changes | Sequence[Changes]) -> Sequence[Changes]:
    if isinstance(batch, Batch):
        return batch.changes
    return [batch] if isinstance(batch, Changes) else batch
