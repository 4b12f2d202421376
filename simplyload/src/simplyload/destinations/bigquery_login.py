"""How to sign in to BigQuery: the settings, the credentials, the driver."""

import re
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from simplyload.catalog import Names
from simplyload.destinations.login import LOOPBACK, import_driver
from simplyload.errors import ConfigurationError

_SCOPES = ("https://www.googleapis.com/auth/bigquery",)


def _check_label(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]{0,63}", text):
        raise ValueError("a label has lower-case letters, digits, `_` and `-`, 63 at most")
    return text


_Label = Annotated[str, AfterValidator(_check_label)]


class Layout(BaseModel):
    """How a new table is stored: what its partitions are made of, and the order within them."""

    model_config = ConfigDict(extra="forbid")

    partition_by: str | None = None
    partition_unit: Literal["hour", "day", "month", "year"] = "day"
    cluster_by: list[str] = Field(default=[], max_length=4)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.partition_by is None and not self.cluster_by:
            raise ValueError("set partition_by (a column), cluster_by (a list of columns) or both")
        return self


class BigQuerySettings(BaseModel):
    """The section `destination` with `type: bigquery`.

    `tables` are layouts by `schema.table`. Without `key_file` the credentials are Google's own
    default ones of this machine.
    """

    model_config = ConfigDict(extra="forbid")

    type: Literal["bigquery"] = "bigquery"
    project: str = Field(pattern=r"^[a-z][a-z0-9.:-]{4,}[a-z0-9]$")
    location: str = "US"
    key_file: Path | None = None
    labels: dict[_Label, _Label] = Field(default={}, max_length=60)
    # A statement that would read more fails before it costs anything.
    maximum_bytes_billed: int | None = Field(default=None, ge=10 << 20)
    tables: dict[str, Layout] = {}
    # For a private endpoint; on this machine it needs no credentials.
    endpoint: str | None = None
    names: Names = Names()

    @property
    def is_local(self) -> bool:
        """Return whether the endpoint is a server of this machine."""
        return self.endpoint is not None and urlsplit(self.endpoint).hostname in LOOPBACK

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.endpoint and urlsplit(self.endpoint).scheme != "https" and not self.is_local:
            raise ValueError(f"endpoint begins with https:// except for {', '.join(LOOPBACK)}")
        return self


def load_driver() -> Any:
    """Import Google's client, which is in the extra `bigquery`."""
    return import_driver("bigquery", "google.cloud.bigquery", "google-cloud-bigquery")


def make_client(settings: BigQuerySettings) -> Any:
    """Return a client; it connects at first use."""
    options = {"api_endpoint": settings.endpoint} if settings.endpoint else None
    return load_driver().Client(
        project=settings.project,
        credentials=_read_credentials(settings),
        location=settings.location,
        client_options=options,
        client_info=import_module("google.api_core.client_info").ClientInfo(
            user_agent="simplyload"
        ),
    )


def _read_credentials(settings: BigQuerySettings) -> Any:
    """Read the credentials; ConfigurationError names the setting and the remedy, and no secret."""
    if settings.key_file is not None:
        return _read_key_file(settings.key_file)
    if settings.is_local:
        return import_module("google.auth.credentials").AnonymousCredentials()
    auth = import_module("google.auth")
    try:
        return auth.default(scopes=_SCOPES)[0]
    except auth.exceptions.DefaultCredentialsError:
        raise ConfigurationError(
            "destination.key_file is not set, and this machine has no credentials of Google: run"
            " `gcloud auth application-default login`, or set key_file to a service account's key"
        ) from None


def _read_key_file(path: Path) -> Any:
    accounts = import_module("google.oauth2.service_account")
    try:
        return accounts.Credentials.from_service_account_file(str(path), scopes=_SCOPES)
    except OSError as error:
        raise ConfigurationError(
            f"destination.key_file: {path} cannot be read ({error.strerror}): create a key of the"
            " service account as docs/bigquery.md says, or leave the setting out"
        ) from None
    except (ValueError, KeyError):  # their text may repeat a part of the key
        raise ConfigurationError(
            f"destination.key_file: {path} holds no key of a service account (JSON): create one as"
            " docs/bigquery.md says, or leave the setting out"
        ) from None
