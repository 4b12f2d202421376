"""A bucket of Google Cloud Storage.

By Google's own client: it writes an object only if absent (`ifGenerationMatch=0`), finds the
credentials of Google's tools, and its errors have the status and the word of the answer, by which
they are explained. `obstore` needs less, but its errors are text, in which addresses and answers
are quoted. Google's server for the protocol of S3 has no such condition for writes.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import field_validator

from simplyload.destinations.login import LOOPBACK
from simplyload.errors import DamagedError
from simplyload.object_store import (
    DAMAGED_ANSWER,
    PART_BYTES,
    BucketSettings,
    ConditionError,
    ObjectStore,
)
from simplyload.store import missing_file_error

_SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write",)
_RETRY_SECONDS = 60.0  # for which a request is sent again
# Without it the client asks for the bucket too, to trace requests: a right that nothing here needs.
_NO_METADATA = "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"


class GcsSettings(BucketSettings):
    """The section `gcs`: for each address `gs://...`. Credentials are those of Google's tools."""

    @property
    def is_local(self) -> bool:
        """Return whether the endpoint is a server of this machine, which needs no credentials."""
        return self.endpoint is not None and urlsplit(self.endpoint).hostname in LOOPBACK

    @field_validator("endpoint")
    @classmethod
    def _check_scheme(cls, endpoint: str | None) -> str | None:
        """Refuse to send a token that anyone on the way can read."""
        parts = urlsplit(endpoint or "https://-")
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError(f"it begins with https:// except for {', '.join(LOOPBACK)}")
        return endpoint


class GcsStore(ObjectStore[GcsSettings]):
    """The objects of Google Cloud Storage below an address."""

    provider = "Google Cloud Storage"
    section = "gcs"
    package = "google-cloud-storage"
    module = "google.cloud.storage"
    condition = "ifGenerationMatch"
    rights: ClassVar[Mapping[str, str]] = {
        "list": "storage.objects.list",
        "read": "storage.objects.get",
        "write": "storage.objects.create and storage.objects.delete",  # the other to replace one
        "delete": "storage.objects.delete",
    }

    def _has_any(self, prefix: str) -> bool:
        found = self._client.list_blobs(
            self._at.bucket, prefix=prefix, max_results=1, **self._options
        )
        return any(True for _ in found)

    def _list_objects(self, prefix: str, start: str) -> Iterator[tuple[str, datetime]]:
        found = self._client.list_blobs(
            self._at.bucket,
            prefix=prefix,
            start_offset=start or None,
            fields="items(name,updated),nextPageToken",
            **self._options,
        )
        return ((blob.name, blob.updated) for blob in found)

    def _get_object(self, key: str, last: int | None) -> bytes:
        start = -last if last else None
        content: bytes = self._blob(key).download_as_bytes(start=start, **self._options)
        return content

    def _put_object(self, key: str, content: bytes, **options: int) -> None:
        self._blob(key).upload_from_string(
            content, "application/octet-stream", **options, **self._options
        )

    def _create_object(self, key: str, content: bytes) -> None:
        errors = import_module("google.api_core.exceptions")
        try:
            self._put_object(key, content, if_generation_match=0)
        except (errors.PreconditionFailed, errors.Conflict) as error:
            is_present = isinstance(error, errors.PreconditionFailed)
            raise ConditionError(is_present=is_present) from None

    def _upload(self, key: str, path: Path) -> None:
        """Send a large file in parts; Google drops an upload without an end after a week."""
        blob = self._blob(key, chunk_size=PART_BYTES)
        blob.upload_from_filename(path, "application/octet-stream", **self._options)

    def _download(self, key: str, path: Path) -> None:
        part = path.with_suffix(".part")
        self._blob(key).download_to_filename(part, **self._options)
        part.replace(path)

    def _delete_object(self, key: str) -> None:
        try:
            self._blob(key).delete(**self._options)
        except import_module("google.api_core.exceptions").NotFound:
            return

    def drop_uploads(self, folder: str, before: datetime, *, dry_run: bool) -> list[str]:  # noqa: ARG002
        """Return none: Google lists no upload without an end, and drops it after a week."""
        return []

    def _blob(self, key: str, **options: int) -> Any:
        return self._client.bucket(self._at.bucket).blob(key, **options)

    @property
    def _options(self) -> dict[str, Any]:
        """Return how long a request takes at most, and which are sent again."""
        timeout = self._settings.timeout.total_seconds()
        retry = import_module("google.cloud.storage.retry").DEFAULT_RETRY
        return {
            "timeout": (min(timeout, 10), timeout),
            "retry": retry.with_timeout(_RETRY_SECONDS).with_delay(initial=0.2, maximum=10),
        }

    def _connect(self) -> Any:
        """Connect by the credentials of Google's tools; no project is needed."""
        os.environ.setdefault(_NO_METADATA, "true")
        endpoint = (self._settings.endpoint or "").rstrip("/")
        return import_module("google.cloud.storage").Client(
            project=None,
            credentials=self._find_credentials(),
            client_options={"api_endpoint": endpoint} if endpoint else None,
            client_info=import_module("google.api_core.client_info").ClientInfo(
                user_agent="simplyload"
            ),
        )

    def _find_credentials(self) -> Any:
        auth = import_module("google.auth")
        if self._settings.is_local:
            return import_module("google.auth.credentials").AnonymousCredentials()
        try:
            return auth.default(scopes=_SCOPES)[0]
        except OSError as error:  # of a file of credentials
            raise auth.exceptions.DefaultCredentialsError from error

    def _list_errors(self) -> tuple[type[Exception], ...]:
        return (
            import_module("google.api_core.exceptions").GoogleAPIError,
            import_module("google.auth.exceptions").GoogleAuthError,
            import_module("google.cloud.storage.exceptions").DataCorruption,
            import_module("google.cloud.storage.exceptions").InvalidResponse,
            import_module("requests").RequestException,
        )

    def _judge(self, error: Any, right: str, name: str) -> Exception | str:
        error = getattr(error, "cause", None) or error  # of the last attempt
        if type(error).__name__ == "DataCorruption":  # its answer is without a fault, and consumed
            return DAMAGED_ANSWER
        status, reason = _read_answer(error)
        if name and status == HTTPStatus.NOT_FOUND:
            return missing_file_error(name)
        if name and status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # without content
            return DamagedError(name)
        return _judge_answer(status, reason, right) if status else self._judge_failure(error)

    def _judge_failure(self, error: Exception) -> str:
        """Tell why a request was not sent or not answered."""
        auth, kind = import_module("google.auth.exceptions"), type(error).__name__
        if isinstance(error, auth.InvalidOperation):
            return (
                f"gcs.endpoint {self._settings.endpoint} wants credentials, which SimplyLoad sends"
                " to no server of this machine: name another server"
            )
        if isinstance(error, auth.DefaultCredentialsError):
            return (
                f"no credentials are found ({kind}): run `gcloud auth application-default login`,"
                " or set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account's key, or"
                " give this machine a service account"
            )
        if isinstance(error, auth.GoogleAuthError) and not isinstance(error, auth.TransportError):
            return _refuse_credentials(kind)
        return self._describe_silence(kind)


