"""The contract between a source, the engine and a destination: tables, changes, batches, state.

A source yields batches. A batch holds changes of one or several tables as Arrow data, and the state
from which the source continues once these changes are committed in the destination.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

# A source's position as a JSON object. The source alone reads it; the destination keeps it.
State = Mapping[str, Any]

OP = "_op"
SEQ = "_seq"
COLS = "_cols"

UPSERT: Literal["U"] = "U"  # the row exists, with the values carried
DELETE: Literal["D"] = "D"  # the row is gone; only its key is carried
TRUNCATE: Literal["T"] = "T"  # every row of the table with a smaller _seq is gone; the key is NULL

# What a change carries beside the business columns of its table.
# _seq orders all changes of one key. It never decreases, and it is no clock: a change data capture
# uses commit LSN * 1e9 + position in the transaction, other sources a counter kept in their state.
# _cols is NULL when the row is whole; otherwise it lists the business columns that are carried (the
# key is always carried). A column that is not listed keeps the value that the destination has.
# A D lists TOMBSTONE there if a change of its key with a smaller _seq may be in a later load, as
# while all rows are read again: the D is then kept also where the destination never had the row.
TOMBSTONE = "_simplyload_tombstone"
META_FIELDS = (
    pa.field(OP, pa.string(), nullable=False),
    pa.field(SEQ, pa.decimal128(38, 0), nullable=False),
    pa.field(COLS, pa.list_(pa.string())),
)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a source: its name in the destination, its key, its business columns.

    `source_name` is the name that the source's own messages and commands use (`public.orders`).
    The schema has the key's columns too; names that begin with `_` followed by `op`, `seq`, `cols`,
    `deleted` or `synced_at` are refused by the catalog.
    """

    name: str
    key: tuple[str, ...]
    schema: pa.Schema
    source_name: str = ""

    def change_schema(self) -> pa.Schema:
        """Return the schema of its changes: business columns, then `_op`, `_seq`, `_cols`."""
        return pa.schema([*self.schema, *META_FIELDS])


@dataclass(frozen=True)
class Changes:
    """Changes of one table in the order in which the source made them; rows have `change_schema()`.

    The table may differ from that of an earlier batch: columns added, widened or dropped. Without
    rows they say that alone, and it is loaded with whatever the engine commits next.
    """

    table: Table
    rows: pa.Table


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A row that no destination can hold: it is recorded in `_simplyload.rejected`, others load."""

    table: str
    key: Mapping[str, Any]
    column: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A table that a read does not bring to the present: why, and the remedy.

    Every read names it until it goes on; a run that leaves one waiting does not exit with 0.
    """

    table: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Changes and the state after them.

    A state of None means that the unit of work goes on (a transaction, a page): the engine stages
    the changes and commits no earlier than with the next batch that has a state. `keep` says that
    the state is committed also where no row changed: a later read cannot find out what it says.
    """

    changes: Sequence[Changes] = ()
    state: State | None
    rejected: Sequence[Rejected] = ()
    warnings: Sequence[str] = field(default=())
    waiting: Sequence[Waiting] = field(default=())
    keep: bool = False
