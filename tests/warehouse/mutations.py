"""DML and ALTER TABLE on tables in memory: GoogleSQL analyses a statement and evaluates queries.

Its evaluator has no MERGE, so each statement becomes queries that give the table's new rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from tests.warehouse.syntax import dotted_name, get_field, unwrap

BY_SOURCE, BY_TARGET = 2, 3  # ASTMergeWhenClauseEnums.MatchType
UPDATE, DELETE = 2, 3  # ASTMergeActionEnums.ActionType
# cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language, SET DATA TYPE.
WIDER = {
    "INT64": ("NUMERIC", "BIGNUMERIC", "FLOAT64"),
    "NUMERIC": ("NUMERIC", "BIGNUMERIC", "FLOAT64"),
    "BIGNUMERIC": ("BIGNUMERIC", "FLOAT64"),
}


class RefusedError(Exception):
    """What BigQuery refuses, and GoogleSQL alone does not."""


class Script(Protocol):
    """What a statement needs of the script that it is part of."""

    tables: dict[str, Any]

    def source(self, node: Any) -> str:
        """The text of a node."""

    def evaluate(self, sql: str) -> Any:
        """The rows of a query, as a Table."""


# ---- tables ----


def declare(script: Script, node: Any) -> dict[str, str]:
    """The columns of a CREATE TABLE, each with its type as text."""
    elements = get_field(node, "table_element_list").elements
    return dict(_declaration(script, unwrap(element)) for element in elements)


def _declaration(script: Script, column: Any) -> tuple[str, str]:
    return column.name.id_string, script.source(column.schema).upper()


def alter(script: Script, node: Any) -> None:
    """Add, rename or drop columns, or widen their types."""
    name = dotted_name(get_field(node, "path").names)
    for action in get_field(node, "action_list").actions:
        change = unwrap(action)
        kind = type(change).__name__.removeprefix("AST").removesuffix("ActionProto")
        table = script.tables[name]
        columns = {column: f"`{column}`" for column in table.types}
        declared = dict(table.declared)
        ALTERATIONS[kind](script, change, columns, declared)
        script.tables[name] = _project(script, name, columns, declared)


def _add(script: Script, action: Any, columns: dict[str, str], declared: dict[str, str]) -> None:
    name, kind = _declaration(script, action.column_definition)
    if name.casefold() in {column.casefold() for column in columns}:
        if not action.is_if_not_exists:
            raise RefusedError(f"Column already exists: {name}")
        return
    columns[name], declared[name] = f"cast(null as {kind})", kind


def _widen(script: Script, action: Any, columns: dict[str, str], declared: dict[str, str]) -> None:
    name, kind = action.column_name.id_string, script.source(action.schema).upper()
    old, new = declared[name], kind
    if not _is_wider(old, new):
        raise RefusedError(
            "ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type"
            f" ({old}) is assignable to the new type ({new})"
        )
    columns[name], declared[name] = f"cast(`{name}` as {kind})", kind


def _is_wider(old: str, new: str) -> bool:
    """Whether BigQuery changes a column's type so; a parameter takes no digit away."""
    old_kind, new_kind = old.split("(", maxsplit=1)[0], new.split("(", maxsplit=1)[0]
    if new_kind not in WIDER.get(old_kind, ()):
        return False
    (old_whole, old_scale), (new_whole, new_scale) = _digits(old), _digits(new)
    return new_kind == "FLOAT64" or (new_whole >= old_whole and new_scale >= old_scale)


def _digits(kind: str) -> tuple[int, int]:
    """The digits before and after the point that a type holds."""
    name, _, parameters = kind.partition("(")
    if not parameters:
        return {"INT64": (19, 0), "NUMERIC": (29, 9), "BIGNUMERIC": (38, 38)}.get(name, (0, 0))
    precision, scale = (int(digits) for digits in f"{parameters.rstrip(')')},0".split(",")[:2])
    return precision - scale, scale


def _rename(
    script: Script,  # noqa: ARG001
    action: Any,
    columns: dict[str, str],
    declared: dict[str, str],
) -> None:
    old, new = action.column_name.id_string, action.new_column_name.id_string
    columns[new], declared[new] = columns.pop(old), declared.pop(old)


