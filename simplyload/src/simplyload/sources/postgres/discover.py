"""What the database has: tables, keys, columns, cursors, sizes, from pg_catalog.

`information_schema` hides keys from a role that may only read (and mixes foreign keys into them);
pg_index does not.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

import pyarrow as pa
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import META_FIELDS, Table
from simplyload.errors import ConfigurationError
from simplyload.sources.postgres.connection import fetch, identifier
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.types import Column, Origin, find_parts, resolve_types

Identity = Literal["default", "index", "full", "nothing"]

_IDENTITIES: dict[str, Identity] = {"d": "default", "i": "index", "f": "full", "n": "nothing"}
_UNREADABLE = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}
# Names that people give to the column that every change of a row sets.
CURSOR_NAMES = ("updated_at", "modified_at", "last_modified_at", "last_updated_at", "updated")
_TIME_TYPES = ("timestamptz", "timestamp")
_CURSOR_TYPES = (*_TIME_TYPES, "date", "int2", "int4", "int8", "numeric")


class Problem(NamedTuple):
    """Why something does not work, and what to do about it."""

    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message}: {self.remedy}."


COPIED_AGAIN = "copied again"
# A destination stops a table of another key, and says what to do; files of a lake hold both.
COPIED_LATER = "copied once the destination has no table with the former key"

_TAKEN = frozenset(field.name for field in META_FIELDS)


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """A table of the database as both the catalog and the settings describe it.

    `is_filtered`: row level security applies to the role, which no policy shows to hide nothing.
    `hidden` are columns that the role may not read, `indexed` columns that lead an index,
    `replica_key` the columns of the replica identity's index. `is_deferrable`: two rows may share
    the primary key until the commit. `is_named`: the setting `tables` has this very name, not a
    pattern. `heirs` are the tables that inherit from it, partitions left out.
    """

    oid: int
    schema: str
    relation: str
    kind: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    replica_key: tuple[str, ...]
    identity: Identity
    may_read: bool
    is_unlogged: bool
    is_filtered: bool
    is_deferrable: bool = False
    is_named: bool = False
    hidden: tuple[str, ...] = ()
    heirs: tuple[str, ...] = ()
    indexed: frozenset[str] = frozenset()
    estimated_rows: int = 0
    bytes: int = 0
    cursor: str | None = None
    soft_delete: str | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """Return what the stream identifies rows by: the replica identity, else the primary key."""
        return self.replica_key or self.primary_key

    @property
    def source_name(self) -> str:
        """Return the name that settings and messages use: `public.orders`."""
        return f"{self.schema}.{self.relation}"

    @property
    def table(self) -> Table:
        """Return the table of the contract."""
        name = name_in_destination(self.schema, self.relation)
        schema = pa.schema([column.field for column in self.columns])
        return Table(name=name, key=self.key, schema=schema, source_name=self.source_name)

    @property
    def origins(self) -> dict[str, Origin]:
        """Return where each column's values come from."""
        return {column.name: column.origin for column in self.columns if column.origin}

    @property
    def from_clause(self) -> str:
        """Return what to select from. ONLY: rows of an inheriting table are its own."""
        only = "" if self.kind == "p" else "only "
        return only + identifier(self.schema, self.relation)

    @property
    def cursor_candidates(self) -> tuple[str, ...]:
        """List the columns that may serve as cursor: those with an index come first."""
        names = [column.name for column in self.columns if column.type.name in _TIME_TYPES]
        indexed = [name for name in names if name in self.indexed]
        return *indexed, *(f"{name} (no index)" for name in names if name not in indexed)

    @property
    def is_asked_for(self) -> bool:
        """Whether a run without it does not do what was asked: a pattern means no views."""
        return self.is_named or self.kind not in _UNREADABLE

    @property
    def refusal(self) -> Problem | None:
        """Say why the table cannot be replicated in any mode."""
        name, quoted = self.source_name, identifier(self.schema, self.relation)
        if self.kind in _UNREADABLE:
            return Problem(
                f"{name} is {_UNREADABLE[self.kind]} and has no key",
                "replicate the tables behind it",
            )
        if not self.may_read:
            return Problem(f"{name} may not be read", f"GRANT SELECT ON {quoted} TO the role")
        if self.is_filtered:
            return Problem(
                f"{name} has row level security, which may hide rows from the role: they would"
                " count as deleted",
                "give the role BYPASSRLS (ALTER ROLE), or GRANT it the role that owns the table",
            )
        if taken := [column.name for column in self.columns if column.name in _TAKEN]:
            return Problem(
                f"{name} has the column {taken[0]}, a name that the change log has for itself",
                "rename the column, or exclude the table",
            )
        return self._key_refusal

    @property
    def _key_refusal(self) -> Problem | None:
        name, quoted = self.source_name, identifier(self.schema, self.relation)
        if not self.key:
            return Problem(
                f"{name} has no primary key, so its rows cannot be told apart", "add one"
            )
        if hidden := [column for column in self.key if column in self.hidden]:
            return Problem(
                f"{name} has the key column {hidden[0]}, which may not be read",
                f"GRANT SELECT ON {quoted} TO the role",
            )
        if foreign := [column for column in self.key if not self.column(column).type.is_ordered]:
            return Problem(
                f"{name} has the key column {foreign[0]} of an extension's type"
                f" {self.column(foreign[0]).type.name}, whose order cannot be relied on",
                "make another unique index its replica identity",
            )
        return None

    @property
    def cdc_refusal(self) -> Problem | None:
        """Say why the stream cannot carry the table: to publish it would break its UPDATEs."""
        name, quoted = self.source_name, identifier(self.schema, self.relation)
        if self.is_unlogged:
            return Problem(f"{name} is unlogged and in no write-ahead log", "poll it")
        if self.identity == "index" and not self.replica_key:
            return Problem(
                f"{name} has lost the index of its replica identity (dropped, or DEFERRABLE by"
                " now), and UPDATE fails once it is published",
                f"ALTER TABLE {quoted} REPLICA IDENTITY DEFAULT",
            )
        if self.is_deferrable and not self.replica_key:
            return Problem(
                f"{name} has a DEFERRABLE primary key, which Postgres takes for no replica"
                " identity: UPDATE fails once it is published, and under REPLICA IDENTITY FULL two"
                " rows may share a key for a while",
                f"make it NOT DEFERRABLE, or ALTER TABLE {quoted} REPLICA IDENTITY USING INDEX a"
                " unique one that is not",
            )
        if self.identity == "nothing" or (self.identity == "default" and not self.primary_key):
            return Problem(
                f"{name} has no replica identity, and UPDATE fails once it is published",
                f"add a primary key and ALTER TABLE {quoted} REPLICA IDENTITY DEFAULT",
            )
        return None

    @property
    def warnings(self) -> tuple[str, ...]:
        """List what is replicated otherwise than one might expect."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[str]:
        name = self.source_name
        if self.hidden:
            yield f"{name}: columns {', '.join(self.hidden)} may not be read and are left out."
        if self.heirs:
            yield (
                f"{name}: rows of {', '.join(self.heirs)}, which inherit from it, are in tables of"
                " their own, not in this one."
            )
        if self.kind == "p":
            yield f"{name} is partitioned: its partitions are read as one table."
        if generated := [column.name for column in self.columns if column.generated]:
            yield (
                f"{name}: generated columns {', '.join(generated)} are read by copy and poll;"
                " the stream has them only where the publication does."
            )

    def column(self, name: str) -> Column:
        """Return a column by its name."""
        return next(column for column in self.columns if column.name == name)


def name_in_destination(schema: str, relation: str) -> str:
    """Return a table's name in the contract; outside `public`, the schema is a part of it."""
    return relation if schema == "public" else f"{schema}__{relation}"


