"""The fold and the MERGE: one expression for every warehouse, rendered in its dialect.

The fold makes one row per key of the staged changes, in the order of `_seq`, then `_pos`. A D ends
a generation of its key, and a T one of all keys: only changes of the last generation count, so a
row that was deleted and inserted again shows nothing of the old one. Within it each column has the
latest value that some change carried, NULL included (`max_by` and `arg_max` would skip a NULL).
A change with the _seq of a T belongs to what was before it, if it is partial: a scan of all keys
says so which rows are still there, and the T which are gone. A whole row with this _seq is of a
copy that the T completes: later changes of its key inherit from it.

The MERGE applies the fold where it is newer: a repeated or late load changes nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from simplyload.changes import COLS, DELETE, OP, SEQ, TOMBSTONE, TRUNCATE, UPSERT

POS = "_pos"  # position of a change within its load: the order of changes that share a _seq
DELETED = "_deleted"
SYNCED_AT = "_synced_at"

# Columns of the fold beside the business columns; the catalog refuses names with this prefix.
INTERNAL = "_simplyload_"
# So are the aliases of tables: GoogleSQL takes `t` for the whole row of a table that is called so,
# also where the table has a column of this name.
_TARGET, SOURCE = INTERNAL + "target", INTERNAL + "source"
_CHANGED, _GROUPS, _RANKED = INTERNAL + "changed", INTERNAL + "groups", INTERNAL + "ranked"
_COUNT, _KEYED = INTERNAL + "count", INTERNAL + "keyed"
_GENERATION = INTERNAL + "generation"
_CARRIES = INTERNAL + "carries"  # 1 where the last generation of the key has a U
_LAST_OP = INTERNAL + "last_op"
_RANK = INTERNAL + "rank"
# Marks, in `_cols`, a whole row of a file that lacks columns of other files of the fold.
WHOLE = INTERNAL + "whole"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its source name, which `_cols` lists, and its name in the stage and the target.

    `cast` is the target's type where the stage has another one. `via` is the column's own type
    where the stage has not that of a number, which would lose the zeros at its end as text.
    """

    source: str
    target: str
    cast: exp.DataType | None = None
    via: exp.DataType | None = None


@dataclass(frozen=True, kw_only=True)
class Merge:
    """How one stage goes into one target; the flags leave out what the stage does not need.

    `orphans` are columns of the target that the source no longer has. `repeated` says that a key
    occurs more than once in the stage. `remove` deletes rows instead of marking them. `wraps`: the
    warehouse has structs and IGNORE NULLS, so that one window finds all partial columns. With a
    `spelling` the stage has `_cols` as text, in which each name is as this function gives it.
    """

    schema: str
    table: str
    stage: exp.Table
    key: tuple[Column, ...]
    columns: tuple[Column, ...]
    synced_at: str
    orphans: tuple[str, ...] = ()
    omitted: frozenset[str] = frozenset()
    deletes: bool = True
    truncated: Decimal | None = None
    repeated: bool = True
    remove: bool = False
    wraps: bool = False
    spelling: Callable[[str], str] | None = None

    @property
    def target(self) -> exp.Table:
        """Return the qualified name of the target."""
        return exp.table_(self.table, db=self.schema, quoted=True)

    @property
    def partial(self) -> tuple[Column, ...]:
        """Return the columns that at least one change does not carry."""
        return tuple(column for column in self.columns if column.source in self.omitted)

    @property
    def may_name_keys_alone(self) -> bool:
        """Return whether a change may carry no value at all, as those of a scan of keys."""
        return bool(self.columns) and len(self.partial) == len(self.columns)

    def flag(self, column: Column) -> str:
        """Name a partial column's flag: 1 where a change of the last generation carries it."""
        return f"{_CARRIES}_{self.columns.index(column)}"

    @property
    def may_delete(self) -> bool:
        """Return whether a change says that a row is gone."""
        return self.deletes or self.truncated is not None

    @property
    def generations(self) -> bool:
        """Return whether a key may have changes before and after a D or T."""
        return self.repeated and self.may_delete


def fold(merge: Merge) -> exp.Select:
    """Return one row per key: values, `_op` and `_seq` of its latest change, flags for MERGE."""
    rows = _changes(merge)
    if merge.generations:
        rows = exp.select("*", _generation(merge)).from_(_sub(rows, _CHANGED), copy=False)
    if merge.repeated:
        rows = _rank_rows(merge, rows)
    return _final_values(merge, rows)