def _drop(
    script: Script,  # noqa: ARG001
    action: Any,
    columns: dict[str, str],
    declared: dict[str, str],
) -> None:
    for known in (columns, declared):
        del known[action.column_name.id_string]


ALTERATIONS = {
    "AddColumn": _add,
    "AlterColumnType": _widen,
    "RenameColumn": _rename,
    "DropColumn": _drop,
}


def _project(
    script: Script, name: str, columns: Mapping[str, str], declared: Mapping[str, str]
) -> Any:
    """A table with other columns, each given as an expression of the old ones."""
    values = ", ".join(f"{value} as `{column}`" for column, value in columns.items())
    found = script.evaluate(f"select {values} from `{name}`")
    return replace(script.tables[name], types=found.types, rows=found.rows, declared=declared)


# ---- rows ----


def mutate(script: Script, node: Any) -> int:
    """Change a table's rows; the number of rows that the statement changed."""
    statement = {
        "ASTInsertStatementProto": _insert,
        "ASTUpdateStatementProto": _update,
        "ASTDeleteStatementProto": _delete,
        "ASTMergeStatementProto": _merge,
    }[type(node).__name__]
    return statement(script, node)


def _target(script: Script, node: Any) -> tuple[str, str, str]:
    """The name of a statement's table, how it names the table, and its FROM clause."""
    name = dotted_name(unwrap(node.target_path).names)
    if name not in script.tables:
        raise RefusedError(f"Not found: Table {name}")
    if not node.HasField("alias"):
        return name, f"`{name}`", f"`{name}`"
    alias = f"`{node.alias.identifier.id_string}`"
    return name, alias, f"`{name}` as {alias}"


def _assign(script: Script, name: str, value: str, column: str) -> str:
    """A value in the declared type of the column that takes it."""
    kind = script.tables[name].declared.get(column)
    return f"cast({value} as {kind})" if kind else value


def _replace(script: Script, name: str, rows: Iterable[Sequence[Any]]) -> None:
    script.tables[name] = replace(script.tables[name], rows=list(rows))


def _insert(script: Script, node: Any) -> int:
    name = dotted_name(unwrap(node.target_path).names)
    if name not in script.tables:
        raise RefusedError(f"Not found: Table {name}")
    columns = [identifier.id_string for identifier in node.column_list.identifiers]
    if node.HasField("rows"):
        values = (map(script.source, row.values) for row in node.rows.rows)
        selects = (_row(script, name, dict(zip(columns, row, strict=True))) for row in values)
        added = script.evaluate(" union all ".join(f"select {row}" for row in selects)).rows
    else:
        added = _insert_query(script, name, columns, script.source(node.query))
    _replace(script, name, [*script.tables[name].rows, *added])
    return len(added)


def _insert_query(script: Script, name: str, columns: Sequence[str], query: str) -> list[Any]:
    """The rows of a query in the types of the columns that take them."""
    found = script.evaluate(query)
    numbered = {f"c{n}": kind for n, kind in enumerate(found.types.values())}
    script.tables["inserted"] = replace(found, types=numbered)
    values = dict(zip(columns, (f"`{column}`" for column in numbered), strict=True))
    try:
        rows: list[Any] = script.evaluate(
            f"select {_row(script, name, values)} from `inserted`"
        ).rows
    finally:
        del script.tables["inserted"]
    return rows


def _row(script: Script, name: str, values: Mapping[str, str]) -> str:
    """The values of a new row, in the order of the table's columns."""
    return ", ".join(
        _assign(script, name, values.get(column, "null"), column)
        for column in script.tables[name].types
    )


def _update(script: Script, node: Any) -> int:
    name, alias, rows = _target(script, node)
    new = _assignments(script, name, node.update_item_list)
    values = [
        f"if(hit, {new[column]}, `{column}`)" if column in new else f"`{column}`"
        for column in script.tables[name].types
    ]
    hit = f"coalesce({script.source(node.where)}, false) as hit"
    hits = f"(select *, {hit} from {rows}) as {alias}"
    found = script.evaluate(f"select {', '.join(values)}, hit from {hits}")
    _replace(script, name, (row[:-1] for row in found.rows))
    return sum(row[-1].bool_value for row in found.rows)