# Partitions are read through their root. A partitioned table has no size of its own.
_TABLES = """
select c.oid::int8, n.nspname, c.relname, c.relkind::text, c.relpersistence::text,
    c.relreplident::text,
    coalesce((select sum(greatest(p.reltuples, 0)) from pg_catalog.pg_partition_tree(c.oid) tree
        join pg_catalog.pg_class p on p.oid = tree.relid where c.relkind = 'p' and tree.isleaf),
        greatest(c.reltuples, 0))::int8,
    coalesce((select sum(pg_catalog.pg_table_size(tree.relid))
        from pg_catalog.pg_partition_tree(c.oid) tree where c.relkind = 'p'),
        pg_catalog.pg_table_size(c.oid))::int8,
    pg_catalog.has_table_privilege(c.oid, 'select')
        or pg_catalog.has_any_column_privilege(c.oid, 'select'),
    pg_catalog.row_security_active(c.oid) or exists(
        select from pg_catalog.pg_partition_tree(c.oid) tree
        where pg_catalog.row_security_active(tree.relid)),
    array(select s.nspname || '.' || h.relname from pg_catalog.pg_inherits i
        join pg_catalog.pg_class h on h.oid = i.inhrelid
        join pg_catalog.pg_namespace s on s.oid = h.relnamespace
        where i.inhparent = c.oid and c.relkind <> 'p' order by 1)
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
    and c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
order by n.nspname, c.relname
"""

