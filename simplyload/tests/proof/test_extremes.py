"""Values at the edges of their types, in odd zones."""

from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from tests.proof.tables import EVERY_TYPE, KINDS
from tests.proof.test_workloads import make_trial
from tests.proof.trial import Kind
from tests.proof.workload import Application, Change, Insert, Transaction, Update

TABLE = next(kind for kind in KINDS if kind.name == "every_type")
LARGE_JSON = "(select jsonb_agg(md5(i::text)) from generate_series(1, 30000) i)"  # 1 MB


def insert_extremes(first: int) -> Transaction:
    """Give rows that together have every value of every column, and a large document."""
    most = max(map(len, EVERY_TYPE.values()))
    rows: list[Change] = [
        Insert(
            TABLE,
            first + number,
            {name: values[number % len(values)] for name, values in EVERY_TYPE.items()},
        )
        for number in range(most)
    ]
    return Transaction([*rows, Insert(TABLE, first + most, {"a_jsonb": LARGE_JSON})], commit=True)


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_r20_a34_every_value_arrives_by_copy_and_by_stream(server: str, kind: Kind) -> None:
    """Extremes of each type arrive unmoved, whatever zone the databases have, and stay so."""
    with (
        make_trial(server, "cdc", kind) as trial,
        closing(Application(trial.source)) as application,
    ):
        for dsn in {trial.source, trial.target} if kind == "postgres" else {trial.source}:
            set_zone(dsn)
        application.perform(insert_extremes(1000))
        trial.run()
        assert trial.find_differences(TABLE.name) == []
        touched = [Update(TABLE, 1000 + n, {"a_varchar_20": "'touched'"}) for n in range(7)]
        application.perform(insert_extremes(2000))
        application.perform(Transaction(touched, commit=True))
        trial.run()
        assert trial.find_differences(TABLE.name) == []


def set_zone(dsn: str) -> None:
    """Give a database a zone with daylight saving, as its owner may."""
    with closing(psycopg2.connect(dsn)) as connection, connection:
        name = parse_dsn(dsn)["dbname"]
        connection.cursor().execute(f"alter database {name} set timezone = 'America/Los_Angeles'")
