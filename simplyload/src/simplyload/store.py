"""Where files are kept: a folder of this machine here, a bucket in `object_store.py`.

A name is relative, its parts separated by `/`. Who lists or reads a name finds a complete file or
none. The change log and the destination `parquet` know no more than this.
"""

import errno
import os
import re
import shutil
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar, Protocol
from urllib.parse import quote

from pydantic import BeforeValidator, PlainSerializer

from simplyload.errors import DestinationError, LogError, SimplyLoadError

_TABLE_FILE = re.compile(r"[^/]+/[^/]+/dt=[^/]+/h=[^/]+/[^/]+\.parquet")
_PART = ".part"  # the end of the name of a file that is not complete


@dataclass(frozen=True)
class BucketAddress:
    """A bucket and the beginning of the names in it."""

    bucket: str
    prefix: str
    scheme: ClassVar[str]
    bucket_name: ClassVar[str]  # what a name of a bucket matches

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.prefix}".rstrip("/")


class S3Address(BucketAddress):
    """A bucket of Amazon S3, or of a server that speaks its protocol."""

    scheme = "s3"
    bucket_name = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"


class GcsAddress(BucketAddress):
    """A bucket of Google Cloud Storage."""

    scheme = "gs"
    bucket_name = r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"


def _read_location(value: Any) -> Any:
    if isinstance(value, Path | BucketAddress):
        return value
    is_text = isinstance(value, str)
    if is_text and "://" not in value:
        return Path(value)
    for kind in (S3Address, GcsAddress) if is_text else ():
        pattern = rf"{kind.scheme}://({kind.bucket_name})((?:/[^/\s?#]+)*)/?"
        if found := re.fullmatch(pattern, value):
            return kind(found[1], found[2].strip("/"))
    raise ValueError(
        "it takes a folder, or s3://bucket/prefix or gs://bucket/prefix with the bucket's name in"
        " lower case and without a key or a password"
    )


Location = Annotated[
    Path | S3Address | GcsAddress, BeforeValidator(_read_location), PlainSerializer(str)
]


