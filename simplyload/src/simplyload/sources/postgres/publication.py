"""The publication: which tables the server puts into the stream, and in which form.

A publication that does not exist is created. If this role owns the publication, the chosen tables
that it lacks and that are this role's are added; otherwise it is only checked. A table that it has
with WHERE, or without a column of its key, waits: whoever did so meant it. A table counts as
published from the moment of its membership. A table that leaves and returns has a new membership,
because the changes between never arrive. An altered publication makes new memberships too, since it
may have left out changes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import fetch, identifier
from simplyload.sources.postgres.discover import SourceTable


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A publication as the server has it; `version` is the transaction that wrote its row."""

    oid: int
    version: int
    name: str
    is_own: bool
    all_tables: bool
    via_root: bool
    missing_operations: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Published:
    """A chosen table as the stream carries it.

    `table` has the published columns alone. `membership` are the oids of the catalog rows that make
    it published, `types` type and typmod by column. `leaves` has an identity of each partition by
    its oid: another one after a truncation, a rewrite, or once it was detached and attached again.
    """

    table: SourceTable
    membership: tuple[int, ...]
    leaves: Mapping[int, str]

    @property
    def identities(self) -> tuple[str, ...]:
        """Return the identities of the partitions, as the position keeps them."""
        return tuple(sorted(self.leaves.values()))

    types: Mapping[str, tuple[int, int]]


class Refusal(NamedTuple):
    """Why the stream does not carry a table; where it `is_absent`, ADD TABLE is the remedy."""

    message: str
    is_absent: bool = False


_FIND = """
select p.oid::int8, p.xmin::text::int8, p.pubname,
    p.pubowner = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user),
    p.puballtables, p.pubviaroot, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate
from pg_catalog.pg_publication p where p.pubname = %s
"""
_OPERATIONS = ("insert", "update", "delete", "truncate")


def find_publication(connection: Connection, name: str) -> Publication | None:
    """Look the publication up; None where there is none."""
    for oid, version, found, is_own, all_tables, via_root, *sent in fetch(
        connection, _FIND, [name]
    ):
        missing = tuple(
            what for what, is_sent in zip(_OPERATIONS, sent, strict=True) if not is_sent
        )
        return Publication(
            oid=oid,
            version=version,
            name=found,
            is_own=is_own,
            all_tables=all_tables,
            via_root=via_root,
            missing_operations=missing,
        )
    return None


def check_publication(publication: Publication) -> None:
    """Refuse a publication that leaves out a kind of change."""
    if publication.missing_operations:
        wanted = ", ".join(_OPERATIONS)
        raise SourceError(
            f"Publication {publication.name} does not publish"
            f" {', '.join(publication.missing_operations)}: run ALTER PUBLICATION"
            f" {identifier(publication.name)} SET (publish = '{wanted}')."
        )


def create_statement(connection: Connection, name: str, tables: Sequence[SourceTable]) -> str:
    """Return the SQL that makes the publication, for us or for the database's administrator."""
    options = ["publish_via_partition_root = true"]
    if connection.server_version >= 180000:
        options.append("publish_generated_columns = stored")
    names = ", ".join(_published_name(table) for table in tables)
    return f"CREATE PUBLICATION {identifier(name)} FOR TABLE {names} WITH ({', '.join(options)})"


def add_statement(name: str, tables: Sequence[SourceTable]) -> str:
    """Return the SQL that adds tables to the publication."""
    names = ", ".join(_published_name(table) for table in tables)
    return f"ALTER PUBLICATION {identifier(name)} ADD TABLE {names}"


def find_addable(
    connection: Connection, publication: Publication, tables: Sequence[SourceTable]
) -> list[SourceTable]:
    """List the tables that the publication lacks and this role may add: it owns both."""
    if not publication.is_own or publication.all_tables:
        return []
    _, refused = list_published(connection, publication, tables)
    absent = [table for table in tables if table.oid in refused and refused[table.oid].is_absent]
    owned = _list_owned(connection, absent)
    return [table for table in absent if table.oid in owned]


def explain_unpublished(
    connection: Connection, name: str, tables: Sequence[SourceTable]
) -> dict[int, str]:
    """Say by oid why a table would wait for the publication, which is there."""
    publication = find_publication(connection, name)
    if publication is None:
        return {}
    added = {table.oid for table in find_addable(connection, publication, tables)}
    _, refused = list_published(connection, publication, tables)
    return {oid: refusal.message for oid, refusal in refused.items() if oid not in added}


