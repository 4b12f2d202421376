"""Where the tests of Snowflake run: fakesnow, or an account that variables name.

`SNOWFLAKE_TEST_DATABASE` is a database whose schemas every test drops, so it is for nothing else;
beside it, `SNOWFLAKE_ACCOUNT`, `_USER`, `_PRIVATE_KEY_FILE` or `_PRIVATE_KEY`, `_ROLE` and
`_WAREHOUSE` are as in the section `destination`.
"""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from snowflake import connector

from simplyload.destinations.snowflake import SnowflakeDestination
from simplyload.destinations.snowflake_login import SnowflakeSettings

Row = dict[str, Any]
ACCOUNT = "SNOWFLAKE_ACCOUNT"
DATABASE = "SNOWFLAKE_TEST_DATABASE"
NO_ACCOUNT = f"no account: set {DATABASE} and {ACCOUNT}, see docs/snowflake.md"


class Server:
    """A server, and how to look at it without our code."""

    def __init__(self, address: dict[str, Any]) -> None:
        self.address = address
        self.is_fake = bool(address)

    def settings(self) -> SnowflakeSettings:
        """Give the settings of a database that is empty."""
        if not self.is_fake:
            settings = SnowflakeSettings.model_validate(_from_environment())
            names = "SELECT schema_name FROM information_schema.schemata"
            for (name,) in [tuple(row.values()) for row in self.query(settings, names)]:
                if name not in ("INFORMATION_SCHEMA", "PUBLIC"):
                    self.query(settings, f'DROP SCHEMA "{name}"')
            return settings
        database = f"DB_{uuid.uuid4().hex[:12].upper()}"
        place = {"account": "fakesnow", "user": "fake", "password": "snow", **self.address}
        with closing(connector.connect(**place)) as admin:
            admin.cursor().execute(f"CREATE DATABASE {database}")
        values = {"account": "fakesnow", "database": database, "private_key": make_key()}
        return SnowflakeSettings.model_validate({**values, **self.address})

    def query(self, settings: SnowflakeSettings, sql: str) -> list[Row]:
        """Run a statement; the names of its rows are in lower case, as the source has them."""
        login = SnowflakeDestination(settings)._login()  # noqa: SLF001
        upper = re.sub(r'"[a-z_]+"', lambda name: name[0].upper(), sql)
        with closing(connector.connect(**login)) as connection:
            cursor: Any = connection.cursor(connector.DictCursor)
            rows = cursor.execute(upper).fetchall()
            return [{str(name).lower(): value for name, value in row.items()} for row in rows]


@contextmanager
def run_server() -> Iterator[Server]:
    """Yield the server that the environment chooses."""
    if os.environ.get(DATABASE):
        yield Server({})
        return
    pytest.importorskip("fakesnow", reason="simplyload/requirements.txt is not installed")
    from tests.core.fake_snowflake import run_fake  # noqa: PLC0415 - it is not installed

    with run_fake() as address:
        yield Server(address)


@cache
def make_key() -> str:
    """Make a private key; fakesnow does not verify what it signs."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _from_environment() -> dict[str, str]:
    settings = SnowflakeSettings.model_fields
    values = {name: os.environ.get(f"SNOWFLAKE_{name.upper()}") for name in settings}
    values["database"] = os.environ[DATABASE]
    return {name: value for name, value in values.items() if value}
