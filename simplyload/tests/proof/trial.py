"""One pipeline under trial: it runs in a process of its own, which may be killed at any call.

A fork server that has imported everything starts the processes, so that one costs milliseconds.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from psycopg2.extensions import parse_dsn

from simplyload.destinations.destination import Destination
from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.destinations.postgres import PostgresDestination, PostgresTargetSettings
from simplyload.engine import Pipeline, PipelineSettings
from simplyload.log import ChangeLog
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.source import PostgresSource
from simplyload.testing.processes import fork_context
from tests.proof.reader import Read, find_differences, read_duckdb, read_postgres, read_source

Mode = Literal["cdc", "poll", "copy"]
Kind = Literal["duckdb", "postgres"]
STREAM = "shop"


@dataclass
class Trial:
    """A source database, a destination, and the pipeline between them."""

    source: str
    mode: Mode
    kind: Kind
    target: str  # the DuckDB file or the DSN of the PostgreSQL destination
    log: Path
    wrap: Callable[[Destination], Any] | None = None
    calls: int = field(default=10_000, init=False)  # those of the last run that was not killed

    def run(self, kill: float | None = None) -> Collection[str]:
        """Run the pipeline once and return the tables that wait.

        Kill it after a share of the calls that the last run made.
        """
        processes = fork_context()
        receiver, sender = processes.Pipe(duplex=False)
        limit = None if kill is None else int(kill * self.calls)
        process = processes.Process(target=_run_in_process, args=(self, limit, sender))
        process.start()
        sender.close()
        waiting: Collection[str] = ()
        with suppress(EOFError):  # it was killed, or failed
            self.calls, waiting = receiver.recv()
        process.join()
        if kill is None or process.exitcode != -signal.SIGKILL:
            assert process.exitcode == 0, f"the run ended with {process.exitcode}"
        return waiting

    def make_pipeline(self) -> Pipeline:
        """Make the pipeline as the command line would from a file of settings."""
        settings = PostgresSettings.model_validate(
            {
                "type": "postgres",
                **connection_settings(self.source),
                "mode": self.mode,
                "slot": f"slot_{parse_dsn(self.source)['dbname']}",
                # Without an overlap only the rule for transactions still open finds late commits.
                "overlap": "PT0S",
                "delete_scan": "PT0S",
                "chunk_rows": 100,
            }
        )
        destination = self._make_destination()
        return Pipeline(
            STREAM,
            PostgresSource(settings, STREAM),
            self.wrap(destination) if self.wrap else destination,
            ChangeLog(self.log),
            PipelineSettings(max_changes=100),
        )

    def find_differences(self, table: str) -> list[str]:
        """Compare a table of the source with the destination's, by plain clients."""
        return find_differences(read_source(self.source, table), self._read(), table)

    def _read(self) -> Read:
        read = read_duckdb if self.kind == "duckdb" else read_postgres
        return read(self.target, STREAM)

    def _make_destination(self) -> Destination:
        if self.kind == "duckdb":
            return DuckDBDestination(DuckDBSettings(type="duckdb", path=Path(self.target)))
        place = connection_settings(self.target)
        return PostgresDestination(PostgresTargetSettings.model_validate(place))


def connection_settings(dsn: str) -> dict[str, Any]:
    """Give the settings of a connection, as source and destination name them."""
    address = parse_dsn(dsn)
    names = {"host": "host", "port": "port", "database": "dbname", "user": "user"}
    return {key: address[name] for key, name in names.items()}


def _run_in_process(trial: Trial, limit: int | None, sender: Connection) -> None:
    """Run once; send the number of calls and the tables that wait. The call of the limit kills."""
    calls = 0

    def count(_frame: Any, _event: str, _argument: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    pipeline = trial.make_pipeline()
    threading.setprofile(count)
    sys.setprofile(count)
    result = pipeline.run_once()
    sys.setprofile(None)
    sender.send((calls, [*result.stopped]))
