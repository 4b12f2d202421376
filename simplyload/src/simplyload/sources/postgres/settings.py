"""The settings of a Postgres source, as in `simplyload.yml`."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

Mode = Literal["auto", "cdc", "poll", "copy"]


# A pattern is `schema.table`; `*` matches any characters, `?` one.
def _check_pattern(pattern: str) -> str:
    if not all(pattern.partition(".")):
        raise ValueError("a table is named with its schema: public.orders, or public.* for all")
    return pattern


TablePattern = Annotated[str, AfterValidator(_check_pattern)]


class PostgresSettings(BaseModel):
    """One Postgres database. Keys of `cursors` and `soft_delete` are tables: `public.orders`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["postgres"]
    host: str = Field(min_length=1)
    port: int = Field(5432, ge=1, le=65535)
    database: str = Field(min_length=1)
    user: str = Field(min_length=1)
    password: SecretStr | None = None
    # `require` encrypts and verifies nothing; `verify-full` checks certificate and host name.
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: str | None = None
    mode: Mode = "auto"
    tables: list[TablePattern] = Field(default=["public.*"], min_length=1)
    # What `tables` chooses and is not wanted.
    exclude: list[TablePattern] = Field(default_factory=list)
    # The schema of the destination; the stream's name when it is absent.
    schema_: str | None = Field(None, alias="schema")
    # A pooler cannot pass on replication: the host of the database itself, for that connection.
    replication_host: str | None = None
    replication_port: int | None = Field(None, ge=1, le=65535)
    slot: str | None = Field(None, pattern=r"^[a-z0-9_]{1,63}$")
    publication: str | None = None
    # How long the first streaming run waits for transactions that are open.
    slot_timeout: timedelta = timedelta(minutes=30)
    # A renamed table would fill a second table in the destination: stop, or copy it there.
    rename: Literal["stop", "follow"] = "stop"
    # Write a logical message at each read, so that the slot moves on a server without other writes.
    heartbeat: bool = False
    cursors: dict[str, str] = Field(default_factory=dict)
    soft_delete: dict[str, str] = Field(default_factory=dict)
    # How far below the newest cursor value poll reads again: clocks of several writers differ.
    overlap: timedelta = timedelta(minutes=10)
    # How often poll compares all keys to find hard deletes.
    delete_scan: timedelta = timedelta(days=1)
    # Rows that a statement reads. Three chunks of a copy fill a row group of DuckDB.
    chunk_rows: int = Field(40_960, ge=1)

    @model_validator(mode="after")
    def _check_soft_delete(self) -> Self:
        """Soft deletes are for modes without real ones."""
        if self.soft_delete and self.mode not in {"poll", "copy"}:
            raise ValueError("soft_delete needs mode: poll or copy; the stream has real deletes")
        return self

    def slot_name(self, stream: str) -> str:
        """Return the slot's name: the one configured, or one made of the stream's name."""
        letters = (letter if letter.isalnum() else "_" for letter in stream.lower())
        return self.slot or f"simplyload_{''.join(letters)}"[:63]

    def publication_name(self, stream: str) -> str:
        """Return the publication's name: the one configured, or that of the slot."""
        return self.publication or self.slot_name(stream)
