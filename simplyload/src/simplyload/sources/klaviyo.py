"""Klaviyo as a source: the operations of `klaviyo_connector`'s own sync, as batches of changes.

The connector's folder is a setting. Its modules have general names (`api`, `models`, `sync`), so it
runs in a process of its own (process.py) with that folder first on the path. No loader of another
maker is imported: `sync.sync(configuration, state)` yields plain operations.

    operation    Upsert, Upserts  Delete   Truncate           Checkpoint(state)        Warning
    here         U for each row   D        T, after the sync  the batch and its state  shown at once
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from simplyload.changes import (
    COLS,
    DELETE,
    OP,
    SEQ,
    TRUNCATE,
    UPSERT,
    Batch,
    Changes,
    State,
    Table,
)
from simplyload.errors import ConfigurationError, SimplyLoadError, SourceError
from simplyload.sources.process import ProcessSource
from simplyload.sources.source import Finding, Kept

MAX_ROWS = 5_000  # in one batch: what the child holds in memory
Row = dict[str, Any]
SYNC_TABLES = ("sync_report", "sync_error")  # about the sync, not about the account
ACCOUNT = "account_id"  # the first column of every table's key
READ_AT = "synced_at"  # the time of the sync that wrote a row
SNAPSHOT = "its rows are of the day of their sync, and Klaviyo has them no longer"

# The connector's declared types. JSON becomes text; a time has a zone, a date has none.
TYPES: Mapping[str, pa.DataType] = {
    "STRING": pa.string(),
    "LONG": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "UTC_DATETIME": pa.timestamp("us", tz="UTC"),
    "NAIVE_DATE": pa.date32(),
    "JSON": pa.string(),
}


class KlaviyoSettings(BaseModel):
    """One connection to Klaviyo: one account, or several by several keys."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    type: Literal["klaviyo"] = "klaviyo"
    connector: Path
    """the folder klaviyo_connector of the repository klaviyo-warehouse"""
    api_key: SecretStr
    """a private key (pk_...) with read access; several accounts: separated by commas"""
    tables: str | list[str] = "reporting"
    """names of tables, `reporting` or `all`"""
    start_date: date | None = None
    """the first day to read; without it everything that Klaviyo has"""
    conversion_metrics: str | list[str] = ""
    event_metrics: str | list[str] = ""
    reread_events_from: date | None = None
    concurrency: int = Field(default=8, ge=1, le=32)
    schema_: str | None = Field(default=None, alias="schema")
    """the schema in the destination; without it the name of the stream"""

    def as_configuration(self) -> dict[str, str]:
        """Return the connector's own configuration: texts, the key in plain text."""
        own = self.model_dump(exclude={"type", "connector", "schema_", "api_key"})
        texts = {name: _as_text(value) for name, value in own.items()}
        return {**texts, "api_key": self.api_key.get_secret_value()}


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return "" if value is None else str(value)


class KlaviyoSource(ProcessSource):
    """Klaviyo by the connector's sync, in a process of its own."""

    def __init__(self, settings: KlaviyoSettings, stream: str) -> None:
        plain = {
            "connector": str(settings.connector),
            "configuration": settings.as_configuration(),
        }
        super().__init__(f"{__name__}:KlaviyoReader", plain, stream)
        self._present: dict[str, pa.Table] = {}
        self._accounts: list[str] = []  # that have a row in any table

    def scan(self, table: Table) -> Iterator[pa.Table] | None:
        """Return the table's present rows; the first call reads all tables, by one sync."""
        if table.name in SYNC_TABLES:
            return None
        return iter([self._read_present(table)[table.name]])

    def find_kept(self, table: Table, /) -> Kept | None:
        """Return which rows Klaviyo would not give again, as the connector's streams declare.

        They are of an account of which it gives some row, in any of the tables.
        """
        kept = self._kept_tables.get(table.name)
        if not kept or "reason" in kept:
            return Kept(**kept) if kept else None
        return Kept(**kept, owner=ACCOUNT, owners=self._list_accounts(table))

    def _list_accounts(self, table: Table) -> list[str]:
        if not self._accounts:
            columns = [rows[ACCOUNT].unique() for rows in self._read_present(table).values()]
            accounts: set[Any] = {account for ids in columns for account in ids.to_pylist()}
            self._accounts = sorted(accounts)
        return self._accounts

    def _read_present(self, table: Table) -> dict[str, pa.Table]:
        self._present = self._present or {other.name: rows for other, rows in self.scan_all(table)}
        return self._present

    @cached_property
    def _kept_tables(self) -> dict[str, Any]:
        kept: dict[str, Any] = self._call_for_value("list_kept")
        return kept


