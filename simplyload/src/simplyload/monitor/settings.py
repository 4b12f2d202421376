"""The sections `metrics` and `alerts` of the configuration."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class MetricsSettings(BaseModel):
    """Where `sync` shows its metrics: on a port while it stays, or in a file after each run."""

    model_config = ConfigDict(extra="forbid")

    port: int | None = Field(default=None, ge=1, le=65535)
    # The answers name hosts and tables: only this machine reads them, unless you say otherwise.
    host: str = "127.0.0.1"
    textfile: Path | None = None

    @field_validator("textfile")
    @classmethod
    def _check_textfile(cls, textfile: Path | None) -> Path | None:
        if textfile is not None and textfile.suffix != ".prom":
            raise ValueError("node_exporter reads files that end in .prom alone: name it so")
        return textfile


class AlertSettings(BaseModel):
    """Where problems are sent, and from which lag on one is a problem."""

    model_config = ConfigDict(extra="forbid")

    webhook: SecretStr | None = None  # whoever has the address may write to the channel
    # Longer than a daily schedule and its run.
    max_lag: timedelta | None = Field(default=timedelta(hours=36), gt=timedelta())

    @field_validator("webhook")
    @classmethod
    def _check_webhook(cls, webhook: SecretStr | None) -> SecretStr | None:
        address = urlsplit(webhook.get_secret_value()) if webhook else None
        if address and not (address.scheme in {"http", "https"} and address.hostname):
            raise ValueError("it is no address that begins with https://")
        return webhook
