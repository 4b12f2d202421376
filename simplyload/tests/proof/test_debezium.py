"""Debezium as an outside judge of the stream: the same changes of each table, in the same order."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from operator import itemgetter
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
from tests.proof.workload import Application, Step, Stop, Truncate, steps

UNAVAILABLE = "__debezium_unavailable_value"  # of a large value that the server did not send
# Types whose JSON form is Debezium's own: dates as days, floats rounded, bytes in base64.
OWN_FORM = {
    *("a_float4", "a_float8", "a_numeric", "a_numeric_12_2", "a_cents", "a_date", "a_time"),
    *("a_timestamp", "a_timestamptz", "a_timetz", "a_interval", "a_bytea", "a_int4_array"),
    *("a_text_array", "a_inet", "a_int4range", "a_bit_5", "a_tsvector", "a_oid", "a_point"),
}
Event = tuple[str, dict[str, str | None]]  # D, T or U, and the cells; of a D those of the key
Events = dict[str, list[Event]]  # by table
Keys = Mapping[str, tuple[str, ...]]

WORKLOADS = 20
# The stream does not tell a TRUNCATE of one partition, so that any of one copies the table again.
COPIED_AFTER_TRUNCATE = "partitioned"


def prepare_judge(dsn: str) -> None:
    """Give Debezium a publication and a slot before the first change; marks part the workloads."""
    tables = ", ".join(f'"{kind.name}"' for kind in KINDS)
    execute(
        dsn,
        "create table judge_mark (id serial primary key)",
        "create table judge_end (id int primary key)",
        f"create publication judge for table {tables}, judge_mark, judge_end"
        " with (publish_via_partition_root = true)",
        "select pg_create_logical_replication_slot('judge', 'pgoutput')",
    )


def execute(dsn: str, *statements: str) -> None:
    """Run statements, each of which commits at once."""
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        for statement in statements:
            connection.cursor().execute(statement)


def hear_judge(dsn: str, folder: Path, keys: Keys) -> list[Events]:
    """Let Debezium read its slot to the end, and give the events of each workload."""
    properties, output = folder / "judge.json", folder / "events"
    properties.write_text(json.dumps(describe_debezium(dsn, "judge", "judge")))
    program = [find_program("debezium"), str(PROGRAMS / "debezium_stream.py")]
    with (folder / "debezium.log").open("w") as log:
        subprocess.run(
            [*program, str(properties), str(output)], check=True, cwd=folder, stdout=log, stderr=log
        )
    workloads: list[Events] = [defaultdict(list)]
    for line in output.read_text().splitlines():
        value = json.loads(line.split("\t", 2)[2])
        table = value["source"]["table"]
        if table == "judge_mark":
            workloads.append(defaultdict(list))
        else:
            workloads[-1][table].append(_read_event(value, keys[table]))
    assert not workloads.pop()
    return workloads


def _read_event(value: dict[str, Any], key: tuple[str, ...]) -> Event:
    if value["op"] == "t":
        return "T", {}
    if value["op"] == "d":
        return "D", _as_cells(value["before"], key)
    return "U", _as_cells(value["after"], value["after"])


def read_own(source: PostgresSource, state: State) -> tuple[Events, State]:
    """Read all that follows a state, and give the changes by table, in order, and the new state."""
    rows: dict[str, list[tuple[Decimal, Event]]] = defaultdict(list)
    for batch in source.read(state):
        assert not batch.waiting
        state = state if batch.state is None else batch.state
        for changes in batch.changes:
            found = changes.rows.to_pylist()
            seqs = [row["_seq"] for row in found]
            rows[changes.table.name] += zip(seqs, _read_rows(found, changes.table.key), strict=True)
    source.ack(state)
    by_seq = itemgetter(0)
    return {
        table: [event for _, event in sorted(found, key=by_seq)] for table, found in rows.items()
    }, state


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


def find_difference(judge: list[Event], own: list[Event]) -> str | None:
    """Name the first event that differs; where Debezium has no value, SimplyLoad's is free."""
    for number, (expected, found) in enumerate(zip_longest(judge, own)):
        if expected is None or found is None or not _is_same(expected, found):
            return f"event {number}: Debezium {expected}, SimplyLoad {found}"
    return None


def _is_same(judge: Event, own: Event) -> bool:
    (op, expected), (own_op, found) = judge, own
    known = {name for name, cell in expected.items() if cell != UNAVAILABLE}
    return op == own_op and all(found.get(name) == expected[name] for name in known)


def copied_events(events: list[Event], key: tuple[str, ...]) -> list[Event]:
    """Give what a copy finds after a TRUNCATE and what follows it: rows by key, then the T."""
    last = max(number for number, (op, _) in enumerate(events) if op == "T")
    rows: dict[tuple[str | None, ...], Event] = {}
    for op, cells in events[last + 1 :]:
        at = tuple(cells[name] for name in key)
        before = rows.pop(at, ("", {}))[1]
        if op == "U":
            rows[at] = op, _keep_unavailable(before, cells)
    return [*_in_key_order(rows.values(), key), ("T", {})]


def _keep_unavailable(
    before: Mapping[str, str | None], cells: Mapping[str, str | None]
) -> dict[str, str | None]:
    return {n: before.get(n, v) if v == UNAVAILABLE else v for n, v in cells.items()}


def _in_key_order(events: Iterable[Event], key: tuple[str, ...]) -> list[Event]:
    return sorted(events, key=lambda event: [str(event[1][name]) for name in key])


def find_differences(
    workload: list[Step], judge: Events, own: Events, keys: Keys
) -> Iterator[tuple[str, str]]:
    """Yield the tables of a workload whose history differs, each with its first difference."""
    for kind in KINDS:
        expected, found = judge.get(kind.name, []), own.get(kind.name, [])
        is_truncated = any(isinstance(step, Truncate) and kind in step.kinds for step in workload)
        if kind.name == COPIED_AFTER_TRUNCATE and is_truncated:
            expected = copied_events(expected, keys[kind.name])
            found = [*_in_key_order(found[:-1], keys[kind.name]), found[-1]]
        if difference := find_difference(expected, found):
            yield kind.name, difference


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_j1_debezium_sees_the_same_changes(database: str, tmp_path: Path) -> None:
    """On twenty workloads Debezium and SimplyLoad give the same changes per table and order."""
    performed: list[list[Step]] = []
    own: list[Events] = []
    with closing(Application(database)) as application:
        prepare_judge(database)
        described = {**connection_settings(database), "type": "postgres", "mode": "cdc"}
        described["slot"] = database.rsplit("=", 1)[1]
        source = PostgresSource(PostgresSettings.model_validate(described), "shop")
        keys = {table.name: table.key for table in source.tables()}
        _, state = read_own(source, {})

        @settings(
            max_examples=WORKLOADS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(steps(kills=False, ddl=False))
        def perform(workload: list[Step]) -> None:
            nonlocal state
            for step in workload:
                if not isinstance(step, Stop):
                    application.perform(step)
            application.commit_late()
            execute(database, "insert into judge_mark default values")
            performed.append(workload)
            events, state = read_own(source, state)
            own.append(events)

        perform()
        source.close()
        execute(database, "insert into judge_end values (1)")
        judged = hear_judge(database, tmp_path, keys)
    assert len(performed) == len(judged) == WORKLOADS
    assert sum(len(events) for workload in judged for events in workload.values()) > 100
    workloads = zip(performed, judged, own, strict=True)
    assert [[*find_differences(*workload, keys)] for workload in workloads] == [[]] * WORKLOADS
