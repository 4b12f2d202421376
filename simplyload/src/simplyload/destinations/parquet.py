"""Parquet files alone: the changes, and one file per committed load that holds the state.

    <path>/<stream>/<table>/dt=2026-11-27/h=09/<load_id>-<n>.parquet    changes
    <path>/<stream>/.commits/0000000012.json                            load 12: state, files
    <path>/<stream>/.leases/0000000003.json                             epoch 3 was taken

Both kinds of JSON file are written only if absent: of two workers that would commit load 12, one
fails. A reader folds the files that the commits name; `scan` shows how.
"""

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
from pydantic import BaseModel, ByteSize, ConfigDict
from sqlglot import exp

from simplyload import merge
from simplyload.catalog import name_columns
from simplyload.changes import OP, UPSERT, State, Table
from simplyload.destinations.destination import (
    Lease,
    Limits,
    Load,
    LoadResult,
    Staged,
    Stopped,
    check_folder,
)
from simplyload.destinations.duckdb import create_stage
from simplyload.errors import DestinationError, FencedError
from simplyload.gather import read_as, read_staged, sync_file, union_schema
from simplyload.log import folder_name, sync_folder

# <stream>/<table>/dt=/h=/<file>
_PATH_PARTS = 5


class ParquetSettings(BaseModel):
    """The section `destination` with `type: parquet`."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["parquet"] = "parquet"
    path: Path = Path("build/lake")
    memory_limit: ByteSize = ByteSize(512_000_000)


class ParquetDestination:
    """A folder of Parquet files; the change log shares their space by hard links."""

    def __init__(self, settings: ParquetSettings) -> None:
        self._settings = settings
        self._number: dict[str, int] = {}

    @property
    def limits(self) -> Limits:
        """Give no limits."""
        return Limits()

    def check(self) -> None:
        """Raise DestinationError where the folder cannot be made or written."""
        check_folder(self._settings.path)

    def read_state(self, stream: str) -> State | None:
        """Give the state of the stream's newest committed load; None before the first."""
        commits = self._commits(stream)
        return json.loads(commits[-1].read_bytes())["state"] if commits else None

    def acquire(self, stream: str, above: int = 0) -> Lease:
        """Take the lease by putting the next epoch's file, which one worker alone can do."""
        while True:
            epoch = max(self._epoch(stream), above) + 1
            if self._put(self._leases(stream) / f"{epoch:010d}.json", {"epoch": epoch}):
                commits = self._commits(stream)
                self._number[stream] = int(commits[-1].stem) if commits else 0
                return Lease(stream=stream, epoch=epoch)

    def load(self, lease: Lease, load: Load) -> LoadResult:
        """Place the files, then put the commit. Raises FencedError when another one is there."""
        began = time.monotonic()
        files = {
            part.table.name: [self._place(path) for path in part.files] for part in load.staged
        }
        seconds = time.monotonic() - began
        number = self._number[load.stream] + 1
        path = self._folder(load.stream, ".commits") / f"{number:010d}.json"
        commit = {
            "load_id": load.load_id,
            "state": load.state,
            "files": files,
            "rejected": [vars(refused) for refused in load.rejected],
            "committed_at": datetime.now(UTC).isoformat(),
        }
        if self._epoch(load.stream) != lease.epoch or not self._put(path, commit):
            raise FencedError(
                f"A newer run of {load.stream} took the lease: this one commits nothing more."
            )
        self._number[load.stream] = number
        rows = {part.table.name: part.rows for part in load.staged}
        return LoadResult(rows=rows, stage_seconds=seconds)

    def committed(self, stream: str) -> list[str]:
        """List the ids of the stream's committed loads, oldest first."""
        return [commit["load_id"] for commit in self._read_commits(stream)]

    def schemas(self) -> Mapping[str, str]:
        """Give none: a stream has its own folder."""
        return {}

    def stopped(self, stream: str) -> list[Stopped]:  # noqa: ARG002
        """Give none: files hold every form of a table."""
        return []

    def absent(self, stream: str, schema: str) -> Mapping[str, Sequence[str]]:  # noqa: ARG002
        """Give none: a table's files are read from the log's beginning."""
        return {}

    def name_columns(self, schema: str, table: Table) -> Mapping[str, str]:  # noqa: ARG002
        """Give the names as they are: files have no reserved ones but those of the log."""
        return name_columns(table.name, table.schema.names, (), "duckdb")

    def scan(self, schema: str, table: Table) -> Iterator[pa.Table]:
        """Yield the table's rows that are not deleted, folded from all its files."""
        paths = [
            self._settings.path / name
            for commit in self._read_commits(schema)
            for name in commit["files"].get(table.name, ())
        ]
        if not paths:
            return
        staged = read_staged(paths)
        with duckdb.connect(
            config={"memory_limit": f"{int(self._settings.memory_limit)}B"}
        ) as connection:
            held = pa.schema(
                [one for one in table.schema if one.name in union_schema(staged).names]
            )
            query = _fold_query(connection, staged, held.names)
            yield from read_as(connection.sql(query).to_arrow_reader(100_000), held)

    def drop_leftovers(self, stream: str) -> list[str]:
        """Delete the files of loads that were never committed, and name them."""
        named = {
            name
            for commit in self._read_commits(stream)
            for names in commit["files"].values()
            for name in names
        }
        paths = (self._settings.path / folder_name(stream)).glob("*/dt=*/h=*/*.parquet")
        dropped = [path for path in paths if self._relative(path) not in named]
        for path in dropped:
            path.unlink()
        return [self._relative(path) for path in dropped]

    def close(self) -> None:
        """Do nothing: no connection is held."""

    def _place(self, path: Path) -> str:
        """Give the file its place here: by a hard link, or a copy from another file system."""
        target = self._settings.path.joinpath(*path.parts[-_PATH_PARTS:])
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, target)
            except OSError:
                shutil.copyfile(path, target)
                sync_file(target)
            sync_folder(target.parent)
        return self._relative(target)

    def _put(self, path: Path, content: Mapping[str, Any]) -> bool:
        try:
            return _put_if_absent(path, content)
        except OSError as error:
            raise DestinationError(
                f"destination.path: {self._settings.path} cannot be written ({error.strerror}): "
                "name another folder, or make room"
            ) from error

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._settings.path).as_posix()

    def _epoch(self, stream: str) -> int:
        return max((int(path.stem) for path in self._leases(stream).glob("*.json")), default=0)

    def _commits(self, stream: str) -> list[Path]:
        return sorted(self._folder(stream, ".commits").glob("*.json"))

    def _read_commits(self, stream: str) -> list[dict[str, Any]]:
        return [json.loads(path.read_bytes()) for path in self._commits(stream)]

    def _leases(self, stream: str) -> Path:
        return self._folder(stream, ".leases")

    def _folder(self, stream: str, kind: str) -> Path:
        return self._settings.path / folder_name(stream) / kind


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
    return rows.from_(merge.fold(plan).subquery("f")).where(live).sql("duckdb")


def _put_if_absent(path: Path, content: Mapping[str, Any]) -> bool:
    """Write a file unless it exists; False when it does. It is there completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f"{uuid.uuid4().hex}.part"
    part.write_text(json.dumps(content, default=str))
    sync_file(part)
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink()
    sync_folder(path.parent)
    return True
