"""Fixtures: a source database and a replica of it."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.postgres_cdc.replica import Database, Replica


@pytest.fixture
def source(database: str) -> Iterator[Database]:
    """Yield the source database."""
    source = Database(database)
    yield source
    source.connection.close()


@pytest.fixture
def replica(database: str) -> Iterator[Replica]:
    """Yield a replica of every table in `public`."""
    replica = Replica(database)
    yield replica
    replica.source.close()


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait for what the server does on its own after a message."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True
