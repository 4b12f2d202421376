"""BigQuery: Parquet by load jobs into tables of their own, then one script with the transaction.

    project
    ├── shop                   dataset: the tables of stream `shop`
    ├── _simplyload            lease, loads, tables, rejected; hidden in the console
    └── _simplyload_stage      what is in it belongs to a load that is not committed
        └── stage_<load>_<n>_<stream>

A transaction is one script, so that no client that dies leaves one open: BigQuery brings a script
to its end, or rolls back what it did. It enforces no key: what other destinations leave to a
primary key is done in a transaction that changes a row of the lease table, which no two can.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from simplyload import merge
from simplyload.catalog import METADATA_SCHEMA, TARGET_METADATA, Dialect, sql_type
from simplyload.changes import Table
from simplyload.destinations.bigquery_jobs import TIMEOUT, Jobs
from simplyload.destinations.bigquery_login import BigQuerySettings, Layout, load_driver
from simplyload.destinations.destination import Lease, Limits, Load, Staged
from simplyload.destinations.sql import (
    Shape,
    Tables,
    add_columns,
    build_fenced_error,
    confirm_epoch,
    statements,
)
from simplyload.destinations.warehouse import WarehouseDestination, read_spelled, write_files
from simplyload.errors import DestinationError, TableStoppedError
from simplyload.gather import read_as

STAGE_SCHEMA = "_simplyload_stage"
# A stage that no later run dropped ends by itself.
STAGE_LIFE = timedelta(days=3)
# BigQuery's limits, with a distance: 1 MB for a script, 100 tables changed by a transaction.
# https://cloud.google.com/bigquery/quotas https://cloud.google.com/bigquery/docs/transactions
SCRIPT_BYTES = 900_000
SCRIPT_STATEMENTS = 90
_FENCED = "simplyload: a newer run took the lease"
_NO_TIME_ZONE = pa.timestamp("us")
_TRUNCATE = {
    pa.date32(): exp.DateTrunc,
    pa.timestamp("us"): exp.DatetimeTrunc,
    pa.timestamp("us", "UTC"): exp.TimestampTrunc,
}


class BigQueryDestination(WarehouseDestination):
    """A project of BigQuery; the account may create datasets in it."""

    dialect: Dialect = "bigquery"
    product = "BigQuery"
    stage_schema = STAGE_SCHEMA

    def __init__(self, settings: BigQuerySettings) -> None:
        super().__init__(settings.names)
        self._settings = settings
        self._driver = load_driver()
        self._open: Jobs | None = None

    @property
    def limits(self) -> Limits:
        """Return half of the size that a row of Parquet may have."""
        return Limits(max_value_bytes=25 << 20)

    def check(self) -> None:
        """Raise DestinationError where no job may start, or a dataset is in another location."""
        self._jobs.check()
        get_dataset = self._jobs.client.get_dataset
        found = self._jobs.find(lambda: get_dataset(METADATA_SCHEMA, timeout=TIMEOUT))
        if found is not None and found.location.casefold() != self._settings.location.casefold():
            raise DestinationError(
                f"destination.location: it is {self._settings.location}, and dataset"
                f" {METADATA_SCHEMA} is in {found.location}: set location: {found.location}"
            )

    def acquire(self, stream: str, above: int = 0) -> Lease:
        """Take the lease in one transaction: no key keeps two runs from inserting its first row."""
        self._prepare()
        self._jobs.label({"simplyload": stream})
        lease = self._render(exp.table_("lease", db=METADATA_SCHEMA, quoted=True))
        if not self._execute(_LOCK.format(lease=lease)):
            self._execute(f"INSERT INTO {lease} (stream, epoch) VALUES ('', 0)")  # noqa: S608
        [(epoch,)] = self._send(_TAKE_LEASE.format(lease=lease, stream=stream, above=above))[0]
        self._forget_loads(stream)
        return Lease(stream=stream, epoch=epoch)

    def scan(self, schema: str, table: Table) -> Iterator[pa.Table]:
        """Yield the table's rows that are not marked deleted (the business columns it has)."""
        query, held = self._scan_query(schema, table)
        if query:
            yield held.empty_table()
            rows = self._jobs.read(query)
            for batch in rows.to_arrow_iterable():
                reader = pa.RecordBatchReader.from_batches(batch.schema, [batch])
                yield from list(read_as(reader, held))[1:]

    @property
    def _jobs(self) -> Jobs:
        if self._open is None:
            self._open = Jobs(self._settings)
        return self._open

    def _run(self, statement: str) -> tuple[list[tuple[Any, ...]], int]:
        return self._jobs.query(statement)

    # ---- the API: what it creates and lists costs no query ----

    def _call(self, name: str, request: Callable[[], Any]) -> Any:
        """Send a request that changes something; a log shows it beside the statements."""
        statements.debug(name)
        return self._jobs.ask(request)

    def _create_schema(self, schema: str) -> None:
        dataset = self._driver.Dataset(f"{self._settings.project}.{schema}")
        dataset.location = self._settings.location
        create = self._jobs.client.create_dataset
        self._call(
            f"datasets.insert {schema}",
            lambda: create(dataset, exists_ok=True, timeout=TIMEOUT),
        )

    def _prepare(self) -> None:
        if not self._exists():
            self.check()
            self._create_schema(STAGE_SCHEMA)
        super()._prepare()

    def _list_tables(self, schema: str) -> list[str]:
        list_tables = self._jobs.client.list_tables
        found = self._jobs.find(lambda: list(list_tables(schema, timeout=TIMEOUT)))
        return [table.table_id for table in found or ()]

    def _list_stages(self) -> list[str]:
        return self._list_tables(STAGE_SCHEMA)

    def _list_columns(self, schema: str) -> list[tuple[str, str, str]]:
        tables = self._list_tables(schema)
        return list(chain.from_iterable(self._list_columns_of(schema, table) for table in tables))

    def _list_columns_of(self, schema: str, table: str) -> list[tuple[str, str, str]]:
        """List a table's columns; none where it was dropped just now."""
        get_table = self._jobs.client.get_table
        found = self._jobs.find(lambda: get_table(f"{schema}.{table}", timeout=TIMEOUT))
        return [
            (table, field.name, _print_type(field)) for field in (found.schema if found else ())
        ]

    def _read_columns(self, schema: str) -> Tables:
        """Return the columns of a schema's tables; each table is asked for when it is needed."""

        def read(table: str) -> Mapping[str, pa.DataType | None]:
            return self._group_columns(self._list_columns_of(schema, table)).get(table, {})

        return _ReadLater(self._list_tables(schema), read)

    # ---- DDL ----

    def _table_properties(
        self, shape: Shape, columns: Mapping[str, pa.DataType]
    ) -> exp.Properties | None:
        layout = self._settings.tables.get(f"{shape.table.db}.{shape.name}")
        if layout is None:
            return None
        names = {**{name: name for name in TARGET_METADATA}, **shape.names}
        key = f"destination.tables.{shape.table.db}.{shape.name}"
        for name in [layout.partition_by, *layout.cluster_by]:
            if name is not None and name not in names:
                raise TableStoppedError(f"{key} names column {name}, which the source has not.")
        return exp.Properties(expressions=list(_store(layout, names, columns, key)))

    def _add_columns(self, table: exp.Table, added: Mapping[str, pa.DataType]) -> None:
        """Add all columns at once: a table's form may change five times in ten seconds."""
        kinds = {name: sql_type(kind, self.dialect) for name, kind in added.items()}
        self._execute(add_columns(table, kinds))

    def _widen(self, shape: Shape, column: str, kind: exp.DataType) -> None:
        """Widen a number in place; BigQuery makes no text of one."""
        if kind.this == exp.DType.TEXT:
            raise self._refuse_widening(shape, column, kind)
        super()._widen(shape, column, kind)

    # ---- a load ----

    def _shape(self, load: Load, staged: Staged, known: Any) -> Shape:
        shape = super()._shape(load, staged, known)
        for name in shape.key:
            if pa.types.is_floating(shape.wanted[name]):
                raise TableStoppedError(
                    f"Column {name} of the key of {shape.name} is a floating-point number, by which"
                    " BigQuery groups no rows: publish it as text or as a decimal."
                )
        return shape

    def _stage(self, load: Load, staged: Staged, names: Mapping[str, str]) -> exp.Table:
        """Load the changes into a table of their own."""
        stage = self._add_stage(load)
        changes = _print_times(read_spelled(staged, names))
        table = self._driver.Table(
            f"{self._settings.project}.{STAGE_SCHEMA}.{stage.name}",
            schema=[_make_field(self._driver, field) for field in changes.schema],
        )
        table.expires = datetime.now(UTC) + STAGE_LIFE
        create = self._jobs.client.create_table
        made = self._call(
            f"tables.insert {stage.name}", lambda: create(table, exists_ok=True, timeout=TIMEOUT)
        )
        with tempfile.TemporaryDirectory() as folder:
            for number, path in enumerate(write_files(changes, Path(folder))):
                self._load_file(path, made, number)
        return stage

    def _load_file(self, path: Path, table: Any, number: int) -> None:
        """Append a file; the id of the job is that of this file in this table, made at its time."""
        name = f"{table.table_id}_{table.created:%Y%m%d%H%M%S%f}_{number}"
        statements.debug("LOAD %s", name)
        self._jobs.load(path, table.reference, name)

    def _drop_stage(self, stage: exp.Table) -> None:
        delete = self._jobs.client.delete_table
        name = f"{self._settings.project}.{STAGE_SCHEMA}.{stage.name}"
        self._call(
            f"tables.delete {stage.name}",
            lambda: delete(name, not_found_ok=True, timeout=TIMEOUT),
        )

    def _column(
        self, name: str, shape: Shape, held: Mapping[str, pa.DataType | None]
    ) -> merge.Column:
        """Give a time without a zone its type again, which the stage has as text."""
        column = super()._column(name, shape, held)
        if column.cast is None and shape.wanted[column.target] == _NO_TIME_ZONE:
            kind = sql_type(_NO_TIME_ZONE, self.dialect)
            return merge.Column(source=column.source, target=column.target, cast=kind)
        return column

    def _transact(
        self, lease: Lease, load: Load, plans: Sequence[Any], tables: Mapping[str, Any]
    ) -> dict[str, int]:
        """Commit by one script; where it would be too long by several, the state in the last."""
        steps = [
            (self._render(step.statement), step.table) for step in self._steps(load, plans, tables)
        ]
        rows = dict.fromkeys((plan.staged.table.name for plan in plans), 0)
        for number, part in enumerate(_part(steps)):
            for table, changed in self._commit(lease, load, part, number).items():
                rows[table] += changed
        return rows

    def _commit(
        self, lease: Lease, load: Load, part: Sequence[tuple[str, str]], number: int
    ) -> dict[str, int]:
        """Run one script; return the rows that it changed, by table."""
        fence = self._render(confirm_epoch(lease, load.schema))
        script = _write_script(fence, part)
        statements.debug(script)
        name = f"{self._read_install_time()}_{load.stream}_{load.load_id}_{number}"
        try:
            [(counts,)], _ = self._jobs.query(script, name)
        except DestinationError as error:
            if _FENCED in str(error):
                raise build_fenced_error(load.stream) from error
            raise
        changed: dict[str, int] = {}
        for table, count in zip((t for _, t in part if t), counts.split(), strict=True):
            changed[table] = changed.get(table, 0) + int(count)
        return changed

    def _read_install_time(self) -> str:
        """Return when the metadata was made: a load's id alone may have been there before it."""
        get_table = self._jobs.client.get_table
        lease = self._jobs.ask(lambda: get_table(f"{METADATA_SCHEMA}.lease", timeout=TIMEOUT))
        return f"{lease.created:%Y%m%d%H%M%S%f}" if lease.created else "new"

    def _rename(self, statement: exp.Expr) -> exp.Expr:
        """Name the project of every table."""
        renamed = super()._rename(statement).copy()
        for table in renamed.find_all(exp.Table):
            if table.args.get("db"):
                table.set("catalog", exp.to_identifier(self._settings.project, quoted=True))
        for cast in list(renamed.find_all(exp.Cast)):
            if cast.to.this == exp.DType.TEXT and _is_decimal(cast.this):
                cast.replace(_print_decimal(cast.this))
        return renamed


