"""A bucket as a store: Amazon S3, and servers that speak its protocol.

By boto3, since it can write an object only if absent (`If-None-Match: *`), which `pyarrow.fs`
cannot, and since it aborts an upload that fails, where `pyarrow.fs` completes the object with what
was written so far. An object is there completely or not at all. Google Cloud Storage is left out:
its S3 protocol has no such condition for writes.
"""

import os
import stat
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache, cached_property, partial
from http import HTTPStatus
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from simplyload.errors import ConfigurationError, DamagedError, SimplyLoadError
from simplyload.store import S3Address, missing_file_error

PART_BYTES = 8 << 20  # larger files are uploaded in parts of this size
_THREADS = 4  # each holds a part
_FOOTER_BYTES = 64 << 10  # with most Parquet files, their metadata is within
_ATTEMPTS = 5
_WORKERS = 8  # that try at once whether a condition holds for one of them alone

_T = TypeVar("_T")


class S3Settings(BaseModel):
    """The section `s3`: for each address `s3://...`. Credentials are those of the AWS tools."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str | None = None
    region: str | None = None
    encryption: Literal["AES256", "aws:kms"] | None = None
    kms_key: str | None = None
    timeout: timedelta = Field(default=timedelta(minutes=1), gt=timedelta())

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, endpoint: str | None) -> str | None:
        parts = urlsplit(endpoint or "https://-")
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("it is the address of a server, such as https://s3.example.com")
        return endpoint

    @property
    def is_amazon(self) -> bool:
        """Whether an address `s3://...` is a bucket of Amazon, also by a private endpoint of it."""
        host = urlsplit(self.endpoint or "").hostname or ""
        return not self.endpoint or host.endswith((".amazonaws.com", ".amazonaws.com.cn"))

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.kms_key and self.encryption != "aws:kms":
            raise ValueError("kms_key needs `encryption: aws:kms`")
        return self

    @property
    def write_options(self) -> dict[str, str]:
        """Return what each write asks for."""
        options = {"ServerSideEncryption": self.encryption, "SSEKMSKeyId": self.kms_key}
        return {name: value for name, value in options.items() if value}


def _open_session() -> Any:
    """Return a session that reads the environment now, and boto3's model of S3 once a process."""
    core = import_module("botocore.session").Session()
    core.register_component("data_loader", _load_models())
    return import_module("boto3").session.Session(botocore_session=core)


@cache
def _load_models() -> Any:
    return import_module("botocore.session").Session().get_component("data_loader")


