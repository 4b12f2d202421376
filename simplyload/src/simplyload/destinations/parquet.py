"""Parquet files alone: the changes, and one file per committed load that holds the state.

    <path>/<stream>/<table>/dt=2026-11-27/h=09/<load_id>-<n>.parquet    changes
    <path>/<stream>/.commits/0000000012.json                            a lease, or a load and state
    <path>/<stream>/.staged/<load_id>.json                              a load before its entry
    <path>/<stream>/.rejected/dt=2026-11-27/h=09/<load_id>.parquet      its rejected cells, if any

Leases and loads are entries of one sequence, each written only if absent: a worker that another one
has overtaken finds the place after its own entry taken, and commits nothing more, however late its
request arrives. A reader folds the files that the entries name; `scan` shows how.
"""

import json
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ByteSize, ConfigDict
from sqlglot import exp

from simplyload import merge
from simplyload.catalog import name_columns
from simplyload.changes import OP, UPSERT, Rejected, State, Table
from simplyload.destinations.destination import (
    KEPT_LOADS,
    Lease,
    Limits,
    Load,
    LoadResult,
    Staged,
    Stopped,
)
from simplyload.destinations.duckdb import create_stage
from simplyload.errors import DamagedError, DestinationError, FencedError
from simplyload.gather import find_damaged, read_as, read_staged, union_schema
from simplyload.store import LocalStore, Location, Store, drop_orphans, folder_name

# <stream>/<table>/dt=/h=/<file>
_PATH_PARTS = 5
_REJECTED = pa.schema([(name, pa.string()) for name in ("table", "key", "column", "reason")])
_RECENT = 100  # loads that an entry names: one read in as many gives them all


