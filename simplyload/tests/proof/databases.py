"""New databases within one test: a workload needs one for each of its examples."""

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2.extensions import make_dsn

AS_FILES = "strategy file_copy"  # quicker than through the log, of which a slot keeps all
# A process that was killed holds its slot until the server notices.
CLEAN_UP = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
    "select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = %s",
)


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """Create an empty database, yield its DSN, drop it with its replication slots."""
    name = f"db_{uuid.uuid4().hex[:12]}"
    _execute(server, f"create database {name} {AS_FILES}")
    try:
        yield make_dsn(server, dbname=name)
    finally:
        for statement in CLEAN_UP:
            _execute(server, statement, name)
        _execute(server, f"drop database {name} with (force)")


def _execute(dsn: str, statement: str, *parameters: str) -> None:
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement, parameters)
