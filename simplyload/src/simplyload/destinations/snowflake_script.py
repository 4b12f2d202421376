"""The SQL by which Snowflake loads what the destination `parquet` wrote to a bucket.

Nothing is sent: what the destination `snowflake` would execute is written down, load by load, with
the bucket in the place of its own stage. What Snowflake holds then is what the loads before made.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from simplyload.catalog import arrow_type, sql_type
from simplyload.changes import COLS, Table
from simplyload.destinations.destination import Lease, Load, Staged, Stopped
from simplyload.destinations.parquet import ParquetDestination
from simplyload.destinations.snowflake_files import copy_from_bucket, spell_in_json
from simplyload.destinations.snowflake_sql import SnowflakeSql, create_stage
from simplyload.destinations.sql import (
    Known,
    Plan,
    Shape,
    Step,
    Tables,
    add_columns,
    delete_load,
)
from simplyload.errors import ConfigurationError, DestinationError, TableStoppedError
from simplyload.gather import LOG_FIELDS, read_staged, union_schema

_REMEDY = (
    "No SQL that is printed from this `destination.path` loads the table further. Set another path"
    " and run `simplyload sync`, then run its SQL in another database."
)


@dataclass(frozen=True, kw_only=True)
class LoadScript:
    """The statements of one load of a stream, and the tables that stop with it."""

    stream: str
    load_id: str
    committed_at: str
    statements: Sequence[str]
    stopped: Sequence[Stopped]


def write_script(
    lake: ParquetDestination, stream: str, schema: str, after: str = ""
) -> Iterator[LoadScript]:
    """Yield the statements of each load, oldest first; none for those up to the load `after`.

    `after` is `stream/load`: the loads of other streams have the same ids.
    A table that stops is in none of the later loads, as in a replay.
    """
    entries = lake.loads(stream)
    after = _find_load(stream, after, [str(entry.load_id) for entry in entries])
    writer, stopped = _Writer(), dict[str, Stopped]()
    beginning = writer.prepare()
    with tempfile.TemporaryDirectory() as folder:
        for entry in entries:
            names = {t: n for t, n in entry.files.items() if t not in stopped}
            load = Load(
                load_id=str(entry.load_id),
                stream=stream,
                schema=schema,
                state=entry.state or {},
                staged=[writer.find(lake, part, Path(folder)) for part in names.values()],
                rejected=lake.read_rejected(entry),
                held=[*stopped.values()],
            )
            new = writer.write(load, entry.committed_at)
            stopped |= {stop.table: stop for stop in new}
            statements = writer.take()
            statements = [*beginning, *statements] if load.load_id > after else []
            beginning = [] if statements else beginning
            yield LoadScript(
                stream=stream,
                load_id=load.load_id,
                committed_at=entry.committed_at,
                statements=statements,
                stopped=new,
            )


def _find_load(stream: str, after: str, loads: Sequence[str]) -> str:
    """Return the load's id. ConfigurationError where it is none: the SQL would lack loads."""
    known = {f"{stream}/{load_id}": load_id for load_id in loads}
    if after and after not in known:
        newest = f"its newest is {stream}/{loads[-1]}" if loads else "it has none"
        raise ConfigurationError(
            f"--after: stream {stream} has no load {after} in destination.path, {newest}; take it"
            " from the last line of the output before"
        )
    return known.get(after, "")


def _check_names(table: Table) -> None:
    """Raise DestinationError for a name within which a reader of scripts sees a statement end."""
    for name in [table.name, *table.schema.names]:
        if "\\" in name:
            raise DestinationError(
                f"Table {table.name}: the name {name} has a backslash, which programs that run SQL"
                " take for an escape. Rename it in the source or leave the table out, or load by"
                " the destination `snowflake`, which sends each statement alone"
            )


