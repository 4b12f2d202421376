"""The PostgreSQL server of the tests and of the demonstration."""

from contextlib import closing

import psycopg2


def test_the_server_decodes_logically(database: str) -> None:
    """A new database of the server can create a logical replication slot."""
    with closing(psycopg2.connect(database)) as connection:
        cursor = connection.cursor()
        cursor.execute("select pg_create_logical_replication_slot('s', 'pgoutput')")
        cursor.execute("select plugin from pg_replication_slots where slot_name = 's'")
        assert cursor.fetchall() == [("pgoutput",)]