def _is_decimal(value: exp.Expr) -> bool:
    kinds = (exp.DType.DECIMAL, exp.DType.BIGDECIMAL)
    return isinstance(value, exp.Cast) and value.to.this in kinds and bool(value.to.expressions)


def _print_decimal(value: exp.Expr) -> exp.Expr:
    """Return a decimal as text, with all digits of its scale: a CAST drops zeros at the end."""
    scale = value.args["to"].expressions[1].name
    return exp.Anonymous(
        this="FORMAT", expressions=[exp.Literal.string(f"%.{scale}f"), value.this.copy()]
    )


class _ReadLater(MutableMapping[str, Mapping[str, Any]]):
    """The columns of tables whose names are known; each table is read when it is needed."""

    def __init__(self, names: Iterable[str], read: Callable[[str], Mapping[str, Any]]) -> None:
        self._known: dict[str, Mapping[str, Any] | None] = dict.fromkeys(names)
        self._read = read

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        known = self._known[name]
        if known is None:
            known = self._known[name] = self._read(name)
        return known

    def __setitem__(self, name: str, columns: Mapping[str, Any]) -> None:
        self._known[name] = columns

    def __delitem__(self, name: str) -> None:
        del self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


# The row '' is there so that a transaction changes one; it conflicts with every other of its kind.
_LOCK = "UPDATE {lease} SET epoch = 0 WHERE stream = ''"
_TAKE_LEASE = """DECLARE taken INT64;
BEGIN TRANSACTION;
UPDATE {lease} SET epoch = 0 WHERE stream = '';
MERGE INTO {lease} AS t USING (SELECT '{stream}' AS stream) AS s ON t.stream = s.stream
WHEN NOT MATCHED THEN INSERT (stream, epoch) VALUES (s.stream, 0);
UPDATE {lease} SET epoch = GREATEST(epoch, {above}) + 1 WHERE stream = '{stream}';
SET taken = (SELECT epoch FROM {lease} WHERE stream = '{stream}');
COMMIT TRANSACTION;
SELECT taken;"""


