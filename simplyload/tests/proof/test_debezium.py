"""Debezium as an outside judge of the stream: the same changes of each table, in the same order."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bench.environments import find_program
from bench.tools import PROGRAMS, describe_debezium
from simplyload.changes import State
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.source import PostgresSource
from tests.proof.tables import KINDS
from tests.proof.trial import connection_settings
from tests.proof.workload import Application, Step, Stop, steps

UNAVAILABLE = "__debezium_unavailable_value"  # of a large value that the server did not send
# Types whose JSON form is Debezium's own: dates as days, floats rounded, bytes in base64.
OWN_FORM = {
    *("a_float4", "a_float8", "a_numeric", "a_numeric_12_2", "a_cents", "a_date", "a_time"),
    *("a_timestamp", "a_timestamptz", "a_timetz", "a_interval", "a_bytea", "a_int4_array"),
    *("a_text_array", "a_inet", "a_int4range", "a_bit_5", "a_tsvector", "a_oid", "a_point"),
}
Event = tuple[str, dict[str, str | None]]  # D, T or U, and the cells; of a D those of the key
Events = dict[str, list[Event]]


def prepare_judge(dsn: str) -> None:
    """Give Debezium a publication and a slot before the first change."""
    tables = ", ".join(f'"{kind.name}"' for kind in KINDS)
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("create table judge_end (id int primary key)")
        cursor.execute(
            f"create publication judge for table {tables}, judge_end"
            " with (publish_via_partition_root = true)"
        )
        cursor.execute("select pg_create_logical_replication_slot('judge', 'pgoutput')")


def hear_judge(dsn: str, folder: Path, keys: dict[str, tuple[str, ...]]) -> Events:
    """Let Debezium read its slot to the end, and give its events by table."""
    properties, output = folder / "judge.json", folder / "events"
    properties.write_text(json.dumps(describe_debezium(dsn, "judge", "judge")))
    program = [find_program("debezium"), str(PROGRAMS / "debezium_stream.py")]
    with (folder / "debezium.log").open("w") as log:
        subprocess.run(
            [*program, str(properties), str(output)], check=True, cwd=folder, stdout=log, stderr=log
        )
    events: Events = defaultdict(list)
    for line in output.read_text().splitlines():
        value = json.loads(line.split("\t", 2)[2])
        table = value["source"]["table"]
        events[table].append(_read_event(value, keys[table]))
    return events


def _read_event(value: dict[str, Any], key: tuple[str, ...]) -> Event:
    if value["op"] == "t":
        return "T", {}
    if value["op"] == "d":
        return "D", _as_cells(value["before"], key)
    return "U", _as_cells(value["after"], value["after"])


def read_own(source: PostgresSource, state: State) -> tuple[Events, State]:
    """Read all that follows a state, and give the changes by table and the new state."""
    events: Events = defaultdict(list)
    for batch in source.read(state):
        state = state if batch.state is None else batch.state
        for changes in batch.changes:
            rows = changes.rows.to_pylist()
            events[changes.table.name] += _read_rows(rows, changes.table.key)
    source.ack(state)
    return events, state


def _read_rows(rows: list[dict[str, Any]], key: tuple[str, ...]) -> Iterator[Event]:
    for row in rows:
        op, names = row["_op"], key
        if op == "U":
            names = tuple(row["_cols"] or (name for name in row if not name.startswith("_")))
        yield op, {} if op == "T" else _as_cells(row, {*key, *names})


def _as_cells(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, str | None]:
    return {name: _as_text(row[name]) for name in names if name not in OWN_FORM}


def _as_text(cell: Any) -> str | None:
    """Give a cell the same text from both sides: instants as ISO text, decimals as written."""
    if isinstance(cell, str) and cell.endswith("Z") and "T" in cell:
        cell = datetime.fromisoformat(cell)
    if isinstance(cell, datetime):
        return cell.isoformat()
    return None if cell is None else str(cell)


def assert_same(judge: list[Event], own: list[Event]) -> None:
    """Compare two histories of a table; where Debezium has no value, SimplyLoad's is free."""
    assert [op for op, _ in own] == [op for op, _ in judge]
    for (_, expected), (_, found) in zip(judge, own, strict=True):
        known = {name for name, cell in expected.items() if cell != UNAVAILABLE}
        assert {name: found.get(name) for name in known} == {name: expected[name] for name in known}


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_j1_debezium_sees_the_same_changes(database: str, tmp_path: Path) -> None:
    """On twenty workloads Debezium and SimplyLoad give the same changes per table and order."""
    with closing(Application(database)) as application:
        prepare_judge(database)
        described = {**connection_settings(database), "type": "postgres", "mode": "cdc"}
        described["slot"] = database.rsplit("=", 1)[1]
        source = PostgresSource(PostgresSettings.model_validate(described), "shop")
        keys = {table.name: table.key for table in source.tables()}
        _, state = read_own(source, {})

        @settings(
            max_examples=20,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(steps(kills=False, ddl=False))
        def perform(workload: list[Step]) -> None:
            for step in workload:
                if not isinstance(step, Stop):
                    application.perform(step)
            application.commit_late()

        perform()
        with closing(psycopg2.connect(database)) as connection, connection:
            connection.cursor().execute("insert into judge_end values (1)")
        judged = hear_judge(database, tmp_path, keys)
        own, _ = read_own(source, state)
        source.close()
    assert sum(map(len, judged.values())) > 100
    for kind in KINDS:
        assert_same(judged[kind.name], own[kind.name])
