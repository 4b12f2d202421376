"""The catalog: column types between Arrow and SQL, changes of a schema, names in a destination.

The table of types in docs/types.md is generated from here: `python -m simplyload.catalog`.
"""

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlglot import exp

from simplyload.changes import COLS, OP, SEQ
from simplyload.errors import DestinationError, SourceError, TableStoppedError
from simplyload.merge import DELETED, INTERNAL, POS, SYNCED_AT

Dialect = Literal["duckdb", "postgres", "snowflake", "bigquery"]
DIALECTS: tuple[Dialect, ...] = ("duckdb", "postgres", "snowflake", "bigquery")

# What each target table has after its business columns.
TARGET_METADATA: dict[str, pa.DataType] = {
    DELETED: pa.bool_(),
    SYNCED_AT: pa.timestamp("us", "UTC"),
    SEQ: pa.decimal128(38, 0),
}


class Names(BaseModel):
    """What a destination calls the columns of the metadata, for models that expect other names."""

    model_config = ConfigDict(extra="forbid")

    deleted: str = Field(default=DELETED, min_length=1)
    synced_at: str = Field(default=SYNCED_AT, min_length=1)

    @model_validator(mode="after")
    def _check_apart(self) -> Self:
        """Refuse a name that another column of the metadata has."""
        free = {name.casefold() for name in (self.deleted, self.synced_at)} - {SEQ, OP, COLS, POS}
        if len(free) < len(type(self).model_fields):
            raise ValueError(
                f"deleted and synced_at need names of their own, also apart from {SEQ}, {OP},"
                f" {COLS} and {POS}: choose others"
            )
        return self

    def renames(self) -> dict[str, str]:
        """Return the names that differ from those of the catalog."""
        names = {DELETED: self.deleted, SYNCED_AT: self.synced_at}
        return {ours: own for ours, own in names.items() if ours != own}


RESERVED = frozenset({OP, SEQ, COLS, POS, DELETED, SYNCED_AT})
METADATA_SCHEMA = "_simplyload"