# A partitioned table has the files of its partitions. A virtual column is in no file: whatever
# alters it may give it other values.
_COLUMNS = """
with files as materialized (
    select c.oid, coalesce(pg_catalog.pg_relation_filenode(c.oid)::int8,
        (select sum(pg_catalog.pg_relation_filenode(tree.relid)::int8)
            from pg_catalog.pg_partition_tree(c.oid) tree), 0)::int8 as file
    from pg_catalog.pg_class c where c.oid = any(%s::oid[])
)
select a.attrelid::int8, a.attname, a.atttypid::int8, a.atttypmod, a.attgenerated <> '',
    pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'select'),
    a.attnum, a.xmin::text::int8,
    case when a.attgenerated = 'v' then a.xmin::text::int8 else f.file end
from pg_catalog.pg_attribute a join files f on f.oid = a.attrelid
where a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
"""

# indnkeyatts leaves out the columns of INCLUDE.
_INDEXES = """
select i.indrelid::int8, i.indisprimary, i.indisreplident, i.indimmediate,
    array(select a.attname::text from generate_series(0, i.indnkeyatts - 1) position
        join pg_catalog.pg_attribute a
            on a.attrelid = i.indrelid and a.attnum = i.indkey[position] order by position)
from pg_catalog.pg_index i
where i.indrelid = any(%s::oid[]) and i.indisvalid and i.indpred is null
"""


def discover_tables(connection: Connection, settings: PostgresSettings) -> list[SourceTable]:
    """List the tables that the patterns choose, those that are refused too."""
    chosen = [
        row for row in fetch(connection, _TABLES) if is_chosen(settings, f"{row[1]}.{row[2]}")
    ]
    oids = [row[0] for row in chosen]
    columns, hidden = _columns(connection, oids)
    indexes = _group(fetch(connection, _INDEXES, [oids]))
    tables = [
        _source_table(row, columns[row[0]], hidden[row[0]], indexes[row[0]], settings)
        for row in chosen
    ]
    _check_settings(settings, tables)
    return tables


def is_chosen(settings: PostgresSettings, name: str) -> bool:
    """Return whether the settings choose a table of this name."""
    return any(fnmatchcase(name, pattern) for pattern in settings.tables) and not any(
        fnmatchcase(name, pattern) for pattern in settings.exclude
    )


def find_unmatched(settings: PostgresSettings, tables: Sequence[SourceTable]) -> list[str]:
    """List the patterns of `tables` that choose nothing."""
    names = [table.source_name for table in tables]
    return [
        pattern
        for pattern in settings.tables
        if not any(fnmatchcase(name, pattern) for name in names)
    ]


def find_idle_excludes(
    connection: Connection, settings: PostgresSettings, known: Collection[str]
) -> list[str]:
    """List the patterns of `exclude` that leave nothing out, no table known by an old name too."""
    if not settings.exclude:
        return []
    names = {*known, *(f"{row[1]}.{row[2]}" for row in fetch(connection, _TABLES))}
    return [
        pattern
        for pattern in settings.exclude
        if not any(fnmatchcase(name, pattern) for name in names)
    ]


