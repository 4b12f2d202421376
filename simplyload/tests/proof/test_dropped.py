"""Someone drops a table of the destination between two runs."""

from contextlib import closing
from typing import Any

import duckdb
import psycopg2
import pytest

from tests.proof.tables import KINDS
from tests.proof.test_workloads import make_trial
from tests.proof.trial import Kind, Mode, Trial
from tests.proof.workload import Application, Change, Delete, Insert, Rekey, Transaction, Update

UUIDS = next(kind for kind in KINDS if kind.name == "uuids")
CHANGES: list[Change] = [
    Update(UUIDS, 1, {"note": "'after the drop'"}),  # its large value is not sent
    Rekey(UUIDS, 2, 7),
    Delete(UUIDS, 3),
    Insert(UUIDS, 6, {"amount": "1.50"}),
]


def drop(trial: Trial) -> None:
    """Drop the table as a user does."""
    if trial.kind == "duckdb":
        with duckdb.connect(trial.target) as warehouse:
            warehouse.execute("drop table shop.uuids")
        return
    with closing(psycopg2.connect(trial.target)) as connection, connection:
        connection.cursor().execute("drop table shop.uuids")


def slow(*way: str) -> Any:
    """A way of loading that `make load-chaos` tries."""
    return pytest.param(*way, marks=pytest.mark.chaos)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        *(("cdc", "duckdb"), ("poll", "postgres"), ("copy", "duckdb")),
        *(slow("cdc", "postgres"), slow("poll", "duckdb"), slow("copy", "postgres")),
    ],
)
def test_a_dropped_table_equals_the_source_after_the_next_run(
    server: str, mode: Mode, kind: Kind
) -> None:
    """Stream, poll and copy bring a dropped table back with every row, and go on from there."""
    with make_trial(server, mode, kind) as trial, closing(Application(trial.source)) as application:
        trial.run()
        drop(trial)
        later: list[Change] = [Update(UUIDS, 4, {"note": "'later'"})]
        for changes in (CHANGES, later):
            application.perform(Transaction(changes, commit=True))
            trial.run()
            assert [line for kind in KINDS for line in trial.find_differences(kind.name)] == []