class KlaviyoReader:
    """The source inside the child process: it imports the connector's modules."""

    def __init__(self, settings: Mapping[str, Any], stream: str) -> None:
        self._stream = stream
        self._configuration: dict[str, str] = settings["configuration"]
        _import_connector(Path(settings["connector"]))

    def discover(self) -> list[Table]:
        """List every table that the connector declares."""
        return [_to_table(declared) for declared in import_module("streams").TABLES.values()]

    def tables(self) -> list[Table]:
        """List the tables that the setting `tables` chooses."""
        with _explain_errors():
            parse = import_module("configuration").parse_configuration
            chosen = parse(self._configuration).tables
        return [table for table in self.discover() if table.name in chosen]

    def read(self, state: State) -> Iterator[Batch]:
        """Yield the operations of one sync; each checkpoint ends a batch.

        A truncate keeps its place in the order but is yielded last: it marks the rows deleted that
        a complete sync did not write again, and no row is missing during the sync.
        """
        tables = {table.name: table for table in self.discover()}
        gathered = _Gathered(tables, state.get("seq", 0))
        truncates: dict[str, int] = dict(state.get("truncates", {}))
        if not state:  # a truncate creates a table that has no rows yet
            truncates = {table.name: gathered.seq for table in self.tables()}
        connector = state.get("connector", {})
        reached: State | None = state  # None within a unit of work
        for operation in self._operations(connector):
            if hasattr(operation, "message"):
                yield Batch(state=reached, warnings=[operation.message])
            elif hasattr(operation, "state"):
                connector = operation.state
                reached = {"seq": gathered.seq, "connector": connector, "truncates": truncates}
                yield Batch(changes=gathered.take(), state=reached)
            elif not hasattr(operation, "row") and not hasattr(operation, "keys"):
                gathered.seq += 1
                truncates = {**truncates, operation.table: gathered.seq}
            else:
                gathered.add(operation)
                if gathered.count >= MAX_ROWS:
                    reached = None
                    yield Batch(changes=gathered.take(), state=None)
        if truncates:
            changes = [_truncate(tables[name], seq) for name, seq in truncates.items()]
            yield Batch(changes=changes, state={"seq": gathered.seq, "connector": connector})

    def reset(self, state: State) -> State:
        """Return a state from which everything is read again, numbered higher than before."""
        return {"seq": state.get("seq", 0), "connector": {}}

    def backfill(self, state: State, table: str, since: str | None) -> State:
        """Forget what is read of the table's stream: its tables are truncated and read whole."""
        if since is not None:
            raise ConfigurationError(
                "Klaviyo reads a table again as a whole: leave out --from. For events alone, set"
                " reread_events_from to the first day"
            )
        streams = [
            stream
            for stream in import_module("streams").STREAMS
            if table in {other.name for other in stream.tables}
        ]
        if not streams:
            raise ConfigurationError(f"there is no table {table} that can be read again")
        tables = {table.name for stream in streams for table in stream.tables}
        connector = dict(state.get("connector", {}))
        connector["filled"] = sorted({*connector.get("filled", ())} - tables)
        connector["accounts"] = {
            account: _forget(parts, tables)
            for account, parts in connector.get("accounts", {}).items()
        }
        return {**state, "connector": connector}

    def validate(self) -> list[Finding]:
        """Check the settings' values, then request one page for each scope of the chosen tables."""
        self.tables()
        tests = import_module("setup_tests").setup_tests()
        return [self._run_setup_test(label, test) for _, label, test in tests]

    def scan(self, _: str) -> Iterator[tuple[Table, pa.Table]]:
        """Yield the rows of every table as a sync without a state gives them, without `synced_at`.

        The tables about the sync itself are left out: Klaviyo has no such rows.
        """
        tables = {table.name: table for table in self.tables() if table.name not in SYNC_TABLES}
        present: dict[str, dict[tuple[Any, ...], Row]] = {name: {} for name in tables}
        for operation in self._operations({}):
            name = getattr(operation, "table", None)
            if name not in tables:
                continue
            op, values = _to_change(operation)
            if op == TRUNCATE:
                present[name].clear()
                continue
            key = tuple(values[column] for column in tables[name].key)
            present[name].pop(key, None)
            if op == UPSERT:
                present[name][key] = values
        for name, table in tables.items():
            rows = _to_arrow(table.schema, list(present.pop(name).values()))
            yield table, rows.drop_columns([READ_AT])

    def list_kept(self) -> dict[str, dict[str, Any]]:
        """Return by table which rows Klaviyo does not give again: the fields of `Kept`."""
        kept: dict[str, dict[str, Any]] = {}
        for stream in import_module("streams").STREAMS:
            snapshots = getattr(stream, "snapshots", None)
            if getattr(stream, "is_snapshot", False):
                kept[stream.table.name] = {"reason": SNAPSHOT}
            elif hasattr(stream, "schedule") and (rows := _describe_kept(stream)):
                kept[stream.table.name] = rows
            if snapshots is not None:
                kept[snapshots.name] = {"reason": SNAPSHOT}
        return kept

    def _operations(self, state: Any) -> Iterator[Any]:
        """Run one sync of the connector, row by row; its errors are ours."""
        operations = import_module("sync").sync(self._configuration, state)
        with _explain_errors(), closing(operations):
            for operation in operations:
                yield from _split_rows(operation)

    def _run_setup_test(self, label: str, test: Any) -> Finding:
        try:
            with _explain_errors():
                test(self._configuration)
        except SimplyLoadError as error:
            return Finding(level="error", subject=label, message=str(error))
        return Finding(level="ok", subject=label, message="")