def merge_into(merge: Merge) -> exp.Merge:
    """Return the MERGE of the fold into the target."""
    newer = _col(SEQ, SOURCE) > _col(SEQ, _TARGET)
    is_delete = _col(OP, SOURCE).eq(DELETE)
    whens = [_when_clause(matched=True, condition=newer, then=_update(merge))]
    if merge.remove and merge.may_delete:
        whens.insert(
            0,
            _when_clause(
                matched=True, condition=exp.and_(newer, is_delete), then=exp.var("DELETE")
            ),
        )
    whens.append(_when_clause(matched=False, condition=is_row(merge), then=_insert(merge)))
    return exp.Merge(
        this=exp.alias_(merge.target, _TARGET, table=True, quoted=True),
        using=_sub(fold(merge), SOURCE),
        on=exp.and_(*_same_key(merge)),
        whens=exp.Whens(expressions=whens),
    )


def insert_newer(merge: Merge) -> list[exp.Insert]:
    """Return the INSERT of each row that MERGE would write, whole; `delete_older` follows it.

    They replace a MERGE without `remove` where a transaction holds them together. Where the target
    has orphans, a second one inserts the rows that it has not: those columns have their defaults.
    """
    is_new = is_row(merge)
    absent = _is_null(_col(SEQ, _TARGET))
    inserted = absent if is_new is None else exp.and_(absent, is_new)
    newer = _col(SEQ, SOURCE) > _col(SEQ, _TARGET)
    if not merge.orphans:
        return [_insert_joined(merge, exp.or_(inserted, newer, copy=False), ())]
    return [_insert_joined(merge, newer, merge.orphans), _insert_joined(merge, inserted, ())]


def _insert_joined(merge: Merge, condition: exp.Expr, orphans: Iterable[str]) -> exp.Insert:
    """Return the INSERT of the rows of the fold for which a condition on the target's row holds."""
    target = exp.alias_(merge.target, _TARGET, table=True, quoted=True)
    values = [
        *(_col(c.target, SOURCE) for c in merge.key),
        *(_merged_value(merge, c) for c in merge.columns),
    ]
    kept = [_kept_value(merge, name) for name in orphans]
    rows = (
        exp.select(*values, *_metadata(merge), *kept)
        .from_(_sub(fold(merge), SOURCE), copy=False)
        .join(target, on=exp.and_(*_same_key(merge)), join_type="left", copy=False)
        .where(condition, copy=False)
    )
    names = [_name(name) for name in [*_names(merge), *orphans]]
    return exp.insert(rows, merge.target, columns=names, copy=False)


def delete_older(merge: Merge) -> exp.Delete:
    """Return the DELETE of each row that a newer one of the same key replaces."""
    older = exp.and_(*_same_staged_key(merge), _col(SEQ, _TARGET) < _col(SEQ, SOURCE))
    target = exp.alias_(merge.target, _TARGET, table=True, quoted=True)
    stage = exp.alias_(merge.stage, SOURCE, table=True, quoted=True)
    return exp.Delete(this=target, using=[stage], where=exp.Where(this=older))


def insert_into(merge: Merge) -> exp.Insert:
    """Return the INSERT of the fold: what MERGE does where the target has none of its keys."""
    rows = (
        exp.select(*_values(merge))
        .from_(_sub(fold(merge), SOURCE), copy=False)
        .where(is_row(merge))
    )
    return exp.insert(rows, merge.target, columns=[_name(n) for n in _names(merge)])


def is_row(merge: Merge) -> exp.Expr | None:
    """Return the condition under which a row that the target has not is inserted; None: always.

    A key without a value in any change is not a row: a scan of keys names it, or a D of what the
    target never had, and its values are unknown. A whole row is a row, even if the table had only
    its key then. A tombstone is inserted, so that no older change makes a row later.
    """
    conditions: list[exp.Expr] = []
    if merge.remove and merge.may_delete:
        conditions.append(_col(OP, SOURCE).eq(UPSERT))
    if merge.may_name_keys_alone:
        flags = [WHOLE, *(merge.flag(column) for column in merge.partial)]
    else:
        flags = [_CARRIES] if merge.deletes else []
    if flags:
        flags += [TOMBSTONE] if merge.deletes else []
        conditions.append(exp.or_(*(_col(flag, SOURCE).eq(1) for flag in flags)))
    return exp.and_(*conditions) if conditions else None


def mark_truncated(merge: Merge) -> exp.Update | exp.Delete:
    """Return the statement by which rows older than the latest T are gone; it follows the MERGE."""
    older = _col(SEQ) < _number(merge.truncated or Decimal(0))
    if merge.remove:
        return exp.delete(merge.target, where=older)
    return exp.Update(
        this=merge.target,
        expressions=[_col(DELETED).eq(exp.true()), _col(SYNCED_AT).eq(_time(merge))],
        where=exp.Where(this=exp.and_(older, exp.not_(_col(DELETED)))),
    )


