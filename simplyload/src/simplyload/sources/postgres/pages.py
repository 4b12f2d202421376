"""Pages of rows in the order of some columns, by keyset: how copy, poll and scan all read.

The server alone orders and compares: a page continues after its predecessor's last values, kept as
the server's own text. A page is one short statement, so no cursor and no snapshot stays open.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from simplyload.changes import (
    COLS,
    DELETE,
    META_FIELDS,
    OP,
    SEQ,
    TRUNCATE,
    UPSERT,
    Changes,
    Rejected,
)
from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import Reader, identifier, is_not_utf8, literal
from simplyload.sources.postgres.discover import SourceTable
from simplyload.sources.postgres.encoding import describe_bytes
from simplyload.sources.postgres.types import Column

# What a page holds in memory at most, plus one record batch of ADBC (16 MB).
PAGE_BYTES = 64_000_000

Position = tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """Rows of one statement; `last` is the position of its last row.

    `is_marked` says that the scan's `mark` is true for at least one of them.
    """

    rows: pa.Table
    removed: pa.Array[Any] | None
    rejected: Sequence[Rejected]
    last: Position
    is_marked: bool = False


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What to read: columns of a table in an order, restricted by conditions.

    `mark` is a condition that restricts nothing; `until` is the position of the last row.
    """

    table: SourceTable
    columns: Sequence[Column]
    order: tuple[str, ...]
    conditions: Sequence[str] = ()
    mark: str | None = None
    until: Position = ()

    def pages(self, reader: Reader, rows: int, after: Position = ()) -> Iterator[Page]:
        """Yield pages of at most `rows` rows; a page of wide rows is cut at `PAGE_BYTES`."""
        limit = rows
        while True:
            found = self._read(reader, after, limit)
            if not found.num_rows:
                return
            page = self._page(found)
            after = page.last
            yield page
            limit = max(1, min(rows, PAGE_BYTES * found.num_rows // max(found.nbytes, 1)))

    def _read(self, reader: Reader, after: Position, limit: int) -> pa.Table:
        """Read a page; where a value is no UTF-8, say in which column."""
        try:
            return reader.read(self._query(after, limit, self._expressions()), PAGE_BYTES)
        except SourceError as error:
            if not is_not_utf8(error):
                raise
            column = self._find_unreadable(reader, after, limit)
            raise SourceError(
                f"{describe_bytes(f'{self.table.source_name}.{column}')}, or leave the table out:"
                f" exclude: [{self.table.source_name}]."
            ) from error

    def _find_unreadable(self, reader: Reader, after: Position, limit: int) -> str:
        """Name the first column of a page whose values the server does not send."""
        for name in dict.fromkeys([*(column.name for column in self.columns), *self.order]):
            try:
                reader.read(self._query(after, limit, {"c": self.table.column(name).text}))
            except SourceError:
                return name
        return "*"

    def _query(self, after: Position, limit: int, expressions: Mapping[str, str]) -> str:
        wanted = [f"{sql} as {identifier(name)}" for name, sql in expressions.items()]
        bounds = [*self._compare(">", after), *self._compare("<=", self.until)]
        conditions = [*self.conditions, *bounds]
        where = f" where {' and '.join(conditions)}" if conditions else ""
        order = ", ".join(f"t.{identifier(name)}" for name in self.order)
        source = f"{self.table.from_clause} as t{where}"
        return f"select {', '.join(wanted)} from {source} order by {order} limit {limit}"  # noqa: S608

    def _expressions(self) -> dict[str, str]:
        """Name the output by position: a name of ours could be that of a column of the table."""
        cells = {f"c{i}": column.expression for i, column in enumerate(self.columns)}
        order = {f"o{i}": self.table.column(name).text for i, name in enumerate(self.order)}
        others = {
            "unheld": unheld_texts(self.columns),
            "removed": removed_condition(self.table),
            "marked": self.mark,
        }
        return cells | order | {name: sql for name, sql in others.items() if sql}

    def _compare(self, operator: str, place: Position) -> list[str]:
        """Compare as a row value: `a > x or (a = x and b > y)` would not use the index."""
        if not place:
            return []
        names = ", ".join(identifier(name) for name in self.order)
        return [f"({names}) {operator} ({', '.join(map(literal, place))})"]

    def _page(self, found: pa.Table) -> Page:
        cells = {
            column.name: column.from_copy(found[f"c{i}"]) for i, column in enumerate(self.columns)
        }
        rows = pa.table(cells, schema=pa.schema([column.field for column in self.columns]))
        removed = found["removed"].combine_chunks() if "removed" in found.column_names else None
        is_marked = self.mark is not None and bool(pc.any(found["marked"]).as_py())
        rejected = list(self._list_rejected(found))
        last = tuple(found[f"o{i}"][-1].as_py() for i in range(len(self.order)))
        for name in self.table.key:
            if rows[name].null_count:
                kept = rows[name].is_valid().combine_chunks()
                rows = rows.filter(kept)
                removed = None if removed is None else removed.filter(kept)
        return Page(rows, removed, rejected, last, is_marked)

    def _list_rejected(self, found: pa.Table) -> Iterator[Rejected]:
        """Name the cells that do not fit, and the keys of their rows, by the server's text."""
        if "unheld" not in found.column_names or found["unheld"].null_count == found.num_rows:
            return
        places = ["unheld", *(f"o{self.order.index(name)}" for name in self.table.key)]
        rows = found.select(places).filter(found["unheld"].is_valid())
        bounded = [column for column in self.columns if column.unheld]
        for unheld, *key in zip(*(rows[place].to_pylist() for place in places), strict=True):
            for column, text in zip(bounded, json.loads(unheld), strict=True):
                if text is None:
                    continue
                is_key = column.name in self.table.key
                outcome = "the row is left out" if is_key else "it is NULL"
                yield Rejected(
                    table=self.table.table.name,
                    key=dict(zip(self.table.key, key, strict=True)),
                    column=column.name,
                    reason=f"{text} does not fit {column.arrow}: {outcome}",
                )


def unheld_texts(columns: Sequence[Column]) -> str | None:
    """Return the expression for a row's values that do not fit their Arrow types, as a JSON list.

    It is NULL where all fit. One output for all columns: ADBC takes time for each, NULL or not.
    """
    texts = [column.unheld for column in columns if column.unheld]
    if not texts:
        return None
    some = f"coalesce({', '.join(texts)}) is not null"
    return f"case when {some} then pg_catalog.array_to_json(array[{', '.join(texts)}])::text end"


def removed_condition(table: SourceTable) -> str | None:
    """Return the condition under which the soft-delete column says that a row is gone."""
    if table.soft_delete is None:
        return None
    name = identifier(table.soft_delete)
    is_bool = table.column(table.soft_delete).type.name == "bool"
    return f"coalesce({name}, false)" if is_bool else f"({name} is not null)"


def changes(
    table: SourceTable, page: Page, seq: int, carried: Sequence[str] | None = None
) -> Changes:
    """Return a page's rows as changes: whole rows, or only the columns carried beside the key.

    The soft-delete column turns a change into a deletion.
    """
    count = page.rows.num_rows
    ops: pa.Array[Any] = pa.repeat(UPSERT, count)
    if page.removed is not None:
        ops = pc.if_else(page.removed, pa.scalar(DELETE), pa.scalar(UPSERT))
    cols = pa.scalar(None if carried is None else list(carried), META_FIELDS[2].type)
    return _changes(table, page.rows, ops, seq, pa.repeat(cols, count))


def truncate_before(table: SourceTable, seq: int) -> Changes:
    """Say that every row with a smaller `_seq` is gone."""
    rows = pa.table({name: [None] for name in table.key})
    return _changes(table, rows, pa.array([TRUNCATE]), seq, pa.nulls(1, META_FIELDS[2].type))


def _changes(
    table: SourceTable, rows: pa.Table, ops: pa.Array[Any], seq: int, cols: pa.Array[Any]
) -> Changes:
    """Complete rows to the schema of the table's changes; absent columns are NULL."""
    target = table.table
    schema, count = target.change_schema(), rows.num_rows
    meta = {
        OP: ops,
        SEQ: pa.repeat(pa.scalar(Decimal(seq), META_FIELDS[1].type), count),
        COLS: cols,
    }
    present = {name: rows[name].cast(schema.field(name).type) for name in rows.column_names} | meta
    arrays = [
        present[field.name] if field.name in present else pa.nulls(count, field.type)
        for field in schema
    ]
    return Changes(target, pa.table(arrays, schema=schema))