class _Gathered:
    """Changes since the last batch, numbered in the order of the operations."""

    def __init__(self, tables: Mapping[str, Table], seq: int) -> None:
        self.seq, self.count = seq, 0
        self._tables = tables
        self._rows: dict[str, list[Row]] = defaultdict(list)

    def add(self, operation: Any) -> None:
        """Add an Upsert or a Delete."""
        op, values = _to_change(operation)
        self.seq, self.count = self.seq + 1, self.count + 1
        self._rows[operation.table].append({**values, OP: op, SEQ: Decimal(self.seq), COLS: None})

    def take(self) -> list[Changes]:
        """Return the changes by table, and begin again."""
        changes = [
            Changes(self._tables[name], _to_arrow(self._tables[name].change_schema(), rows))
            for name, rows in self._rows.items()
        ]
        self._rows.clear()
        self.count = 0
        return changes


def _describe_kept(stream: Any) -> dict[str, Any] | None:
    """Describe the rows of a report that a first sync does not read: days of long ago.

    Klaviyo gives them no longer, or not all of them within a day's quota.
    Its windows are read the newest first, each for every metric that the settings name now. Windows
    that overlap delete no row without a day, so a row that none of them has is kept.
    """
    table = stream.table
    if stream.schedule.overlap_days:
        return {"series": table.primary_key}
    metrics = [name for name in table.key if name.endswith("metric_id")]
    if table.day_column or metrics:
        return {"series": [ACCOUNT, *metrics], "day": table.day_column}
    return None


def _truncate(table: Table, seq: int) -> Changes:
    row = {OP: TRUNCATE, SEQ: Decimal(seq), COLS: None}
    return Changes(table, _to_arrow(table.change_schema(), [row]))


def _split_rows(operation: Any) -> Iterator[Any]:
    """Return an operation, or one Upsert for each row of an Upserts."""
    if hasattr(operation, "rows"):
        upsert = import_module("models").Upsert
        yield from (upsert(operation.table, row) for row in operation.rows)
    else:
        yield operation


def _to_change(operation: Any) -> tuple[str, Row]:
    """Tell the operations of the connector's models.py apart by what they carry."""
    if hasattr(operation, "row"):
        return UPSERT, operation.row
    if hasattr(operation, "keys"):
        return DELETE, operation.keys
    return TRUNCATE, {}


def _to_table(declared: Any) -> Table:
    """Return the table that the connector declares."""
    columns = [pa.field(name, TYPES[kind]) for name, kind in declared.types.items()]
    return Table(
        name=declared.name,
        key=tuple(declared.primary_key),
        schema=pa.schema(columns),
        source_name=declared.name,
    )


def _to_arrow(schema: pa.Schema, rows: Sequence[Row]) -> pa.Table:
    return pa.table([_to_array(field, rows) for field in schema], schema=schema)


def _to_array(field: "pa.Field[Any]", rows: Sequence[Row]) -> "pa.Array[Any]":
    """Return a column. Times and days are ISO 8601 text, JSON is a Python container."""
    values = [row.get(field.name) for row in rows]
    if pa.types.is_string(field.type):
        values = [_dump(value) if isinstance(value, dict | list) else value for value in values]
    kind = pa.string() if pa.types.is_temporal(field.type) else field.type
    array: pa.Array[Any] = pa.array(values, kind)
    return array.cast(field.type)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _forget(parts: Mapping[str, Any], tables: set[str]) -> dict[str, Any]:
    """Return an account's state without what is read of these tables and of memberships at all."""
    kept = {
        name: part
        for name, part in parts.get("tables", {}).items()
        if name not in tables and name != "roster"
    }
    return {**parts, "tables": kept}


def _import_connector(folder: Path) -> None:
    """Put the connector's folder first on the path, and import what all calls use."""
    if not (folder / "sync.py").is_file():
        raise ConfigurationError(
            f"connector: {folder} is not the folder klaviyo_connector of klaviyo-warehouse (it has"
            " no sync.py)"
        )
    sys.path.insert(0, str(folder))
    try:
        import_module("sync")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"connector: {folder} needs the package {error.name}; install simplyload[klaviyo]"
        ) from None


@contextmanager
def _explain_errors() -> Iterator[None]:
    """Raise the connector's errors as ours; their messages are safe to show."""
    api = import_module("api")
    try:
        yield
    except api.ConfigurationError as error:
        raise ConfigurationError(str(error)) from None
    except api.KlaviyoError as error:
        raise SourceError(str(error)) from None