def find_names(connection: Connection, oids: Sequence[int]) -> dict[int, str]:
    """Return the present names of tables, without those that exist no longer."""
    query = """select c.oid::int8, n.nspname || '.' || c.relname from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = any(%s::oid[])"""
    return dict(fetch(connection, query, [list(oids)])) if oids else {}


def _group(rows: Sequence[Sequence[Any]]) -> Mapping[int, list[Sequence[Any]]]:
    groups: dict[int, list[Sequence[Any]]] = defaultdict(list)
    for oid, *rest in rows:
        groups[oid].append(rest)
    return groups


def _columns(
    connection: Connection, oids: list[int]
) -> tuple[Mapping[int, list[Column]], Mapping[int, list[str]]]:
    """Return per table the readable columns, and the names of those that the role may not read."""
    rows = fetch(connection, _COLUMNS, [oids])
    types = resolve_types(connection, [(row[2], row[3]) for row in rows])
    parts = find_parts(connection, [row[2] for row in rows])
    readable: dict[int, list[Column]] = defaultdict(list)
    hidden: dict[int, list[str]] = defaultdict(list)
    for oid, name, type_oid, typmod, generated, may_read, number, version, file in rows:
        if may_read:
            column = Column(
                name=name,
                type=types[type_oid, typmod],
                origin=Origin(number, version, file, parts[type_oid]),
                generated=generated,
            )
            readable[oid].append(column)
        else:
            hidden[oid].append(name)
    return readable, hidden


def _source_table(
    row: Sequence[Any],
    columns: list[Column],
    hidden: list[str],
    indexes: list[Sequence[Any]],
    settings: PostgresSettings,
) -> SourceTable:
    oid, schema, relation, kind, persistence, identity, rows, size, may_read, is_filtered, heirs = (
        row
    )
    name = f"{schema}.{relation}"
    return SourceTable(
        oid=oid,
        schema=schema,
        relation=relation,
        kind=kind,
        columns=tuple(columns),
        primary_key=next((tuple(keys) for is_primary, *_, keys in indexes if is_primary), ()),
        replica_key=next(
            (tuple(keys) for _, is_replica, is_usable, keys in indexes if is_replica and is_usable),
            (),
        ),
        identity=_IDENTITIES[identity],
        may_read=may_read,
        is_unlogged=persistence == "u",
        is_filtered=is_filtered,
        is_deferrable=any(primary and not immediate for primary, _, immediate, _ in indexes),
        is_named=name in settings.tables,
        hidden=tuple(hidden),
        heirs=tuple(heirs),
        indexed=frozenset(keys[0] for *_, keys in indexes if keys),
        estimated_rows=rows,
        bytes=size,
        cursor=_cursor(settings.cursors.get(name), columns),
        soft_delete=settings.soft_delete.get(name),
    )


def _cursor(configured: str | None, columns: list[Column]) -> str | None:
    """Return the configured cursor, else a timestamp with a name that says what it is."""
    named = {column.name for column in columns if column.type.name in _TIME_TYPES}
    return configured or next((name for name in CURSOR_NAMES if name in named), None)


def _check_settings(settings: PostgresSettings, tables: list[SourceTable]) -> None:
    """Refuse a cursor or soft-delete column that does not exist."""
    known = {
        table.source_name: {column.name: column.type.name for column in table.columns}
        for table in tables
    }
    for setting, chosen in (("cursors", settings.cursors), ("soft_delete", settings.soft_delete)):
        for table, column in chosen.items():
            if table not in known:
                raise ConfigurationError(f"{setting}: {table} is none of the chosen tables.")
            if column not in known[table]:
                raise ConfigurationError(f"{setting}: {table} has no column {column}.")
            if setting == "cursors" and known[table][column] not in _CURSOR_TYPES:
                raise ConfigurationError(
                    f"cursors: {table}.{column} has type {known[table][column]};"
                    f" a cursor is one of {', '.join(_CURSOR_TYPES)}."
                )