def remove_marked(merge: Merge) -> exp.Delete:
    """Return the DELETE of rows that were marked deleted before the user wanted them removed."""
    return exp.delete(merge.target, where=_col(DELETED))


def count_keys(stage: exp.Table, key: Iterable[str]) -> exp.Select:
    """Return the query of a stage's rows, and of the most changes that one key has."""
    names = [_col(name) for name in key]
    counts = exp.Count(this=exp.Star()).as_(_COUNT, quoted=True)
    keyed = exp.Count(this=names[0].copy()).as_(_KEYED, quoted=True)  # 0 for T, which has no key
    groups = exp.select(counts, keyed).from_(stage).group_by(*names)
    most = exp.func("MAX", _case(_col(_KEYED) > exp.Literal.number(0), _col(_COUNT)))
    return exp.select(exp.func("SUM", _col(_COUNT)), most).from_(_sub(groups, _GROUPS), copy=False)


def find_known_key(merge: Merge) -> exp.Select:
    """Return the query for one staged row with a key of the target, which has an index."""
    target = exp.alias_(merge.target, _TARGET, table=True, quoted=True)
    same = exp.and_(*_same_staged_key(merge))
    found = exp.Exists(this=exp.select(exp.Literal.number(1)).from_(target).where(same))
    stage = exp.alias_(merge.stage, SOURCE, table=True, quoted=True)
    return exp.select(exp.Literal.number(1)).from_(stage).where(found).limit(1)


def _changes(merge: Merge) -> exp.Select:
    """Select the staged changes but T, named as in the target, with a flag per partial column."""
    values = [_staged_value(c).as_(c.target, quoted=True) for c in [*merge.key, *merge.columns]]
    flags = [_case(_carries(merge, c)).as_(merge.flag(c), quoted=True) for c in merge.partial]
    if (merge.generations and merge.partial) or merge.may_name_keys_alone:
        flags.append(_case(_carries_all(merge)).as_(WHOLE, quoted=True))
    if merge.deletes:
        flags.append(_case(_is_tombstone(merge)).as_(TOMBSTONE, quoted=True))
    rows = exp.select(*values, *flags, _col(OP), _col(SEQ), _col(POS)).from_(merge.stage)
    return rows if merge.truncated is None else rows.where(_col(OP).neq(TRUNCATE))


def _carries(merge: Merge, column: Column) -> exp.Expr:
    listed = exp.or_(_is_null(_col(COLS)), _lists(merge, column.source))
    return exp.and_(_col(OP).eq(UPSERT), listed)


def _carries_all(merge: Merge) -> exp.Expr:
    """Return the condition of a whole row: it carries every column that the table had then."""
    return exp.and_(_col(OP).eq(UPSERT), exp.or_(_is_null(_col(COLS)), _lists(merge, WHOLE)))


def _is_tombstone(merge: Merge) -> exp.Expr:
    return exp.and_(_col(OP).eq(DELETE), _lists(merge, TOMBSTONE))


def spell(name: str) -> str:
    """Return a name as it is within `_cols` as text: no name is a part of another."""
    return f"|{name.encode().hex()}|"


def _lists(merge: Merge, name: str) -> exp.Expr:
    if merge.spelling is not None:
        spelled = exp.Literal.string(merge.spelling(name))
        place = exp.StrPosition(this=_col(COLS), substr=spelled)
        return place > exp.Literal.number(0)
    return exp.ArrayContains(this=_col(COLS), expression=exp.Literal.string(name))


def _generation(merge: Merge) -> exp.Expr:
    """Number the generations of a key: twice the D before a change, plus one from the T on."""
    earlier = exp.WindowSpec(
        kind="ROWS", start=exp.Literal.number(1), start_side="FOLLOWING", end="UNBOUNDED",
        end_side="FOLLOWING",
    )  # fmt: skip
    deletes = exp.func("SUM", _case(_col(OP).eq(DELETE)))
    before = exp.func("COALESCE", _window(merge, deletes, spec=earlier), "0")
    after: exp.Expr = exp.Literal.number(0)
    if merge.truncated is not None:
        mark = _number(merge.truncated)
        whole = [_col(WHOLE).eq(1)] if merge.partial else []
        after = _case(exp.or_(_col(SEQ) > mark, exp.and_(_col(SEQ).eq(mark.copy()), *whole)))
    return (before * exp.Literal.number(2) + after).as_(_GENERATION, quoted=True)


