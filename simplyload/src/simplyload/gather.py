"""Gathering: a load's changes as they arrive, written to Parquet files in bounded memory."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import reduce
from itertools import repeat
from pathlib import Path
from typing import Any, BinaryIO, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simplyload.catalog import canonical, widen
from simplyload.changes import (
    COLS,
    DELETE,
    META_FIELDS,
    OP,
    SEQ,
    TRUNCATE,
    UPSERT,
    Changes,
    Rejected,
    Table,
)
from simplyload.destinations.destination import Limits, Staged
from simplyload.errors import DamagedError, SourceError, TableStoppedError
from simplyload.merge import POS, WHOLE
from simplyload.store import sync_file

ROW_GROUP_ROWS = 122_880  # a writer holds one row group per table
BATCH_ROWS = 32_768  # a reader holds some copies of one batch
ROW_GROUP_BYTES = 8 << 20
# What all tables together may hold unwritten.
BUFFER_BYTES = 16 << 20

_METADATA = b"simplyload"
_NO = pa.scalar(value=False)
LOG_FIELDS: "list[pa.Field[Any]]" = [*META_FIELDS, pa.field(POS, pa.int64(), nullable=False)]
Mask = Any  # a boolean array, chunked or not: the stubs of pyarrow tell them apart
_LOG_NAMES = {field.name for field in LOG_FIELDS}


class Gathering:
    """The changes of one load in the making: one or more files per table."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._tables: dict[str, _TableFiles] = {}
        self.rejected: list[Rejected] = []
        self.rows = 0
        self.bytes = 0

    def add(self, changes: Changes) -> None:
        """Take changes; rows that the destination cannot hold go to `rejected`.

        Changes without rows say what the table looks like.
        """
        table = to_catalog_types(changes.table)
        rows = changes.rows.select(table.change_schema().names).cast(table.change_schema())
        rows, rejected = split_rejected(table, rows, self._limits)
        self.rejected.extend(rejected)
        files = self._tables.setdefault(table.name, _TableFiles(self._folder, len(self._tables)))
        files.add(table, rows)
        self.rows += rows.num_rows
        self.bytes += rows.nbytes
        if sum(files.buffered for files in self._tables.values()) > BUFFER_BYTES:
            max(self._tables.values(), key=lambda files: files.buffered).flush()

    def finish(self) -> list[Staged]:
        """Complete the files and return them; the memory that they took is free for the load."""
        staged = [part for files in self._tables.values() if (part := files.finish())]
        pa.default_memory_pool().release_unused()
        return staged


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What the merge may leave out for a file; kept in the file's metadata."""

    omitted: frozenset[str] = frozenset()
    deletes: bool = False
    truncated: Decimal | None = None

    def __or__(self, other: Self) -> "_Facts":
        marks = [mark for mark in (self.truncated, other.truncated) if mark is not None]
        return _Facts(
            omitted=self.omitted | other.omitted,
            deletes=self.deletes or other.deletes,
            truncated=max(marks, default=None),
        )

    def to_json(self) -> dict[str, Any]:
        mark = None if self.truncated is None else f"{self.truncated:f}"
        return {"omitted": sorted(self.omitted), "deletes": self.deletes, "truncated": mark}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        mark = value["truncated"]
        return cls(
            omitted=frozenset(value["omitted"]),
            deletes=value["deletes"],
            truncated=None if mark is None else Decimal(mark),
        )