# Arrow type -> SQL type, as sqlglot renders it in each dialect. TIMESTAMPNTZ is the type without
# a time zone (Snowflake's TIMESTAMP may be any of three).
_SQL: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "TEXT",
    pa.binary(): "VARBINARY",
    pa.date32(): "DATE",
    pa.timestamp("us"): "TIMESTAMPNTZ",
    pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
}
_ARROW = {exp.DataType.build(sql).this: arrow for arrow, sql in _SQL.items()} | {
    exp.DType.VARCHAR: pa.string(),
    exp.DType.BINARY: pa.binary(),
    exp.DType.TIMESTAMP: pa.timestamp("us"),
}
# Arrow types that a source may use as well, and the type of the catalog.
_ALIASES: dict[pa.DataType, pa.DataType] = {
    pa.int8(): pa.int16(),
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.large_string(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.null(): pa.string(),
}
_INTEGER_DIGITS: dict[pa.DataType, int] = {pa.int16(): 5, pa.int32(): 10, pa.int64(): 19}
# Longest identifier, in bytes (Postgres cuts a longer one without an error).
_LONGEST_NAME = {"duckdb": 1000, "postgres": 63, "snowflake": 255, "bigquery": 300}
_MOST_COLUMNS = {"duckdb": 100_000, "postgres": 1600, "snowflake": 100_000, "bigquery": 10_000}
# What names of tables may have, which is less than those of columns: letters, marks, digits,
# connectors, dashes, spaces. https://cloud.google.com/bigquery/docs/tables#table_naming
_BIGQUERY_CATEGORIES = ("L", "M", "N", "Pc", "Pd", "Zs")
# https://cloud.google.com/bigquery/docs/schemas#column_names
_BIGQUERY_RESERVED = (
    "_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier",
)  # fmt: skip


def canonical(table: str, column: str, arrow: pa.DataType) -> pa.DataType:
    """Return the catalog's type of a source column; raises SourceError where there is none."""
    if pa.types.is_dictionary(arrow):
        arrow = arrow.value_type
    arrow = _ALIASES.get(arrow, arrow)
    if arrow in _SQL or pa.types.is_decimal128(arrow):
        return arrow
    if pa.types.is_timestamp(arrow):
        return pa.timestamp("us", "UTC" if arrow.tz else None)
    raise SourceError(
        f"Column {column} of {table} has type {arrow}, which no destination has: "
        "let the source give it as text."
    )


def sql_type(arrow: pa.DataType, dialect: str) -> exp.DataType:
    """Return the SQL type that holds every value of a catalog type."""
    if not pa.types.is_decimal128(arrow):
        return exp.DataType.build(_SQL[arrow])
    precision, scale = arrow.precision, arrow.scale
    if dialect == "bigquery" and (scale > 9 or precision - scale > 29):
        return exp.DataType.build(f"BIGDECIMAL({precision}, {scale})", dialect="bigquery")
    return exp.DataType.build(f"DECIMAL({precision}, {scale})")


def arrow_type(sql: str, dialect: str) -> pa.DataType | None:
    """Return the catalog type of a SQL type as the destination prints it; None for any other."""
    kind = exp.DataType.build(sql, dialect=dialect, udt=True)
    if kind.this in (exp.DType.DECIMAL, exp.DType.BIGDECIMAL) and kind.expressions:
        return pa.decimal128(*(int(part.name) for part in kind.expressions))
    return _ARROW.get(kind.this)


def widen(old: pa.DataType, new: pa.DataType) -> pa.DataType | None:
    """Return the narrowest type that holds the values of both exactly; None where there is none.

    Integers widen to larger ones, to decimals and to text; decimals to larger ones and to text.
    """
    if old == new:
        return old
    if pa.string() in (old, new):
        return pa.string() if _digits(new if old == pa.string() else old) else None
    if {old, new} == {pa.float32(), pa.float64()}:
        return pa.float64()
    one, other = _digits(old), _digits(new)
    if one is None or other is None:
        return None
    if old in _INTEGER_DIGITS and new in _INTEGER_DIGITS:
        return max(old, new, key=_INTEGER_DIGITS.__getitem__)
    whole, scale = max(one[0], other[0]), max(one[1], other[1])
    return pa.decimal128(whole + scale, scale) if whole + scale <= 38 else pa.string()


def _digits(arrow: pa.DataType) -> tuple[int, int] | None:
    """Return the digits before and after the point of an exact number; None for another type."""
    if arrow in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[arrow], 0
    if pa.types.is_decimal128(arrow):
        return arrow.precision - arrow.scale, arrow.scale
    return None


@dataclass(frozen=True, kw_only=True)
class Evolution:
    """What a target lacks for its staged columns: new columns and wider types, by target name."""

    added: Mapping[str, pa.DataType] = field(default_factory=dict)
    widened: Mapping[str, pa.DataType] = field(default_factory=dict)


def evolve(
    table: str,
    columns: Mapping[str, pa.DataType],
    existing: Mapping[str, pa.DataType | None],
    *,
    freeze: bool = False,
) -> Evolution:
    """Compare staged columns with those of the target; raises TableStoppedError where they clash.

    A column that the source dropped stays. A narrower source column is held by the wider target.
    """
    refuse_foreign(table, existing)
    added = {name: kind for name, kind in columns.items() if name not in existing}
    widened = {
        name: wide
        for name, kind in columns.items()
        if name in existing and (wide := _find_wider_type(table, name, existing[name], kind))
    }
    if freeze:
        dropped = set(existing) - set(columns) - set(TARGET_METADATA)
        _refuse_drift(table, [*added, *widened, *sorted(dropped)])
    return Evolution(added=added, widened=widened)


def refuse_foreign(table: str, existing: Collection[str]) -> None:
    """Raise TableStoppedError for a table of the destination that SimplyLoad did not create.

    DestinationError for one that it created, but with other names of the metadata.
    """
    missing = [name for name in TARGET_METADATA if name not in existing]
    if missing and SEQ in existing:
        raise DestinationError(
            f"Table {table} of the destination lacks the column that `destination.names` calls"
            f" {missing[0].lstrip('_')}: set `names` as it was when the tables were created, or"
            " rename the column in every table."
        )
    if missing:
        raise TableStoppedError(
            f"Table {table} exists in the destination without column {missing[0]}: SimplyLoad did "
            "not create it. Rename it, or set another `schema` for this source."
        )


def _find_wider_type(
    table: str, column: str, old: pa.DataType | None, new: pa.DataType
) -> pa.DataType | None:
    """Return the type to which an existing column must be widened; None where it holds `new`."""
    wide = None if old is None else widen(old, new)
    if wide is None:
        raise TableStoppedError(
            f"Column {column} of {table} is {old or 'of a foreign type'} in the destination and "
            f"{new} in the source",
            f"rename the column there, then run `simplyload backfill {table}`",
        )
    return None if wide == old else wide


def _refuse_drift(table: str, drift: list[str]) -> None:
    if drift:
        raise TableStoppedError(
            f"The source changed column {', '.join(drift)} of {table}, and the pipeline has "
            "`schema: freeze`: set `schema: evolve` for one run, or change the source back."
        )


def name_columns(
    table: str,
    names: Iterable[str],
    existing: Collection[str],
    dialect: str,
    chosen_names: Collection[str] = (),
) -> dict[str, str]:
    """Return the target's name of each column; raises TableStoppedError for a reserved one.

    A name stays as it is, quoted, whatever its case (Snowflake: a name in lower case is
    upper-cased, so that it can be written without quotes). A name that differs from a column of the
    target in its case alone gets a suffix made of the name itself: it is the same in every run.
    `chosen_names` are those that the section `destination` gives to columns of the metadata.
    """
    taken = {*existing, *TARGET_METADATA}
    folded = {name.casefold() for name in taken}
    used_names = set[str]()
    metadata = {name.casefold() for name in chosen_names}
    chosen: dict[str, str] = {}
    for name in names:
        _check_column_name(table, name, metadata)
        plain = _choose(name, taken, folded, dialect)
        chosen[name] = _add_suffix(name, dialect) if plain in used_names else plain
        used_names.add(chosen[name])
        taken.add(chosen[name])
        folded.add(chosen[name].casefold())
    if len(chosen) > _MOST_COLUMNS[dialect] - len(TARGET_METADATA):
        raise TableStoppedError(
            f"Table {table} has {len(chosen)} columns, and {dialect} holds "
            f"{_MOST_COLUMNS[dialect]}: publish fewer columns."
        )
    return chosen


def _check_column_name(table: str, name: str, metadata: Collection[str]) -> None:
    if name.casefold() in RESERVED or name.startswith(INTERNAL):
        raise TableStoppedError(
            f"Column {name} of {table} has a name that SimplyLoad uses itself: rename it in "
            "the source, or publish the table without it."
        )
    if name.casefold() in metadata:
        raise TableStoppedError(
            f"Column {name} of {table} has a name that `destination.names` gives to a column "
            "of SimplyLoad: choose another there, and rename that column in tables that exist."
        )


def choose_name(name: str, taken: Collection[str], dialect: str) -> str:
    """Return the name of a column or table in a destination that has the names `taken`."""
    return _choose(name, taken, {other.casefold() for other in taken}, dialect)


def _choose(name: str, taken: Collection[str], folded: Collection[str], dialect: str) -> str:
    plain, suffixed = _to_plain_name(name, dialect), _add_suffix(name, dialect)
    if suffixed in taken or not plain:
        return suffixed
    clashes = plain not in taken and plain.casefold() in folded
    return suffixed if clashes or _differs(name, plain) else plain


def _to_plain_name(name: str, dialect: str) -> str:
    if dialect == "bigquery":
        name = _to_bigquery_name(name)
    if dialect == "snowflake" and name == name.lower():
        name = name.upper()
    return _cut(name, _LONGEST_NAME[dialect])


def _to_bigquery_name(name: str) -> str:
    """Return the name with `_` for what no name has, and before a beginning that is reserved."""
    kept = (
        char if unicodedata.category(char).startswith(_BIGQUERY_CATEGORIES) else "_"
        for char in name
    )
    plain = "".join(kept)
    is_free = not plain.casefold().startswith(_BIGQUERY_RESERVED) and not plain[:1].isdigit()
    return plain if is_free else f"_{plain}"


def _differs(name: str, plain: str) -> bool:
    """Return whether a name lost characters: two names might then become one."""
    return name.casefold() != plain.casefold()


def _add_suffix(name: str, dialect: str) -> str:
    suffix = f"_{hashlib.sha256(name.encode()).hexdigest()[:6]}"
    if dialect == "snowflake":
        suffix = suffix.upper()
    return _cut(_to_plain_name(name, dialect), _LONGEST_NAME[dialect] - len(suffix)) + suffix


def _cut(name: str, size: int) -> str:
    return name.encode()[:size].decode(errors="ignore")


def types_table() -> str:
    """Return the table of types as Markdown: one line per Arrow type, one column per dialect."""
    kinds = [*_SQL, pa.decimal128(38, 9), pa.decimal128(38, 0)]
    lines = ["| Arrow | " + " | ".join(DIALECTS) + " |", "|---" * (len(DIALECTS) + 1) + "|"]
    for kind in kinds:
        cells = [sql_type(kind, dialect).sql(dialect) for dialect in DIALECTS]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(types_table())  # noqa: T201
