"""How each Postgres type arrives: its Arrow type, the expression that copy selects, its decoder.

Copy reads through ADBC and the stream through pgoutput's text form. Both give the same cell because
of one rule: a type is native only if it is in `NATIVE`, and every other type is text exactly as its
own output function prints it. The stream sends that very text; copy selects the function.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.sources.postgres.connection import fetch, identifier

Texts = Sequence[str | None]


@dataclass(frozen=True)
class Native:
    """A type that has an Arrow type of its own.

    `held` is the condition under which a value `{}` fits the Arrow type; `pattern` says the same of
    its text. A value that does not fit (infinity, a year after 9999 or BC, NaN in a decimal) is
    NULL, and is reported with its text.
    """

    arrow: pa.DataType
    held: str | None = None
    pattern: str | None = None


_DATE = "{} between '0001-01-01' and '9999-12-31'"
_TIMESTAMP = "{} >= '0001-01-01' and {} < '10000-01-01'"
_FOUR_DIGIT_YEAR = r"^\d{4}-[^B]*$"

NATIVE = {
    "bool": Native(pa.bool_()),
    "int2": Native(pa.int16()),
    "int4": Native(pa.int32()),
    "int8": Native(pa.int64()),
    "float4": Native(pa.float32()),
    "float8": Native(pa.float64()),
    "text": Native(pa.string()),
    "varchar": Native(pa.string()),
    "bpchar": Native(pa.string()),
    "bytea": Native(pa.binary()),
    "date": Native(pa.date32(), _DATE, _FOUR_DIGIT_YEAR),
    "timestamp": Native(pa.timestamp("us"), _TIMESTAMP, _FOUR_DIGIT_YEAR),
    "timestamptz": Native(pa.timestamp("us", "UTC"), _TIMESTAMP, _FOUR_DIGIT_YEAR),
}

# numeric(p,s) is a decimal where Arrow's 38 digits hold it; numeric alone has no scale: it is text.
_DECIMAL_HELD = "{} <> 'NaN'"
_DECIMAL_PATTERN = r"^[-\d.]*$"
MAX_PRECISION = 38


@dataclass(frozen=True, kw_only=True)
class PgType:
    """A type with its domains resolved: the base type's name, typmod and output function."""

    name: str
    typmod: int
    output: str
    in_catalog: bool = True

    @property
    def is_ordered(self) -> bool:
        """Return whether the comparison operators are found with an empty search_path."""
        return self.in_catalog or self.output == identifier("pg_catalog", "enum_out")

    @property
    def native(self) -> Native | None:
        """Return the Arrow form, None where the type arrives as text."""
        if not self.in_catalog:
            return None
        if self.name == "numeric":
            return _decimal(self.typmod)
        return NATIVE.get(self.name)


def describe_types() -> list[tuple[str, str, str]]:
    """List for the document Postgres type, Arrow type, and what is NULL as it does not fit."""
    unheld = "infinity, years BC and after 9999"
    rows = [
        (f"`{name}`", f"`{native.arrow}`", unheld if native.held else "")
        for name, native in NATIVE.items()
    ]
    decimal = f"`numeric(p,s)`, 0 <= s <= p <= {MAX_PRECISION}"
    rows.append((decimal, "`decimal128(p, s)`", "NaN"))
    rows.append(("every other type", f"`{pa.string()}`", ""))
    return rows


def _decimal(typmod: int) -> Native | None:
    """Read precision and scale from a numeric's typmod (a signed scale of 11 bits since 15)."""
    precision, scale = (typmod - 4) >> 16 & 0xFFFF, ((typmod - 4 & 0x7FF) ^ 1024) - 1024
    if typmod < 0 or precision > MAX_PRECISION or not 0 <= scale <= precision:
        return None
    return Native(pa.decimal128(precision, scale), _DECIMAL_HELD, _DECIMAL_PATTERN)


TEXT = PgType(name="text", typmod=-1, output="textout")


class Origin(NamedTuple):
    """Where the values of a column come from: neither its name nor its type tells that.

    `number` is pg_attribute.attnum: another one once the column was dropped and added, or took the
    name of another. `version` is the transaction that wrote its row of pg_attribute, which ALTER
    COLUMN does, and `file` the file of the table, which a rewrite replaces, VACUUM FULL too.
    `parts` are what the type prints beside the stored bytes: labels of enums, attributes of
    composites (an origin of an earlier version has none).
    """

    number: int
    version: int
    file: int
    parts: tuple[str, ...] = ()

    def is_replaced_by(self, now: Origin) -> bool:
        """Return whether the values may be others, not only the place where they are stored."""
        is_rewritten = self.version != now.version and self.file != now.file
        return self.number != now.number or is_rewritten or self.is_reshaped_by(now)

    def is_reshaped_by(self, now: Origin) -> bool:
        """Return whether the same bytes may have another text; a label only added is in no row."""
        return not set(self.parts) <= set(now.parts)


