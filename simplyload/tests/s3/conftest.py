"""Fixtures: a bucket of a real server, and targets whose log or files are in it."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from simplyload.destinations.destination import Destination
from simplyload.destinations.parquet import ParquetDestination, ParquetSettings
from simplyload.errors import DestinationError, LogError
from simplyload.log import ChangeLog
from simplyload.object_store import S3Settings, S3Store
from simplyload.store import S3Address
from tests.core.conftest import Target, duckdb_target, no_query
from tests.s3.proxy import Proxy, running_proxy
from tests.s3.server import running_weed, secret_of

__all__ = ["duckdb_target"]
BUCKET = "lake"


@dataclass
class Place:
    """A part of a bucket that is a test's own, and how this machine reaches it."""

    endpoint: str
    prefix: str
    scratch: Path
    timeout: str = "PT5S"

    @property
    def settings(self) -> S3Settings:
        """Give the section `s3`."""
        return S3Settings.model_validate({"endpoint": self.endpoint, "timeout": self.timeout})

    def store(self, name: str = "log", **changes: Any) -> S3Store:
        """Give a part of it as a store."""
        fault = LogError if name == "log" else DestinationError
        settings = self.settings.model_copy(update=changes)
        address = S3Address(BUCKET, f"{self.prefix}/{name}")
        return S3Store(address, settings, name, fault, self.scratch / name)

    def elsewhere(self, machine: str) -> "Place":
        """Give the same place as another machine reaches it."""
        return replace(self, scratch=self.scratch.parent / machine)

    def through(self, proxy: Proxy) -> "Place":
        """Give the same place behind a proxy."""
        return replace(self, endpoint=proxy.address)

    def client(self) -> Any:
        """Look at it without our code."""
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")

    def objects(self) -> set[str]:
        """List the objects, named from the place on."""
        pages = self.client().get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=BUCKET, Prefix=f"{self.prefix}/")
        keys = [entry["Key"] for page in found for entry in page.get("Contents", ())]
        return {key.removeprefix(f"{self.prefix}/") for key in keys}

    def uploads(self) -> list[str]:
        """List the uploads that are not complete."""
        found = self.client().list_multipart_uploads(Bucket=BUCKET, Prefix=f"{self.prefix}/")
        return [upload["Key"] for upload in found.get("Uploads", ())]


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
    with running_weed(tmp_path_factory.mktemp("weed")) as address:
        credentials = {"aws_access_key_id": "owner", "aws_secret_access_key": secret_of("owner")}
        client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **credentials)
        client.create_bucket(Bucket=BUCKET)
        yield address


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set the credentials as the AWS tools read them, and no others."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "owner")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret_of("owner"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "no file"))


@pytest.fixture
def place(weed: str, tmp_path: Path) -> Place:
    """Give an empty place."""
    return Place(weed, f"t/{uuid.uuid4().hex}", tmp_path / "machine")


@pytest.fixture
def target(place: Place) -> BucketTarget:
    """Give an empty destination in a bucket."""
    return bucket_target(place)


@pytest.fixture
def proxy(weed: str) -> Iterator[Proxy]:
    """Yield a proxy before the server."""
    with running_proxy(weed) as proxy:
        yield proxy
