"""Reads a source and a destination with their plain drivers and compares them cell by cell.

It shares no code with simplyload. A cell is the text in which PostgreSQL itself writes it; what
DuckDB writes is brought to that form by `normalise`, and `expect` states which values a destination
does not hold. Rows are compared as a bag.
"""

import re
import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from operator import eq

import duckdb
import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extensions import new_type, register_type

Row = tuple[str | None, ...]
Read = Callable[[str, Sequence[str]], list[Row]]  # table, columns -> rows
SETTINGS = "set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'"


@dataclass(frozen=True)
class Content:
    """A table's columns with PostgreSQL's types, and its rows."""

    types: Mapping[str, str]
    rows: list[Row]


def read_source(dsn: str, table: str) -> Content:
    """Read a table of schema public as a plain client sees it."""
    with closing(psycopg2.connect(dsn)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(SETTINGS)
        cursor.execute(
            "select attname, format_type("
            " coalesce(nullif(typbasetype, 0), atttypid), greatest(typtypmod, atttypmod))"
            " from pg_attribute join pg_type on pg_type.oid = atttypid"
            " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
            [_quote(table)],
        )
        types = dict(cursor.fetchall())
        return Content(types, _select(cursor, "public", table, list(types), ""))


def read_postgres(dsn: str, schema: str) -> Read:
    """Give a reader of the rows that are not deleted in a PostgreSQL destination."""

    def read(table: str, columns: Sequence[str]) -> list[Row]:
        with closing(psycopg2.connect(dsn)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(SETTINGS)
            return _select(cursor, schema, table, columns, "where not _deleted")

    return read


def read_duckdb(path: str, schema: str) -> Read:
    """Give a reader of the rows that are not deleted in a DuckDB destination; no table, no rows."""

    def read(table: str, columns: Sequence[str]) -> list[Row]:
        with closing(duckdb.connect(path, read_only=True)) as connection:
            connection.execute("set timezone = 'UTC'")
            name = f"{_quote(schema)}.{_quote(table)}"
            try:
                relation = connection.sql(f"select * from {name}")
            except duckdb.CatalogException:
                return []
            kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
            cells = ", ".join(
                f"'\\x' || lower(hex({_quote(column)}))"
                if kinds[column] == "BLOB"
                else f"cast({_quote(column)} as varchar)"
                for column in columns
            )
            return connection.execute(f"select {cells} from {name} where not _deleted").fetchall()

    return read


def find_differences(source: Content, read: Read, table: str) -> list[str]:
    """Name the rows that only one side has; empty when both are equal."""
    columns = list(source.types)
    rows = (expect(row, source.types) for row in source.rows)
    expected = Counter(normalise(row, source.types) for row in rows)
    actual = Counter(normalise(row, source.types) for row in read(table, columns))
    lost, extra = expected - actual, actual - expected
    return [
        *(f"{table}: the destination lacks {_show(columns, row, extra)}" for row in lost),
        *(f"{table}: the source lacks {_show(columns, row, lost)}" for row in extra),
    ]


def expect(row: Row, types: Mapping[str, str]) -> Row:
    """Give NULL for what no destination holds: infinity, BC, years after 9999, a decimal NaN."""
    return tuple(
        cell if cell is None or _HELD.get(kind, ANYTHING).match(cell) else None
        for cell, kind in zip(row, types.values(), strict=True)
    )


def normalise(row: Row, types: Mapping[str, str]) -> Row:
    """Bring cells to PostgreSQL's form.

    Booleans are `t` and `f`; floats are compared by their bits, all NaN being one.
    """
    return tuple(
        None if cell is None else _RULES.get(kind, str)(cell)
        for cell, kind in zip(row, types.values(), strict=True)
    )


def _float4(cell: str) -> str:
    return repr(struct.unpack("f", struct.pack("f", float(cell)))[0])


_RULES: Mapping[str, Callable[[str], str]] = {
    "boolean": lambda cell: cell[0],
    "real": _float4,
    "double precision": lambda cell: repr(float(cell)),
}
ANYTHING = re.compile("")
_FOUR_DIGIT_YEAR = re.compile(r"\d{4}-[^B]*$")
_HELD = {
    "date": _FOUR_DIGIT_YEAR,
    "timestamp without time zone": _FOUR_DIGIT_YEAR,
    "timestamp with time zone": _FOUR_DIGIT_YEAR,
    "numeric(12,2)": re.compile("[^N]*$"),
    "numeric(10,2)": re.compile("[^N]*$"),
}


def _select(
    cursor: Cursor, schema: str, table: str, columns: Sequence[str], where: str
) -> list[Row]:
    """Select columns as the text that the server sends, whatever their types."""
    names = ", ".join(map(_quote, columns))
    select = f"select {names} from {_quote(schema)}.{_quote(table)} {where}"
    cursor.execute(f"{select} limit 0")
    oids = tuple({column.type_code for column in cursor.description or ()})
    register_type(new_type(oids, "TEXT", lambda value, _: value), cursor)
    cursor.execute(select)
    return cursor.fetchall()


def _show(columns: Sequence[str], row: Row, others: Counter[Row]) -> str:
    """Show the first two cells, and of the rest those that differ from the row most like it."""
    like = max(others, key=lambda other: sum(map(eq, row, other)), default=())
    pairs = zip_longest(columns, row, like)
    cells = (
        f"{name}={cell if cell is None else repr(cell[:40])}"
        for number, (name, cell, other) in enumerate(pairs)
        if number < 2 or (like and cell != other)
    )
    return "(" + ", ".join(cells) + ")"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
