"""Snowflake in tests: dbt's own adapter on fakesnow, in .venv-snowflake (snowflake_server.py)."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.raw_tables import Rows
from tests.warehouse import dbt
from tests.warehouse.engines import RAW_SCHEMA

SERVER = Path(__file__).with_name("snowflake_server.py")
MISSING = ".venv-snowflake is missing: `make chaos` or `make .venv-snowflake/.stamp` creates it"


class Snowflake:
    """A server that has one database, `analytics`."""

    def __init__(self, server: subprocess.Popen[str], folder: Path) -> None:
        self._server, self._folder = server, folder
        self.environment = {
            "DBT_TARGET": "snowflake",
            "DBT_PROFILES_DIR": str(_write_profile(folder, int(self._read_line()))),
            "KLAVIYO_RAW_SCHEMA": RAW_SCHEMA,
            "SNOWFLAKE_ACCOUNT": "fakesnow",
            "SNOWFLAKE_USER": "fake",
            "SNOWFLAKE_PASSWORD": "snow",
            "SNOWFLAKE_DATABASE": "analytics",
        }

    def load(self, file: Path) -> None:
        """Copy the raw tables."""
        self._request(load=str(file))

    def rows(self, schemas: Mapping[str, str]) -> dict[str, Rows]:
        """The rows of models."""
        self._request(export=str(self._folder), models=dict(schemas))
        return {name: _read_parquet(self._folder / f"{name}.parquet") for name in schemas}

    def _request(self, **request: Any) -> None:
        assert self._server.stdin
        print(json.dumps(request), file=self._server.stdin, flush=True)
        assert self._read_line() == "done\n"

    def _read_line(self) -> str:
        assert self._server.stdout
        return self._server.stdout.readline()


def _read_parquet(file: Path) -> Rows:
    """The rows of a file."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        table = connection.read_parquet(str(file))
        return [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]


def _write_profile(folder: Path, port: int) -> Path:
    """Write the project's own profile with the address of this server."""
    profile = yaml.safe_load((dbt.PROJECT / "profiles.yml").read_text())
    profile["klaviyo_warehouse"]["outputs"]["snowflake"] |= {
        "host": "127.0.0.1",
        "port": port,
        "protocol": "http",
        "threads": 1,
    }
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    return folder


@contextmanager
def run_snowflake(folder: Path) -> Iterator[Snowflake]:
    """An empty server, with a profile in `folder` that connects to it."""
    if not dbt.SNOWFLAKE_DBT.exists():
        pytest.skip(MISSING)
    command = [str(dbt.SNOWFLAKE_DBT.with_name("python")), "-P", str(SERVER)]
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as server,
    ):
        yield Snowflake(server, folder)
        server.communicate()