class ParquetSettings(BaseModel):
    """The section `destination` with `type: parquet`."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["parquet"] = "parquet"
    path: Location = Path("build/lake")
    memory_limit: ByteSize = ByteSize(512_000_000)


@dataclass(frozen=True, kw_only=True)
class LakeEntry:
    """A lease (without a load) or a load; `number` is its place, `state` the one after it.

    `recent` are the newest loads up to here with their places. `owner` makes any two differ.
    `rejected_in` is the file of the rejected cells, which an older entry has in `rejected`.
    """

    number: int = 0
    epoch: int = 0
    owner: str = ""
    load_id: str | None = None
    state: State | None = None
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rejected: Sequence[Mapping[str, Any]] = ()
    rejected_in: str = ""
    recent: Sequence[tuple[int, str]] = ()
    committed_at: str = ""

    @property
    def names(self) -> list[str]:
        """List the files of all tables, and that of the rejected cells."""
        names = [name for names in self.files.values() for name in names]
        return [*names, self.rejected_in] if self.rejected_in else names

    @classmethod
    def from_json(cls, name: str, content: bytes) -> Self:
        """Read the entry of a file; one from before leases were entries has less."""
        try:
            found = json.loads(content)
            if "number" not in found:
                found["number"] = _number_of(name)
            if "epoch" not in found:
                load_id = found["load_id"]
                epoch, recent = int(load_id.split("-")[0]), [(found["number"], load_id)]
                found |= {"epoch": epoch, "recent": recent}
            return cls(**found)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise DamagedError(name) from None

    def to_json(self) -> bytes:
        """Return what is written."""
        return json.dumps(asdict(self), default=str).encode()

    def next_entry(self, load: Load, files: Mapping[str, Sequence[str]]) -> "LakeEntry":
        """Return the entry of a load after this one."""
        number, now = self.number + 1, datetime.now(UTC)
        hour = f"{_folder(load.stream, '.rejected')}/dt={now:%Y-%m-%d/h=%H}"
        return replace(
            self,
            number=number,
            load_id=load.load_id,
            state=load.state,
            files=files,
            rejected=(),
            rejected_in=f"{hour}/{load.load_id}.parquet" if load.rejected else "",
            recent=[*self.recent, (number, load.load_id)][-_RECENT:],
            committed_at=now.isoformat(),
        )


class ParquetDestination:
    """A folder or a bucket of Parquet files; a folder shares the log's space by hard links."""

    def __init__(self, settings: ParquetSettings, store: Store | None = None) -> None:
        self._settings = settings
        self._store = store or LocalStore(
            Path(str(settings.path)), "destination.path", DestinationError
        )
        self._known: dict[str, int] = {}  # entries of each stream that are there at least
        self._held: dict[str, LakeEntry] = {}  # the newest of one's own

    @property
    def limits(self) -> Limits:
        """Return no limits."""
        return Limits()

    def check(self) -> None:
        """Raise DestinationError where nothing can be written, or not by several workers."""
        self._store.check(exclusive=True)

    def read_state(self, stream: str) -> State | None:
        """Return the state of the stream's newest committed load; None before the first."""
        return self._read_newest(stream).state

    def acquire(self, stream: str, above: int = 0) -> Lease:
        """Take the lease by the next entry, which one worker alone can write."""
        while True:
            newest = self._read_newest(stream)
            if not newest.number:
                self.check()
            epoch = max(newest.epoch, above) + 1
            lease = LakeEntry(
                number=newest.number + 1,
                epoch=epoch,
                owner=uuid.uuid4().hex,
                state=newest.state,
                recent=newest.recent,
            )
            if self._append(stream, lease):
                return Lease(stream=stream, epoch=epoch)

    def load(self, lease: Lease, load: Load) -> LoadResult:
        """Place the files, then write the entry. Raises FencedError when another one is there."""
        began, held = time.monotonic(), self._held[load.stream]
        parts = {part.table.name: part for part in load.staged}
        files = {name: [*map(_name_of, part.files)] for name, part in parts.items()}
        entry = held.next_entry(load, files)
        self._note(load.stream, entry)
        for part in load.staged:
            self._place(part)
        self._write_rejected(entry, load.rejected)
        seconds = time.monotonic() - began
        if held.epoch != lease.epoch or not self._append(load.stream, entry):
            raise FencedError(
                f"A newer run of {load.stream} took the lease: this one commits nothing more."
            )
        self._store.delete([_staged_name(load.stream, load.load_id)])
        rows = {name: part.rows for name, part in parts.items()}
        return LoadResult(rows=rows, stage_seconds=seconds, rejected_in=entry.rejected_in)

    def list_committed(self, stream: str) -> list[str]:
        """List the ids of the stream's newest committed loads, oldest first."""
        loads: list[str] = []
        entry = self._read_newest(stream)
        while entry.number and len(loads) < KEPT_LOADS:
            loads = [*(load_id for _, load_id in entry.recent), *loads]
            first = entry.recent[0][0] if entry.recent else entry.number
            entry = self._read(stream, first - 1)
        return loads

    def loads(self, stream: str) -> list[LakeEntry]:
        """List the entries of the stream's committed loads, oldest first."""
        return [entry for entry in self._read_all(stream) if entry.load_id is not None]

    def read_rejected(self, entry: LakeEntry) -> list[Rejected]:
        """Read the cells of a load that no destination can hold."""
        if not entry.rejected_in:
            return [Rejected(**cell) for cell in entry.rejected]
        try:
            content = self._store.read(entry.rejected_in)
            cells = pq.read_table(BytesIO(content)).to_pylist()
            return [Rejected(**{**cell, "key": json.loads(cell["key"])}) for cell in cells]
        except FileNotFoundError:
            raise _build_lost_error(entry.rejected_in) from None
        except (pa.ArrowException, KeyError, TypeError):
            raise DamagedError(entry.rejected_in) from None

    def fetch_footers(self, names: Sequence[str], folder: Path) -> list[Path]:
        """Return files of which the metadata can be read, and perhaps no more."""
        try:
            footers = self._store.open_footers(names)
        except FileNotFoundError as error:
            raise _build_lost_error(error.filename) from None
        return [
            footer if isinstance(footer, Path) else _write_footer(folder / name, footer.read())
            for name, footer in zip(names, footers, strict=True)
        ]

    def read_schemas(self) -> Mapping[str, str]:
        """Return none: a stream has its own folder."""
        return {}

    def list_stopped(self, stream: str) -> list[Stopped]:  # noqa: ARG002
        """Return none: files hold every form of a table."""
        return []

    def find_absent(self, stream: str, schema: str) -> Mapping[str, Sequence[str]]:  # noqa: ARG002
        """Return none: a table's files are read from the log's beginning."""
        return {}

    def name_columns(self, schema: str, table: Table) -> Mapping[str, str]:  # noqa: ARG002
        """Return the names as they are: files have no reserved ones but those of the log."""
        return name_columns(table.name, table.schema.names, (), "duckdb")

    def scan(self, schema: str, table: Table) -> Iterator[pa.Table]:
        """Yield the table's rows that are not deleted, folded from all its files."""
        names = [
            name for entry in self._read_all(schema) for name in entry.files.get(table.name, ())
        ]
        if not names:
            return
        with tempfile.TemporaryDirectory() as folder:
            try:
                paths = self._store.fetch(names, Path(folder))
            except FileNotFoundError as error:
                raise _build_lost_error(error.filename) from None
            yield from self._scan(table, paths)

    def _scan(self, table: Table, paths: Sequence[Path]) -> Iterator[pa.Table]:
        staged = read_staged(paths)
        with duckdb.connect(
            config={"memory_limit": f"{int(self._settings.memory_limit)}B"}
        ) as connection:
            held = pa.schema(
                [column for column in table.schema if column.name in union_schema(staged).names]
            )
            try:
                query = _fold_query(connection, staged, held.names)
                yield from read_as(connection.sql(query).to_arrow_reader(100_000), held)
            except duckdb.Error:
                find_damaged(paths)
                raise

    def drop_leftovers(self, stream: str) -> list[str]:
        """Delete the files of loads that were never committed, and name them.

        Only the holder of the lease may call it: none of these loads can be committed then.
        """
        notes = self._store.names(_folder(stream, ".staged"))
        dropped = []
        for entry in map(LakeEntry.from_json, notes, self._store.read_all(notes)):
            if self._read(stream, entry.number).load_id != entry.load_id:
                dropped += entry.names
        self._store.delete(dropped)
        self._store.delete(notes)
        return dropped

    def drop_orphans(self, stream: str, before: datetime, *, dry_run: bool = False) -> list[str]:
        """Delete what a run placed that was overtaken meanwhile, or killed in an upload."""
        named = {name for entry in self._read_all(stream) for name in entry.names}
        return drop_orphans(self._store, stream, named, before, dry_run=dry_run)

    def close(self) -> None:
        """Do nothing: no connection is held."""

    def _note(self, stream: str, entry: LakeEntry) -> None:
        """Note the files of a load before they are placed: what a dead run leaves has a name."""
        with self._explain_errors():
            self._store.write(_staged_name(stream, str(entry.load_id)), entry.to_json())

    def _place(self, part: Staged) -> None:
        with self._explain_errors():
            for path in part.files:
                self._store.copy(path, _name_of(path))

    def _write_rejected(self, entry: LakeEntry, rejected: Sequence[Rejected]) -> None:
        """Write them beside the entry, which each run reads: perhaps every row has such a cell."""
        if not entry.rejected_in:
            return
        cells = [
            {**vars(cell), "key": json.dumps(cell.key, default=str, ensure_ascii=False)}
            for cell in rejected
        ]
        content = BytesIO()
        pq.write_table(pa.Table.from_pylist(cells, schema=_REJECTED), content)
        with self._explain_errors():
            self._store.write(entry.rejected_in, content.getvalue())

    def _append(self, stream: str, entry: LakeEntry) -> bool:
        """Write an entry at its place; False where another worker's is."""
        with self._explain_errors():
            name = _entry_name(stream, entry.number)
            if not self._store.write_if_absent(name, entry.to_json()):
                return False
        self._known[stream], self._held[stream] = entry.number, entry
        return True

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DestinationError(
                f"destination.path: {self._store.address} cannot be written ({error.strerror}): "
                "name another folder, or make room"
            ) from error

    def _read_newest(self, stream: str) -> LakeEntry:
        """Read the newest entry; before the first one it has the number 0."""
        after = _entry_name(stream, self._known.get(stream, 0))
        names = self._store.names(_folder(stream, ".commits"), after)
        if names:
            self._known[stream] = _number_of(names[-1])
        entry = self._read(stream, self._known.get(stream, 0))
        if entry.number or not self._known.pop(stream, 0):
            return entry
        return self._read_newest(stream)  # all was deleted meanwhile, and perhaps made again

    def _read(self, stream: str, number: int) -> LakeEntry:
        name = _entry_name(stream, number)
        try:
            return LakeEntry.from_json(name, self._store.read(name)) if number else LakeEntry()
        except FileNotFoundError:
            return LakeEntry()

    def _read_all(self, stream: str) -> list[LakeEntry]:
        """Read all entries; refuse a gap: the files of a lost one would seem to be of no load."""
        names = self._store.names(_folder(stream, ".commits"))
        for number, name in enumerate(names, 1):
            if _number_of(name) != number:
                raise _build_lost_error(_entry_name(stream, number))
        return [*map(LakeEntry.from_json, names, self._store.read_all(names))]


