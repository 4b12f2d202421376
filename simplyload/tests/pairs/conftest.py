"""Fixtures: each source with an application that changes it, each destination, and all pairs.

A source or a destination is one fixture here, and nothing is of a pair.
"""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests

from simplyload.testing import SourceKit
from tests.cli.conftest import API_KEY, CONNECTOR, READY, REPOSITORY
from tests.conftest import connect
from tests.core.conftest import bigquery_server, snowflake_server
from tests.kit.test_salesforce import TestSalesforce
from tests.kit.test_stripe import TestStripe
from tests.proof.databases import new_database
from tests.proof.trial import connection_settings
from tests.s3.conftest import Place, credentials, fake_gcs, gcs_place, s3_place, weed

__all__ = [
    "bigquery_server",
    "credentials",
    "fake_gcs",
    "gcs_place",
    "s3_place",
    "snowflake_server",
    "weed",
]
SOURCES = ["postgres", "stripe", "salesforce", "klaviyo"]
DESTINATIONS = ["duckdb", "postgres", "parquet", "s3", "gcs", "snowflake", "bigquery"]


@dataclass
class System:
    """A system that is read: what stands for it under `sources`, and how it changes."""

    settings: dict[str, Any]
    change: Callable[[random.Random], None]
    wait: Callable[[], None]  # until a read finds what was changed


@pytest.fixture
def system(request: pytest.FixtureRequest) -> System:
    """Give the system of the source that a test names."""
    found: System = request.getfixturevalue(f"{request.param}_system")
    return found


@pytest.fixture
def sections(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give what the configuration says of the destination that a test names, and of the log."""
    found: dict[str, Any] = request.getfixturevalue(f"{request.param}_sections")
    return {"log": "log", **found}


# ---- sources ----


def wait_for_nothing() -> None:
    """Do not wait: a read finds what was changed."""


@pytest.fixture
def postgres_system(database: str) -> Iterator[System]:
    """Yield a database whose orders have large notes, with a slot and a publication."""
    with closing(connect(database)) as owner:
        cursor = owner.cursor()
        cursor.execute(
            "create table orders (id int primary key, name text, note text,"
            " amount numeric(12, 2), at timestamptz default now());"
            "alter table orders alter note set storage external;"
            "create sequence moved start 1000;"
            "create publication simplyload_pair for table orders"
        )
        connection = connection_settings(database)
        names = {"slot": f"slot_{connection['database']}", "publication": "simplyload_pair"}
        settings = {"type": "postgres", **connection, **names, "mode": "cdc", "chunk_rows": 20}
        settings["port"] = int(settings["port"])
        yield System(settings, partial(change_orders, cursor), wait_for_nothing)


def change_orders(cursor: psycopg2.extensions.cursor, chooser: random.Random) -> None:
    """Insert, update a part of, move to another key, or delete an order."""
    number, note = chooser.randrange(40), "note " * chooser.choice([1, 900])
    insert = "insert into orders values (%s, %s, %s, %s) on conflict do nothing"
    statements: list[tuple[str, list[Any]]] = [
        *[(insert, [chooser.randrange(40), "é", note, number / 4])] * 4,
        ("update orders set name = name || '!', amount = amount + 1 where id = %s", [number]),
        ("update orders set note = %s where id = %s", [note, number]),
        ("update orders set id = nextval('moved') where id = %s", [number]),
        ("delete from orders where id = %s", [number]),
    ]
    cursor.execute(*chooser.choice(statements))


def start_kit(kit: SourceKit) -> Iterator[System]:
    """Yield the system of a source's kit."""
    with kit.start() as fake:
        yield System(kit.settings(fake), partial(kit.change, fake), partial(kit.wait, fake))


@pytest.fixture
def stripe_system() -> Iterator[System]:
    """Yield a fake Stripe."""
    yield from start_kit(TestStripe())


@pytest.fixture
def salesforce_system() -> Iterator[System]:
    """Yield a fake Salesforce."""
    yield from start_kit(TestSalesforce())


@pytest.fixture
def klaviyo_system(monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """Yield a simulated Klaviyo account whose lists are renamed from day to day."""
    options = "--port 0 --no-limits --campaigns 6 --profiles 20 --now 2026-11-16T15:00:00+00:00"
    command = [sys.executable, "-m", "klaviyo_sandbox", *options.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            assert line.startswith(READY)
            address = line.removeprefix(READY).strip()
            monkeypatch.setenv("KLAVIYO_BASE_URL", address)
            settings = {"type": "klaviyo", "connector": str(CONNECTOR), "api_key": API_KEY}
            settings |= {"tables": "campaign,list,event"}
            yield System(settings, partial(rename_list, address), partial(pass_day, address))
        finally:
            process.terminate()


def rename_list(address: str, chooser: random.Random) -> None:
    """Rename one of the lists."""
    headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-10-15"}
    lists = requests.get(f"{address}/api/lists", headers=headers, timeout=30).json()["data"]
    changes = {"name": f"List {chooser.randrange(10_000)}"}
    edit = {"type": "list", "id": chooser.choice(lists)["id"], "changes": changes}
    requests.post(f"{address}/admin/edit", json=edit, timeout=30).raise_for_status()


def pass_day(address: str) -> None:
    """Let a day pass: the connector reads some tables once a day."""
    clock = {"advance_seconds": 86_400}
    requests.post(f"{address}/admin/clock", json=clock, timeout=30).raise_for_status()


# ---- destinations ----


@pytest.fixture
def duckdb_sections() -> dict[str, Any]:
    """Give a file of DuckDB."""
    return {"destination": {"type": "duckdb", "path": "target.duckdb"}}


@pytest.fixture
def postgres_sections(server: str) -> Iterator[dict[str, Any]]:
    """Yield an empty database of PostgreSQL."""
    with new_database(server) as dsn:
        connection = connection_settings(dsn)
        connection["port"] = int(connection["port"])
        yield {"destination": {"type": "postgres", **connection}}


@pytest.fixture
def parquet_sections() -> dict[str, Any]:
    """Give a folder of Parquet."""
    return {"destination": {"type": "parquet", "path": "lake"}}


@pytest.fixture
def s3_sections(s3_place: Place) -> dict[str, Any]:
    """Give a bucket of S3, in which the log is too."""
    return bucket_sections(s3_place)


@pytest.fixture
def gcs_sections(gcs_place: Place) -> dict[str, Any]:
    """Give a bucket of Google, in which the log is too."""
    return bucket_sections(gcs_place)


def bucket_sections(place: Place) -> dict[str, Any]:
    """Give the lake and the log at a place."""
    return {
        "destination": {"type": "parquet", "path": f"{place.address}/files"},
        "log": f"{place.address}/log",
        place.section: place.options,
    }


@pytest.fixture
def snowflake_sections(snowflake_server: Any) -> dict[str, Any]:
    """Give an empty database of Snowflake."""
    settings = snowflake_server.settings()
    values = settings.model_dump(mode="json", exclude_none=True)
    if settings.private_key:
        values["private_key"] = settings.private_key.get_secret_value()
    return {"destination": values}


@pytest.fixture
def bigquery_sections(bigquery_server: Any) -> dict[str, Any]:
    """Give an empty project of BigQuery."""
    values = bigquery_server.settings().model_dump(mode="json", exclude_none=True)
    return {"destination": values}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder of the configuration."""
    return tmp_path
