"""Compares a destination with its source, row by row and cell by cell, in a scratch DuckDB."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from simplyload.changes import Table
from simplyload.config import Configuration, schema_of
from simplyload.destinations.destination import Destination, check_schema
from simplyload.digest import Digest, DigestingDestination, DigestingSource, Digests
from simplyload.errors import (
    ConfigurationError,
    DestinationError,
    SimplyLoadError,
    SourceError,
    TableStoppedError,
)
from simplyload.gather import to_catalog_types
from simplyload.log import ChangeLog
from simplyload.sources.source import Finding, ForgettingSource, Kept, Source
from simplyload.streams import open_destination, open_sources

SAMPLE = 5  # keys that are named for each kind of difference
MANY = 1000  # the same by ranges, which are for those who want to know each key


@dataclass(frozen=True, kw_only=True)
class TableCheck:
    """What a comparison of one table found. A row is compared by the columns of the source."""

    table: str
    source_rows: int = 0
    destination_rows: int = 0
    missing: int = 0  # keys of the source alone
    extra: int = 0  # keys of the destination alone
    different: int = 0  # keys of both, with another value in a column
    duplicates: int = 0  # keys that the destination has more than once
    null_keys: int = 0  # rows of the destination without a value in a key column
    kept: int = 0  # rows of the destination alone that the source gives once
    not_compared: str = ""  # why the table cannot be
    drift: Sequence[str] = ()  # columns that only one side has, or with another type
    examples: Sequence[str] = field(default=())
    # Of `--reconcile`: the ranges that differ, by the hash of the key, with the rows of each side.
    ranges: Sequence[str] = field(default=())

    @property
    def is_equal(self) -> bool:
        """Whether the destination holds the source's rows, each once, and nothing else."""
        faults = (self.missing, self.extra, self.different, self.duplicates, self.null_keys)
        return not any(faults) and not self.drift

    @property
    def verdict(self) -> str:
        """Return what `check` prints: `yes`, `no` or `not compared`."""
        if self.not_compared:
            return "not compared"
        return "yes" if self.is_equal else "no"


def compare(
    configuration: Configuration, names: Sequence[str], *, by_range: bool = False
) -> Iterator[tuple[str, TableCheck]]:
    """Compare every table of the streams now; leave out what the source does not keep."""
    check = reconcile_table if by_range else check_table
    with closing(open_destination(configuration)) as destination:
        for name, source in open_sources(configuration, names):
            schema = schema_of(configuration.sources[name], name)
            for table in source.tables():
                found = check(source, destination, schema, table)
                if found:
                    yield name, found


def check_table(
    source: Source, destination: Destination, schema: str, table: Table
) -> TableCheck | None:
    """Compare a table now, as far as the source can give it again; None for a log of its runs."""
    kept = source.find_kept(table) if isinstance(source, ForgettingSource) else None
    if kept and not kept.series:
        return TableCheck(table=table.name, not_compared=kept.reason)
    present = source.scan(table)
    if present is None:
        return None
    return _compare_cells(table, present, destination.scan(schema, table), kept=kept)


def reconcile_table(
    source: Source, destination: Destination, schema: str, table: Table
) -> TableCheck | None:
    """Compare a table by hashes of its ranges, and cell by cell where they differ.

    Where a side does not hash its rows, it is `check_table`.
    """
    if not isinstance(source, DigestingSource) or not isinstance(destination, DigestingDestination):
        return check_table(source, destination, schema, table)
    ours, theirs = source.digest(table), destination.digest(schema, table)
    if ours is None or theirs is None:
        return check_table(source, destination, schema, table)
    ranges = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    found = TableCheck(table=table.name)
    if ranges:
        present = source.scan_ranges(table, ranges)
        held = destination.scan_ranges(schema, table, ranges)
        found = _compare_cells(table, present, held, MANY)
    return replace(
        found,
        source_rows=sum(digest.rows for digest in ours.values()),
        destination_rows=sum(digest.rows for digest in theirs.values()),
        ranges=[] if found.is_equal else [_describe(name, ours, theirs) for name in ranges],
    )


