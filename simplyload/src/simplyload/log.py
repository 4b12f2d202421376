"""The change log: every load's changes as Parquet files, and which loads are committed.

    <root>/<stream>/<table>/dt=2026-11-27/h=09/<load_id>-<n>.parquet    changes, complete
    <root>/<stream>/.loads/<load_id>.pending                            the load may be committed
    <root>/<stream>/.loads/<load_id>.json                               it is: state, files
    <root>/<stream>/.gather/                                            being written

Files are complete before the destination sees them. The folders dt and h are for people: loads are
ordered by their ids, never by a clock.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from simplyload.changes import State
from simplyload.destinations.destination import Limits, Staged
from simplyload.errors import AlreadyRunningError, ConfigurationError, SimplyLoadError
from simplyload.gather import Gathering


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A load in the log: the load before it, the state after it, its files by table."""

    load_id: str
    previous: str | None
    state: State
    files: Mapping[str, Sequence[str]]


class ChangeLog:
    """The log of a destination's streams, in a local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def lock(self, stream: str) -> Iterator[None]:
        """Hold the stream on this machine. Raises AlreadyRunningError while another run does."""
        with self._open_lock(stream) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise AlreadyRunningError(
                    f"Another run of {stream} is active (process {file.read() or 'unknown'}): "
                    "wait for it, or end it with SIGTERM."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def _open_lock(self, stream: str) -> TextIO:
        try:
            self._loads(stream).mkdir(parents=True, exist_ok=True)
            return (self._stream(stream) / ".lock").open("a+")
        except OSError as error:
            raise ConfigurationError(
                f"log: {self.root} cannot be written ({error.strerror}): name a folder that this"
                " user may write"
            ) from None

    def gather(self, stream: str, limits: Limits) -> Gathering:
        """Begin the files of a load; those that a dead run left are removed."""
        folder = self._stream(stream) / ".gather"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return Gathering(folder, limits)

    def publish(
        self,
        stream: str,
        load_id: str,
        previous: str | None,
        state: State,
        staged: Sequence[Staged],
    ) -> list[Staged]:
        """Move gathered files to their final names, which the load then reads."""
        hour = f"dt={datetime.now(UTC):%Y-%m-%d/h=%H}"
        moved = [
            replace(part, files=[folder / f"{load_id}-{n}.parquet" for n in range(len(part.files))])
            for part in staged
            for folder in [self._stream(stream) / folder_name(part.table.name) / hour]
        ]
        files = {part.table.name: [self._relative(path) for path in part.files] for part in moved}
        entry = Entry(load_id=load_id, previous=previous, state=state, files=files)
        content = json.dumps(asdict(entry)).encode()
        write_atomically(self._loads(stream) / f"{load_id}.pending", content)
        for part, target in zip(staged, moved, strict=True):
            _move(part.files, target.files)
        return moved

    def confirm(self, stream: str, load_id: str) -> None:
        """Note that the destination committed a load."""
        pending = self._loads(stream) / f"{load_id}.pending"
        pending.replace(pending.with_suffix(".json"))
        sync_folder(pending.parent)

    def has_pending(self, stream: str) -> bool:
        """Tell whether a run left a load of which it is not noted whether it is committed."""
        return bool(self._pending(stream))

    def confirm_committed(self, stream: str, committed: Collection[str]) -> None:
        """Confirm what a dead run committed."""
        for pending in self._pending(stream):
            if pending.stem in committed:
                self.confirm(stream, pending.stem)

    def reconcile(self, stream: str, committed: Collection[str]) -> list[str]:
        """Confirm what a dead run committed, and delete what it did not; give the latter.

        Only the holder of the lease may call it: no other load can be committed then.
        """
        self.confirm_committed(stream, committed)
        dropped = []
        for pending in self._pending(stream):
            for path in self._paths(_read_entry(pending)):
                path.unlink(missing_ok=True)
                dropped.append(self._relative(path))
            pending.unlink()
        return dropped

    def entries(self, stream: str, since: str = "") -> list[Entry]:
        """List the confirmed loads from load `since` on, oldest first."""
        paths = sorted(self._loads(stream).glob("*.json"))
        return [_read_entry(path) for path in paths if path.stem >= since]

    def history(self, stream: str) -> list[Entry]:
        """List the confirmed loads from the latest first load on: a complete history.

        Raises where the log does not begin with a first load.
        """
        entries = self.entries(stream)
        firsts = [number for number, entry in enumerate(entries) if entry.previous is None]
        if entries and not firsts:
            raise SimplyLoadError(
                f"The change log of {stream} begins after its first load: a destination cannot be "
                "rebuilt from it, read the source again."
            )
        return entries[firsts[-1] :] if firsts else []

    def newest_epoch(self, stream: str) -> int:
        """Give the epoch of the newest load, committed or not; 0 for an empty log."""
        names = [path.stem for path in self._loads(stream).iterdir()]
        return int(max(names).split("-")[0]) if names else 0

    def read(self, stream: str, table: str, since: str, newest: str | None) -> list[Path]:
        """List the files of a table's changes from load `since` to the newest committed one.

        Raises where one of these loads or files is not there: the rest is no complete history.
        """
        entries = self.entries(stream, since)
        chain = [*(entry.previous for entry in entries[1:]), newest]
        is_whole = bool(entries) and entries[0].load_id == since
        if not is_whole or [entry.load_id for entry in entries] != chain:
            raise self._lacks(f"loads of {stream} since {since}", stream, table)
        paths = [self.root / name for entry in entries for name in entry.files.get(table, ())]
        for path in paths:
            if not path.exists():
                raise self._lacks(self._relative(path), stream, table)
        return paths

    def _lacks(self, what: str, stream: str, table: str) -> SimplyLoadError:
        return SimplyLoadError(
            f"The change log lacks {what}: {table} cannot have what it missed. Remove what stopped "
            f"it, then read it again: `simplyload backfill {stream}.{table}`."
        )

    def expire(self, stream: str, days: int, keep_since: Mapping[str, str]) -> list[str]:
        """Delete files of confirmed loads older than a number of days, and give them.

        What is unconfirmed stays, and what a stopped table has not had (`keep_since`: its first
        missed load by table).
        """
        oldest = f"dt={datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}"
        expired = []
        for entry in self.entries(stream):
            for table, names in entry.files.items():
                if entry.load_id >= keep_since.get(table, "~"):
                    continue
                for path in (self.root / name for name in names):
                    if path.parent.parent.name < oldest and path.exists():
                        path.unlink()
                        expired.append(self._relative(path))
        return expired

    def _pending(self, stream: str) -> list[Path]:
        return sorted(self._loads(stream).glob("*.pending"))

    def _paths(self, entry: Entry) -> list[Path]:
        return [self.root / name for names in entry.files.values() for name in names]

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _stream(self, stream: str) -> Path:
        return self.root / folder_name(stream)

    def _loads(self, stream: str) -> Path:
        return self._stream(stream) / ".loads"


def name_load(epoch: int, number: int) -> str:
    """Give the id of an epoch's load: ids sort as the loads were made."""
    return f"{epoch:010d}-{number:06d}"


def folder_name(name: str) -> str:
    """Give a stream's or table's name as one that every file system can hold."""
    return quote(name, safe=" ").replace(".", "%2E")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there completely or not at all, whatever happens meanwhile."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renamed files in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move(sources: Sequence[Path], targets: Sequence[Path]) -> None:
    for source, target in zip(sources, targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        sync_folder(target.parent)


def _read_entry(path: Path) -> Entry:
    return Entry(**json.loads(path.read_bytes()))
