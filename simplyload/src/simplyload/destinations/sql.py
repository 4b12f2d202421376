"""The commit protocol for a SQL destination: lease, DDL, stage, one transaction.

    1  DDL that only adds: new tables and columns, wider types        outside the transaction
    2  the stage: the load's changes, counted                         transient, named by the load
    3  BEGIN; check that the epoch is still ours; truncate marks and MERGE per table; rejected rows;
       the state; COMMIT

Step 3 is correct without a transaction too: every MERGE precedes the state, and a load that is
repeated from the old state changes no row that is already newer.
"""

import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from sqlglot import exp

from simplyload import merge
from simplyload.catalog import (
    METADATA_SCHEMA,
    TARGET_METADATA,
    Dialect,
    Names,
    arrow_type,
    choose_name,
    evolve,
    name_columns,
    refuse_foreign,
    sql_type,
)
from simplyload.changes import Rejected, State, Table
from simplyload.destinations.destination import (
    KEPT_LOADS,
    Lease,
    Limits,
    Load,
    LoadResult,
    Staged,
    Stopped,
)
from simplyload.digest import (
    Cell,
    Digests,
    can_compare,
    can_digest,
    digest_query,
    in_ranges,
    to_digests,
)
from simplyload.errors import DestinationError, FencedError, TableStoppedError
from simplyload.gather import union_schema

REJECTED_ROWS = 200  # of one statement: BigQuery takes 1 MB, and a key may have some kB
# Each statement as it is sent, at level DEBUG.
statements = logging.getLogger("simplyload.sql")

CONSTRAINT_REMEDY = (
    "Your own index or constraint on a table that SimplyLoad loads does not hold for its rows, of"
    " which those that are gone at the source stay, marked deleted: drop it, then run again."
)

# The columns of tables, by table: of a foreign type where it is None.
Tables = MutableMapping[str, Mapping[str, pa.DataType | None]]

