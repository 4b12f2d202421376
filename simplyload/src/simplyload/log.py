"""The change log: every load's changes as Parquet files, and which loads are committed.

    <root>/<stream>/<table>/dt=2026-11-27/h=09/<load_id>-<n>.parquet    changes, complete
    <root>/<stream>/.loads/<load_id>.pending                            the load may be committed
    <root>/<stream>/.loads/<load_id>.json                               it is: state, files
    <root>/<stream>/.gather/                                            being written, here

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

from simplyload.changes import State
from simplyload.destinations.destination import Limits, Staged
from simplyload.errors import (
    AlreadyRunningError,
    ConfigurationError,
    DamagedError,
    SimplyLoadError,
)
from simplyload.gather import Gathering, count_replaced
from simplyload.store import LocalStore, Store, drop_orphans, folder_name

_PENDING, _DONE = ".pending", ".json"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A load in the log: the load before it, the state after it, its files by table."""

    load_id: str
    previous: str | None
    state: State
    files: Mapping[str, Sequence[str]]

    @property
    def names(self) -> list[str]:
        """List the files of all tables."""
        return [name for names in self.files.values() for name in names]

    def of(self, table: str) -> Sequence[str]:
        """List the files of a table."""
        return self.files.get(table, ())


class ChangeLog:
    """The log of a destination's streams, in a local folder or another store."""

    def __init__(self, place: Path | Store) -> None:
        self.store = LocalStore(place) if isinstance(place, Path) else place

    @property
    def root(self) -> Path:
        """Where this machine has its files of the log: in a local folder all."""
        return self.store.scratch

    @contextmanager
    def lock(self, stream: str) -> Iterator[None]:
        """Hold the stream on this machine. Raises AlreadyRunningError while another run does.

        Raises LogError too where the log is new, and nothing can be written there.
        """
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
            if not self.store.exists():
                self.store.check()
            yield

    def _open_lock(self, stream: str) -> TextIO:
        folder = self.root / folder_name(stream)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return (folder / ".lock").open("a+")
        except OSError as error:
            raise ConfigurationError(
                f"log: {self.root} cannot be written ({error.strerror}): name a folder that this"
                " user may write"
            ) from None

    def gather(self, stream: str, limits: Limits) -> Gathering:
        """Begin the files of a load; those that a dead run left are removed."""
        self.clear(stream)
        self._workspace(stream).mkdir(parents=True)
        return Gathering(self._workspace(stream), limits)

    def clear(self, stream: str) -> None:
        """Remove the files that this machine alone has: being written, or copied to be read."""
        shutil.rmtree(self._workspace(stream), ignore_errors=True)

    def publish(
        self,
        stream: str,
        load_id: str,
        previous: str | None,
        state: State,
        staged: Sequence[Staged],
    ) -> list[Staged]:
        """Give gathered files their final names; the load reads them where this machine has them.

        That the load is pending is noted first: what a dead run leaves has a name.
        """
        hour = f"dt={datetime.now(UTC):%Y-%m-%d/h=%H}"
        files = {
            part.table.name: [f"{folder}/{load_id}-{n}.parquet" for n in range(len(part.files))]
            for part in staged
            for folder in [f"{folder_name(stream)}/{folder_name(part.table.name)}/{hour}"]
        }
        entry = Entry(load_id=load_id, previous=previous, state=state, files=files)
        content = json.dumps(asdict(entry)).encode()
        self.store.write(self._name(stream, load_id, _PENDING), content)
        return [
            replace(part, files=[*map(self.store.move, part.files, files[part.table.name])])
            for part in staged
        ]

    def confirm(self, stream: str, load_id: str) -> None:
        """Note that the destination committed a load."""
        pending, done = (self._name(stream, load_id, kind) for kind in (_PENDING, _DONE))
        self.store.rename(pending, done)

    def has_pending(self, stream: str) -> bool:
        """Return whether a run left a load without a note whether it is committed."""
        return bool(self._list_pending(stream))

    def confirm_committed(self, stream: str, committed: Collection[str]) -> None:
        """Confirm what a dead run committed."""
        pending = [_load_of(name) for name in self._list_pending(stream)]
        # A kill while a store renames leaves both names.
        done = {_load_of(name) for name in self._names(stream, _DONE)} if pending else set()
        for load_id in pending:
            if load_id in committed or load_id in done:
                self.confirm(stream, load_id)

    def reconcile(self, stream: str, committed: Collection[str]) -> list[str]:
        """Confirm what a dead run committed, and delete what it did not; return the latter.

        Only the holder of the lease may call it: no other load can be committed then.
        """
        if not self.has_pending(stream):
            return []
        self.confirm_committed(stream, committed)
        dropped = self.find_uncommitted(stream, committed)
        self.store.delete(dropped)
        self.store.delete(self._list_pending(stream))
        return dropped

    def find_uncommitted(self, stream: str, committed: Collection[str]) -> list[str]:
        """List the files of loads that a dead run did not commit."""
        entries = self._read(self._list_pending(stream))
        done = {_load_of(name) for name in self._names(stream, _DONE)} if entries else set()
        known = done.union(committed)
        return [name for entry in entries if entry.load_id not in known for name in entry.names]

    def entries(self, stream: str, since: str = "") -> list[Entry]:
        """List the confirmed loads from load `since` on, oldest first."""
        return self._read([name for name in self._names(stream, _DONE) if _load_of(name) >= since])

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

    def read_newest_epoch(self, stream: str) -> int:
        """Return the epoch of the newest load, committed or not; 0 for an empty log."""
        loads = [_load_of(name) for name in self.store.names(_loads(stream))]
        return int(max(loads).split("-")[0]) if loads else 0

    def read(self, stream: str, table: str, since: str, newest: str | None) -> list[Path]:
        """List the files of a table's changes from load `since` to the newest committed one.

        Raises where one of these loads or files is not there: the rest is no complete history.
        """
        entries = self.entries(stream, since)
        chain = [*(entry.previous for entry in entries[1:]), newest]
        is_whole = bool(entries) and entries[0].load_id == since
        if not is_whole or [entry.load_id for entry in entries] != chain:
            raise self._build_gap_error(f"loads of {stream} since {since}", stream, table)
        try:
            return self.fetch(stream, [name for entry in entries for name in entry.of(table)])
        except FileNotFoundError as error:
            raise self._build_gap_error(error.filename, stream, table) from None

    def fetch(self, stream: str, names: Sequence[str]) -> list[Path]:
        """Return files where this machine can read them, until `clear`."""
        return self.store.fetch(names, self._workspace(stream))

    def skip_replaced(self, names: Sequence[str]) -> Sequence[str]:
        """Leave out a table's files of an earlier key which a later copy replaces."""
        return names[count_replaced(self.store.open_footers(names)) :]

    def _build_gap_error(self, what: str, stream: str, table: str) -> SimplyLoadError:
        return SimplyLoadError(
            f"The change log lacks {what}: {table} cannot have what it missed. Remove what stopped "
            f"it, then read it again: `simplyload backfill {stream}.{table}`."
        )

    def expire(
        self, stream: str, days: int | None, keep_since: Mapping[str, str], *, dry_run: bool = False
    ) -> list[str]:
        """Delete files of confirmed loads older than a number of days, and return them.

        What is unconfirmed stays, and what a stopped table has not had (`keep_since`: its first
        missed load by table).
        """
        if days is None:
            return []
        oldest = f"dt={datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}"
        present = set(self.store.names(folder_name(stream)))
        expired = [
            name
            for entry in self.entries(stream)
            for table in entry.files
            for name in entry.of(table)
            if entry.load_id < keep_since.get(table, "~") and name.split("/")[-3] < oldest
        ]
        expired = [name for name in expired if name in present]
        self.store.delete(() if dry_run else expired)
        return expired

    def drop_orphans(self, stream: str, before: datetime, *, dry_run: bool = False) -> list[str]:
        """Delete files that no load names and uploads without an end, older than a moment.

        A run that was overtaken while it wrote leaves them, and one killed in an upload.
        """
        entries = [*self.entries(stream), *self._read(self._list_pending(stream))]
        named = {name for entry in entries for name in entry.names}
        return drop_orphans(self.store, stream, named, before, dry_run=dry_run)

    def _list_pending(self, stream: str) -> list[str]:
        return self._names(stream, _PENDING)

    def _names(self, stream: str, kind: str) -> list[str]:
        return [name for name in self.store.names(_loads(stream)) if name.endswith(kind)]

    def _name(self, stream: str, load_id: str, kind: str) -> str:
        return f"{_loads(stream)}/{load_id}{kind}"

    def _read(self, names: Sequence[str]) -> list[Entry]:
        return [*map(_parse, names, self.store.read_all(names))]

    def _workspace(self, stream: str) -> Path:
        return self.root / folder_name(stream) / ".gather"


def _parse(name: str, content: bytes) -> Entry:
    try:
        return Entry(**json.loads(content))
    except (ValueError, TypeError):
        raise DamagedError(name) from None


def name_load(epoch: int, number: int) -> str:
    """Return the id of an epoch's load: ids sort as the loads were made."""
    return f"{epoch:010d}-{number:06d}"


def _loads(stream: str) -> str:
    return f"{folder_name(stream)}/.loads"


def _load_of(name: str) -> str:
    """Return the id of the load that a file of `.loads` is about."""
    return name.rpartition("/")[2].partition(".")[0]