class S3Store:
    """The objects below an address. Each error names the setting `key` and the remedy."""

    def __init__(
        self,
        address: S3Address,
        settings: S3Settings,
        key: str,
        fault: type[SimplyLoadError],
        scratch: Path | None = None,
    ) -> None:
        self._at = address
        self._settings = settings
        self._key, self._fault = key, fault
        self._scratch = scratch
        self._bucket = {"Bucket": address.bucket}

    @property
    def address(self) -> str:
        """Return s3://bucket/prefix."""
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
        with ThreadPoolExecutor(_WORKERS) as pool:
            contents = [str(number).encode() for number in range(_WORKERS)]
            won = list(pool.map(partial(self.write_if_absent, name), contents))
        if won.count(True) != 1:
            raise self._fault(
                f"{self._key}: {self.address} takes an object that is to be written only if absent"
                " (If-None-Match) twice, so two workers would overwrite each other: use a server"
                " that obeys it, such as Amazon S3"
            )

    def exists(self) -> bool:
        """Ask for one object."""
        with self._explain_errors("list objects", "s3:ListBucket"):
            found = self._client.list_objects_v2(**self._bucket, Prefix=self._key_of(""), MaxKeys=1)
        return bool(found.get("Contents"))

    def health(self) -> Mapping[str, Any]:
        """Return nothing: only a request would tell."""
        return {}

    def names(self, folder: str, after: str = "") -> list[str]:
        """List in pages of 1,000."""
        start = {"StartAfter": self._key_of(after)} if after else {}
        return sorted(self._name_of(entry["Key"]) for entry in self._list(folder, **start))

    def names_before(self, folder: str, before: datetime) -> list[str]:
        """List in pages of 1,000, with the server's times."""
        found = self._list(folder)
        return sorted(
            self._name_of(entry["Key"]) for entry in found if entry["LastModified"] < before
        )

    def _list(self, folder: str, **options: str) -> list[dict[str, Any]]:
        with self._explain_errors("list objects", "s3:ListBucket"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                **self._bucket, Prefix=self._key_of(f"{folder}/"), **options
            )
            return [entry for page in pages for entry in page.get("Contents", ())]

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
        end = self._get(name, Range=f"bytes=-{_FOOTER_BYTES}")
        if end[-4:] != b"PAR1":
            raise DamagedError(name)
        size = int.from_bytes(end[-8:-4], "little") + 8
        whole = end if size <= len(end) else self._get(name, Range=f"bytes=-{size}")
        return _Footer(whole, name)

    def _get(self, name: str, **options: str) -> bytes:
        with self._explain_errors(f"read {name}", "s3:GetObject", name):
            found = self._client.get_object(**self._bucket, Key=self._key_of(name), **options)
            content: bytes = found["Body"].read()
            return content

    def fetch(self, names: Sequence[str], folder: Path) -> list[Path]:
        """Copy several objects at once; a copy that is there is kept."""
        return self._at_once(partial(self._fetch, folder), names)

    def _fetch(self, folder: Path, name: str) -> Path:
        path = folder / name
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._explain_errors(f"read {name}", "s3:GetObject", name):
            self._client.download_file(
                **self._bucket, Key=self._key_of(name), Filename=str(path), Config=self._parts
            )
        return path

    def write(self, name: str, content: bytes) -> None:
        """Put the object."""
        self._put(name, content)

    def write_if_absent(self, name: str, content: bytes) -> bool:
        """Put the object on the condition that there is none.

        A request whose answer was lost is sent again, and then finds what it wrote itself.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self._put(name, content, IfNoneMatch="*")
            except _ConditionError as error:
                if error.code == "PreconditionFailed":
                    return self._get(name) == content
                time.sleep(0.1 * 2**attempt)  # another worker writes it at this moment
            else:
                return True
        raise self._fault(f"{self._key}: {self.address}: {name} is written by many workers at once")

    def _put(self, name: str, content: bytes, **options: str) -> None:
        with self._explain_errors(f"write {name}", "s3:PutObject"):
            self._client.put_object(
                **self._bucket,
                Key=self._key_of(name),
                Body=content,
                **options,
                **self._settings.write_options,
            )

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
        """Upload the file, in parts if it is large; an upload that fails is aborted."""
        with self._explain_errors(f"write {name}", "s3:PutObject"), path.open("rb") as file:
            self._client.upload_fileobj(
                file,
                **self._bucket,
                Key=self._key_of(name),
                ExtraArgs=self._settings.write_options,
                Config=self._parts,
            )

    def delete(self, names: Collection[str]) -> None:
        """Delete several objects at once."""
        self._at_once(self._delete, [*names])

    def _delete(self, name: str) -> None:
        with self._explain_errors(f"delete {name}", "s3:DeleteObject"):
            self._client.delete_object(**self._bucket, Key=self._key_of(name))

    def drop_uploads(self, folder: str, before: datetime, *, dry_run: bool) -> list[str]:
        """Abort uploads in parts: their parts are kept, unseen, and cost as objects do."""
        with self._explain_errors("list uploads", "s3:ListBucketMultipartUploads"):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                **self._bucket, Prefix=self._key_of(f"{folder}/")
            )
            found = [upload for page in pages for upload in page.get("Uploads", ())]
        old = [upload for upload in found if upload["Initiated"] < before]
        for upload in () if dry_run else old:
            with self._explain_errors("abort an upload", "s3:AbortMultipartUpload"):
                self._client.abort_multipart_upload(
                    **self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
        return [f"{self._name_of(upload['Key'])} (an upload without an end)" for upload in old]

    def _key_of(self, name: str) -> str:
        return f"{self._at.prefix}/{name}" if self._at.prefix else name

    def _name_of(self, key: str) -> str:
        return key.removeprefix(self._key_of(""))

    @cached_property
    def _client(self) -> Any:
        """Connect by the credentials of the environment, a profile, or the machine's role."""
        timeout = self._settings.timeout.total_seconds()
        options = import_module("botocore.config").Config(
            connect_timeout=min(timeout, 10),
            read_timeout=timeout,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=_WORKERS * 2,
            s3={"addressing_style": "path" if self._settings.endpoint else "auto"},
        )
        with self._explain_errors("begin", ""):
            return _open_session().client(
                "s3",
                endpoint_url=self._settings.endpoint,
                region_name=self._settings.region,
                config=options,
            )

    @cached_property
    def _parts(self) -> Any:
        return import_module("boto3.s3.transfer").TransferConfig(
            multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=_THREADS
        )

    def _load_boto(self) -> None:
        try:
            import_module("boto3.s3.transfer")
        except ModuleNotFoundError:
            raise ConfigurationError(
                f"{self._key}: {self.address} needs the package boto3: run "
                "pip install 'simplyload[s3]'"
            ) from None

    @contextmanager
    def _explain_errors(self, action: str, right: str, name: str = "") -> Iterator[None]:
        """Turn what goes wrong with a request into one sentence; nothing of it is quoted.

        An answer may repeat a key, a signature or the content.
        """
        self._load_boto()
        errors, more = import_module("botocore.exceptions"), import_module("boto3.exceptions")
        try:
            yield
        except errors.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _CONDITIONS:
                raise _ConditionError(_CONDITIONS[code]) from None
            if name and code in ("NoSuchKey", "404"):
                raise missing_file_error(name) from None
            if name and code in ("InvalidRange", "416"):  # of an object without content
                raise DamagedError(name) from None
            raise self._explain(action, _judge_answer(error.response, code, right)) from None
        except (errors.BotoCoreError, more.Boto3Error) as error:
            raise self._explain(action, self._judge_failure(type(error).__name__)) from None

    def _explain(self, action: str, reason: str) -> SimplyLoadError:
        return self._fault(f"{self._key}: cannot {action} in {self.address}: {reason}")

    def _judge_failure(self, kind: str) -> str:
        """Tell why a request was not sent or not answered."""
        if "Region" in kind:
            return "no region is known: set s3.region"
        if any(word in kind for word in ("Credential", "Profile", "Token", "SSO")):
            return (
                f"no credentials are found ({kind}): set AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a role"
            )
        server = (
            f"s3.endpoint {self._settings.endpoint}" if self._settings.endpoint else "Amazon S3"
        )
        return f"{server} does not answer ({kind}): correct the address, or wait for the server"

    def _at_once(self, function: Callable[[str], _T], names: Sequence[str]) -> list[_T]:
        """Apply a function to names, some at the same time; the first error ends it."""
        _ = self._client  # made before the threads begin
        pool = ThreadPoolExecutor(_WORKERS)
        try:
            return list(pool.map(function, names))
        finally:
            pool.shutdown(cancel_futures=True)


