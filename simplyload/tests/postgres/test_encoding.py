"""A database of encoding SQL_ASCII takes any bytes: those that are no UTF-8 are named."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Literal

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from simplyload.errors import SourceError
from tests.conftest import connect, drop_database
from tests.postgres_cdc.replica import Replica

TABLE = (
    "create table t (id text primary key, n int, note text, at timestamptz default now())",
    "insert into t values ('1', 1, 'ä')",
)
BAD = {
    "note": "insert into t values ('2', 2, E'a\\xff')",
    "id": "insert into t values (E'b\\xff', 2, 'x')",
}


@pytest.fixture
def ascii_database(server: str) -> Iterator[str]:
    """Yield a database of encoding SQL_ASCII."""
    name = f"ascii_{uuid.uuid4().hex[:12]}"
    with closing(connect(server)) as admin:
        locale = "template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'"
        admin.cursor().execute(f"create database {name} {locale}")
    yield make_dsn(server, dbname=name)
    drop_database(server, name)


def run(dsn: str, *statements: str) -> None:
    """Run statements as an application does."""
    with closing(psycopg2.connect(dsn, client_encoding="UTF8")) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.parametrize("column", BAD)
@pytest.mark.parametrize("mode", ["copy", "poll", "cdc"])
def test_bytes_that_are_no_utf8_are_named_by_table_and_column(
    ascii_database: str, mode: Literal["copy", "poll", "cdc"], column: str
) -> None:
    """The error has table, column and remedy; once the value is corrected all rows arrive."""
    run(ascii_database, *TABLE)
    options: dict[str, Any] = {"mode": mode, "cursors": {"public.t": "at"}, "chunk_rows": 1}
    replica = Replica(ascii_database, **options)
    with closing(replica.source):
        replica.sync()
        run(ascii_database, BAD[column])
        with pytest.raises(SourceError, match=rf"public\.t\.{column} holds bytes .* as UTF-8"):
            replica.sync()
        run(ascii_database, "delete from t where n = 2", "insert into t values ('3', 3, 'ö')")
        if mode == "cdc":
            assert replica.source.drop()
        replica.sync()
        assert [row["id"] for row in replica.memory.rows("t")] == ["1", "3"]