_BILLING = ("accountDisabled", "userProjectAccountProblem", "billingNotEnabled")


def _read_answer(error: Any) -> tuple[int, str]:
    """Return the status of an answer, 0 without one, and the word by which it names its cause."""
    response: Any = getattr(error, "response", None)
    status: int = getattr(error, "code", 0) or getattr(response, "status_code", 0)
    try:
        reason = str(response.json()["error"]["errors"][0]["reason"])
    except (AttributeError, LookupError, TypeError, ValueError):
        return status, ""
    return status, reason if reason.isalpha() else ""


def _judge_answer(status: int, reason: str, right: str) -> str:  # noqa: PLR0911
    """Tell what an answer with an error means, and what to do."""
    code = f"{status} {reason}".strip()
    if status == HTTPStatus.NOT_FOUND:
        return "the bucket is missing: create it, or correct its name"
    if status == HTTPStatus.UNAUTHORIZED:
        return _refuse_credentials(code)
    if reason in _BILLING:
        return f"the bucket's project cannot be billed ({code}): turn on its billing"
    if reason == "retentionPolicyNotMet":
        return f"the bucket's retention policy keeps the object ({code}): use another bucket"
    if status == HTTPStatus.FORBIDDEN:
        return f"it is not allowed ({code}): grant {right} to the credentials"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return f"the server fails ({code}) for {_RETRY_SECONDS:.0f} seconds: run again later"
    return f"the server refuses it ({code})"


def _refuse_credentials(code: str) -> str:
    return (
        f"the credentials are refused ({code}): renew them by `gcloud auth application-default"
        " login`, or the key in the file of GOOGLE_APPLICATION_CREDENTIALS"
    )
