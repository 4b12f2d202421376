"""The operations that a sync yields, and the tables whose rows it writes. Pure: no HTTP, no SDK.

A table is the contract with the warehouse: every column is declared and typed, every key begins
with `account_id`, every row is complete. A column names the place in Klaviyo's JSON that fills it.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tables.converters import CONVERTERS
from tables.jsonapi import Json, get_path

Row = dict[str, Any]


@dataclass(frozen=True)
class Upsert:
    """Writes one complete row: a missing column becomes NULL."""

    table: str
    row: Row


@dataclass(frozen=True)
class Upserts:
    """Writes several complete rows of one table, each as an Upsert does."""

    table: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Delete:
    """Marks the row with this primary key as deleted."""

    table: str
    keys: Row


@dataclass(frozen=True)
class Truncate:
    """Marks every row of a table as deleted, of all accounts; a later Upsert revives its row.

    `deferred`: only once the sync has succeeded, so the rows that it does not write.
    """

    table: str
    deferred: bool = False


@dataclass(frozen=True)
class Checkpoint:
    """Commits every operation before it; a later sync resumes from `state`."""

    state: dict[str, Any]


@dataclass(frozen=True)
class Warning:
    """A message to the user about something that does not stop the sync."""

    message: str


Operation = Upsert | Upserts | Delete | Truncate | Checkpoint | Warning


class UnstorableError(Exception):
    """A record lacks a value of its key and cannot become a row."""


@dataclass(frozen=True)
class Column:
    """One column: its Fivetran type and the path in the source document that fills it.

    `fallback` is the path where Klaviyo has been seen to put the value instead.
    """

    type: str
    path: tuple[str, ...]
    fallback: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """One raw table, declared once. `key` follows `account_id`.

    Rows have all `columns` plus `synced_at`.

    `reporting`: whether the set `reporting` (no row per person or event) includes the table.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    reporting: bool = True

    @property
    def primary_key(self) -> list[str]:
        """The names of all key columns."""
        return ["account_id", *self.key]

    @property
    def types(self) -> dict[str, str]:
        """Each column of the stored table with its Fivetran type."""
        own = {name: column.type for name, column in self.columns.items()}
        return {"account_id": "STRING", **own, "synced_at": "UTC_DATETIME"}

    @cached_property
    def _columns_by_container(
        self,
    ) -> dict[tuple[str, ...], list[tuple[str, str, Callable[[Any], Any]]]]:
        """Columns grouped by the JSON container that holds them: one path lookup per container."""
        plan = defaultdict(list)
        for name, column in self.columns.items():
            plan[column.path[:-1]].append((name, column.path[-1], CONVERTERS[column.type]))
        return dict(plan)

    @cached_property
    def _fallbacks(self) -> list[tuple[str, tuple[str, ...], Callable[[Any], Any]]]:
        return [
            (name, column.fallback, CONVERTERS[column.type])
            for name, column in self.columns.items()
            if column.fallback is not None
        ]

    @cached_property
    def _empty_row(self) -> Row:
        return dict.fromkeys(("account_id", *self.columns))

    def row(self, account_id: str, source: Json, type_mismatches: Counter[str]) -> Row:
        """The row of one source document, without `synced_at`.

        A value that does not fit its column's type is NULL there and counted by column in
        `type_mismatches`. Raises UnstorableError if a value of the key is missing.
        """
        # The SDK writes NULL for a column that an upsert lacks, so a row always has them all.
        row = self._empty_row | {"account_id": account_id}
        for path, columns in self._columns_by_container.items():
            container = get_path(source, path)
            # A path may name a position in a list; this makes both kinds of container a dictionary.
            if isinstance(container, list):
                container = {str(position): item for position, item in enumerate(container)}
            if isinstance(container, dict):
                for name, key, convert in columns:
                    value = container.get(key)
                    if value is not None:
                        # Klaviyo writes some missing values as "": they are NULL, and no mismatch.
                        row[name] = converted = convert(value)
                        if converted is None and value != "":
                            type_mismatches[name] += 1
        self._fill_fallbacks(row, source, type_mismatches)
        missing = [name for name in self.key if row[name] is None]
        if missing:
            raise UnstorableError(f"{self.name} without {missing[0]}")
        return row

    def _fill_fallbacks(self, row: Row, source: Json, type_mismatches: Counter[str]) -> None:
        for name, path, convert in self._fallbacks:
            value = get_path(source, path)
            if row[name] is None and value is not None:
                row[name] = converted = convert(value)
                if converted is None and value != "":
                    type_mismatches[name] += 1

    def has_key(self, source: Json) -> bool:
        """Whether a resource has a key value of this table: a flow's delay is not a message."""
        columns = [self.columns[name] for name in self.key]
        paths = (
            path
            for column in columns
            for path in (column.path, column.fallback)
            if path is not None
        )
        return any(get_path(source, path) is not None for path in paths)

    @cached_property
    def day_column(self) -> str | None:
        """The column of the key with the day of the row, or with the first day of its period."""
        return next((name for name in ("date", "period_start") if name in self.key), None)

    def key_columns(self, *, undated: bool = False) -> list[str]:
        """The columns of the key within one account, `undated` without the day of the row."""
        return [name for name in self.key if not (undated and name == self.day_column)]

    def key_of(self, row: Row, *, undated: bool = False) -> str:
        """The key of a row within one account as a JSON list."""
        values = [row[name] for name in self.key_columns(undated=undated)]
        return json.dumps(values, separators=(",", ":"))

    def parse_key(self, key: str, *, undated: bool = False) -> Row:
        """The key columns of a JSON list. Raises ValueError if it is not a key of this table."""
        values = json.loads(key)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise ValueError(f"{self.name}: {key:.40} is not a key")
        return dict(zip(self.key_columns(undated=undated), values, strict=True))


def parse_table(name: str, grain: str, key: str, columns: str, *, reporting: bool = True) -> Table:
    """The table that lines of `column TYPE path/in/the/document[/more]` declare.

    A part in brackets may be missing from the path: the longer path is read first.
    """
    parsed = {}
    for line in columns.strip().splitlines():
        column, kind, path = line.split(maxsplit=2)
        longer, shorter = re.sub(r"[\[\]]", "", path), re.sub(r"\[.*\]", "", path)
        fallback = tuple(shorter.split("/")) if shorter != longer else None
        parsed[column] = Column(kind, tuple(longer.split("/")), fallback)
    return Table(name, grain, tuple(key.split()), parsed, reporting)
