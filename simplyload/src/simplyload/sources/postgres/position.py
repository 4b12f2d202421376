"""The position of a stream: the part of a source's state that the destination keeps for it.

Every table has a position: the LSN before which its changes are loaded. Most share that of the
stream. A copied table has its own, where its copy began, until the stream reaches it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from simplyload.errors import SourceError
from simplyload.sources.postgres.publication import Published
from simplyload.sources.postgres.slot import format_lsn, parse_lsn
from simplyload.sources.postgres.types import Origin, find_replaced

_NEVER = 2**64
Types = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class TablePosition:
    """What the destination has of a table in the stream, by the oid of its relation.

    `leaves` identifies the partitions that are loaded, `origins` the columns (a position of an
    earlier version has none). `stopped` means that changes were left out, so it needs a new copy.
    """

    name: str
    key: tuple[str, ...]
    membership: tuple[int, ...]
    types: Types
    origins: Mapping[str, Origin] = field(default_factory=dict)
    leaves: tuple[int | str, ...] = ()
    lsn: str | None = None
    stopped: bool = False

    def differs(self, item: Published) -> bool:
        """Return whether the table has other columns or partitions by now."""
        is_other = self.types != item.types or set(self.leaves) != set(item.identities)
        return is_other or bool(self.find_replaced(item))

    def find_replaced(self, item: Published) -> set[str]:
        """Name the columns, other than new ones, whose present values the stream does not have."""
        known = self.types
        retyped = {n for n, kind in item.types.items() if n in known and known[n] != kind}
        return retyped | set(find_replaced(self.origins, item.table.origins))

    def is_reshaped(self, item: Published) -> bool:
        """Return whether a type of a column prints other text now, which locks no table."""
        now = item.table.origins
        return any(known.is_reshaped_by(now[n]) for n, known in self.origins.items() if n in now)


@dataclass(frozen=True, kw_only=True)
class StreamPosition:
    """The stream's position on one server; tables by oid (as JSON has it: text).

    `publication` is the transaction that wrote the publication's row (None: not known from before).
    """

    system: str
    timeline: int
    slot: str
    lsn: str
    publication: int | None = None
    tables: Mapping[str, TablePosition] = field(default_factory=dict)

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> "StreamPosition":
        """Read it from a committed state."""
        try:
            return _ADAPTER.validate_python(dict(state))
        except ValidationError as error:
            raise SourceError(
                "The committed position of the stream is damaged or of another version:"
                " run `simplyload checkpoint reset` to copy the tables again."
            ) from error

    @cached_property
    def _tables(self) -> dict[str, Any]:
        dumped: dict[str, Any] = _TABLES.dump_python(dict(self.tables), mode="json")
        return dumped

    def dump(self) -> dict[str, Any]:
        """Return the JSON object; tables that did not change are not written out again."""
        return {
            "system": self.system,
            "timeline": self.timeline,
            "slot": self.slot,
            "lsn": self.lsn,
            "publication": self.publication,
            "tables": self._tables,
        }

    def hold(self, streamed: Collection[int]) -> "StreamPosition":
        """Return the position in which tables that are not streamed stay where they are."""
        held = {
            oid: replace(table, lsn=table.lsn or self.lsn)
            for oid, table in self.tables.items()
            if int(oid) not in streamed
        }
        return replace(self, tables={**self.tables, **held})

    def needed_lsn(self) -> int:
        """Return the LSN from which some table still needs the log."""
        own = [table.lsn for table in self.tables.values() if table.lsn and not table.stopped]
        return min(parse_lsn(self.lsn), *map(parse_lsn, own), _NEVER)

    def table_lsn(self, oid: int) -> int:
        """Return the LSN from which a table's changes are not loaded yet."""
        return parse_lsn(self.tables[str(oid)].lsn or self.lsn)

    def advance(self, lsn: int, streamed: Collection[int]) -> "StreamPosition":
        """Return the position after everything before the LSN was read for the tables streamed."""
        stream = max(lsn, parse_lsn(self.lsn))
        moved = {
            oid: replace(table, lsn=_advance(parse_lsn(table.lsn), lsn, stream))
            for oid, table in self.tables.items()
            if table.lsn and int(oid) in streamed
        }
        advanced = replace(self, lsn=format_lsn(stream), tables={**self.tables, **moved})
        if not moved:
            advanced.__dict__["_tables"] = self._tables
        return advanced

    def start(self, streamed: Collection[int]) -> int:
        """Return the LSN from which the tables streamed need the log."""
        return min((self.table_lsn(oid) for oid in streamed), default=parse_lsn(self.lsn))

    def with_table(self, oid: int, table: TablePosition) -> "StreamPosition":
        """Return the position with one table replaced."""
        return replace(self, tables={**self.tables, str(oid): table})

    def stop(self, oid: int) -> "StreamPosition":
        """Return the position with one table stopped."""
        return self.with_table(oid, replace(self.tables[str(oid)], stopped=True))


def _advance(own: int, lsn: int, stream: int) -> str | None:
    """Return a table's own LSN after it moved; None once it is the stream's."""
    own = max(own, lsn)
    return None if own == stream else format_lsn(own)


_ADAPTER = TypeAdapter(StreamPosition)
_TABLES = TypeAdapter(dict[str, TablePosition])
