"""Copies files to Amazon S3. `make pipeline` installs its client, `make demo` does not."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from scripts.command import CommandError


def upload(file: Path, bucket: str, key: str, metadata: Mapping[str, str]) -> None:
    """Copy the file to S3 with its metadata, and with a checksum that S3 verifies."""
    with file.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    extra = {"ChecksumAlgorithm": "SHA256", "Metadata": {**metadata, "sha256": sha256}}
    try:
        s3 = boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))
        s3.upload_file(str(file), bucket, key, extra)
    except (Boto3Error, BotoCoreError, ClientError) as error:
        address = f"s3://{bucket}/{key}"
        raise CommandError(f"The upload to {address} failed; {file} is kept: {error}") from None
