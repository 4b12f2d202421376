"""Gathers a stream's messages into changes per table, and notices what a table cannot survive."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from simplyload.changes import Changes, Rejected
from simplyload.sources.postgres.discover import SourceTable
from simplyload.sources.postgres.pgoutput import (
    Begin,
    Commit,
    Delete,
    Insert,
    Message,
    Relation,
    Truncate,
    Update,
)
from simplyload.sources.postgres.rows import FULL, RelationRows

ROW_CHANGES = (Insert, Update, Delete)


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """A table to gather changes of: those that committed before `lsn` are in the destination."""

    table: SourceTable
    leaves: Collection[int]
    lsn: int


@dataclass(frozen=True)
class _Target:
    """Where the changes of a relation go."""

    oid: int
    rows: RelationRows


class Gathering:
    """The changes since the last drain.

    `find_table` returns the oid of the table that a relation belongs to: its own, or that of the
    root if it is a partition. `find_name` returns the present name of a table. `open_rows` makes
    the gatherer of a table as a relation describes it.
    """

    def __init__(
        self,
        streamed: Mapping[int, Streamed],
        find_table: Callable[[int], int],
        open_rows: Callable[[SourceTable, Relation], RelationRows],
        find_name: Callable[[int], str],
    ) -> None:
        self._streamed = dict(streamed)
        self._find_table = find_table
        self._open_rows = open_rows
        self._find_name = find_name
        self._relations: dict[int, Relation] = {}
        self._targets: dict[int, _Target] = {}
        self._done: list[tuple[Changes, list[Rejected]]] = []
        self._commit_lsn = 0
        self._xid = 0
        self._index = 0
        self.in_transaction = False
        self.end_lsn = 0
        self.size = 0
        self.stopped: dict[int, str] = {}
        # Tables that lost rows without a message of the stream; not gathered until `resume`.
        self.incomplete: set[int] = set()

    def add(self, message: Message | None, size: int) -> None:
        """Take one message; `size` is its bytes."""
        if isinstance(message, ROW_CHANGES):
            self._index += 2
            target = self._targets.get(message.oid) or self._open_target(message.oid)
            if target is not None:
                self.size += size
                self._add_row(target.rows, message)
        elif isinstance(message, Begin):
            self._commit_lsn, self._xid, self._index = message.commit_lsn, message.xid, 0
            self.in_transaction = True
        elif isinstance(message, Commit):
            self.end_lsn, self.in_transaction = message.end_lsn, False
        elif isinstance(message, Relation):
            self._add_relation(message)
        elif isinstance(message, Truncate):
            self._index += 2
            self._add_truncate(message.oids)

    def _add_row(self, rows: RelationRows, change: Insert | Update | Delete) -> None:
        if isinstance(change, Insert):
            rows.insert(self._commit_lsn, self._index + 1, change.new)
        elif isinstance(change, Update):
            rows.update(self._commit_lsn, self._index, change, self._xid)
        else:
            rows.delete(self._commit_lsn, self._index + 1, change.old)

    def _add_relation(self, relation: Relation) -> None:
        """Take a table's new shape; what was gathered in the old one is complete."""
        self._relations[relation.oid] = relation
        if previous := self._targets.pop(relation.oid, None):
            self._take(previous.rows)

    def _open_target(self, relation_oid: int) -> _Target | None:
        """Begin to gather a relation's changes, or stop its table; None where none is wanted."""
        oid = self._find_table(relation_oid)
        streamed = self._streamed.get(oid)
        if streamed is None or self._commit_lsn < streamed.lsn:
            return None
        if oid in self.stopped or oid in self.incomplete:
            return None
        relation = self._relations[relation_oid]
        if reason := self._explain_stop(streamed.table, relation, is_root=oid == relation_oid):
            self.stop(oid, reason)
            return None
        target = _Target(oid, self._open_rows(streamed.table, relation))
        self._targets[relation_oid] = target
        return target

    def _explain_stop(self, table: SourceTable, relation: Relation, *, is_root: bool) -> str:
        """Say why the table cannot go on in this shape; empty where it can.

        A table that was renamed and has its name again goes on: its oid says that it is the same.
        """
        name = f"{relation.schema}.{relation.name}"
        if is_root and name != table.source_name and self._find_name(table.oid) == name:
            return f"{table.source_name} was renamed to {name}: it is stopped."
        if not _has_key(table, relation):
            return f"The key of {table.source_name} changed: the next run copies it again."
        return ""

    def stop(self, oid: int, reason: str) -> None:
        """Gather nothing more of a table; what was gathered before stays."""
        self.stopped[oid] = reason
        self._close(oid)

    def _close(self, oid: int) -> None:
        for relation in [key for key, target in self._targets.items() if target.oid == oid]:
            self._take(self._targets.pop(relation).rows)

    def resume(self, oid: int, lsn: int) -> None:
        """Gather a table's changes from an LSN on: what was before is read by other means."""
        self._close(oid)
        self._streamed[oid] = replace(self._streamed[oid], lsn=lsn)
        self.incomplete.discard(oid)

    def _add_truncate(self, relations: tuple[int, ...]) -> None:
        """Take a TRUNCATE. That of a root arrives as one of all its partitions."""
        ended: set[int] = set()
        for relation in relations:
            target = self._targets.get(relation) or self._open_target(relation)
            if target is None or target.oid in ended:
                continue
            streamed = self._streamed[target.oid]
            if relation == target.oid or set(streamed.leaves) <= set(relations):
                target.rows.truncate(self._commit_lsn, self._index + 1)
                ended.add(target.oid)
            else:
                # The stream does not tell which of the root's rows those were.
                self.incomplete.add(target.oid)
                self._close(target.oid)

    def _take(self, rows: RelationRows) -> None:
        if len(rows):
            self._done.append(rows.take())

    def drain(self) -> tuple[list[Changes], list[Rejected]]:
        """Return the changes gathered, and begin again."""
        for target in self._targets.values():
            self._take(target.rows)
        done, self._done, self.size = self._done, [], 0
        changes = [change for change, _ in done]
        return changes, [reject for _, rejects in done for reject in rejects]


def _has_key(table: SourceTable, relation: Relation) -> bool:
    """Return whether a relation has the table's key.

    Under REPLICA IDENTITY FULL every column counts as key: the catalog alone knows the table's.
    """
    if relation.identity == FULL:
        return set(table.key) <= {column.name for column in relation.columns}
    return {column.name for column in relation.columns if column.is_key} == set(table.key)