_TEXT, _NUMBER, _TIME = pa.string(), pa.int64(), pa.timestamp("us", "UTC")
_METADATA_TABLES: dict[str, tuple[dict[str, pa.DataType], tuple[str, ...]]] = {
    "lease": ({"stream": _TEXT, "epoch": _NUMBER, "schema": _TEXT}, ("stream",)),
    "loads": (
        {"stream": _TEXT, "load_id": _TEXT, "state": _TEXT, "rows": _NUMBER, "committed_at": _TIME},
        ("stream", "load_id"),
    ),
    "tables": (
        {
            "stream": _TEXT,
            "name": _TEXT,
            "target": _TEXT,
            "key": _TEXT,
            "stopped_since": _TEXT,
            "message": _TEXT,
            "deletes": _TEXT,
            "columns": _TEXT,
        },
        ("stream", "name"),
    ),
    "rejected": (
        {
            "stream": _TEXT,
            "load_id": _TEXT,
            "name": _TEXT,
            "key": _TEXT,
            "column": _TEXT,
            "reason": _TEXT,
        },
        (),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What `_simplyload.tables` has of a table; an empty target was never made.

    `removes`: since its last load no row is there that is marked deleted. `columns`: those that the
    source had then, each with its name here.
    """

    target: str
    key: tuple[str, ...]
    since: str | None = None
    message: str | None = None
    removes: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)

    def after(self, names: Mapping[str, str], existing: Collection[str]) -> dict[str, str]:
        """Return the columns after a load: one that was lost during a run stays so, without a name.

        The load makes it again with the new values alone; the next run finds it here.
        """
        lost = self.find_lost(existing)
        return {name: "" if name in lost else target for name, target in names.items()}

    def find_lost(self, existing: Collection[str]) -> list[str]:
        """List the source's columns that the target had and lacks now, which a copy fills again.

        Without a column of its key the table cannot be merged into: its next change stops it.
        """
        return [
            name
            for name, target in self.columns.items()
            if target not in existing and name not in self.key
        ]


def _check_key(table: str, key: Sequence[str], existing: Collection[str]) -> None:
    """Stop a table of which a column of the key was renamed or dropped in the destination."""
    if lost := [name for name in key if name not in existing]:
        raise TableStoppedError(
            f"Column {lost[0]} of the key is absent from {table} in the destination, where it was "
            "before: give it its name back, or drop the table, which the next run copies again."
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A table of the load that is ready for the transaction; `sweeps` removes marked rows first."""

    staged: Staged
    columns: Mapping[str, str]
    merge: merge.Merge
    sweeps: bool


@dataclass(frozen=True)
class Step:
    """A statement of the transaction; `table` is the one whose loaded rows it changes."""

    statement: exp.Expr
    table: str = ""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A table of the load as the destination names it: its columns there and in the stage."""

    name: str
    table: exp.Table
    key: tuple[str, ...]
    names: Mapping[str, str]
    wanted: Mapping[str, pa.DataType]
    existing: Mapping[str, pa.DataType | None] | None


class SqlDestination(ABC):
    """A destination that speaks SQL; a subclass knows its driver, its catalog and its stage."""

    dialect: Dialect
    # How each name is in the stage's `_cols`, where that is text.
    spelling: Callable[[str], str] | None = None

    def __init__(self, names: Names | None = None) -> None:
        self._open: Any = None  # a connection, which a subclass makes at first use
        self._prepared = False
        self._names = (names or Names()).renames()
        self._stages: list[exp.Table] = []
        self._ranges: Collection[str] = ()  # those that a scan is restricted to
        self._columns_of: dict[str, Tables] = {}

    @property
    def limits(self) -> Limits:
        """Return no limits; a subclass has its own."""
        return Limits()

    def check(self) -> None:
        """Raise DestinationError where a first load could not begin; changes nothing."""
        self._exists()

    def read_state(self, stream: str) -> State | None:
        """Return the state of the stream's newest committed load; None before the first."""
        if not self._exists():
            return None
        newest = _select("loads", stream, "state").order_by(_newest_first()).limit(1)
        rows = self._query(newest)
        return json.loads(rows[0][0]) if rows else None

    def acquire(self, stream: str, above: int = 0) -> Lease:
        """Take the lease by compare and swap: every holder of a lower epoch is fenced."""
        self._prepare()
        while True:
            rows = self._query(_select("lease", stream, "epoch"))
            epoch = int(rows[0][0]) if rows else 0
            if not rows:
                with suppress(DestinationError):  # another run may have inserted it just now
                    self._execute(_insert("lease", {"stream": stream, "epoch": 0}))
            new = max(epoch, above) + 1
            if self._execute(_update_epoch(stream, epoch, new)) == 1:
                self._forget_loads(stream)
                return Lease(stream=stream, epoch=new)

    def load(self, lease: Lease, load: Load) -> LoadResult:
        """Commit a load in one transaction; tables that cannot be loaded are in the result."""
        began = time.monotonic()
        self._prepare()
        known = self._tables(load.stream)
        plans, stopped = [], []
        try:
            for staged in load.staged:
                load.go_on()
                try:
                    plans.append(self._plan(load, staged, known.get(staged.table.name)))
                except TableStoppedError as error:
                    stopped.append(_stop(load, staged, known.get(staged.table.name), str(error)))
            seconds = time.monotonic() - began
            rows = self._transact(lease, load, plans, self._table_rows(load, known, plans, stopped))
            return LoadResult(rows=rows, stopped=stopped, stage_seconds=seconds)
        finally:
            self._columns_of.clear()
            self._drop_stages()

    def list_committed(self, stream: str) -> list[str]:
        """List the ids of the stream's committed loads, oldest first."""
        return sorted(row[0] for row in self._query(_select("loads", stream, "load_id")))

    def read_schemas(self) -> Mapping[str, str]:
        """Return the schema of each stream's newest load, where the destination knows it."""
        if not self._knows("lease", "schema"):
            return {}
        rows = exp.select(_column("stream"), _column("schema")).from_(_metadata_table("lease"))
        return {stream: schema for stream, schema in self._query(rows) if schema is not None}

    def list_stopped(self, stream: str) -> list[Stopped]:
        """List the tables of the stream that wait for a remedy."""
        return [
            Stopped(table=name, since=known.since, message=known.message or "")
            for name, known in self._tables(stream).items()
            if known.since is not None
        ]

    def find_absent(self, stream: str, schema: str) -> Mapping[str, Sequence[str]]:
        """Return what was made in the schema and is gone: columns by table, none for all."""
        tables = self._columns(schema)
        self._columns_of.clear()
        absent: dict[str, Sequence[str]] = {}
        for name, known in self._tables(stream).items():
            if known.target and known.target not in tables:
                absent[name] = ()
            elif known.target and (lost := known.find_lost(tables[known.target])):
                absent[name] = lost
        return absent

    def name_columns(self, schema: str, table: Table) -> Mapping[str, str]:
        """Return each source column its name here; raises TableStoppedError where it has none."""
        tables = self._columns(schema)
        target = choose_name(table.name, tables, self.dialect)
        self._columns_of.clear()
        if target in tables:
            refuse_foreign(table.name, tables[target])
        return self._name_columns(table.name, table.schema.names, tables.get(target, ()))

    def drop_leftovers(self, stream: str) -> list[str]:  # noqa: ARG002
        """Find nothing: the stages of this destination end with their connection."""
        return []

    def _forget_loads(self, stream: str) -> None:
        """Keep the newest loads: the log settles what a dead run left among them."""
        ordered = _select("loads", stream, "load_id").order_by(_newest_first())
        for (load_id,) in self._query(ordered.limit(1).offset(KEPT_LOADS)):
            older = exp.and_(_column("stream").eq(stream), _column("load_id") <= load_id)
            self._execute(exp.delete(_metadata_table("loads"), where=older))

    # What a subclass knows.

    def drop_orphans(
        self,
        stream: str,  # noqa: ARG002
        before: datetime,  # noqa: ARG002
        *,
        dry_run: bool = False,  # noqa: ARG002
    ) -> list[str]:
        """Do nothing: a database has no files of a load but those that it is reading."""
        return []

    def close(self) -> None:
        """End the connection, so that others can read a file; safe to call twice."""
        if self._open is not None:
            self._open.close()
        self._open, self._prepared = None, False
        self._columns_of.clear()

    @abstractmethod
    def _run(self, statement: str) -> tuple[list[tuple[Any, ...]], int]:
        """Send a statement; return its rows, and the number of rows that it changed."""

    @abstractmethod
    def _list_columns(self, schema: str) -> list[tuple[str, str, str]]:
        """List table, column and type, as the destination prints it, of a schema."""

    @abstractmethod
    def _stage(self, load: Load, staged: Staged, names: Mapping[str, str]) -> exp.Table:
        """Bring a table's changes to where MERGE can read them, columns named as in the target."""

    def _drop_stage(self, stage: exp.Table) -> None:
        """Drop a transient table."""
        self._execute(f"DROP TABLE {stage.sql(self.dialect)}")

    def _table_properties(
        self,
        shape: Shape,  # noqa: ARG002
        columns: Mapping[str, pa.DataType],  # noqa: ARG002
    ) -> exp.Properties | None:
        """Return how a new table is stored; None leaves it to the destination."""
        return None

    def _create_schema(self, schema: str) -> None:
        """Create a schema where it is absent."""
        self._execute(exp.Create(this=_schema_name(schema), kind="SCHEMA", exists=True))

    def _add_columns(self, table: exp.Table, added: Mapping[str, pa.DataType]) -> None:
        """Add columns to a table, by one statement each."""
        for name, kind in added.items():
            self._execute(add_columns(table, {name: sql_type(kind, self.dialect)}))

    def _now(self) -> datetime:
        """Return the time that the rows of a load have."""
        return datetime.now(UTC)

    def _table_constraints(self, key: Sequence[str]) -> list[exp.Expr]:  # noqa: ARG002
        """Return the constraints of a new table; none where the warehouse does not enforce them."""
        return []

    # The steps of the protocol.

    def _plan(self, load: Load, staged: Staged, known: Known | None) -> Plan:
        """Make the target fit the changes, and bring them into the stage."""
        shape = self._shape(load, staged, known)
        held = self._fit(shape, freeze=load.freeze)
        stage = self._stage(load, staged, shape.names)
        columns = {name: self._column(name, shape, held) for name in shape.names}
        key = tuple(columns.pop(name) for name in staged.table.key)
        plan = merge.Merge(
            schema=load.schema,
            table=shape.table.name,
            stage=stage,
            key=key,
            columns=tuple(columns.values()),
            synced_at=f"{self._now():%Y-%m-%d %H:%M:%S.%f+00:00}",
            orphans=tuple(sorted(set(held) - set(shape.wanted) - set(TARGET_METADATA))),
            omitted=staged.omitted,
            deletes=staged.deletes,
            truncated=staged.truncated,
            repeated=self._count(staged, stage, [column.target for column in key]) > 1,
            remove=load.remove,
            wraps=self.dialect == "duckdb",
            spelling=self.spelling,
        )
        sweeps = load.remove and known is not None and not known.removes
        names = shape.names
        columns_after = known.after(names, shape.existing) if known and shape.existing else names
        return Plan(staged=staged, columns=columns_after, merge=plan, sweeps=sweeps)

    def _shape(self, load: Load, staged: Staged, known: Known | None) -> Shape:
        name = staged.table.name
        tables = self._columns(load.schema)
        if known and known.key != staged.table.key and known.target in tables:
            raise TableStoppedError(
                f"The key of {name} changed from {known.key} to {staged.table.key}",
                "rename the table in the destination, then run"
                f" `simplyload backfill {load.stream}.{name}`",
            )
        if known and known.target and known.target not in tables:
            raise TableStoppedError(
                f"{known.target} is absent from schema {load.schema} of the destination, and was "
                "made there before: run `simplyload sync` again, which copies it again."
            )
        target = (known and known.target) or choose_name(name, tables, self.dialect)
        union = union_schema(staged)
        names = self._name_columns(name, union.names, tables.get(target, ()))
        if target in tables:
            _check_key(
                f"{load.schema}.{target}", [names[key] for key in staged.table.key], tables[target]
            )
        return Shape(
            name=name,
            table=exp.table_(target, db=load.schema, quoted=True),
            key=tuple(names[column] for column in staged.table.key),
            names=names,
            wanted={names[field.name]: field.type for field in union},
            existing=tables.get(target),
        )

    def _name_columns(
        self, table: str, names: Sequence[str], existing: Collection[str]
    ) -> dict[str, str]:
        return name_columns(table, names, existing, self.dialect, self._names.values())

    def _fit(self, shape: Shape, *, freeze: bool) -> Mapping[str, pa.DataType | None]:
        """Create or change the target, and return its columns; nothing is dropped or narrowed."""
        if shape.existing is None:
            self._create_schema(shape.table.db)
            columns = {**shape.wanted, **TARGET_METADATA}
            create = _create(shape.table, columns, self.dialect, self._table_constraints(shape.key))
            create.set("properties", self._table_properties(shape, columns))
            self._execute(create)
            self._columns_of[shape.table.db][shape.table.name] = columns
            return columns
        change = evolve(shape.name, shape.wanted, shape.existing, freeze=freeze)
        if change.added:
            self._add_columns(shape.table, change.added)
        for name, kind in change.widened.items():
            self._widen(shape, name, sql_type(kind, self.dialect))
        return {**shape.existing, **change.added, **change.widened}

    def _widen(self, shape: Shape, column: str, kind: exp.DataType) -> None:
        """Widen a column; the table stops where the destination refuses, a view for example."""
        alter = exp.AlterColumn(this=_column(column), dtype=kind)
        try:
            self._execute(exp.Alter(this=shape.table, kind="TABLE", actions=[alter]))
        except DestinationError as error:
            raise TableStoppedError(
                f"Column {column} of {shape.name} must become {kind.sql(self.dialect)}. {error}. "
                "Drop what depends on the column, or change its type there; the changes wait in "
                "the log."
            ) from error

    def _column(
        self, name: str, shape: Shape, held: Mapping[str, pa.DataType | None]
    ) -> merge.Column:
        target = shape.names[name]
        kind = held[target]
        wanted = shape.wanted[target]
        if kind is None or kind == wanted:
            return merge.Column(source=name, target=target)
        is_printed = kind == _TEXT and pa.types.is_decimal(wanted)
        via = sql_type(wanted, self.dialect) if is_printed else None
        return merge.Column(source=name, target=target, cast=sql_type(kind, self.dialect), via=via)

    def _count(self, staged: Staged, stage: exp.Table, key: Sequence[str]) -> int:
        """Return the most changes of one key. Raises where the stage lost a row or has one more."""
        [(rows, most)] = self._query(merge.count_keys(stage, key))
        if int(rows or 0) != staged.rows:
            raise DestinationError(
                f"{rows or 0} of {staged.rows} changes of {staged.table.name} reached the stage: "
                "nothing of this load is kept; the next run repeats it."
            )
        return int(most or 0)

    def _transact(
        self, lease: Lease, load: Load, plans: Sequence[Plan], tables: Mapping[str, Known]
    ) -> dict[str, int]:
        rows = dict.fromkeys((plan.staged.table.name for plan in plans), 0)
        with self._transaction():
            if self._execute(confirm_epoch(lease, load.schema)) != 1:
                raise build_fenced_error(load.stream)
            for step in self._steps(load, plans, tables):
                load.go_on()
                changed = self._execute(step.statement)
                if step.table:
                    rows[step.table] += changed
        return rows

    def _steps(
        self, load: Load, plans: Sequence[Plan], tables: Mapping[str, Known]
    ) -> Iterator[Step]:
        """Return the statements of the transaction, the state last but for what is forgotten."""
        for plan in plans:
            yield from self._apply(plan)
        yield from _write_tables(load.stream, tables)
        yield from _write_rejected(load)
        yield Step(_insert("loads", _load_row(load, self._now())))
        # Without a transaction a table is forgotten only once the state copies it again.
        yield from _write_tables(load.stream, self._begin_again(load, tables))

    def _begin_again(self, load: Load, tables: Mapping[str, Known]) -> dict[str, Known | None]:
        """Return what is known from now on of the tables that the load's state copies again."""
        known = {**self._tables(load.stream), **tables} if load.refilled else {}
        again = {
            name: replace(known[name], since=None, message=None, columns={})
            for name in load.refilled
        }
        return {**dict.fromkeys(load.forgotten), **again}

    def _apply(self, plan: Plan) -> Iterator[Step]:
        name = plan.staged.table.name
        if plan.sweeps:
            yield Step(merge.remove_marked(plan.merge))
        if self._is_known(plan.merge):
            yield from self._merge(plan.merge, name)
        else:
            yield Step(merge.insert_into(plan.merge), name)
        if plan.merge.truncated is not None:
            yield Step(merge.mark_truncated(plan.merge))

    def _is_known(self, plan: merge.Merge) -> bool:
        """Return whether the target has a key of the stage; if not, an INSERT is enough."""
        return bool(self._query(merge.find_known_key(plan)))

    def _merge(self, plan: merge.Merge, name: str) -> Iterator[Step]:
        yield Step(merge.merge_into(plan), name)

    def _table_rows(
        self,
        load: Load,
        known: Mapping[str, Known],
        plans: Sequence[Plan],
        stopped: Sequence[Stopped],
    ) -> dict[str, Known]:
        """Return what `_simplyload.tables` must have and lacks: names, keys, which tables wait."""
        rows = {
            plan.staged.table.name: Known(
                target=plan.merge.table,
                key=plan.staged.table.key,
                removes=load.remove,
                columns=plan.columns,
            )
            for plan in plans
        }
        keys = {staged.table.name: staged.table.key for staged in load.staged}
        for stop in stopped:
            old = known.get(stop.table, Known(target="", key=keys[stop.table]))
            rows[stop.table] = replace(old, since=stop.since, message=stop.message)
        for stop in load.held:
            rows[stop.table] = replace(known[stop.table], since=stop.since, message=stop.message)
        return {name: row for name, row in rows.items() if known.get(name) != row}

    def _add_stage(self, load: Load) -> exp.Table:
        stage = exp.table_(f"stage_{load.load_id}_{len(self._stages)}", quoted=True)
        self._stages.append(stage)
        return stage

    def _drop_stages(self) -> None:
        """Drop the load's stages; where the connection failed, they end with it."""
        while self._stages:
            with suppress(DestinationError):
                self._drop_stage(self._stages.pop())

    @abstractmethod
    def scan(self, schema: str, table: Table) -> Iterator[pa.Table]:
        """Yield the table's rows that are not marked deleted (the business columns it has)."""

    def scan_ranges(self, schema: str, table: Table, ranges: Collection[str]) -> Iterator[pa.Table]:
        """Yield the rows of some ranges that are not marked deleted."""
        self._ranges = ranges
        try:
            yield from self.scan(schema, table)
        finally:
            self._ranges = ()

    def digest(self, schema: str, table: Table) -> Digests | None:
        """Return the digest of each range; None where there is no table, or not of such columns."""
        rows, names = self._live_rows(schema, table)
        if (
            rows is None
            or not can_digest(self.dialect)
            or not self._has_like_columns(schema, table, names)
        ):
            return None
        key, columns = self._cells(table, names, table.key), self._cells(table, names, names)
        query = digest_query(self.dialect, self._render(rows.select("*")), key, columns)
        return to_digests(self._send(query)[0])

    def _has_like_columns(self, schema: str, table: Table, names: Mapping[str, str]) -> bool:
        """Return whether the target has every column, and of a type like that of the source."""
        tables = self._read_columns(schema)
        held = tables[choose_name(table.name, tables, self.dialect)]
        return all(
            field.name in names and can_compare(field.type, held[names[field.name]])
            for field in table.schema
        )

    def _cells(self, table: Table, names: Mapping[str, str], columns: Iterable[str]) -> list[Cell]:
        return [
            Cell(self._render(_column(names[name])), table.schema.field(name).type)
            for name in columns
        ]

    def _scan_query(self, schema: str, table: Table) -> tuple[str, pa.Schema]:
        """Select the business columns that the target has, of rows that are not marked deleted.

        Give the source's fields of these columns too; the query is empty before the first load.
        """
        rows, names = self._live_rows(schema, table)
        if rows is None:
            return "", table.schema
        query = self._render(rows.select(*(_column(name) for name in names.values())))
        if self._ranges:
            key = self._cells(table, names, table.key)
            query += f" AND {in_ranges(self.dialect, key, self._ranges)}"
        return query, pa.schema([table.schema.field(name) for name in names])

    def _live_rows(self, schema: str, table: Table) -> tuple[exp.Select | None, Mapping[str, str]]:
        """Return FROM and WHERE of the rows that are there, and the names of the columns held."""
        tables = self._columns(schema)
        target = choose_name(table.name, tables, self.dialect)
        self._columns_of.clear()
        if target not in tables:
            return None, {}
        refuse_foreign(table.name, tables[target])
        names = self._name_columns(table.name, table.schema.names, tables[target])
        rows = exp.Select().from_(exp.table_(target, db=schema, quoted=True))
        held = {name: names[name] for name in table.schema.names if names[name] in tables[target]}
        return rows.where(exp.not_(_column(merge.DELETED))), held

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            with suppress(DestinationError):
                self._execute("ROLLBACK")
            raise

    # Statements.

    def _query(self, statement: exp.Expr) -> list[tuple[Any, ...]]:
        return self._send(statement)[0]

    def _execute(self, statement: exp.Expr | str) -> int:
        return self._send(statement)[1]

    def _send(self, statement: exp.Expr | str) -> tuple[list[tuple[Any, ...]], int]:
        sql = statement if isinstance(statement, str) else self._render(statement)
        statements.debug(sql)
        return self._run(sql)

    def _render(self, statement: exp.Expr) -> str:
        return self._rename(statement).sql(self.dialect)

    def _rename(self, statement: exp.Expr) -> exp.Expr:
        """Return the statement with the destination's own names of the metadata."""
        if not self._names:
            return statement
        return statement.transform(
            lambda node: (
                exp.to_identifier(self._names[node.name], quoted=True)
                if isinstance(node, exp.Identifier) and node.name in self._names
                else node
            )
        )

    def _prepare(self) -> None:
        """Create the schema of metadata with its tables where they are absent."""
        if self._prepared:
            return
        if not self._exists():
            self.check()
            self._create_schema(METADATA_SCHEMA)
            for name, (columns, key) in _METADATA_TABLES.items():
                constraints = self._table_constraints(key) if key else []
                table = _metadata_table(name)
                self._execute(_create(table, columns, self.dialect, constraints))
        else:  # it may have been made before these columns
            text = sql_type(_TEXT, self.dialect)
            for known, column in (
                ("lease", "schema"),
                ("tables", "deletes"),
                ("tables", "columns"),
            ):
                if not self._knows(known, column):
                    self._execute(add_columns(_metadata_table(known), {column: text}, exists=True))
        self._columns_of.pop(METADATA_SCHEMA, None)
        self._prepared = True

    def _knows(self, table: str, column: str) -> bool:
        """Return whether a table of the metadata has a column that was added to it later."""
        tables = self._columns(METADATA_SCHEMA).items()
        found = (columns for name, columns in tables if name.lower() == table)
        return any(name.lower() == column for columns in found for name in columns)

    def _exists(self) -> bool:
        """Return whether the metadata tables are there: another run may create them at any time."""
        if self._prepared:
            return True
        present = {name.lower() for name in self._columns(METADATA_SCHEMA)}
        return present.issuperset(_METADATA_TABLES)  # a view of the user's own may be there too

    def _columns(self, schema: str) -> Tables:
        """Return the columns of a schema's tables; read once per load."""
        if schema not in self._columns_of:
            self._columns_of[schema] = self._read_columns(schema)
        return self._columns_of[schema]

    def _read_columns(self, schema: str) -> Tables:
        return self._group_columns(self._list_columns(schema))

    def _group_columns(self, listed: Iterable[tuple[str, str, str]]) -> Tables:
        """Return the columns by table, those of the metadata by the catalog's names."""
        found: dict[str, dict[str, pa.DataType | None]] = {}
        ours = {own: name for name, own in self._names.items()}
        for table, column, kind in listed:
            columns = found.setdefault(table, {})
            # Without `names` it would be a column of the metadata, with them it is none.
            if column in ours or column not in self._names:
                columns[ours.get(column, column)] = arrow_type(kind, self.dialect)
        return dict(found)

    def _tables(self, stream: str) -> dict[str, Known]:
        columns = ["name", "target", "key", "stopped_since", "message"]
        added = [c for c in ("deletes", "columns") if self._prepared or self._knows("tables", c)]
        found = {}
        for name, target, key, since, message, *later in self._query(
            _select("tables", stream, *columns, *added)
        ):
            more = dict(zip(added, later, strict=True))
            found[name] = Known(
                target=target,
                key=tuple(json.loads(key)),
                since=since,
                message=message,
                removes=more.get("deletes") == "remove",
                columns=json.loads(more.get("columns") or "{}"),
            )
        return found


def _stop(load: Load, staged: Staged, known: Known | None, message: str) -> Stopped:
    since = (known.since if known else None) or load.load_id
    return Stopped(table=staged.table.name, since=since, message=message)


def build_fenced_error(stream: str) -> FencedError:
    """Return the error of a run whose lease another one took."""
    return FencedError(f"A newer run of {stream} took the lease: this one commits nothing more.")


def _write_tables(stream: str, tables: Mapping[str, Known | None]) -> Iterator[Step]:
    """Write what is known of tables; None forgets one."""
    for name, known in tables.items():
        yield Step(_delete_row("tables", {"stream": stream, "name": name}, "stream", "name"))
        if known is not None:
            yield Step(_insert("tables", _table_row(stream, name, known)))


def _select(table: str, stream: str, *columns: str) -> exp.Select:
    names = [_column(name) for name in columns]
    return exp.select(*names).from_(_metadata_table(table)).where(_column("stream").eq(stream))


def _newest_first() -> exp.Ordered:
    return exp.Ordered(this=_column("load_id"), desc=True, nulls_first=False)


def _insert(table: str, *rows: Mapping[str, str | int | None]) -> exp.Insert:
    names = [exp.to_identifier(name, quoted=True) for name in rows[0]]
    values = exp.values([tuple(exp.convert(value) for value in row.values()) for row in rows])
    return exp.insert(values, _metadata_table(table), columns=names)


def _update_epoch(stream: str, old: int, new: int) -> exp.Update:
    """Set the epoch where it still is `old`: it changes one row, or none when we are fenced."""
    held = exp.and_(_column("stream").eq(stream), _column("epoch").eq(old))
    return exp.Update(
        this=_metadata_table("lease"),
        expressions=[_column("epoch").eq(new)],
        where=exp.Where(this=held),
    )


def confirm_epoch(lease: Lease, schema: str) -> exp.Update:
    """Set the schema of a load where the epoch is still that of the lease."""
    update = _update_epoch(lease.stream, lease.epoch, lease.epoch)
    update.append("expressions", _column("schema").eq(schema))
    return update


def _delete_row(table: str, row: Mapping[str, Any], *key: str) -> exp.Delete:
    where = exp.and_(*(_column(name).eq(row[name]) for name in key))
    return exp.delete(_metadata_table(table), where=where)


def delete_load(load: Load) -> exp.Delete:
    """Return the statement that forgets a load."""
    row = {"stream": load.stream, "load_id": load.load_id}
    return _delete_row("loads", row, *row)


def _load_row(load: Load, now: datetime) -> dict[str, str | int | None]:
    return {
        "stream": load.stream,
        "load_id": load.load_id,
        "state": json.dumps(load.state),
        "rows": sum(staged.rows for staged in load.staged),
        "committed_at": now.isoformat(),
    }


def _write_rejected(load: Load) -> Iterator[Step]:
    """Replace what is known of rejected cells: a copy that is repeated meets the same ones again.

    A column may have a value in every row that a destination cannot hold, as `infinity` by default.
    """
    cells: dict[tuple[str, str], dict[str, dict[str, str | int | None]]] = {}
    for refused in load.rejected:
        row = _rejected_row(load, refused)
        cells.setdefault((refused.table, refused.column), {})[str(row["key"])] = row
    for rows in map(list, map(dict.values, cells.values())):
        for begin in range(0, len(rows), REJECTED_ROWS):
            part = rows[begin : begin + REJECTED_ROWS]
            where = [_column(name).eq(part[0][name]) for name in ("stream", "name", "column")]
            keys = _column("key").isin(*(row["key"] for row in part))
            yield Step(exp.delete(_metadata_table("rejected"), where=exp.and_(*where, keys)))
            yield Step(_insert("rejected", *part))


def _rejected_row(load: Load, refused: Rejected) -> dict[str, str | int | None]:
    return {
        "stream": load.stream,
        "load_id": load.load_id,
        "name": refused.table,
        "key": json.dumps(refused.key, default=str),
        "column": refused.column,
        "reason": refused.reason,
    }


def _table_row(stream: str, name: str, known: Known) -> dict[str, str | int | None]:
    return {
        "stream": stream,
        "name": name,
        "target": known.target,
        "key": json.dumps(known.key),
        "stopped_since": known.since,
        "message": known.message,
        "deletes": "remove" if known.removes else "mark",
        "columns": json.dumps(known.columns, sort_keys=True),
    }


def _create(
    table: exp.Table,
    columns: Mapping[str, pa.DataType],
    dialect: Dialect,
    constraints: Sequence[exp.Expr],
) -> exp.Create:
    definitions = [_definition(name, sql_type(kind, dialect)) for name, kind in columns.items()]
    body = exp.Schema(this=table, expressions=[*definitions, *constraints])
    return exp.Create(this=body, kind="TABLE", exists=True)


def add_columns(
    table: exp.Table, added: Mapping[str, exp.DataType], *, exists: bool = False
) -> exp.Alter:
    """Return the statement that adds columns; `exists` leaves out those that are there."""
    columns = [_definition(name, kind) for name, kind in added.items()]
    for column in columns:
        column.set("exists", exists)
    return exp.Alter(this=table, kind="TABLE", actions=columns)


def _definition(name: str, kind: exp.DataType) -> exp.ColumnDef:
    return exp.ColumnDef(this=exp.to_identifier(name, quoted=True), kind=kind)


def _schema_name(schema: str) -> exp.Table:
    return exp.Table(db=exp.to_identifier(schema, quoted=True))


def _metadata_table(name: str) -> exp.Table:
    return exp.table_(name, db=METADATA_SCHEMA, quoted=True)


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)
