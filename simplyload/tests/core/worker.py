"""A process that runs a pipeline again and again and is killed each time, until one run ends.

It imports everything once and forks a child for each run, so a run costs milliseconds. A child ends
itself by SIGKILL before its n-th step (a SQL statement, a sync or a rename of a file, a request to
an object store), or its
parent kills it after a random time.
"""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore import client

from simplyload.destinations.destination import Destination, Lease, Load
from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.destinations.parquet import ParquetDestination, ParquetSettings
from simplyload.destinations.postgres import PostgresDestination, PostgresTargetSettings
from simplyload.destinations.snowflake import SnowflakeDestination
from simplyload.destinations.snowflake_login import SnowflakeSettings
from simplyload.destinations.sql import SqlDestination
from simplyload.engine import Pipeline, PipelineSettings, ending_at_commit
from simplyload.errors import DestinationError
from simplyload.log import ChangeLog
from simplyload.object_store import S3Settings, S3Store
from simplyload.store import S3Address
from tests.core.scripted import ScriptedSource, changes, random_changes

ROOT = Path(__file__).parents[2]
CHANGES_OF_A_BATCH = 4
DESTINATIONS: dict[str, tuple[type[SqlDestination], Any]] = {
    "duckdb": (DuckDBDestination, DuckDBSettings),
    "postgres": (PostgresDestination, PostgresTargetSettings),
    "snowflake": (SnowflakeDestination, SnowflakeSettings),
}


class WithoutTransactions(SqlDestination):
    """Statements that commit one by one, in the order of the protocol."""

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        yield

    # A destination that replaces a row by two statements needs the transaction.
    _merge = SqlDestination._merge  # noqa: SLF001


class StateFirst(WithoutTransactions):
    """The control: a wrong order, in which the state is committed before the rows."""

    def _transact(
        self, lease: Lease, load: Load, plans: Sequence[Any], tables: Mapping[str, Any]
    ) -> dict[str, int]:
        super()._transact(lease, load, [], tables)
        return {plan.staged.table.name: self._apply(plan) for plan in plans}


def make_source(seed: int, batches: int) -> ScriptedSource:
    """Give the same batches of changes in every process."""
    # A truncate would hide what was lost before it.
    length = batches * CHANGES_OF_A_BATCH
    rows = random_changes(seed, length, keys=batches * 2, truncates=0)
    starts = range(0, len(rows), CHANGES_OF_A_BATCH)
    return ScriptedSource([changes(*rows[n : n + CHANGES_OF_A_BATCH]) for n in starts])


def make_destination(job: dict[str, Any]) -> Destination:
    """Connect as the job says."""
    if job["kind"] in ("parquet", "bucket"):
        settings = ParquetSettings.model_validate(job["settings"])
        return ParquetDestination(settings, make_store(job, str(settings.path)))
    first: Any = {"": (), "none": (WithoutTransactions,), "state first": (StateFirst,)}
    last, settings = DESTINATIONS[job["kind"]]
    destination: Any = type("Target", (*first[job["protocol"]], last), {})
    return destination(settings.model_validate(job["settings"]))  # type: ignore[no-any-return]


def make_store(job: dict[str, Any], place: str) -> S3Store | None:
    """Give a bucket where the place is one."""
    if not place.startswith("s3://"):
        return None
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    scratch = Path(job["scratch"], prefix.rpartition("/")[2])
    settings = S3Settings.model_validate(job["s3"])
    return S3Store(S3Address(bucket, prefix), settings, "place", DestinationError, scratch)


def run(job: dict[str, Any]) -> None:
    """Run the pipeline to its end."""
    source = make_source(job["seed"], job["batches"])
    settings = PipelineSettings(max_changes=CHANGES_OF_A_BATCH * 2)
    log = ChangeLog(make_store(job, job["log"]) or Path(job["log"]))
    pipeline = Pipeline("shop", source, make_destination(job), log, settings)
    with ending_at_commit(pipeline):
        pipeline.run_once()


def die_before_step(number: int) -> None:
    """Let this process kill itself before its n-th step."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            step()
            return function(*args, **kwargs)

        return call

    handler = logging.Handler()
    handler.emit = lambda record: step()  # type: ignore[method-assign] # noqa: ARG005
    logger = logging.getLogger("simplyload.sql")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    os.fsync = counted(os.fsync)
    os.link = counted(os.link)
    Path.replace = counted(Path.replace)  # type: ignore[method-assign]
    client.BaseClient._make_api_call = counted(client.BaseClient._make_api_call)  # noqa: SLF001


def survives(job: dict[str, Any], *, step: int = 0, seconds: float | None = None) -> bool:
    """Run in a child; False when it was killed. Raises where it failed by itself."""
    child = os.fork()
    if child == 0:
        if step:
            die_before_step(step)
        try:
            run(job)
        except BaseException as error:  # noqa: BLE001 - the exit code tells the parent
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(os.WEXITSTATUS(status))
    return os.WIFEXITED(status)


def main(job: dict[str, Any]) -> int:
    """Kill as the job says, then run to the end; give the number of kills."""
    kills = sum(not survives(job, step=step) for step in _steps(job))
    chooser = random.Random(job["seed"])
    longest = job.get("longest", 0.4)
    kills += sum(
        not survives(job, seconds=chooser.uniform(0, longest)) for _ in range(job.get("random", 0))
    )
    survives(job)
    return kills


def run_worker(module: str, job: Mapping[str, Any]) -> int:
    """Run the job in a process of a worker's module; give the number of kills."""
    credentials = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(job)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", **credentials},
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def _steps(job: dict[str, Any]) -> Iterable[int]:
    return range(*job["steps"])


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    if "until" in given:
        run(given)
    else:
        print(main(given))