def _rank_rows(merge: Merge, rows: exp.Select) -> exp.Select:
    """Rank a key's changes: its values are those of rank 1, partial columns have their own."""
    within = (_col(_GENERATION),) if merge.generations else ()
    partial = {c.target for c in merge.partial}
    values: list[exp.Expr] = [
        _col(c.target) for c in [*merge.key, *merge.columns] if c.target not in partial
    ]
    for column in merge.partial:
        flag = _col(merge.flag(column))
        some = exp.Window(this=exp.func("MAX", flag), partition_by=[*_keys(merge), *within])
        values.append(_latest_value(merge, column, within).as_(column.target, quoted=True))
        values.append(some.as_(merge.flag(column), quoted=True))
    for name in _row_flags(merge):
        value: exp.Expr = _col(name)
        if merge.may_name_keys_alone:  # else no other change counts beside a D alone
            most = exp.func("MAX", _col(name))
            value = exp.Window(this=most, partition_by=[*_keys(merge), *within])
        values.append(value.as_(name, quoted=True))
    # A D carries no values: those of its generation come from the change before it.
    first = [*within, _case(_col(OP).eq(UPSERT))] if merge.generations else []
    return exp.select(
        *values,
        _col(OP),
        _window(merge, exp.FirstValue(this=_col(OP))).as_(_LAST_OP, quoted=True),
        _window(merge, exp.FirstValue(this=_col(SEQ))).as_(SEQ, quoted=True),
        _window(merge, exp.RowNumber(), first=first).as_(_RANK, quoted=True),
        *([_col(_GENERATION)] if merge.generations else []),
    ).from_(_sub(rows, _GROUPS), copy=False)


def _row_flags(merge: Merge) -> list[str]:
    """Name the flags that say, beside those of partial columns, whether a new row is inserted."""
    whole = [WHOLE] if merge.may_name_keys_alone else []
    return [*whole, TOMBSTONE] if merge.deletes else whole


def _latest_value(merge: Merge, column: Column, within: Iterable[exp.Expr]) -> exp.Expr:
    """Return the latest value of a column that a change carried, NULL included.

    In an order of its own, each column would have the rows sorted again, with all their values.
    """
    value, flag = _col(column.target), _col(merge.flag(column))
    if not merge.wraps:
        return _window(merge, exp.FirstValue(this=value), within, [flag])
    field = exp.PropertyEQ(this=exp.to_identifier("v"), expression=value)
    carried = _case(flag.eq(1), exp.Struct(expressions=[field]), exp.null())
    first = exp.IgnoreNulls(this=exp.FirstValue(this=carried))
    all_rows = exp.WindowSpec(
        kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="UNBOUNDED",
        end_side="FOLLOWING",
    )  # fmt: skip
    latest = _window(merge, first, within, spec=all_rows)
    return exp.StructExtract(this=latest, expression=exp.Literal.string("v"))


def _final_values(merge: Merge, rows: exp.Select) -> exp.Select:
    partial = {column.target: column for column in merge.partial}
    values = [
        _case(_col(merge.flag(partial[name])).eq(1), _col(name), exp.null()).as_(name, quoted=True)
        if name in partial
        else _col(name)
        for name in (c.target for c in [*merge.key, *merge.columns])
    ]
    op: exp.Expr = _col(_LAST_OP if merge.repeated else OP)
    if merge.truncated is not None:
        op = _case(_col(SEQ) < _number(merge.truncated), exp.Literal.string(DELETE), op)
    result = exp.select(
        *values,
        *(_col(merge.flag(column)) for column in merge.partial),
        *map(_col, _row_flags(merge)),
        _case(_col(OP).eq(UPSERT)).as_(_CARRIES, quoted=True),
        op.as_(OP, quoted=True),
        _col(SEQ),
        *([_col(_GENERATION)] if merge.generations else []),
    ).from_(_sub(rows, _RANKED), copy=False)
    return result.where(_col(_RANK).eq(1), copy=False) if merge.repeated else result


def _update(merge: Merge) -> exp.Update:
    values = [_col(c.target).eq(_merged_value(merge, c)) for c in merge.columns]
    kept = [_col(name).eq(_kept_value(merge, name)) for name in merge.orphans]
    return exp.Update(expressions=[*values, *kept, *_metadata_assignments(merge)])


def _merged_value(merge: Merge, column: Column) -> exp.Expr:
    """Return the value after an update: the carried one, else what the target has."""
    value = _col(column.target, SOURCE)
    if column.source in merge.omitted:
        carried = _col(merge.flag(column), SOURCE).eq(1)
    elif merge.may_delete:
        carried = _col(_CARRIES, SOURCE).eq(1)
    else:
        return value
    return _case(carried, value, _kept_value(merge, column.target))