@dataclass
class _TableFiles:
    """One table's files: a new one for each form of the table."""

    folder: Path
    number: int
    table: Table | None = None
    files: list[Path] = field(default_factory=list)
    rows: int = 0
    buffered: int = 0
    _buffer: list[pa.Table] = field(default_factory=list)
    _writer: pq.ParquetWriter | None = None
    _facts: _Facts = field(default_factory=_Facts)

    def add(self, table: Table, rows: pa.Table) -> None:
        if self._writer is None or table != self.table:
            self._close()
            self._open(table)
        self._facts = self._facts | _facts_of(table, rows)
        positions = pa.arange(self.rows, self.rows + rows.num_rows)  # type: ignore[attr-defined]
        self._buffer.append(rows.append_column(LOG_FIELDS[-1], positions))
        self.rows += rows.num_rows
        self.buffered += rows.nbytes
        if self.buffered > ROW_GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered as row groups."""
        if self._buffer and self._writer is not None:
            self._writer.write_table(pa.concat_tables(self._buffer), ROW_GROUP_ROWS)
        self._buffer.clear()
        self.buffered = 0

    def finish(self) -> Staged | None:
        self._close()
        return read_staged(self.files) if self.files else None

    def _open(self, table: Table) -> None:
        self.table = table
        self.files.append(self.folder / f"{self.number}-{len(self.files)}.parquet")
        schema = pa.schema([*table.schema, *LOG_FIELDS])
        # A dictionary of a business column costs half of the writing, and zstd finds what repeats.
        repeated: Any = [OP, SEQ, COLS]
        self._writer = pq.ParquetWriter(
            self.files[-1], schema, compression="zstd", use_dictionary=repeated
        )

    def _close(self) -> None:
        if self._writer is None or self.table is None:
            return
        self.flush()
        description = {
            "table": self.table.name,
            "key": self.table.key,
            "source_name": self.table.source_name,
            **self._facts.to_json(),
        }
        self._writer.add_key_value_metadata({_METADATA.decode(): json.dumps(description)})
        self._writer.close()
        self._writer = None
        self._facts = _Facts()
        sync_file(self.files[-1])


def read_staged(files: Sequence[Path]) -> Staged:
    """Describe a table's files from their metadata; the newest form of the table is the last."""
    described = [_describe(path) for path in files]
    first = _find_first(described)
    files, described = files[first:], described[first:]
    table = described[-1][0]
    facts = reduce(_Facts.__or__, (facts for _, facts, _ in described))
    return Staged(
        table=table,
        files=files,
        rows=sum(rows for _, _, rows in described),
        omitted=facts.omitted | _find_partial_columns([table for table, _, _ in described]),
        deletes=facts.deletes,
        truncated=facts.truncated,
    )


def count_replaced(files: Iterable[Path | BinaryIO]) -> int:
    """Count a table's first files of an earlier key, if a T among the later ones ends their rows.

    A source that finds another key copies the table again, and the T completes the copy.
    """
    return _find_first([_describe(file) for file in files])


def _find_first(described: Sequence[tuple[Table, _Facts, int]]) -> int:
    """Return the position of the first file that counts."""
    key = described[-1][0].key
    others = [n for n, (table, _, _) in enumerate(described) if table.key != key]
    since = max(others, default=-1) + 1
    is_copied = any(facts.truncated is not None for _, facts, _ in described[since:])
    return since if is_copied else 0


def is_uniform(staged: Staged) -> bool:
    """Return whether all files of a table have one schema, so that they can be read as one."""
    tables = [_describe(path)[0] for path in staged.files]
    return all(table.schema == tables[0].schema for table in tables)


def union_schema(staged: Staged) -> pa.Schema:
    """Return the business columns of all files, each in the narrowest type for all values."""
    kinds: dict[str, pa.DataType] = {}
    for path in staged.files:
        for column in _describe(path)[0].schema:
            known = kinds.get(column.name, column.type)
            wide = widen(known, column.type)
            if wide is None:
                raise TableStoppedError(
                    f"Column {column.name} of {staged.table.name} changed from {known} to "
                    f"{column.type}",
                    f"run `simplyload backfill {staged.table.name}`",
                )
            kinds[column.name] = wide
    return pa.schema(list(kinds.items()))


