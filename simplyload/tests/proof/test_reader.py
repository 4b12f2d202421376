"""The comparison itself: it would see what a wrong loader does."""

from contextlib import closing

import psycopg2
import pytest

from tests.proof.reader import find_differences, read_postgres, read_source
from tests.proof.tables import KINDS
from tests.proof.workload import Application, Fill, Insert, Transaction

FAULTS = {
    "a cell": "update dest.{table} set {column} = null where ctid in"
    " (select ctid from dest.{table} where {column} is not null limit 1)",
    "a row too few": "delete from dest.{table} where ctid in"
    " (select ctid from dest.{table} limit 1)",
    "a row twice": "insert into dest.{table} select * from dest.{table} limit 1",
    "a deleted row": "update dest.{table} set _deleted = true",
}
# The values of the last choices that no destination holds.
UNHELD = "update dest.every_type set a_date = null, a_timestamp = null, a_timestamptz = null"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_comparison_names_a_difference(database: str, fault: str) -> None:
    """A cell, a row too few, a row twice, a row marked deleted are differences; a copy has none."""
    with closing(Application(database)) as application:
        for kind in KINDS:
            column = list(kind.values)[-1]
            values = {column: kind.values[column][-1]}
            application.perform(
                Transaction([Insert(kind, 1, values), Fill(kind, 1_000, 3)], commit=True)
            )
    with closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("create schema dest")
        for kind in KINDS:
            table, column = f'"{kind.name}"', list(kind.values)[-1]
            cursor.execute(f"create table dest.{table} as select *, false _deleted from {table}")
            if kind.name == "every_type":
                cursor.execute(UNHELD)
            read, source = read_postgres(database, "dest"), read_source(database, kind.name)
            assert find_differences(source, read, kind.name) == []
            cursor.execute(fault.format(table=table, column=column))
            assert find_differences(source, read, kind.name) != []