def _describe(name: str, ours: Digests, theirs: Digests) -> str:
    none = Digest(0, "")
    rows, held = ours.get(name, none).rows, theirs.get(name, none).rows
    return f"{name}: {rows} rows at the source, {held} in the destination"


def _compare_cells(
    table: Table,
    present: Iterable[pa.Table],
    held: Iterable[pa.Table],
    sample: int = SAMPLE,
    kept: Kept | None = None,
) -> TableCheck:
    """Compare the rows of both sides, which are stored on disk meanwhile, without those kept."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = duckdb.connect(str(Path(folder, "scratch.duckdb")))
        with closing(scratch):
            comparison = _Comparison(scratch, table, sample)
            comparison.store("source", present)
            try:
                comparison.store("destination", held)
            except TableStoppedError as error:
                return TableCheck(table=table.name, drift=[str(error)])
            removed = comparison.remove_kept(kept) if kept else 0
            return replace(comparison.compare(), kept=removed)


def check_destination(destination: Destination, schemas: Mapping[str, str]) -> Finding:
    """Return whether the destination can be written to, and holds states that can be read.

    `schemas` has the schema that the configuration gives to each stream.
    """
    try:
        destination.check()
        for stream, schema in schemas.items():
            destination.read_state(stream)
            check_schema(destination, stream, schema)
    except (ConfigurationError, DestinationError) as error:
        return Finding(level="error", subject="destination", message=str(error))
    return Finding(level="ok", subject="destination", message="it answers")


def check_log(log: ChangeLog) -> Finding:
    """Return whether the change log can be written; nothing is left of the attempt."""
    try:
        log.store.check()
    except SimplyLoadError as error:
        return Finding(level="error", subject="log", message=str(error))
    return Finding(level="ok", subject="log", message=f"{log.store.address} can be written")


def validate_stream(
    source: Source, destination: Destination | None, schema: str
) -> Iterator[Finding]:
    """Yield what the source finds, and what the destination calls otherwise or cannot take."""
    try:
        yield from source.validate()
        tables = source.tables()
    except SourceError as error:
        yield Finding(level="error", subject="source", message=str(error))
        return
    for table in tables:
        yield from _check_columns(table)
        if destination is not None:
            yield from _check_names(destination, schema, table)


def _check_columns(table: Table) -> Iterator[Finding]:
    """Find a key that is none, or a type that no destination has."""
    try:
        to_catalog_types(table)
    except SourceError as error:
        subject = table.source_name or table.name
        yield Finding(level="error", subject=subject, message=str(error))


def _check_names(destination: Destination, schema: str, table: Table) -> Iterator[Finding]:
    subject = table.source_name or table.name
    try:
        names = destination.name_columns(schema, table).items()
    except (DestinationError, TableStoppedError) as error:
        yield Finding(level="error", subject=subject, message=str(error))
        return
    for name, new in names:
        if name != new:
            message = f"its column {name} is {new} in the destination"
            yield Finding(level="warning", subject=subject, message=message)


class _Comparison:
    """Two tables in a scratch database, their columns named c0, c1, ...

    DuckDB compares names without case; a source may have the columns `id` and `ID`.
    """

    def __init__(self, scratch: duckdb.DuckDBPyConnection, table: Table, sample: int) -> None:
        self._sample = sample
        self._scratch = scratch
        self._table = table
        self._names = {name: f"c{number}" for number, name in enumerate(table.schema.names)}
        self._absent: dict[str, list[str]] = {}

    def store(self, side: str, parts: Iterable[pa.Table]) -> None:
        """Store the rows of one side: NULL where it lacks a column, none without any part."""
        for part in parts:
            absent = [name for name in self._names if name not in part.column_names]
            columns = [
                pa.nulls(part.num_rows) if name in absent else part[name] for name in self._names
            ]
            self._scratch.register("part", pa.table(columns, names=list(self._names.values())))
            verb = "insert into {}" if side in self._absent else "create table {} as"
            self._keep(f"{verb.format(side)} from part")
            self._absent[side] = absent
        if side not in self._absent:
            self.store(side, [self._table.schema.empty_table()])

    def _keep(self, statement: str) -> None:
        """Store rows; where the disk cannot, say so."""
        try:
            self._scratch.execute(statement)
        except (duckdb.IOException, duckdb.TransactionException) as error:
            raise SimplyLoadError(
                f"check cannot keep the rows of {self._table.name} on this machine meanwhile"
                f" ({error}): make room there, or set TMPDIR to another folder"
            ) from None

    def remove_kept(self, kept: Kept) -> int:
        """Remove the rows of the destination that the source would not give; return how many.

        A row of no owner of the source, or whose key lacks a value or is not unique, remains.
        """
        series = [self._names[name] for name in kept.series]
        day = self._names[kept.day] if kept.day else "0"
        first = f"select {', '.join(series)}, min({day}) as first from source group by all"
        same = [f"first.{name} is not distinct from destination.{name}" for name in series]
        since = [f"destination.{day} >= first.first"] if kept.day else []
        condition = f"select 1 from ({first}) as first where {' and '.join([*same, *since])}"
        owner = self._names[kept.owner] if kept.owner else ""
        owned = f"list_contains(?::varchar[], {owner}) and" if owner else ""
        rows = self._scratch.execute(
            f"delete from destination where {owned} ({self._keys}) in ({self._unique_keys()})"
            f" and not exists ({condition})",
            [list(kept.owners)] if owner else None,
        )
        return int(rows.fetchall()[0][0])

    @property
    def _keys(self) -> str:
        return ", ".join(self._names[column] for column in self._table.key)

    def _unique_keys(self) -> str:
        """Return a query for the keys that one row of the destination has, with every value."""
        whole = " and ".join(f"{self._names[name]} is not null" for name in self._table.key)
        query = f"select {self._keys} from destination where {whole}"
        return f"{query} group by {self._keys} having count(*) = 1"

    def compare(self) -> TableCheck:
        """Count what differs; name some keys of each kind."""
        present = [name for name in self._names if name not in self._absent["source"]]
        absent = [name for name in present if name in self._absent["destination"]]
        counts: dict[str, Any] = {}
        examples: list[str] = []
        for kind, query in self._queries([name for name in present if name not in absent]).items():
            counts[kind] = self._count(query)
            if counts[kind]:
                rows = self._scratch.execute(f"{query} limit {self._sample}").fetchall()
                examples += [f"{kind}: {', '.join(map(str, row))}" for row in rows]
        return TableCheck(
            table=self._table.name,
            source_rows=self._count("from source"),
            destination_rows=self._count("from destination"),
            drift=[f"{name} is not in the destination" for name in absent],
            examples=examples,
            **counts,
        )

    def _queries(self, shared: Sequence[str]) -> dict[str, str]:
        """Return a query for the keys of each kind of difference."""
        key = [self._names[column] for column in self._table.key]
        keys, source_keys = self._keys, ", ".join(f"source.{name}" for name in key)
        on = " and ".join(f"source.{name} is not distinct from destination.{name}" for name in key)
        differs = " or ".join(map(self._differs, shared)) or "false"
        is_null = " or ".join(f"{name} is null" for name in key)
        return {
            "missing": f"select {keys} from source anti join destination on {on}",
            "extra": f"select {keys} from destination anti join source on {on}",
            "different": f"select distinct {source_keys} from source join destination on {on}"
            f" where {differs}",
            "duplicates": f"select {keys} from destination group by {keys} having count(*) > 1",
            "null_keys": f"select {keys} from destination where {is_null}",
        }

    def _differs(self, column: str) -> str:
        """Return the condition that two cells differ; those of two types are compared as text."""
        name = self._names[column]
        types = self._scratch.execute(
            "select distinct data_type from duckdb_columns() where column_name = ?", [name]
        ).fetchall()
        form = "{}" if len(types) == 1 else "cast({} as varchar)"
        sides = [form.format(f"{side}.{name}") for side in ("source", "destination")]
        return " is distinct from ".join(sides)

    def _count(self, query: str) -> int:
        row = self._scratch.execute(f"select count(*) from ({query})").fetchone()
        return int(row[0]) if row else 0