def read_conformed(staged: Staged, names: Mapping[str, str]) -> pa.RecordBatchReader:
    """Read all files in one schema, with columns renamed.

    A file that lacks a column does not carry it: its whole rows become partial ones.
    """
    union = union_schema(staged)
    renamed = pa.schema([*(field.with_name(names[field.name]) for field in union), *LOG_FIELDS])
    batches = (
        batch
        for path in staged.files
        for group in pq.ParquetFile(path).iter_batches(BATCH_ROWS)
        for batch in _conform(pa.table(group), union).rename_columns(renamed.names).to_batches()
    )
    return pa.RecordBatchReader.from_batches(renamed, (batch.cast(renamed) for batch in batches))


def read_as(reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield batches with the types of a schema: a destination may have wider ones, or its own."""
    yield schema.empty_table()
    for batch in reader:
        columns = map(_cast, batch.columns, schema)
        yield pa.Table.from_arrays(list(columns), schema=schema)


def _cast(column: Mask, field: "pa.Field[Any]") -> Mask:
    stored = column.storage if isinstance(column, pa.ExtensionArray) else column
    try:
        if pa.types.is_string(stored.type) and pa.types.is_integer(field.type):
            stored = stored.cast(pa.decimal256(76, 38))  # as text, 8.00 is no integer
        return stored.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TableStoppedError(
            f"Column {field.name} holds a value in the destination that is no {field.type}, as the "
            "source has now."
        ) from error


def _conform(rows: pa.Table, union: pa.Schema) -> pa.Table:
    missing = [field for field in union if field.name not in rows.column_names]
    if missing:
        present = [field.name for field in union if field.name in rows.column_names]
        whole = pa.scalar([*present, WHOLE], pa.list_(pa.string()))
        index = rows.schema.get_field_index(COLS)
        rows = rows.set_column(index, LOG_FIELDS[2], rows[COLS].fill_null(whole))
    for absent in missing:
        rows = rows.append_column(absent, pa.nulls(rows.num_rows, absent.type))
    schema = pa.schema([*union, *LOG_FIELDS])
    return rows.select(schema.names).cast(schema)


def find_damaged(files: Iterable[Path]) -> None:
    """Read files to their ends; DamagedError for the first file with unreadable rows."""
    for path in files:
        try:
            for _ in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
                pass
        except (OSError, ValueError):
            raise DamagedError(_name_of(path)) from None


def _name_of(file: Path | BinaryIO) -> str:
    """Return a file's name in the log or the lake: stream, table, day, hour, load."""
    return "/".join(file.parts[-5:]) if isinstance(file, Path) else file.name


def _describe(path: Path | BinaryIO) -> tuple[Table, _Facts, int]:
    try:
        file = pq.read_metadata(path)
        facts = json.loads((file.metadata or {})[_METADATA])
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError):  # pa.ArrowInvalid is a ValueError
        raise DamagedError(_name_of(path)) from None
    business = [field for field in file.schema.to_arrow_schema() if field.name not in _LOG_NAMES]
    table = Table(
        name=facts["table"],
        key=tuple(facts["key"]),
        schema=pa.schema(business),
        source_name=facts["source_name"],
    )
    return table, _Facts.from_json(facts), file.num_rows


def _find_partial_columns(tables: Sequence[Table]) -> frozenset[str]:
    """Name the columns that some of the tables lack."""
    names = [frozenset(table.schema.names) for table in tables]
    return frozenset.union(*names) - frozenset.intersection(*names)


def to_catalog_types(table: Table) -> Table:
    """Return the table as destinations have it; SourceError where they cannot."""
    if not table.key or not set(table.key) <= set(table.schema.names):
        raise SourceError(
            f"The key of {table.name} ({', '.join(table.key)}) is not among its columns: let the"
            " source name the columns by which a row is found again."
        )
    kinds = [
        field.with_type(canonical(table.name, field.name, field.type)) for field in table.schema
    ]
    fields = [field.with_nullable(nullable=True).remove_metadata() for field in kinds]
    return replace(table, schema=pa.schema(fields))