def _kept_value(merge: Merge, name: str) -> exp.Expr:
    """Return the target's value of a column that is not carried: NULL where the row is new."""
    new: exp.Expr = _col(DELETED, _TARGET)
    if merge.generations:
        new = exp.or_(new, _col(_GENERATION, SOURCE) > exp.Literal.number(1))
    if merge.truncated is not None:
        mark = _number(merge.truncated)
        new = exp.or_(new, exp.and_(_col(SEQ, _TARGET) < mark, _col(SEQ, SOURCE) > mark.copy()))
    return _case(exp.and_(_col(OP, SOURCE).eq(UPSERT), new), exp.null(), _col(name, _TARGET))


def _metadata_assignments(merge: Merge) -> list[exp.Expr]:
    return [
        _col(DELETED).eq(exp.paren(_col(OP, SOURCE).eq(DELETE))),
        _col(SYNCED_AT).eq(_time(merge)),
        _col(SEQ).eq(_col(SEQ, SOURCE)),
    ]


def _insert(merge: Merge) -> exp.Insert:
    return exp.Insert(
        this=exp.Tuple(expressions=[_col(name) for name in _names(merge)]),
        expression=exp.Tuple(expressions=_values(merge)),
    )


def _names(merge: Merge) -> list[str]:
    return [*(c.target for c in [*merge.key, *merge.columns]), DELETED, SYNCED_AT, SEQ]


def _values(merge: Merge) -> list[exp.Expr]:
    values = [_col(c.target, SOURCE) for c in [*merge.key, *merge.columns]]
    return [*values, *_metadata(merge)]


def _metadata(merge: Merge) -> list[exp.Expr]:
    return [exp.paren(_col(OP, SOURCE).eq(DELETE)), _time(merge), _col(SEQ, SOURCE)]


def _same_key(merge: Merge) -> list[exp.Expr]:
    return [_col(c.target, _TARGET).eq(_col(c.target, SOURCE)) for c in merge.key]


def _same_staged_key(merge: Merge) -> list[exp.Expr]:
    return [_col(c.target, _TARGET).eq(_staged_value(c, SOURCE)) for c in merge.key]


def _staged_value(column: Column, table: str | None = None) -> exp.Expr:
    """Return a staged value in the type of the target."""
    value: exp.Expr = _col(column.target, table)
    for kind in filter(None, (column.via, column.cast)):
        value = exp.cast(value, kind)
    return value


def _window(
    merge: Merge,
    function: exp.Expr,
    within: Iterable[exp.Expr] = (),
    first: Iterable[exp.Expr] = (),
    *,
    spec: exp.WindowSpec | None = None,
) -> exp.Window:
    """Apply a window function to the changes of a key, newest first."""
    terms = [*first, _col(SEQ), _col(POS)]
    order = exp.Order(
        expressions=[exp.Ordered(this=term.copy(), desc=True, nulls_first=False) for term in terms]
    )
    keys = [*_keys(merge), *(term.copy() for term in within)]
    return exp.Window(this=function, partition_by=keys, order=order, spec=spec)


def _keys(merge: Merge) -> list[exp.Expr]:
    return [_col(column.target) for column in merge.key]


def _when_clause(*, matched: bool, condition: exp.Expr | None, then: exp.Expr) -> exp.When:
    return exp.When(matched=matched, condition=condition, then=then)


def _case(
    condition: exp.Expr,
    value: exp.Expr | None = None,
    otherwise: exp.Expr | None = None,
) -> exp.Case:
    """Return CASE WHEN condition THEN value ELSE otherwise END; without values 1 and 0."""
    yes = exp.Literal.number(1) if value is None else value
    no = exp.Literal.number(0) if otherwise is None else otherwise
    return exp.Case(ifs=[exp.If(this=condition, true=yes)], default=no)


def _is_null(value: exp.Expr) -> exp.Is:
    return exp.Is(this=value, expression=exp.null())


def _number(value: Decimal) -> exp.Cast:
    # As text: a number beyond 64 bits is no literal in BigQuery.
    return exp.cast(exp.Literal.string(f"{value:f}"), "DECIMAL(38, 0)")


def _time(merge: Merge) -> exp.Cast:
    return exp.cast(exp.Literal.string(merge.synced_at), "TIMESTAMPTZ")


def _sub(rows: exp.Select, alias: str) -> exp.Subquery:
    # By default sqlglot copies the whole tree at each step.
    return rows.subquery(_name(alias), copy=False)


def _name(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _col(name: str, table: str | None = None) -> exp.Column:
    return exp.column(name, table=table, quoted=True)
