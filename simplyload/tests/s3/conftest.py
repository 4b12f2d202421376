"""Fixtures: a bucket of each kind on a server, and targets whose log or files are in it."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import boto3
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from simplyload.destinations.destination import Destination
from simplyload.destinations.parquet import ParquetDestination, ParquetSettings
from simplyload.errors import DestinationError, LogError
from simplyload.gcs_store import GcsSettings, GcsStore
from simplyload.log import ChangeLog
from simplyload.object_store import ObjectStore
from simplyload.s3_store import S3Settings, S3Store
from simplyload.store import GcsAddress, S3Address
from tests.core.conftest import (
    Target,
    duckdb_target,
    no_query,
    snowflake_server,
    snowflake_target,
)
from tests.s3.proxy import Proxy, run_proxy
from tests.s3.server import run_gcs, run_weed, secret_of

__all__ = ["duckdb_target", "snowflake_server", "snowflake_target"]
BUCKET = "lake"
ON_S3 = pytest.mark.parametrize("place", ["s3"], indirect=True)
ON_GCS = pytest.mark.parametrize("place", ["gcs"], indirect=True)


@dataclass
class Place(ABC):
    """A part of a bucket that is a test's own, and how this machine reaches it."""

    endpoint: str
    prefix: str
    scratch: Path
    timeout: str = "PT5S"

    section: ClassVar[str]
    scheme: ClassVar[str]

    @property
    def address(self) -> str:
        """Give the address as a configuration has it."""
        return f"{self.scheme}://{BUCKET}/{self.prefix}"

    @property
    def options(self) -> dict[str, str]:
        """Give what the configuration says of the server."""
        return {"endpoint": self.endpoint, "timeout": self.timeout}

    @abstractmethod
    def store(self, name: str = "log", **changes: Any) -> ObjectStore[Any]:
        """Give a part of it as a store."""

    def elsewhere(self, machine: str) -> Self:
        """Give the same place as another machine reaches it."""
        return replace(self, scratch=self.scratch.parent / machine)

    def through(self, proxy: Proxy) -> Self:
        """Give the same place behind a proxy."""
        return replace(self, endpoint=proxy.address)

    @abstractmethod
    def client(self) -> Any:
        """Look at it without our code."""

    @abstractmethod
    def buckets(self) -> set[str]:
        """Name the buckets of the server."""

    @abstractmethod
    def keys(self) -> list[str]:
        """List the keys of the objects."""

    def objects(self) -> set[str]:
        """List the objects, named from the place on."""
        return {key.removeprefix(f"{self.prefix}/") for key in self.keys()}

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Read an object."""

    @abstractmethod
    def begin_upload(self, name: str) -> list[str]:
        """Begin an upload that has no end; give its name where the server lists such."""

    @abstractmethod
    def uploads(self) -> list[str]:
        """List the uploads that are not complete."""


class S3Place(Place):
    """A part of a bucket of S3."""

    section = "s3"
    scheme = "s3"

    def store(self, name: str = "log", **changes: Any) -> S3Store:
        """Give a part of it as a store."""
        fault = LogError if name == "log" else DestinationError
        settings = S3Settings.model_validate({**self.options, **changes})
        address = S3Address(BUCKET, f"{self.prefix}/{name}")
        return S3Store(address, settings, name, fault, self.scratch / name)

    def client(self) -> Any:
        """Give Amazon's client."""
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")

    def buckets(self) -> set[str]:
        """Name the buckets of the server."""
        return {bucket["Name"] for bucket in self.client().list_buckets()["Buckets"]}

    def keys(self) -> list[str]:
        """List the keys of the objects."""
        pages = self.client().get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=BUCKET, Prefix=f"{self.prefix}/")
        return [entry["Key"] for page in found for entry in page.get("Contents", ())]

    def read(self, name: str) -> bytes:
        """Read an object."""
        found = self.client().get_object(Bucket=BUCKET, Key=f"{self.prefix}/{name}")
        content: bytes = found["Body"].read()
        return content

    def begin_upload(self, name: str) -> list[str]:
        """Begin an upload in parts, which is kept and listed."""
        self.client().create_multipart_upload(Bucket=BUCKET, Key=f"{self.prefix}/{name}")
        return [name]

    def uploads(self) -> list[str]:
        """List the uploads that are not complete."""
        found = self.client().list_multipart_uploads(Bucket=BUCKET, Prefix=f"{self.prefix}/")
        return [key["Key"].removeprefix(f"{self.prefix}/") for key in found.get("Uploads", ())]