class Store(Protocol):
    """Files by name. FileNotFoundError, with the name, for one that is not there."""

    @property
    def address(self) -> str:
        """Where it is, for messages."""

    @property
    def scratch(self) -> Path:
        """The folder for what only this machine needs: locks, files that are being written."""

    def check(self, *, exclusive: bool = False) -> None:
        """Raise where nothing can be written; `exclusive`: or not safely by several workers."""

    def exists(self) -> bool:
        """Return whether there is anything."""

    def health(self) -> Mapping[str, Any]:
        """Return whether it can be written and what is free, as far as this costs no request."""

    def names(self, folder: str, after: str = "") -> list[str]:
        """List the complete files in a folder and below it, sorted: those after a name."""

    def names_before(self, folder: str, before: datetime) -> list[str]:
        """List the files in a folder and below it that were last written before a moment."""

    def read(self, name: str) -> bytes:
        """Return a file's content."""

    def read_all(self, names: Sequence[str]) -> list[bytes]:
        """Return the content of several files."""

    def open_footers(self, names: Sequence[str]) -> Iterable[Path | BinaryIO]:
        """Return Parquet files so that their metadata can be read, and perhaps no more of them."""

    def fetch(self, names: Sequence[str], folder: Path) -> list[Path]:
        """Return files on this machine; those that are elsewhere are copied into the folder."""

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, also in place of an older one."""

    def write_if_absent(self, name: str, content: bytes) -> bool:
        """Write a small file unless it is there; False when it is, with another content.

        Of several workers that do so at once, one alone has True.
        """

    def rename(self, old: str, new: str) -> None:
        """Rename a small file; nothing happens where this is done. After a kill both may exist."""

    def move(self, path: Path, name: str) -> Path:
        """Give a complete local file its name here; return where this machine can read it now."""

    def copy(self, path: Path, name: str) -> None:
        """Put a complete local file here, which stays where it is."""

    def delete(self, names: Collection[str]) -> None:
        """Delete files, as far as they are there."""

    def drop_uploads(self, folder: str, before: datetime, *, dry_run: bool) -> list[str]:
        """Drop what was begun to be written there before a moment and has no end; name it."""


class LocalStore:
    """A folder of this machine; it survives a power cut."""

    def __init__(
        self, root: Path, key: str = "log", fault: type[SimplyLoadError] = LogError
    ) -> None:
        self.root = root
        self._key, self._fault = key, fault  # the setting that names the folder, its error

    @property
    def address(self) -> str:
        """Return the folder."""
        return str(self.root)

    @property
    def scratch(self) -> Path:
        """Return the folder itself: a file then gets its name without a copy."""
        return self.root

    def check(self, *, exclusive: bool = False) -> None:  # noqa: ARG002 - links are exclusive
        """Raise where the folder cannot be made or written."""
        check_folder(self.root, self._key, self._fault)

    def exists(self) -> bool:
        """Return whether the folder is there."""
        return self.root.is_dir()

    def health(self) -> Mapping[str, Any]:
        """Ask the disk."""
        present = next(path for path in (self.root, *self.root.parents) if path.exists())
        writable = os.access(present, os.W_OK)
        return {"writable": writable, "free_bytes": shutil.disk_usage(present).free}

    def names(self, folder: str, after: str = "") -> list[str]:
        """Walk through the folder."""
        names = (self._relative_name(path) for path in self._files(folder) if path.suffix != _PART)
        return sorted(name for name in names if name > after)

    def names_before(self, folder: str, before: datetime) -> list[str]:
        """Walk through the folder, and look at each file's time."""
        paths = self._files(folder)
        return sorted(self._relative_name(path) for path in paths if _modified_at(path) < before)

    def read(self, name: str) -> bytes:
        """Read the file."""
        return (self.root / name).read_bytes()

    def read_all(self, names: Sequence[str]) -> list[bytes]:
        """Read one file after the other."""
        return [self.read(name) for name in names]

    def open_footers(self, names: Sequence[str]) -> Iterable[Path | BinaryIO]:
        """Return the files themselves."""
        return self.fetch(names, self.root)

    def fetch(self, names: Sequence[str], folder: Path) -> list[Path]:  # noqa: ARG002
        """Return the files where they are."""
        for name in names:
            if not (self.root / name).exists():
                raise missing_file_error(name)
        return [self.root / name for name in names]

    def write(self, name: str, content: bytes) -> None:
        """Write beside it, then rename."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)

    def write_if_absent(self, name: str, content: bytes) -> bool:
        """Write beside it, then link: of several links to one name, one succeeds."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.parent / f"{uuid.uuid4().hex}{_PART}"
        part.write_bytes(content)
        sync_file(part)
        try:
            os.link(part, path)
        except FileExistsError:
            return False
        finally:
            part.unlink()
        sync_folder(path.parent)
        return True

    def rename(self, old: str, new: str) -> None:
        """Rename at once; both names never exist."""
        try:
            (self.root / old).replace(self.root / new)
        except FileNotFoundError:
            if not (self.root / new).exists():
                raise
        sync_folder((self.root / new).parent)

    def move(self, path: Path, name: str) -> Path:
        """Rename the file, which is on the same disk."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        sync_folder(target.parent)
        return target

    def copy(self, path: Path, name: str) -> None:
        """Link the file, or copy it from another disk."""
        target = self.root / name
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:
            part = target.with_suffix(_PART)
            shutil.copyfile(path, part)
            sync_file(part)
            part.replace(target)
        sync_folder(target.parent)

    def delete(self, names: Collection[str]) -> None:
        """Delete one file after the other."""
        for name in names:
            (self.root / name).unlink(missing_ok=True)

    def drop_uploads(self, folder: str, before: datetime, *, dry_run: bool) -> list[str]:
        """Delete files beside those that they were to become."""
        names = [name for name in self.names_before(folder, before) if name.endswith(_PART)]
        self.delete(() if dry_run else names)
        return names

    def _files(self, folder: str) -> list[Path]:
        found = os.walk(self.root / folder)  # it asks the disk for no file
        return [Path(parent, name) for parent, _, names in found for name in names]

    def _relative_name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def drop_orphans(
    store: Store, stream: str, named: Collection[str], before: datetime, *, dry_run: bool
) -> list[str]:
    """Delete a stream's Parquet files that are not among those named, older than a moment."""
    folder = folder_name(stream)
    orphans = [
        name
        for name in store.names_before(folder, before)
        if _TABLE_FILE.fullmatch(name) and name not in named
    ]
    store.delete(() if dry_run else orphans)
    return [*orphans, *store.drop_uploads(folder, before, dry_run=dry_run)]


def missing_file_error(name: str) -> FileNotFoundError:
    """Return the error for a file that is not there."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def check_folder(
    path: Path, key: str = "destination.path", fault: type[SimplyLoadError] = DestinationError
) -> None:
    """Raise the fault where a file or folder that is not there cannot be made."""
    present = next(folder for folder in [path, *path.parents] if folder.exists())
    if not os.access(present, os.W_OK):
        raise fault(f"{key}: {path} cannot be made: {present} is not writable for this user")


def folder_name(name: str) -> str:
    """Return a stream's or table's name as one that every file system can hold."""
    return quote(name, safe=" ").replace(".", "%2E")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there completely or not at all, whatever happens meanwhile."""
    part = path.with_suffix(_PART)
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


def sync_file(path: Path) -> None:
    """Make a written file survive a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _modified_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