def _build_lost_error(name: str) -> DestinationError:
    return DestinationError(
        f"destination.path: {name} is gone, which no command of simplyload removes: restore it from"
        " a version or a copy, and end the rule of the bucket that removed it; else begin again"
        " with another path"
    )


def _write_footer(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _folder(stream: str, kind: str) -> str:
    return f"{folder_name(stream)}/{kind}"


def _entry_name(stream: str, number: int) -> str:
    return f"{_folder(stream, '.commits')}/{number:010d}.json"


def _number_of(name: str) -> int:
    return int(name.rpartition("/")[2].partition(".")[0])


def _staged_name(stream: str, load_id: str) -> str:
    return f"{_folder(stream, '.staged')}/{load_id}.json"


def _name_of(path: Path) -> str:
    """Name a file of the change log as it is here: the same."""
    return "/".join(path.parts[-_PATH_PARTS:])


def _fold_query(
    connection: duckdb.DuckDBPyConnection, staged: Staged, columns_read: Sequence[str]
) -> str:
    names = name_columns(staged.table.name, union_schema(staged).names, (), "duckdb")
    stage = exp.table_("stage", quoted=True)
    create_stage(connection, stage, staged, names)
    columns = {old: merge.Column(source=old, target=new) for old, new in names.items()}
    plan = merge.Merge(
        schema="",
        table=staged.table.name,
        stage=stage,
        key=tuple(columns.pop(name) for name in staged.table.key),
        columns=tuple(columns.values()),
        synced_at="",
        omitted=staged.omitted,
        truncated=staged.truncated,
    )
    rows = exp.select(*(exp.column(names[name], quoted=True) for name in columns_read))
    live = exp.column(OP, quoted=True).eq(UPSERT)
    conditions = [condition for condition in (live, merge.is_row(plan)) if condition is not None]
    return rows.from_(merge.fold(plan).subquery(merge.SOURCE)).where(*conditions).sql("duckdb")