def list_left_out(
    connection: Connection, name: str, tables: Sequence[SourceTable]
) -> dict[int, str]:
    """Say by oid which columns of a table the publication, which is there, leaves out."""
    publication = find_publication(connection, name)
    if publication is None:
        return {}
    published, _ = list_published(connection, publication, tables)
    return describe_left_out(published, tables)


def describe_left_out(
    published: Sequence[Published], tables: Sequence[SourceTable]
) -> dict[int, str]:
    """Say by oid which columns of published tables the stream does not carry."""
    columns = {table.oid: {column.name for column in table.columns} for table in tables}
    return {
        item.table.oid: f"{item.table.source_name}: columns {', '.join(sorted(left_out))} are not"
        " published and are left out (publish_generated_columns, or the publication's column list)."
        for item in published
        if (left_out := columns[item.table.oid] - set(item.types))
    }


def _published_name(table: SourceTable) -> str:
    """Return the name for a publication. ONLY leaves out inheriting tables, which have own rows."""
    return table.from_clause.replace("only ", "ONLY ", 1)


_OWNED = """
select c.oid::int8 from pg_catalog.pg_class c
where c.oid = any(%s::oid[]) and pg_catalog.pg_has_role(c.relowner, 'usage')
"""


def _list_owned(connection: Connection, tables: Sequence[SourceTable]) -> set[int]:
    return {oid for (oid,) in fetch(connection, _OWNED, [[table.oid for table in tables]])}


def check_rights(connection: Connection, tables: Sequence[SourceTable], statement: str) -> None:
    """Refuse to create what the role may not, with the SQL for someone who may."""
    owned = _list_owned(connection, tables)
    foreign = [table.source_name for table in tables if table.oid not in owned]
    query = "select pg_catalog.has_database_privilege(current_database(), 'create')"
    may_create = fetch(connection, query)[0][0]
    if foreign or not may_create:
        reason = (
            f"does not own {', '.join(foreign)}" if foreign else "may not create in this database"
        )
        raise SourceError(f"The role {reason}: have the owner of the tables run once: {statement};")


# With publish_via_partition_root the stream has no truncation of a partition, and a partition that
# is detached is in no stream. The file of a relation tells the one, the transaction that attached
# it (or its parents) the other.
_LEAVES = """
select root.oid::int8, tree.relid::oid::int8, concat_ws('.', tree.relid::oid,
    pg_catalog.pg_relation_filenode(tree.relid),
    (select string_agg(i.xmin::text, '.' order by up.relid)
        from pg_catalog.pg_partition_ancestors(tree.relid) up
        join pg_catalog.pg_inherits i on i.inhrelid = up.relid))
from unnest(%s::oid[]) root(oid), pg_catalog.pg_partition_tree(root.oid) tree
where tree.isleaf and tree.relid <> root.oid
"""

# What makes a relation published: its own row, its schema's row, or FOR ALL TABLES.
_MEMBERSHIPS = """
select r.prrelid::int8, r.oid::int8 from pg_catalog.pg_publication_rel r where r.prpubid = %(oid)s
union all
select c.oid::int8, n.oid::int8 from pg_catalog.pg_publication_namespace n
join pg_catalog.pg_class c on c.relnamespace = n.pnnspid
where n.pnpubid = %(oid)s and c.oid = any(%(relations)s::oid[])
union all
select relation::int8, %(oid)s::int8
from unnest(%(relations)s::oid[]) relation where %(all_tables)s
"""

_COLUMNS = """
select c.oid::int8, n.nspname, c.relname, p.attnames::text[], p.rowfilter is not null
from pg_catalog.pg_publication_tables p
join pg_catalog.pg_namespace n on n.nspname = p.schemaname
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
where p.pubname = %s and c.oid = any(%s::oid[])
"""

_TYPES = """
select a.attrelid::int8, a.attname, a.atttypid::int8, a.atttypmod
from pg_catalog.pg_attribute a
where a.attrelid = any(%s::oid[]) and a.attnum > 0 and not a.attisdropped
"""


