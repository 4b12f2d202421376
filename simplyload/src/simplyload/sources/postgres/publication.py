"""The publication: which tables the server puts into the stream, and in which form.

A publication that does not exist is created. If this role owns the publication, the chosen tables
that it lacks are added; otherwise it is only checked. A table counts as published from the moment
of its membership. A table that leaves and returns has a new membership, because the changes between
never arrive. An altered publication makes new memberships too, since it may have left out changes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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


def _published_name(table: SourceTable) -> str:
    """Return the name for a publication. ONLY leaves out inheriting tables, which have own rows."""
    return table.from_clause.replace("only ", "ONLY ", 1)


_OWNED = """
select c.oid::int8 from pg_catalog.pg_class c
where c.oid = any(%s::oid[]) and pg_catalog.pg_has_role(c.relowner, 'usage')
"""


def check_rights(
    connection: Connection, tables: Sequence[SourceTable], statement: str, *, creates: bool
) -> None:
    """Refuse what the role may not run, with the SQL for someone who may."""
    owned = {oid for (oid,) in fetch(connection, _OWNED, [[table.oid for table in tables]])}
    foreign = [table.source_name for table in tables if table.oid not in owned]
    query = "select pg_catalog.has_database_privilege(current_database(), 'create')"
    may_create = not creates or fetch(connection, query)[0][0]
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
select c.oid::int8, p.attnames::text[], p.rowfilter
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
) -> tuple[list[Published], dict[int, str]]:
    """Return the tables that the stream carries, and by oid why it does not carry one."""
    oids = [table.oid for table in tables]
    leaves, types = _read_leaves(connection, oids), _read_types(connection, oids)
    relations = [*oids, *(leaf for found in leaves.values() for leaf in found)]
    memberships = _memberships(connection, publication, relations)
    columns, filtered = _columns(connection, publication, relations)
    published, refused = [], {}
    for table in tables:
        family = [table.oid, *leaves[table.oid]]
        # Without publish_via_partition_root each partition appears under its own oid.
        parts = [table.oid] if table.oid in columns else family[1:]
        if reason := _refusal(table, publication, parts, columns, filtered):
            refused[table.oid] = reason
            continue
        carried = frozenset.intersection(*(columns[part] for part in parts))
        narrowed = tuple(column for column in table.columns if column.name in carried)
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


def _columns(
    connection: Connection, publication: Publication, relations: Sequence[int]
) -> tuple[dict[int, frozenset[str]], frozenset[int]]:
    """Return the published columns by relation, and the relations whose rows are filtered."""
    rows = fetch(connection, _COLUMNS, [publication.name, list(relations)])
    columns = {oid: frozenset(names) for oid, names, _ in rows}
    return columns, frozenset(oid for oid, _, row_filter in rows if row_filter)


def _refusal(
    table: SourceTable,
    publication: Publication,
    parts: Sequence[int],
    columns: Mapping[int, frozenset[str]],
    filtered: frozenset[int],
) -> str:
    """Say why the stream does not carry a table; empty where it does."""
    name = table.source_name
    remedy = f"run {add_statement(publication.name, [table])};"
    if not any(part in columns for part in parts):
        return f"{name} is not in publication {publication.name}: {remedy}"
    if not all(part in columns for part in parts):
        return f"Partitions of {name} are not in publication {publication.name}: {remedy}"
    if any(part in filtered for part in parts):
        return (
            f"Publication {publication.name} filters the rows of {name}, and a copy would not:"
            " publish the table without WHERE."
        )
    if any(column not in columns[part] for part in parts for column in table.key):
        return f"Publication {publication.name} leaves out key columns of {name}: publish them."
    return ""


def _group(rows: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for key, value in rows:
        groups[key].append(value)
    return groups