class _Footer(BytesIO):
    """The end of an object, with its name."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


class _ConditionError(Exception):
    """What a conditional write found: PreconditionFailed, or another one at the same moment."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_CONDITIONS = {
    "PreconditionFailed": "PreconditionFailed",
    "412": "PreconditionFailed",
    "ConditionalRequestConflict": "ConditionalRequestConflict",
}
_REFUSED = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "InvalidClientTokenId",
)
_ELSEWHERE = (
    "301",
    "307",
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
)


def _judge_answer(response: Mapping[str, Any], code: str, right: str) -> str:  # noqa: PLR0911
    """Tell what an answer with an error means, and what to do."""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _ELSEWHERE:
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = headers.get("x-amz-bucket-region") or response["Error"].get("Region")
        return f"the bucket is in region {region or 'other than s3.region'}: set s3.region"
    if code == "NoSuchBucket" or status == HTTPStatus.NOT_FOUND:
        return "the bucket is missing: create it, or correct its name"
    if code in _REFUSED:
        return f"the credentials are refused ({code}): renew them in the environment or the profile"
    if code == "RequestTimeTooSkewed":
        return "the clock of this machine is wrong: set it"
    if code.startswith("KMS"):
        return f"the key of s3.kms_key cannot be used ({code}): grant kms:GenerateDataKey on it"
    if status == HTTPStatus.FORBIDDEN:
        return f"it is not allowed ({code}): grant {right} to the credentials"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code == "SlowDown":
        return f"the server fails ({code}) after {_ATTEMPTS} attempts: run again later"
    return f"the server refuses it ({code})"