def list_published(
    connection: Connection, publication: Publication, tables: Sequence[SourceTable]
) -> tuple[list[Published], dict[int, Refusal]]:
    """Return the tables that the stream carries, and by oid why it does not carry one."""
    oids = [table.oid for table in tables]
    leaves, types = _read_leaves(connection, oids), _read_types(connection, oids)
    relations = [*oids, *(leaf for found in leaves.values() for leaf in found)]
    memberships = _memberships(connection, publication, relations)
    carried = _list_carried(connection, publication, relations)
    published, refused = [], {}
    for table in tables:
        family = [table.oid, *leaves[table.oid]]
        # Without publish_via_partition_root each partition appears under its own oid.
        parts = [table.oid] if table.oid in carried else family[1:]
        if refusal := _refusal(table, publication, [carried.get(part) for part in parts]):
            refused[table.oid] = refusal
            continue
        names = frozenset.intersection(*(carried[part].columns for part in parts))
        narrowed = tuple(column for column in table.columns if column.name in names)
        published.append(
            Published(
                table=replace(table, columns=narrowed),
                membership=tuple(sorted({m for part in family for m in memberships.get(part, [])})),
                leaves=leaves[table.oid],
                types={column.name: types[table.oid][column.name] for column in narrowed},
            )
        )
    return published, refused


def _read_leaves(connection: Connection, oids: Sequence[int]) -> dict[int, dict[int, str]]:
    """Read the partitions of each table, with their replica identity."""
    leaves: dict[int, dict[int, str]] = defaultdict(dict)
    for root, leaf, identity in fetch(connection, _LEAVES, [oids]):
        leaves[root][leaf] = identity
    return leaves


def _read_types(
    connection: Connection, oids: Sequence[int]
) -> dict[int, dict[str, tuple[int, int]]]:
    """Read the type and typmod of each column of each table."""
    types: dict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
    for oid, name, type_oid, typmod in fetch(connection, _TYPES, [oids]):
        types[oid][name] = (type_oid, typmod)
    return types


def _memberships(
    connection: Connection, publication: Publication, relations: Sequence[int]
) -> dict[int, list[int]]:
    parameters = {
        "oid": publication.oid,
        "relations": list(relations),
        "all_tables": publication.all_tables,
    }
    return _group(fetch(connection, _MEMBERSHIPS, parameters))


class _Carried(NamedTuple):
    """What the publication has of a relation."""

    schema: str
    relation: str
    columns: frozenset[str]
    is_filtered: bool


def _list_carried(
    connection: Connection, publication: Publication, relations: Sequence[int]
) -> dict[int, _Carried]:
    """Return what the publication has of each relation that it has, by oid."""
    rows = fetch(connection, _COLUMNS, [publication.name, list(relations)])
    return {
        oid: _Carried(schema, relation, frozenset(names), is_filtered)
        for oid, schema, relation, names, is_filtered in rows
    }


def _refusal(
    table: SourceTable, publication: Publication, parts: Sequence[_Carried | None]
) -> Refusal | None:
    """Say why the stream does not carry a table, of which these parts are published."""
    name, carried = table.source_name, [part for part in parts if part]
    remedy = f"run {add_statement(publication.name, [table])};"
    if not carried:
        return Refusal(f"{name} is not in publication {publication.name}: {remedy}", is_absent=True)
    if len(carried) < len(parts):
        message = f"Partitions of {name} are not in publication {publication.name}: {remedy}"
        return Refusal(message, is_absent=True)
    if filtered := [part for part in carried if part.is_filtered]:
        return Refusal(
            f"Publication {publication.name} filters the rows of {name}, and a copy would not:"
            f" publish the table without WHERE, {_describe_reset(table, publication, filtered)}",
        )
    if lacking := [part for part in carried if not part.columns.issuperset(table.key)]:
        return Refusal(
            f"Publication {publication.name} leaves out key columns of {name}: publish them,"
            f" {_describe_reset(table, publication, lacking)}",
        )
    return None


def _describe_reset(table: SourceTable, publication: Publication, parts: Sequence[_Carried]) -> str:
    """Return the SQL that publishes a table whole instead of these parts of it."""
    names = ", ".join(f"ONLY {identifier(part.schema, part.relation)}" for part in parts)
    dropped = f"ALTER PUBLICATION {identifier(publication.name)} DROP TABLE {names}"
    return f"{dropped}; {add_statement(publication.name, [table])};"


def _group(rows: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for key, value in rows:
        groups[key].append(value)
    return groups