class GcsPlace(Place):
    """A part of a bucket of Google Cloud Storage."""

    section = "gcs"
    scheme = "gs"

    def store(self, name: str = "log", **changes: Any) -> GcsStore:
        """Give a part of it as a store."""
        fault = LogError if name == "log" else DestinationError
        settings = GcsSettings.model_validate({**self.options, **changes})
        address = GcsAddress(BUCKET, f"{self.prefix}/{name}")
        return GcsStore(address, settings, name, fault, self.scratch / name)

    def client(self) -> Any:
        """Give Google's client."""
        return google_client(self.endpoint)

    def buckets(self) -> set[str]:
        """Name the buckets of the server."""
        return {bucket.name for bucket in self.client().list_buckets()}

    def keys(self) -> list[str]:
        """List the keys of the objects."""
        return [blob.name for blob in self.client().list_blobs(BUCKET, prefix=f"{self.prefix}/")]

    def read(self, name: str) -> bytes:
        """Read an object."""
        blob = self.client().bucket(BUCKET).blob(f"{self.prefix}/{name}")
        content: bytes = blob.download_as_bytes()
        return content

    def begin_upload(self, name: str) -> list[str]:
        """Begin a resumable upload, which no request lists."""
        self.client().bucket(BUCKET).blob(f"{self.prefix}/{name}").create_resumable_upload_session()
        return []

    def uploads(self) -> list[str]:
        """Give none: no request lists them."""
        return []


def google_client(address: str) -> Any:
    """Give Google's client of a server of this machine."""
    return storage.Client(
        project="project",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": address},
    )


@dataclass
class BucketTarget(Target):
    """The destination `parquet` in a bucket, and the log in the same one."""

    place: Place | None = None

    def destination(self) -> Destination:
        """Connect as a new process does."""
        assert self.place
        return ParquetDestination(self.settings, self.place.store("files"))


def bucket_target(place: Place) -> BucketTarget:
    """Give the log and the files at a place."""
    log = ChangeLog(place.store())
    settings = ParquetSettings.model_validate({"path": place.store("files").address})
    return BucketTarget("bucket", settings, no_query, log, place=place)


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of SeaweedFS, which has the bucket."""
    with run_weed(tmp_path_factory.mktemp("weed")) as address:
        credentials = {"aws_access_key_id": "owner", "aws_secret_access_key": secret_of("owner")}
        client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **credentials)
        client.create_bucket(Bucket=BUCKET)
        yield address


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of fake-gcs-server, which has the bucket."""
    with run_gcs(tmp_path_factory.mktemp("gcs")) as address:
        google_client(address).create_bucket(BUCKET)
        yield address


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set the credentials as the AWS tools read them, and no others; none of Google's."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "owner")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret_of("owner"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "CLOUDSDK_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "no file"))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.fixture
def s3_place(weed: str, tmp_path: Path) -> S3Place:
    """Give an empty place on S3."""
    return S3Place(weed, f"t/{uuid.uuid4().hex}", tmp_path / "machine")


@pytest.fixture
def gcs_place(fake_gcs: str, tmp_path: Path) -> GcsPlace:
    """Give an empty place on Google Cloud Storage."""
    return GcsPlace(fake_gcs, f"t/{uuid.uuid4().hex}", tmp_path / "machine")


@pytest.fixture(params=["s3", "gcs"])
def place(request: pytest.FixtureRequest) -> Place:
    """Give an empty place of each kind."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
def target(place: Place) -> BucketTarget:
    """Give an empty destination in a bucket."""
    return bucket_target(place)


@pytest.fixture
def proxy(place: Place) -> Iterator[Proxy]:
    """Yield a proxy before the server."""
    with run_proxy(place.endpoint) as proxy:
        yield proxy


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a request that fails be sent twice at most, or again for a second."""
    monkeypatch.setattr("simplyload.s3_store._ATTEMPTS", 2)
    monkeypatch.setattr("simplyload.gcs_store._RETRY_SECONDS", 1.0)
