"""How to sign in to Snowflake: the settings, the key pair, the driver."""

from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from simplyload.catalog import Names
from simplyload.destinations.login import LOOPBACK, import_driver
from simplyload.errors import ConfigurationError
from simplyload.store import GcsAddress, Location

NO_GCS = "Snowflake reads a bucket of Google by an integration that SimplyLoad does not print"


class SnowflakeSettings(BaseModel):
    """The section `destination` with `type: snowflake`."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["snowflake"] = "snowflake"
    account: str = Field(min_length=1)
    user: str = Field(default="SIMPLYLOAD", min_length=1)
    private_key_file: Path | None = None
    private_key: SecretStr | None = None
    private_key_passphrase: SecretStr | None = None
    password: SecretStr | None = Field(default=None, exclude=True)
    role: str = Field(default="SIMPLYLOAD", min_length=1)
    warehouse: str = Field(default="SIMPLYLOAD", min_length=1)
    database: str = Field(min_length=1)
    query_tag: str = "simplyload"
    # The longest text in bytes; beyond it rows are rejected. A VARCHAR holds 134217728 at most.
    varchar_length: int = Field(default=16 << 20, ge=16 << 20, le=128 << 20)
    # A bucket for the files of a load, instead of Snowflake's own storage: s3://bucket/prefix.
    stage: Location | None = None
    # For a private link or a proxy; without them the account says where it is.
    host: str | None = None
    port: int | None = None
    protocol: Literal["https", "http"] = "https"
    names: Names = Names()

    @field_validator("password", mode="before")
    @classmethod
    def _refuse_password(cls, _password: Any) -> Any:
        raise ValueError(
            "Snowflake lets no user of type SERVICE sign in with a password; set private_key_file"
            " instead (`simplyload setup snowflake` says how)"
        )

    @field_validator("stage")
    @classmethod
    def _refuse_folder(cls, stage: Location | None) -> Location | None:
        if isinstance(stage, Path):
            raise ValueError("Snowflake reads no folder of this machine: set s3://bucket/prefix")  # noqa: TRY004 - of the setting
        if isinstance(stage, GcsAddress):
            raise ValueError(f"{NO_GCS}: set s3://bucket/prefix, or leave it out")  # noqa: TRY004
        return stage

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.private_key is None) == (self.private_key_file is None):
            raise ValueError("set one of private_key_file (a path) and private_key (PEM text)")
        if self.protocol == "http" and self.host not in LOOPBACK:
            raise ValueError(f"protocol http is for {', '.join(LOOPBACK)} alone: use https")
        return self


def load_driver() -> Any:
    """Import Snowflake's connector, which is in the extra `snowflake`."""
    return import_driver("snowflake", "snowflake.connector", "snowflake-connector-python")


def read_private_key(settings: SnowflakeSettings) -> bytes:
    """Read the private key as DER; ConfigurationError names the setting and the remedy."""
    key = "private_key" if settings.private_key_file is None else "private_key_file"
    serialization = import_module("cryptography.hazmat.primitives.serialization")
    passphrase = settings.private_key_passphrase
    try:
        pem = (
            settings.private_key.get_secret_value().encode()
            if settings.private_key
            else Path(str(settings.private_key_file)).read_bytes()
        )
        private = serialization.load_pem_private_key(
            pem, passphrase.get_secret_value().encode() if passphrase else None
        )
    except OSError as error:
        raise ConfigurationError(
            f"destination.{key}: {settings.private_key_file} cannot be read ({error.strerror}): "
            "`simplyload setup snowflake` says how to make a key pair"
        ) from None
    except (TypeError, ValueError):  # their text may repeat a part of the key
        raise ConfigurationError(
            f"destination.{key} holds no private key that private_key_passphrase opens: it is PEM"
            " (PKCS 8), as `simplyload setup snowflake` says"
        ) from None
    der: bytes = private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return der
