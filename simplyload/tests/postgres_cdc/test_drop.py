"""The end of a stream: what it made is removed, or the remedy named."""

from contextlib import closing

import pytest

from simplyload.errors import SourceError
from tests.postgres_cdc.replica import Database, Replica


def test_the_end_of_a_stream_removes_slot_and_publication(
    source: Database, replica: Replica
) -> None:
    """Both are named; a publication of another role is an error with the statement to run."""
    source.run("create table a (id int primary key)", "create role other_owner superuser")
    replica.sync()
    assert replica.source.drop() == [f"slot {replica.name}", f"publication {replica.name}"]
    assert (source.slots(), source.one("select count(*) from pg_publication")) == ([], 0)
    replica.state = {}
    replica.sync()
    source.run(f"alter publication {replica.name} owner to other_owner")
    try:
        with pytest.raises(SourceError, match=f'DROP PUBLICATION "{replica.name}"'):
            replica.source.drop()
        assert source.slots() == []
    finally:
        source.run(f"drop publication {replica.name}", "drop role other_owner")


def test_a_slot_of_another_database_is_not_dropped(
    source: Database, replica: Replica, server: str
) -> None:
    """A stream of the same name on another database keeps its slot: the owner is named."""
    source.run("create table a (id int primary key)")
    with closing(Database(server).connection) as other, other.cursor() as cursor:
        cursor.execute(f"select pg_create_logical_replication_slot('{replica.name}', 'pgoutput')")
        try:
            with pytest.raises(SourceError, match="database postgres"):
                replica.source.drop()
            cursor.execute("select slot_name from pg_replication_slots where database = 'postgres'")
            assert cursor.fetchall() == [(replica.name,)]
        finally:
            cursor.execute(f"select pg_drop_replication_slot('{replica.name}')")