def find_replaced(known: Mapping[str, Origin], now: Mapping[str, Origin]) -> list[str]:
    """List the columns whose values may be others than those known under their names."""
    return [
        name for name, origin in now.items() if name in known and known[name].is_replaced_by(origin)
    ]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a source table, or of a relation in the stream, which has no origin."""

    name: str
    type: PgType
    origin: Origin | None = None
    generated: bool = False

    @property
    def arrow(self) -> pa.DataType:
        """Return the Arrow type of its cells."""
        return self.type.native.arrow if self.type.native else pa.string()

    @property
    def field(self) -> pa.Field[Any]:
        """Return its field in the schema of its table."""
        return pa.field(self.name, self.arrow)

    @property
    def text(self) -> str:
        """Return the expression for the server's own text of a value, as the stream sends it."""
        return f"pg_catalog.textin({self.type.output}({identifier(self.name)}))"

    @property
    def expression(self) -> str:
        """Return the expression that copy selects."""
        native, name = self.type.native, identifier(self.name)
        if native is None:
            return self.text
        # ADBC makes a numeric text too, at six times the time that it takes to pass text on.
        value = self.text if pa.types.is_decimal(native.arrow) else name
        return f"case when {_fill(native.held, name)} then {value} end" if native.held else value

    @property
    def unheld(self) -> str | None:
        """Return the expression for the text of a value that does not fit the Arrow type."""
        native = self.type.native
        if native is None or native.held is None:
            return None
        return f"case when not ({_fill(native.held, identifier(self.name))}) then {self.text} end"

    def from_copy(self, cells: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
        """Give selected cells their Arrow type: a decimal arrives as text."""
        return cells.cast(self.arrow)

    def from_text(self, texts: Texts) -> pa.Array[Any]:
        """Decode the text form that the stream sends; NULL where the Arrow type cannot hold it."""
        cells = pa.array(texts, pa.string())
        native = self.type.native
        if native is None:
            return cells
        if native.pattern is not None:
            cells = pc.if_else(pc.match_substring_regex(cells, native.pattern), cells, None)
        return _DECODERS.get(self.type.name, _cast)(cells, native.arrow)


def _fill(condition: str, name: str) -> str:
    return condition.replace("{}", name)


def _cast(cells: pa.Array[Any], arrow: pa.DataType) -> pa.Array[Any]:
    decoded: pa.Array[Any] = cells.cast(arrow)
    return decoded


def _decode_bool(cells: pa.Array[Any], _arrow: pa.DataType) -> pa.Array[Any]:
    return pc.equal(cells, pa.scalar("t"))


def _decode_bytea(cells: pa.Array[Any], arrow: pa.DataType) -> pa.Array[Any]:
    r"""Decode `\x00ff`; the session pins this form."""
    texts = cells.to_pylist()
    return pa.array([None if text is None else bytes.fromhex(text[2:]) for text in texts], arrow)


_DECODERS: dict[str, Callable[[pa.Array[Any], pa.DataType], pa.Array[Any]]] = {
    "bool": _decode_bool,
    "bytea": _decode_bytea,
}

# A domain has its base type's output function, and its typmod comes from the innermost domain.
_RESOLVE = """
with recursive chain as (
    select oid as declared, oid, typtype, typbasetype, typtypmod, -1 as typmod
    from pg_catalog.pg_type where oid = any(%s::oid[])
    union all
    select c.declared, t.oid, t.typtype, t.typbasetype, t.typtypmod, c.typtypmod
    from chain c join pg_catalog.pg_type t on t.oid = c.typbasetype where c.typtype = 'd'
)
select c.declared::int8, t.typname, c.typmod, tn.nspname = 'pg_catalog', fn.nspname, f.proname
from chain c
join pg_catalog.pg_type t on t.oid = c.oid
join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
join pg_catalog.pg_proc f on f.oid = t.typoutput
join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
where c.typtype <> 'd'
"""

# Labels by the transaction that wrote them, which RENAME VALUE changes: by their number, since what
# it takes from one transaction none gives back. An attribute keeps its number when it is dropped.
# Multiranges are new in 14.
_PARTS = """
with recursive types as (
    select root, root as oid from unnest(%s::oid[]) root
    union
    select types.root, held.oid from types
    join pg_catalog.pg_type t on t.oid = types.oid
    cross join lateral (
        select t.typbasetype union select t.typelem
        union select r.rngsubtype from pg_catalog.pg_range r where r.rngtypid = t.oid
        union select r.rngtypid from pg_catalog.pg_range r
            where (to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid
        union select a.atttypid from pg_catalog.pg_attribute a
            where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    ) held(oid) where held.oid <> 0
)
select types.root::int8, concat_ws('.', e.enumtypid, e.xmin::text, count(*))
from types join pg_catalog.pg_enum e on e.enumtypid = types.oid
group by types.root, e.enumtypid, e.xmin::text
union all
select types.root::int8, concat_ws(' ', a.attrelid,
    string_agg(a.attnum || case when a.attisdropped then '-' else '' end, ' ' order by a.attnum))
from types join pg_catalog.pg_type t on t.oid = types.oid
join pg_catalog.pg_attribute a on a.attrelid = t.typrelid and a.attnum > 0
group by types.root, a.attrelid
"""


def find_parts(connection: Connection, oids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Return by type what decides its text and may be altered without a rewrite of any row."""
    parts: dict[int, tuple[str, ...]] = defaultdict(tuple)
    for oid, part in sorted(fetch(connection, _PARTS, [sorted(set(oids))])):
        parts[oid] += (part,)
    return parts


def resolve_types(
    connection: Connection, wanted: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], PgType]:
    """Resolve (oid, typmod) pairs, as pg_attribute and the Relation message have them.

    A type that no longer exists arrives as text: nothing but the stream still carries its values.
    """
    pairs = set(wanted)
    rows = fetch(connection, _RESOLVE, [sorted({oid for oid, _ in pairs})])
    found = {
        oid: PgType(
            name=name,
            typmod=typmod,
            in_catalog=in_catalog,
            output=identifier(schema, function),
        )
        for oid, name, typmod, in_catalog, schema, function in rows
    }
    return {(oid, typmod): _apply_typmod(found.get(oid, TEXT), typmod) for oid, typmod in pairs}


def _apply_typmod(resolved: PgType, typmod: int) -> PgType:
    """Prefer the column's own typmod; a domain's column has none, the domain has it."""
    if typmod == -1:
        return resolved
    return PgType(
        name=resolved.name,
        typmod=typmod,
        output=resolved.output,
        in_catalog=resolved.in_catalog,
    )
