"""A destination that is away for an hour, by a clock that does not wait."""

import io
import json
import re
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg2
import pytest
import yaml
from psycopg2.extensions import parse_dsn

from simplyload.config import read_configuration
from simplyload.observe import JsonLines
from simplyload.run import Pause, run_streams
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.source import PostgresSource
from tests.proof.tables import KINDS
from tests.proof.test_extremes import insert_extremes
from tests.proof.test_workloads import make_trial
from tests.proof.trial import STREAM, Trial, connection_settings
from tests.proof.workload import Application

MINUTES = 60
KEPT = """
select ((pg_current_wal_lsn() - restart_lsn) / 1000000)::int8 from pg_replication_slots
where slot_name = %s
"""


def write_configuration(trial: Trial, folder: Path) -> Path:
    """Write the trial's source and destination as a user would."""
    source = {"type": "postgres", **connection_settings(trial.source), "mode": "cdc"}
    source |= {"slot": slot_of(trial)}
    destination = {"type": "postgres", **connection_settings(trial.target)}
    file = folder / "simplyload.yml"
    document = {"sources": {STREAM: source}, "destination": destination, "log": str(folder / "log")}
    file.write_text(yaml.safe_dump(document))
    return file


def slot_of(trial: Trial) -> str:
    """Name the slot."""
    return f"slot_{parse_dsn(trial.source)['dbname']}"


def ask(dsn: str, statement: str, *parameters: str) -> list[tuple[int]]:
    """Run a statement as the server's administrator, and give its rows."""
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


def look_at_slot(settings: object, server: str, slot: str) -> tuple[int, int, int]:
    """Give the megabytes that a slot keeps: before, as `validate` says, and afterwards."""
    assert isinstance(settings, PostgresSettings)
    [(before,)] = ask(server, KEPT, slot)
    with closing(PostgresSource(settings, STREAM)) as source:
        [message] = [
            finding.message for finding in source.validate() if finding.subject == "stream"
        ]
    [(after,)] = ask(server, KEPT, slot)
    found = re.search(r"the slot keeps ([\d,]+) MB", message)
    assert found, message
    return before, int(found[1].replace(",", "")), after


def measure(folder: Path) -> tuple[int, int]:
    """Give the megabytes of memory, and of files, that the run holds."""
    files = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return psutil.Process().memory_info().rss // 1_000_000, files // 1_000_000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_r23_an_hour_without_a_destination_needs_no_memory_and_loses_nothing(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run a minute fails, memory and files do not grow, `validate` has the slot's megabytes."""
    shown = io.StringIO()
    held: list[tuple[int, int]] = []
    kept: list[int] = []
    with (
        make_trial(server, "cdc", "postgres") as trial,
        closing(Application(trial.source)) as application,
    ):
        configuration = read_configuration(write_configuration(trial, tmp_path))
        name = parse_dsn(trial.target)["dbname"]

        def pass_a_minute(pause: Pause, every: timedelta, began: float) -> None:  # noqa: ARG001
            held.append(measure(tmp_path))
            if len(held) == 1:
                ask(server, f"alter database {name} with allow_connections false")
            elif len(held) == 1 + MINUTES:
                kept.extend(look_at_slot(configuration.sources[STREAM], server, slot_of(trial)))
                ask(server, f"alter database {name} with allow_connections true")
            elif len(held) == 2 + MINUTES:
                pause.stop()
                return
            application.perform(insert_extremes(1000 * len(held)))

        monkeypatch.setattr(Pause, "wait", pass_a_minute)
        [outcome] = run_streams(configuration, [STREAM], JsonLines(shown), timedelta(minutes=1))
        events = [json.loads(line)["event"] for line in shown.getvalue().splitlines()]
        assert (events.count("failed"), outcome.exit_code) == (MINUTES, 0)
        assert kept[0] <= kept[1] <= kept[2]
        assert kept[0] >= MINUTES - 1  # each minute wrote a document of over a megabyte
        away = held[1:-1]
        assert max(memory for memory, _ in away) - away[2][0] < 20
        assert max(files for _, files in away) - away[0][1] < 20
        assert [line for k in KINDS for line in trial.find_differences(k.name)] == []
