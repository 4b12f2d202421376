"""Hashes of a table's rows by ranges, computed where the rows are: equal ranges are not read.

A range is what begins alike in the hash of the key: 4,096 of them, whatever type the key has. Each
side gives a count and a hash of its rows in one statement; only rows of ranges that differ are
read, and compared cell by cell. So a value that two databases print differently costs a comparison
and is no difference; that rows with equal hashes differ would be a collision of MD5.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import pyarrow as pa

from simplyload.changes import Table

DIGITS = 3  # hexadecimal, of the hash of the key: a range


class Digest(NamedTuple):
    """A range: how many rows it has, and their hash."""

    rows: int
    hash: str


Digests = Mapping[str, Digest]


class Cell(NamedTuple):
    """A column: the expression of its value, and its type at the source."""

    expression: str
    type: pa.DataType


@runtime_checkable
class DigestingSource(Protocol):
    """A source that hashes rows where they are."""

    def digest(self, table: Table) -> Digests | None:
        """Return the digest of each range that has rows; None where the table has to be read."""

    def scan_ranges(self, table: Table, ranges: Collection[str]) -> Iterator[pa.Table]:
        """Return the present rows of some ranges."""


@runtime_checkable
class DigestingDestination(Protocol):
    """A destination that hashes rows where they are."""

    def digest(self, schema: str, table: Table) -> Digests | None:
        """Return the digest of each range that has rows; None where the table has to be read."""

    def scan_ranges(self, schema: str, table: Table, ranges: Collection[str]) -> Iterator[pa.Table]:
        """Return the rows of some ranges that are not marked deleted."""


# How a value is written as text, by dialect and kind; `{}` is the value, `{type}` its decimal.
_TEXTS: dict[str, dict[str, str]] = {
    "postgres": {
        "bool": "({})::int::text",
        "integer": "({})::text",
        "decimal": "({})::{type}::text",
        "float": "lower(({})::text)",
        "text": "convert_to({}, 'UTF8')",  # md5 takes bytes too, and these are the same everywhere
        "binary": "encode({}, 'hex')",
        "date": "(({}) - date '2000-01-01')::text",
        "time": "(extract(epoch from {}) * 1000000)::bigint::text",
    },
    "duckdb": {
        "bool": "CAST(CAST({} AS INT) AS VARCHAR)",
        "integer": "CAST({} AS VARCHAR)",
        "decimal": "CAST(TRY_CAST({} AS {type}) AS VARCHAR)",
        "float": "regexp_replace(replace(CAST({} AS VARCHAR), 'inf', 'infinity'), '[.]0$', '')",
        "text": "CAST({} AS VARCHAR)",
        "binary": "lower(hex({}))",
        "date": "CAST(date_diff('day', DATE '2000-01-01', {}) AS VARCHAR)",
        "time": "CAST(epoch_us({}) AS VARCHAR)",
    },
    "snowflake": {
        "bool": "TO_VARCHAR(CAST({} AS INT))",
        "integer": "TO_VARCHAR({})",
        "decimal": "TO_VARCHAR(CAST({} AS {type}))",
        "float": "LOWER(TO_VARCHAR({}))",
        "text": "TO_VARCHAR({})",
        "binary": "LOWER(HEX_ENCODE({}))",
        "date": "TO_VARCHAR(DATEDIFF(day, DATE '2000-01-01', {}))",
        "time": "TO_VARCHAR(DATE_PART(epoch_microsecond, {}))",
    },
    "bigquery": {
        "bool": "CAST(CAST({} AS INT64) AS STRING)",
        "integer": "CAST({} AS STRING)",
        "decimal": "FORMAT('%.{scale}f', {})",  # a cast drops zeros at the end
        "float": "REPLACE(LOWER(CAST({} AS STRING)), 'inf', 'infinity')",
        "text": "{}",
        "binary": "TO_HEX({})",
        "date": "CAST(DATE_DIFF({}, DATE '2000-01-01', DAY) AS STRING)",
        "time": "CAST(UNIX_MICROS(TIMESTAMP({})) AS STRING)",
    },
}
_JOIN = {
    "postgres": "string_agg({0}, '' order by {0} collate \"C\")",
    "duckdb": "string_agg({0}, '' ORDER BY {0})",
    "snowflake": "LISTAGG({0}) WITHIN GROUP (ORDER BY {0})",
    "bigquery": "STRING_AGG({0}, '' ORDER BY {0})",
}
_MD5 = {"bigquery": "TO_HEX(MD5({}))"}


def can_digest(dialect: str) -> bool:
    """Return whether a dialect has the expressions."""
    return dialect in _TEXTS


def can_compare(ours: pa.DataType, theirs: pa.DataType | None) -> bool:
    """Return whether a column of the destination prints values of the source's type as they are.

    A cast to the source's type would round what a user's own type holds, or not be possible.
    """
    if theirs is None:
        return False
    if pa.types.is_decimal(ours):
        return ours == theirs
    is_whole = pa.types.is_decimal(theirs) and theirs.scale == 0  # as Snowflake has integers
    return _kind(ours) == ("integer" if is_whole else _kind(theirs))


def digest_query(dialect: str, rows: str, key: Sequence[Cell], columns: Sequence[Cell]) -> str:
    """Return the query of range, count and hash of rows, which a query gives."""
    parts = f"substr({_hash(dialect, key)}, 1, {DIGITS}) AS r, {_hash(dialect, columns)} AS h"
    joined = _JOIN[dialect].format("h")
    # In BigQuery the name of a subquery hides a column of the same name.
    hashed = f"SELECT {parts} FROM ({rows}) AS _simplyload_rows"  # noqa: S608
    whole = _md5(dialect, joined)
    return f"SELECT r, count(*), {whole} FROM ({hashed}) AS d GROUP BY r"  # noqa: S608


def in_ranges(dialect: str, key: Sequence[Cell], ranges: Collection[str]) -> str:
    """Return the condition of rows in some ranges."""
    named = ", ".join(f"'{name}'" for name in sorted(ranges))
    return f"substr({_hash(dialect, key)}, 1, {DIGITS}) IN ({named})"


def to_digests(rows: Sequence[tuple[object, ...]]) -> dict[str, Digest]:
    """Return the result of the query by range."""
    return {str(name): Digest(int(str(count)), str(hash_)) for name, count, hash_ in rows}


def _hash(dialect: str, cells: Sequence[Cell]) -> str:
    """Return the hash of cells, made of a hash per cell, which separates them."""
    hashes = [f"coalesce({_md5(dialect, _text(dialect, cell))}, '-')" for cell in cells]
    # Each `||` is a level of its own to BigQuery, which has few of them.
    flat = f"CONCAT({', '.join(hashes)})" if dialect == "bigquery" else " || ".join(hashes)
    return _md5(dialect, flat)


def _md5(dialect: str, text: str) -> str:
    return _MD5.get(dialect, "md5({})").replace("{}", text)


def _text(dialect: str, cell: Cell) -> str:
    form = _TEXTS[dialect][_kind(cell.type)].replace("{}", cell.expression)
    if pa.types.is_decimal(cell.type):
        form = form.replace("{type}", f"DECIMAL({cell.type.precision}, {cell.type.scale})")
        form = form.replace("{scale}", str(cell.type.scale))
    return form


def _kind(arrow: pa.DataType) -> str:
    for kind, matches in _KINDS.items():
        if matches(arrow):
            return kind
    return "text"


_KINDS: dict[str, Callable[[pa.DataType], bool]] = {
    "bool": pa.types.is_boolean,
    "integer": pa.types.is_integer,
    "decimal": pa.types.is_decimal,
    "float": pa.types.is_floating,
    "binary": pa.types.is_binary,
    "date": pa.types.is_date,
    "time": pa.types.is_timestamp,
}