class _Writer(SnowflakeSql):
    """Writes statements down, and knows what Snowflake would answer."""

    spelling = staticmethod(spell_in_json)

    def __init__(self) -> None:
        super().__init__()
        self._statements: list[str] = []
        self._made: dict[str, dict[str, Mapping[str, pa.DataType | None]]] = {}
        self._known: dict[str, Known] = {}
        self._names_of: dict[Path, str] = {}  # in the bucket, of each file's footer
        self._committed_at = ""

    def prepare(self) -> list[str]:
        """Return what makes the place of the loads where it is absent."""
        self._execute("ALTER SESSION SET TIMEZONE = 'UTC'")
        self._create_stage_schema()
        self._prepare()
        return self.take()

    def find(self, lake: ParquetDestination, names: Sequence[str], folder: Path) -> Staged:
        """Describe a table's part of a load by the footers of its files."""
        paths = lake.fetch_footers(names, folder)
        self._names_of.update(zip(paths, names, strict=True))
        staged = read_staged(paths)
        _check_names(staged.table)
        return staged

    def write(self, load: Load, committed_at: str) -> Sequence[Stopped]:
        """Write a load; return the tables that stop with it."""
        self._committed_at = committed_at
        return self.load(Lease(stream=load.stream, epoch=0), load).stopped

    def take(self) -> list[str]:
        """Return what was written since the last call."""
        statements, self._statements = self._statements, []
        return statements

    # What Snowflake would answer.

    def check(self) -> None:
        """Find no fault: there is no connection."""

    def scan(self, schema: str, table: Table) -> Iterator[pa.Table]:  # noqa: ARG002
        """Yield nothing: there is no connection."""
        yield from ()

    def _run(self, statement: str) -> tuple[list[tuple[Any, ...]], int]:
        self._statements.append(statement)
        return [], 0

    def _list_columns(self, schema: str) -> list[tuple[str, str, str]]:  # noqa: ARG002
        return []

    def _list_stages(self) -> list[str]:
        return []

    def _read_columns(self, schema: str) -> Tables:
        return dict(self._made.get(schema, {}))

    def _tables(self, stream: str) -> dict[str, Known]:  # noqa: ARG002 - it writes one stream
        return self._known

    # What differs from the destination.

    def _plan(self, load: Load, staged: Staged, known: Known | None) -> Plan:
        """Plan a table; where it stops, say what helps: nothing here sees what is renamed there."""
        try:
            return super()._plan(load, staged, known)
        except TableStoppedError as error:
            raise TableStoppedError(f"{error.reason.rstrip('.')}. {_REMEDY}") from None

    def _fit(self, shape: Shape, *, freeze: bool) -> Mapping[str, pa.DataType | None]:
        held = super()._fit(shape, freeze=freeze)
        tables = self._made.setdefault(shape.table.db, {})
        tables[shape.table.name] = {name: _to_catalog_type(kind) for name, kind in held.items()}
        return held

    def _add_columns(self, table: exp.Table, added: Mapping[str, pa.DataType]) -> None:
        """Add what is not there: the load may be run again."""
        for name, kind in added.items():
            column = {name: sql_type(kind, self.dialect)}
            self._execute(add_columns(table, column, exists=True))

    def _now(self) -> datetime:
        """Return the time of the load in the bucket: printed again, the SQL is the same."""
        return datetime.fromisoformat(self._committed_at)

    def _stage(self, load: Load, staged: Staged, names: Mapping[str, str]) -> exp.Table:
        """Copy exactly the load's files, each form of the table by a COPY of its own."""
        stage = self._add_stage(load)
        business = {field.name: field.type for field in union_schema(staged)}
        kinds = {
            name: sql_type(pa.string() if name == COLS else kind, self.dialect)
            for name, kind in [*business.items(), *((f.name, f.type) for f in LOG_FIELDS)]
        }
        columns = {names.get(name, name.upper()): kind for name, kind in kinds.items()}
        self._execute(create_stage(stage, columns, again=True))
        forms: dict[tuple[str, ...], list[str]] = {}
        for path in staged.files:
            lacking = tuple(sorted(set(business) - set(pq.read_schema(path).names)))
            forms.setdefault(lacking, []).append(self._names_of[path])
        for lacking, files in forms.items():
            self._execute(copy_from_bucket(stage, kinds, files, lacking))
        return stage

    def _count(self, staged: Staged, stage: exp.Table, key: Sequence[str]) -> int:  # noqa: ARG002
        """Let the script fail by a division by zero unless every change is in the stage."""
        check = f"SELECT 1 / IFF(COUNT(*) = {staged.rows}, 1, 0) AS ALL_CHANGES_ARE_HERE"
        self._execute(f"{check} FROM {stage.sql(self.dialect)}")
        return staged.rows

    def _drop_stage(self, stage: exp.Table) -> None:
        self._execute(f"DROP TABLE IF EXISTS {stage.sql(self.dialect)}")

    def _transact(
        self, lease: Lease, load: Load, plans: Sequence[Plan], tables: Mapping[str, Known]
    ) -> dict[str, int]:
        """Write the transaction without a lease: who runs the script is alone."""
        del lease
        self._known = {**self._known, **tables}
        with self._transaction():
            for step in self._steps(load, plans, tables):
                self._execute(step.statement)
        return {}

    def _steps(
        self, load: Load, plans: Sequence[Plan], tables: Mapping[str, Known]
    ) -> Iterator[Step]:
        """Forget the load first, which may be run again."""
        yield Step(delete_load(load))
        yield from super()._steps(load, plans, tables)


def _to_catalog_type(kind: pa.DataType | None) -> pa.DataType | None:
    """Return a column's type as Snowflake's catalog has it: integers have 38 digits."""
    if kind is None or pa.types.is_integer(kind):
        return kind and pa.decimal128(38, 0)
    return arrow_type(sql_type(kind, "snowflake").sql("snowflake"), "snowflake")
