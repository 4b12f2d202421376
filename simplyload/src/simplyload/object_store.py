"""A bucket as a store: what Amazon S3 (`s3_store.py`) and Google's (`gcs_store.py`) have in common.

An object is there completely or not at all. Where one writer must win, an object is written on the
condition that there is none.
"""

import os
import stat
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property, partial
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar, Generic, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from simplyload.errors import ConfigurationError, DamagedError, SimplyLoadError
from simplyload.store import BucketAddress

PART_BYTES = 8 << 20  # larger files are uploaded in parts of this size
WORKERS = 8  # that send requests at once, or try whether a condition holds for one of them alone
DAMAGED_ANSWER = "what arrived is not what was sent: run again"
_FOOTER_BYTES = 64 << 10  # with most Parquet files, their metadata is within
_ATTEMPTS = 5  # of a conditional write, while another worker writes the same name

_T = TypeVar("_T")


def _check_endpoint(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    is_server = parts.scheme in ("http", "https") and parts.hostname
    if not is_server or any(sign in endpoint for sign in "@?#"):  # errors repeat it
        raise ValueError(
            "it is the address of a server, such as https://storage.example.com, without a user, a"
            " query (`?`) and a fragment (`#`)"
        )
    return endpoint


class BucketSettings(BaseModel):
    """What the sections of all kinds of buckets have."""

    model_config = ConfigDict(extra="forbid")

    endpoint: Annotated[str, AfterValidator(_check_endpoint)] | None = None
    timeout: timedelta = Field(default=timedelta(minutes=1), gt=timedelta())


_Settings = TypeVar("_Settings", bound=BucketSettings)


class ConditionError(Exception):
    """What a conditional write found: the object, or another writer at the same moment."""

    def __init__(self, *, is_present: bool) -> None:
        super().__init__(is_present)
        self.is_present = is_present


class ObjectStore(ABC, Generic[_Settings]):
    """The objects below an address. Each error names the setting `key` and the remedy.

    A subclass has the requests of one kind of bucket, and the reasons for which they fail.
    """

    provider: ClassVar[str]  # the vendor's name
    section: ClassVar[str]  # of the configuration, and the extra with the client
    package: ClassVar[str]  # of the client
    module: ClassVar[str]  # that the client is loaded by
    condition: ClassVar[str]  # of a write that must find no object, as the vendor calls it
    rights: ClassVar[Mapping[str, str]]  # by what is done

    def __init__(
        self,
        address: BucketAddress,
        settings: _Settings,
        key: str,
        fault: type[SimplyLoadError],
        scratch: Path | None = None,
    ) -> None:
        self._at = address
        self._settings = settings
        self._key, self._fault = key, fault
        self._scratch = scratch

    @property
    def address(self) -> str:
        """Return the bucket and the prefix."""
        return str(self._at)

    @cached_property
    def scratch(self) -> Path:
        """Return a folder below TMPDIR that belongs to this user and this address."""
        if self._scratch:
            return self._scratch
        root = Path(tempfile.gettempdir(), f"simplyload-{os.getuid()}")
        root.mkdir(mode=0o700, exist_ok=True)
        found = root.lstat()
        if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
            raise self._fault(
                f"{root} can be written by another user: remove it, or set TMPDIR to a folder of"
                " your own"
            )
        return root / quote(self.address, safe="")

    def check(self, *, exclusive: bool = False) -> None:
        """Write an object, read, list and delete it again; raise what is wrong with the remedy."""
        self.exists()
        name = f".check-{uuid.uuid4().hex}"
        self.write(name, b"SimplyLoad looks whether it may write here.")
        try:
            self.read(name)
            if exclusive:
                self._check_condition(f"{name}-exclusive")
        finally:
            self.delete([name, f"{name}-exclusive"])

    def _check_condition(self, name: str) -> None:
        """Let several workers write one name: a server that ignores the condition lets two win."""
        with ThreadPoolExecutor(WORKERS) as pool:
            contents = [str(number).encode() for number in range(WORKERS)]
            won = list(pool.map(partial(self.write_if_absent, name), contents))
        if won.count(True) != 1:
            raise self._fault(
                f"{self._key}: {self.address} takes an object that is to be written only if absent"
                f" ({self.condition}) twice, so two workers would overwrite each other: use a"
                f" server that obeys it, such as {self.provider}"
            )

    def exists(self) -> bool:
        """Ask for one object."""
        with self._explain_errors("list", "objects"):
            return self._has_any(self._key_of(""))

    def health(self) -> Mapping[str, Any]:
        """Return nothing: only a request would tell."""
        return {}

    def names(self, folder: str, after: str = "") -> list[str]:
        """List in pages of 1,000."""
        found = (name for name, _ in self._list(folder, self._key_of(after) if after else ""))
        return sorted(name for name in found if name > after)

    def names_before(self, folder: str, before: datetime) -> list[str]:
        """List in pages of 1,000, with the server's times."""
        return sorted(name for name, written in self._list(folder) if written < before)

    def _list(self, folder: str, start: str = "") -> list[tuple[str, datetime]]:
        with self._explain_errors("list", "objects"):
            found = self._list_objects(self._key_of(f"{folder}/"), start)
            return [(self._name_of(key), written) for key, written in found]

    def read(self, name: str) -> bytes:
        """Get the object."""
        return self._get(name)

    def read_all(self, names: Sequence[str]) -> list[bytes]:
        """Get several objects at once."""
        return self._at_once(self._get, names)

    def open_footers(self, names: Sequence[str]) -> Sequence[Path | BinaryIO]:
        """Get the ends of several objects at once."""
        return self._at_once(self._get_footer, names)

    def _get_footer(self, name: str) -> BinaryIO:
        """Get the end of a Parquet file: before its last 8 bytes is the metadata, then its size."""
        end = self._get(name, _FOOTER_BYTES)
        if end[-4:] != b"PAR1":
            raise DamagedError(name)
        size = int.from_bytes(end[-8:-4], "little") + 8
        whole = end if size <= len(end) else self._get(name, size)
        return _Footer(whole, name)

    def _get(self, name: str, last: int | None = None) -> bytes:
        with self._explain_errors("read", name):
            return self._get_object(self._key_of(name), last)

    def fetch(self, names: Sequence[str], folder: Path) -> list[Path]:
        """Copy several objects at once; a copy that is there is kept."""
        return self._at_once(partial(self._fetch, folder), names)

    def _fetch(self, folder: Path, name: str) -> Path:
        path = folder / name
        if path.exists():
            return path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._explain_errors("read", name):
                self._download(self._key_of(name), path)
        except FileNotFoundError:  # there is no such object
            raise
        except OSError as error:
            raise self._fault(
                f"{self._key}: {folder} cannot hold a copy of {name} ({error.strerror}): make room"
                " there, or set TMPDIR to another folder"
            ) from None
        return path

    def write(self, name: str, content: bytes) -> None:
        """Put the object."""
        with self._explain_errors("write", name):
            self._put_object(self._key_of(name), content)

    def write_if_absent(self, name: str, content: bytes) -> bool:
        """Put the object on the condition that there is none.

        A request whose answer was lost is sent again, and then finds what it wrote itself.
        """
        for attempt in range(_ATTEMPTS):
            try:
                with self._explain_errors("write", name):
                    self._create_object(self._key_of(name), content)
            except ConditionError as error:
                if error.is_present:
                    return self._get(name) == content
                time.sleep(0.1 * 2**attempt)  # another worker writes it at this moment
            else:
                return True
        raise self._fault(f"{self._key}: {self.address}: {name} is written by many workers at once")

    def rename(self, old: str, new: str) -> None:
        """Write it under the new name, then delete the old one."""
        try:
            self.write(new, self.read(old))
        except FileNotFoundError:
            self.read(new)
        self.delete([old])

    def move(self, path: Path, name: str) -> Path:
        """Upload the file; this machine keeps its own, under a path that ends as the name."""
        self.copy(path, name)
        target = path.parent / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return path.replace(target)

    def copy(self, path: Path, name: str) -> None:
        """Upload the file, in parts if it is large; one that fails leaves no object."""
        with self._explain_errors("write", name):
            self._upload(self._key_of(name), path)

    def delete(self, names: Collection[str]) -> None:
        """Delete several objects at once."""
        self._at_once(self._delete, [*names])

    def _delete(self, name: str) -> None:
        with self._explain_errors("delete", name):
            self._delete_object(self._key_of(name))

    @abstractmethod
    def drop_uploads(self, folder: str, before: datetime, *, dry_run: bool) -> list[str]:
        """Drop uploads in parts that were begun before a moment and have no end; name them."""

    def _key_of(self, name: str) -> str:
        return f"{self._at.prefix}/{name}" if self._at.prefix else name

    def _name_of(self, key: str) -> str:
        return key.removeprefix(self._key_of(""))

    def _at_once(self, function: Callable[[str], _T], names: Sequence[str]) -> list[_T]:
        """Apply a function to names, some at the same time; the first error ends it."""
        _ = self._client  # made before the threads begin
        pool = ThreadPoolExecutor(WORKERS)
        try:
            return list(pool.map(function, names))
        finally:
            pool.shutdown(cancel_futures=True)

    # ---- the client ----

    @cached_property
    def _client(self) -> Any:
        with self._explain_errors("begin"):
            return self._connect()

    @abstractmethod
    def _connect(self) -> Any:
        """Return the client, with credentials as the vendor's own tools find them."""

    @abstractmethod
    def _has_any(self, prefix: str) -> bool:
        """Return whether there is an object whose key begins so."""

    @abstractmethod
    def _list_objects(self, prefix: str, start: str) -> Iterator[tuple[str, datetime]]:
        """Yield keys from a start on, perhaps with it, and when each object was written."""

    @abstractmethod
    def _get_object(self, key: str, last: int | None) -> bytes:
        """Return an object, or its last bytes."""

    @abstractmethod
    def _put_object(self, key: str, content: bytes) -> None:
        """Write a small object."""

    @abstractmethod
    def _create_object(self, key: str, content: bytes) -> None:
        """Write a small object; ConditionError where there is one, or another writer."""

    @abstractmethod
    def _upload(self, key: str, path: Path) -> None:
        """Write an object from a file."""

    @abstractmethod
    def _download(self, key: str, path: Path) -> None:
        """Write a file that is complete or not there."""

    @abstractmethod
    def _delete_object(self, key: str) -> None:
        """Delete an object, if it is there."""

    # ---- its errors ----

    @contextmanager
    def _explain_errors(self, verb: str, what: str = "") -> Iterator[None]:
        """Turn what goes wrong with a request into one sentence; nothing of it is quoted.

        An answer may repeat a key, a signature or the content.
        """
        self._load_client()
        try:
            yield
        except self._list_errors() as error:
            found = self._judge(error, self.rights.get(verb, ""), what if verb == "read" else "")
            if isinstance(found, str):
                action = f"{verb} {what}".strip()
                found = self._fault(f"{self._key}: cannot {action} in {self.address}: {found}")
            raise found from None

    def _load_client(self) -> None:
        try:
            import_module(self.module)
        except ModuleNotFoundError:
            raise ConfigurationError(
                f"{self._key}: {self.address} needs the package {self.package}: run "
                f"pip install 'simplyload[{self.section}]'"
            ) from None

    @abstractmethod
    def _list_errors(self) -> tuple[type[Exception], ...]:
        """List what the client raises."""

    @abstractmethod
    def _judge(self, error: Any, right: str, name: str) -> Exception | str:
        """Return the reason and the remedy, or the error of the file that is read by a name."""

    def _describe_silence(self, kind: str) -> str:
        """Tell that no answer came."""
        endpoint = self._settings.endpoint
        server = f"{self.section}.endpoint {endpoint}" if endpoint else self.provider
        return f"{server} does not answer ({kind}): correct the address, or wait for the server"


class _Footer(BytesIO):
    """The end of an object, with its name."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name
