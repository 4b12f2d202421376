"""Fixtures: one PostgreSQL server for a test session, one new database for each test."""

import resource
import signal
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import make_dsn

from simplyload.demo.server import run_server
from simplyload.testing.processes import IMPORTED
from tests.proof.databases import AS_FILES

IMPORTED.extend(["tests.core.worker", "tests.proof.trial"])

# The longest files first, so that the workers of pytest-xdist end at about the same time.
LONGEST = [
    "cli/test_cli.py",
    "core/test_bigquery.py",
    "s3/test_retention.py",
    "core/test_schema.py",
    "core/test_kills.py",
    "salesforce/test_changes.py",
    "kit/test_parallel.py",
    "kit/test_stripe.py",
    "kit/test_salesforce.py",
    "s3/test_log.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest files first; xdist hands out whole files in this order."""
    order = {name: position for position, name in enumerate(LONGEST)}
    folder = Path(__file__).parent
    items.sort(key=lambda item: order.get(item.path.relative_to(folder).as_posix(), len(LONGEST)))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the DSN of a PostgreSQL 18 server with logical decoding."""
    with run_server(tmp_path_factory.mktemp("postgres") / "data") as dsn:
        yield dsn


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """Yield the DSN of a new, empty database; its replication slots are dropped afterwards."""
    name = f"db_{uuid.uuid4().hex[:12]}"
    with closing(connect(server)) as admin:
        admin.cursor().execute(f"create database {name} {AS_FILES}")
    yield make_dsn(server, dbname=name)
    drop_database(server, name)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the waits between tries of a request, which take no time."""
    waited: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waited.append)
    return waited


def drop_database(server: str, name: str) -> None:
    """Drop a database and its slots, which a process that ends may still hold."""
    with closing(connect(server)) as admin:
        cursor = admin.cursor()
        cursor.execute(
            "select pg_terminate_backend(pid, 9000) from pg_stat_activity where datname = %s",
            [name],
        )
        cursor.execute(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots"
            " where database = %s",
            [name],
        )
        cursor.execute(f"drop database {name} with (force)")


def connect(dsn: str) -> Connection:
    """Open a connection in which every statement commits at once."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    return connection


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let this process write no file beyond a size, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