def _facts_of(table: Table, rows: pa.Table) -> _Facts:
    truncates = rows[SEQ].filter(pc.equal(rows[OP], pa.scalar(TRUNCATE)))
    return _Facts(
        omitted=_find_omitted(table, rows),
        deletes=bool(pc.any(pc.equal(rows[OP], pa.scalar(DELETE))).as_py()),
        truncated=pc.max(truncates).as_py(),
    )


def _find_omitted(table: Table, rows: pa.Table) -> frozenset[str]:
    """Name the columns that a partial change does not list."""
    lists = rows[COLS].filter(pc.equal(rows[OP], pa.scalar(UPSERT))).drop_null()
    if not len(lists):
        return frozenset()
    counts = pc.value_counts(pc.list_flatten(lists))
    names: list[Any] = counts.field(0).to_pylist()
    numbers: list[Any] = counts.field(1).to_pylist()
    everywhere = {name for name, n in zip(names, numbers, strict=True) if n >= len(lists)}
    return frozenset(set(table.schema.names) - everywhere - set(table.key))


def split_rejected(table: Table, rows: pa.Table, limits: Limits) -> tuple[pa.Table, list[Rejected]]:
    """Return the rows that a destination can hold, and those that it cannot with the reason.

    If the destination can hold the key but not a value, the key stays without values. Otherwise
    the end of a copy would remove the earlier row.
    """
    rejected: list[Rejected] = []
    good: Mask = pc.is_valid(rows[OP])
    named: Mask = good
    for column, bad, reasons in _faults(table, rows, limits):
        keys = rows.filter(bad).select(list(table.key)).to_pylist()
        rejected += [
            Rejected(table=table.name, key=key, column=column, reason=reason)
            for key, reason in zip(keys, reasons, strict=False)
        ]
        good = pc.and_not(good, bad) if keys else good
        named = pc.and_not(named, bad) if keys and column in table.key else named
    return (_keep_keys(table, rows, good).filter(named) if rejected else rows), rejected


def _keep_keys(table: Table, rows: pa.Table, good: Mask) -> pa.Table:
    """Let the rows that are not good carry their key alone."""
    for place, column in enumerate(rows.schema):
        if column.name not in {*table.key, OP, SEQ}:
            empty: Any = pa.scalar([] if column.name == COLS else None, column.type)
            rows = rows.set_column(place, column, pc.if_else(good, rows[column.name], empty))
    return rows


def _faults(
    table: Table, rows: pa.Table, limits: Limits
) -> Iterator[tuple[str, Mask, Iterable[str]]]:
    """Yield column, mask of the rows concerned and their reasons, for each possible fault."""
    for name in table.key:
        if rows[name].null_count:
            keyed = pc.not_equal(rows[OP], pa.scalar(TRUNCATE))
            yield name, pc.and_(keyed, pc.is_null(rows[name])), repeat("the key is NULL")
    for column in table.schema:
        values = rows[column.name]
        is_text = pa.types.is_string(column.type)
        lengths = (limits.max_value_bytes, None if is_text else limits.max_binary_bytes)
        most = min((length for length in lengths if length is not None), default=sys.maxsize)
        # A column that is short as a whole has no long value.
        if (is_text or pa.types.is_binary(column.type)) and values.nbytes > most:
            sizes: Any = pc.binary_length(values)
            long = pc.coalesce(pc.greater(sizes, pa.scalar(most)), _NO)
            found = sizes.filter(long).to_pylist()
            reasons = [f"the value has {size} bytes, and the limit is {most}" for size in found]
            yield column.name, long, reasons
        if is_text and not limits.nul_in_text:
            with_nul = pc.coalesce(pc.match_substring(values, "\0"), _NO)
            yield column.name, with_nul, repeat("the text has the character NUL")