def _assignments(script: Script, name: str, items: Any) -> dict[str, str]:
    found = {}
    for item in items.update_items:
        column = str(unwrap(item.set_value.path).names[-1].id_string)
        found[column] = _assign(script, name, script.source(item.set_value.value), column)
    return found


def _delete(script: Script, node: Any) -> int:
    name, _, rows = _target(script, node)
    condition = f"({script.source(node.where)})"
    before = len(script.tables[name].rows)
    _replace(
        script, name, script.evaluate(f"select * from {rows} where {condition} is not true").rows
    )
    return before - len(script.tables[name].rows)


def _merge(script: Script, node: Any) -> int:
    """Join target and source: of a row's clauses, the first whose condition holds counts."""
    name, alias, rows = _target(script, node)
    on, source = script.source(node.merge_condition), script.source(node.table_expression)
    clauses = [unwrap(clause) for clause in node.when_clauses.clause_list]
    kept, changed = _merged_rows(script, name, alias, (source, on), node)
    for clause in clauses:
        if clause.match_type == BY_TARGET:
            absent = (
                f"not exists (select 1 from {rows} where {on}) and {_condition(script, clause)}"
            )
            query = f"select {_inserted_row(script, name, clause)} from {source} where {absent}"
            added = script.evaluate(query).rows
            changed += len(added)
            kept += added
    _replace(script, name, kept)
    return changed


def _merged_rows(
    script: Script, name: str, alias: str, joined: tuple[str, str], node: Any
) -> tuple[list[Any], int]:
    """The target's rows after the clauses that update or delete them, and how many these are."""
    source, on = joined
    named = f"`{get_field(node.table_expression, 'alias').identifier.id_string}`"
    clauses = [unwrap(clause) for clause in node.when_clauses.clause_list]
    clauses = [clause for clause in clauses if clause.match_type != BY_TARGET]
    fits = [_fits(script, clause, named) for clause in clauses]
    kinds = (str(clause.action.action_type) for clause in clauses)
    values = _merged_values(script, name, alias, clauses, fits)
    found = script.evaluate(
        f"select {', '.join(values)}, merge_row, {_choose(fits, kinds, '0')}"
        f" from (select *, row_number() over () as merge_row from `{name}`) as {alias}"
        f" left join (select {named}.*, true as merge_hit from {source}) as {named} on {on}"
    )
    changed = [row[-2].int64_value for row in found.rows if row[-1].int64_value]
    if len(set(changed)) < len(changed):
        raise RefusedError("UPDATE/MERGE must match at most one source row for each target row")
    once = {row[-2].int64_value: row for row in found.rows}
    once |= {row[-2].int64_value: row for row in found.rows if row[-1].int64_value}
    kept = [row[:-2] for row in once.values() if row[-1].int64_value != DELETE]
    return kept, len(changed)


def _merged_values(
    script: Script, name: str, alias: str, clauses: Sequence[Any], fits: Sequence[str]
) -> list[str]:
    """Each column's value: that of the clause that counts, or the one it has."""
    updates = [
        _assignments(script, name, clause.action.update_item_list)
        if clause.action.action_type == UPDATE
        else {}
        for clause in clauses
    ]
    return [
        _choose(fits, (update.get(column, old) for update in updates), old)
        for column in script.tables[name].types
        for old in [f"{alias}.`{column}`"]
    ]


def _condition(script: Script, clause: Any) -> str:
    if not clause.HasField("search_condition"):
        return "true"
    return f"coalesce({script.source(clause.search_condition)}, false)"


def _fits(script: Script, clause: Any, named: str) -> str:
    absent = "is null" if clause.match_type == BY_SOURCE else "is not null"
    return f"({named}.merge_hit {absent} and {_condition(script, clause)})"


def _choose(fits: Sequence[str], values: Iterable[str], otherwise: str) -> str:
    cases = " ".join(
        f"when {condition} then {value}" for condition, value in zip(fits, values, strict=True)
    )
    return f"(case {cases} else {otherwise} end)" if cases else otherwise


def _inserted_row(script: Script, name: str, clause: Any) -> str:
    names = [identifier.id_string for identifier in clause.action.insert_column_list.identifiers]
    values = map(script.source, clause.action.insert_row.values)
    return _row(script, name, dict(zip(names, values, strict=True)))
