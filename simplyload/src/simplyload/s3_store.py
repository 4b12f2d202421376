"""A bucket of Amazon S3, or of a server that speaks its protocol.

By boto3, since it can write an object only if absent (`If-None-Match: *`), which `pyarrow.fs`
cannot, and since it aborts an upload that fails, where `pyarrow.fs` completes the object with what
was written so far. Google's server for this protocol has no such condition: `gcs_store.py`.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache, cached_property
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import model_validator

from simplyload.errors import DamagedError
from simplyload.object_store import (
    DAMAGED_ANSWER,
    PART_BYTES,
    WORKERS,
    BucketSettings,
    ConditionError,
    ObjectStore,
)
from simplyload.store import missing_file_error

_THREADS = 4  # each holds a part
_ATTEMPTS = 5


class S3Settings(BucketSettings):
    """The section `s3`: for each address `s3://...`. Credentials are those of the AWS tools."""

    region: str | None = None
    encryption: Literal["AES256", "aws:kms"] | None = None
    kms_key: str | None = None

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


class S3Store(ObjectStore[S3Settings]):
    """The objects of S3 below an address."""

    provider = "Amazon S3"
    section = "s3"
    package = "boto3"
    module = "boto3.s3.transfer"
    condition = "If-None-Match"
    rights: ClassVar[Mapping[str, str]] = {
        "list": "s3:ListBucket",
        "read": "s3:GetObject",
        "write": "s3:PutObject",
        "delete": "s3:DeleteObject",
        "list uploads": "s3:ListBucketMultipartUploads",
        "abort an upload": "s3:AbortMultipartUpload",
    }

    @property
    def _bucket(self) -> dict[str, str]:
        return {"Bucket": self._at.bucket}

    def _has_any(self, prefix: str) -> bool:
        found = self._client.list_objects_v2(**self._bucket, Prefix=prefix, MaxKeys=1)
        return bool(found.get("Contents"))

    def _list_objects(self, prefix: str, start: str) -> Iterator[tuple[str, datetime]]:
        options = {"StartAfter": start} if start else {}
        pages = self._client.get_paginator("list_objects_v2").paginate(
            **self._bucket, Prefix=prefix, **options
        )
        for page in pages:
            for entry in page.get("Contents", ()):
                yield entry["Key"], entry["LastModified"]

    def _get_object(self, key: str, last: int | None) -> bytes:
        """Read an object; the client sends a request again, but not for a body that is cut off."""
        options = {"Range": f"bytes=-{last}"} if last else {}
        errors = import_module("botocore.exceptions")
        cut = errors.ResponseStreamingError, errors.IncompleteReadError, errors.ReadTimeoutError
        for attempt in range(1, _ATTEMPTS + 1):
            body = self._client.get_object(**self._bucket, Key=key, **options)["Body"]
            try:
                content: bytes = body.read()
            except cut:
                if attempt == _ATTEMPTS:
                    raise
                time.sleep(0.1 * 2**attempt)
            else:
                break
        return content

    def _put_object(self, key: str, content: bytes, **options: str) -> None:
        self._client.put_object(
            **self._bucket, Key=key, Body=content, **options, **self._settings.write_options
        )

    def _create_object(self, key: str, content: bytes) -> None:
        try:
            self._put_object(key, content, IfNoneMatch="*")
        except import_module("botocore.exceptions").ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code not in _CONDITIONS:
                raise
            raise ConditionError(is_present=_CONDITIONS[code]) from None

    def _upload(self, key: str, path: Path) -> None:
        """Send a large file in parts; an upload that fails is aborted."""
        with path.open("rb") as file:
            self._client.upload_fileobj(
                file,
                **self._bucket,
                Key=key,
                ExtraArgs=self._settings.write_options,
                Config=self._parts,
            )

    def _download(self, key: str, path: Path) -> None:
        self._client.download_file(**self._bucket, Key=key, Filename=str(path), Config=self._parts)

    def _delete_object(self, key: str) -> None:
        self._client.delete_object(**self._bucket, Key=key)

    def drop_uploads(self, folder: str, before: datetime, *, dry_run: bool) -> list[str]:
        """Abort uploads in parts: their parts are kept, unseen, and cost as objects do."""
        with self._explain_errors("list uploads"):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                **self._bucket, Prefix=self._key_of(f"{folder}/")
            )
            found = [upload for page in pages for upload in page.get("Uploads", ())]
        old = [upload for upload in found if upload["Initiated"] < before]
        for upload in () if dry_run else old:
            with self._explain_errors("abort an upload"):
                self._client.abort_multipart_upload(
                    **self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
        return [f"{self._name_of(upload['Key'])} (an upload without an end)" for upload in old]

    def _connect(self) -> Any:
        """Connect by the credentials of the environment, a profile, or the machine's role."""
        timeout = self._settings.timeout.total_seconds()
        options = import_module("botocore.config").Config(
            connect_timeout=min(timeout, 10),
            read_timeout=timeout,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=WORKERS * 2,
            s3={"addressing_style": "path" if self._settings.endpoint else "auto"},
        )
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

    def _list_errors(self) -> tuple[type[Exception], ...]:
        errors, more = import_module("botocore.exceptions"), import_module("boto3.exceptions")
        return errors.ClientError, errors.BotoCoreError, more.Boto3Error

    def _judge(self, error: Any, right: str, name: str) -> Exception | str:
        if not isinstance(error, import_module("botocore.exceptions").ClientError):
            return self._judge_failure(type(error).__name__)
        code = str(error.response.get("Error", {}).get("Code", ""))
        if name and code in ("NoSuchKey", "404"):
            return missing_file_error(name)
        if name and code in ("InvalidRange", "416"):  # of an object without content
            return DamagedError(name)
        return _judge_answer(error.response, code, right)

    def _judge_failure(self, kind: str) -> str:
        """Tell why a request was not sent or not answered."""
        if kind == "InvalidRegionError":
            return "the region is no name of one, such as eu-central-1: correct s3.region"
        if "Region" in kind:
            return "no region is known: set s3.region"
        if any(word in kind for word in ("Credential", "Profile", "Token", "SSO")):
            return (
                f"no credentials are found ({kind}): set AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a role"
            )
        return DAMAGED_ANSWER if "Checksum" in kind else self._describe_silence(kind)


_CONDITIONS = {"PreconditionFailed": True, "412": True, "ConditionalRequestConflict": False}
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