def _write_script(fence: str, part: Sequence[tuple[str, str]]) -> str:
    """Return a transaction that begins with the fence, and answers with the counts of its rows."""
    lines = [
        "DECLARE counts STRING DEFAULT '';",
        "BEGIN TRANSACTION;",
        f"{fence};",
        f"IF @@row_count <> 1 THEN RAISE USING MESSAGE = '{_FENCED}'; END IF;",
    ]
    for statement, table in part:
        lines.append(f"{statement};")
        if table:
            lines.append("SET counts = CONCAT(counts, CAST(@@row_count AS STRING), ' ');")
    lines += ["COMMIT TRANSACTION;", "SELECT counts;"]
    return "\n".join(lines)


def _part(steps: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Part statements into scripts that are short enough; there is one at least."""
    part: list[tuple[str, str]] = []
    size = 0
    for statement, table in steps:
        length = len(statement.encode()) + 100
        if part and (size + length > SCRIPT_BYTES or len(part) >= SCRIPT_STATEMENTS):
            yield part
            part, size = [], 0
        part.append((statement, table))
        size += length
    yield part


def _store(
    layout: Layout, names: Mapping[str, str], columns: Mapping[str, pa.DataType], key: str
) -> Iterator[exp.Expr]:
    """Return PARTITION BY and CLUSTER BY; raises TableStoppedError for another type of column."""
    if layout.partition_by is not None:
        kind = columns[names[layout.partition_by]]
        if kind not in _TRUNCATE:
            raise TableStoppedError(
                f"{key}.partition_by: column {layout.partition_by} is {kind}: name one that is a "
                "date or a time."
            )
        column = exp.column(names[layout.partition_by], quoted=True)
        unit = exp.var(layout.partition_unit.upper())
        if kind == pa.date32() and layout.partition_unit == "hour":
            raise TableStoppedError(f"{key}.partition_unit: a date has no hours; set day.")
        plain = kind == pa.date32() and layout.partition_unit == "day"
        value = column if plain else _TRUNCATE[kind](this=column, unit=unit)
        yield exp.PartitionedByProperty(this=value)
    if layout.cluster_by:
        clusters = [exp.column(names[name], quoted=True) for name in layout.cluster_by]
        yield exp.ClusterProperty(expressions=clusters)


def _print_type(field: Any) -> str:
    """Return a column's type as SQL; a list or a record is of no type that we know."""
    if field.mode == "REPEATED" or field.field_type in ("RECORD", "STRUCT"):
        return "STRUCT<>"
    kind = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(
        field.field_type, field.field_type
    )
    return f"{kind}({field.precision}, {field.scale or 0})" if field.precision else str(kind)


def _make_field(driver: Any, field: "pa.Field[Any]") -> Any:
    """Return a column of a stage."""
    name, *numbers = re.findall(r"\w+", sql_type(field.type, "bigquery").sql("bigquery"))
    options = dict(zip(("precision", "scale"), map(int, numbers), strict=False))
    return driver.SchemaField(field.name, name, **options)


def _print_times(changes: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Return times without a zone as text: what a load job makes of such ones is not documented."""
    fields = [
        field.with_type(pa.string()) if field.type == _NO_TIME_ZONE else field
        for field in changes.schema
    ]
    schema = pa.schema(fields)
    batches = (
        pa.RecordBatch.from_arrays(
            [
                pc.cast(column, field.type)
                for column, field in zip(batch.columns, fields, strict=True)
            ],
            schema=schema,
        )
        for batch in changes
    )
    return pa.RecordBatchReader.from_batches(schema, batches)
