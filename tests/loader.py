"""A loader into memory: it replays a sync's operations as Fivetran does into a warehouse.

Operations before a checkpoint are kept; those after the last one are lost when the sync is killed.
"""

import copy
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import models
import streams
import sync

Row = dict[str, Any]
Tables = dict[str, dict[str, Row]]
SYNC_TABLES = {"sync_report", "sync_error"}  # tables about the sync, not about the account
# Their rows are of the days on which a sync ran.
SNAPSHOT_TABLES = {"campaign_performance_daily"} | {
    stream.table.name for stream in streams.STREAMS if getattr(stream, "is_snapshot", False)
}


class KilledError(Exception):
    """The process was killed here."""


@dataclass
class Loader:
    """One connection: its tables by name and key, and the state of the last checkpoint."""

    url: str
    configuration: Mapping[str, str]
    tables: Tables = field(default_factory=dict)
    state: Any = field(default_factory=dict)
    defers_truncate: bool = False  # whether it truncates at the end of a sync that succeeds
    ignores_unknown: bool = False  # deletes of rows that were never written, as Fivetran does
    warnings: list[str] = field(default_factory=list)
    written: Counter[str] = field(default_factory=Counter)  # upserts of the last sync
    deleted: Counter[str] = field(default_factory=Counter)  # deletes of the last sync
    _unwritten: dict[str, set[str]] = field(default_factory=dict)  # by a deferred truncate's table

    def sync(
        self,
        *,
        die_after: int | None = None,
        on_operation: Callable[[models.Operation], object] = lambda _: None,
    ) -> "Loader":
        """Run one sync. A kill after `die_after` operations loses those since the last checkpoint.

        `on_operation` is called with each operation before the next one is made.
        """
        self.written, self.deleted, self.warnings = Counter(), Counter(), []
        self._unwritten = {}
        pending: list[models.Operation] = []
        with mock.patch.dict(os.environ, {"KLAVIYO_BASE_URL": self.url}):
            operations = sync.sync(
                self.configuration,
                copy.deepcopy(self.state),
                defers_truncate=self.defers_truncate,
            )
            for count, operation in enumerate(each_row(operations)):
                if count == die_after:
                    raise KilledError
                pending.append(operation)
                on_operation(operation)
                if isinstance(operation, models.Checkpoint):
                    self._apply(pending)
                    self.state = json.loads(json.dumps(operation.state))
                    pending = []
        self._apply(pending)
        for table, keys in self._unwritten.items():
            self.tables[table] = {k: r for k, r in self.tables[table].items() if k not in keys}
        return self

    def _apply(self, operations: list[models.Operation]) -> None:
        for operation in operations:
            if isinstance(operation, models.Upsert):
                self.written[operation.table] += 1
                key = _key(operation.table, operation.row)
                self.tables.setdefault(operation.table, {})[key] = operation.row
                self._unwritten.get(operation.table, set()).discard(key)
            elif isinstance(operation, models.Delete):
                key = _key(operation.table, operation.keys)
                if self.ignores_unknown and key not in self.tables.get(operation.table, {}):
                    continue
                self.deleted[operation.table] += 1
                del self.tables[operation.table][key]
            elif isinstance(operation, models.Truncate) and operation.deferred:
                self._unwritten[operation.table] = {*self.tables.get(operation.table, {})}
            elif isinstance(operation, models.Truncate):
                self.tables.pop(operation.table, None)
            elif isinstance(operation, models.Warning):
                self.warnings.append(operation.message)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table."""
        return list(self.tables.get(table, {}).values())

    def content(self) -> Tables:
        """All tables about the account, without the time at which a row was written."""
        return {
            name: {key: _content(row) for key, row in rows.items()}
            for name, rows in self.tables.items()
            if name not in SYNC_TABLES and rows
        }

    @property
    def requests(self) -> int:
        """The number of requests of the last sync, by its own report."""
        last = self.rows("sync_report")[-1]["sync_id"]
        return sum(r["requests"] for r in self.rows("sync_report") if r["sync_id"] == last)


def each_row(operations: Iterable[models.Operation]) -> Iterator[models.Operation]:
    """The operations, each Upserts as one Upsert for each of its rows."""
    for operation in operations:
        if isinstance(operation, models.Upserts):
            yield from (models.Upsert(operation.table, row) for row in operation.rows)
        else:
            yield operation


def _key(table: str, row: Row) -> str:
    return json.dumps([row[name] for name in streams.TABLES[table].primary_key])


def _content(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "synced_at"}
