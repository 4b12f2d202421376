"""A process that runs a pipeline again and again and is killed each time, until one run ends.

A request to an object store is a step too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from botocore import client
from pydantic import TypeAdapter

from simplyload.destinations.bigquery import BigQueryDestination
from simplyload.destinations.bigquery_login import BigQuerySettings
from simplyload.destinations.destination import Destination, Lease, Load
from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.destinations.parquet import ParquetDestination, ParquetSettings
from simplyload.destinations.postgres import PostgresDestination, PostgresTargetSettings
from simplyload.destinations.snowflake import SnowflakeDestination
from simplyload.destinations.snowflake_login import SnowflakeSettings
from simplyload.destinations.sql import SqlDestination
from simplyload.engine import Pipeline, PipelineSettings, end_at_commit
from simplyload.errors import DestinationError
from simplyload.gcs_store import GcsSettings, GcsStore
from simplyload.log import ChangeLog
from simplyload.object_store import ObjectStore
from simplyload.s3_store import S3Settings, S3Store
from simplyload.store import GcsAddress, Location
from simplyload.testing.kills import FILES, run_with_kills
from tests.core.scripted import ScriptedSource, changes, random_changes

STEPS = (*FILES, (client.BaseClient, "_make_api_call"))
REQUEST = (requests.Session, "send")  # of Google's client
CHANGES_OF_A_BATCH = 4
DESTINATIONS: dict[str, tuple[type[SqlDestination], Any]] = {
    "duckdb": (DuckDBDestination, DuckDBSettings),
    "postgres": (PostgresDestination, PostgresTargetSettings),
    "snowflake": (SnowflakeDestination, SnowflakeSettings),
    "bigquery": (BigQueryDestination, BigQuerySettings),
}


class WithoutTransactions(SqlDestination):
    """Statements that commit one by one, in the order of the protocol."""

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        yield

    # A destination that replaces a row by two statements needs the transaction.
    _merge = SqlDestination._merge  # noqa: SLF001
    # So does one whose transaction is a script.
    _transact = SqlDestination._transact  # noqa: SLF001


class StateFirst(WithoutTransactions):
    """The control: a wrong order, in which the state is committed before the rows."""

    def _transact(
        self, lease: Lease, load: Load, plans: Sequence[Any], tables: Mapping[str, Any]
    ) -> dict[str, int]:
        super()._transact(lease, load, [], tables)
        return {
            plan.staged.table.name: sum(self._execute(s.statement) for s in self._apply(plan))
            for plan in plans
        }


def make_source(seed: int, batches: int, more: int = 0) -> ScriptedSource:
    """Give the same batches of changes in every process; `more` of them follow the first ones."""
    # A truncate would hide what was lost before it.
    length = (batches + more) * CHANGES_OF_A_BATCH
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


def make_store(job: dict[str, Any], address: str) -> ObjectStore[Any] | None:
    """Give a bucket where the address is of one."""
    place: Any = TypeAdapter(Location).validate_python(address)
    if isinstance(place, Path):
        return None
    last = ("place", DestinationError, Path(job["scratch"], place.prefix.rpartition("/")[2]))
    if isinstance(place, GcsAddress):
        return GcsStore(place, GcsSettings.model_validate(job["bucket"]), *last)
    return S3Store(place, S3Settings.model_validate(job["bucket"]), *last)


def run(job: dict[str, Any]) -> None:
    """Run the pipeline to its end."""
    source = make_source(job["seed"], job["batches"], job.get("more", 0))
    settings = PipelineSettings(max_changes=CHANGES_OF_A_BATCH * 2)
    log = ChangeLog(make_store(job, job["log"]) or Path(job["log"]))
    pipeline = Pipeline("shop", source, make_destination(job), log, settings)
    with end_at_commit(pipeline):
        pipeline.run_once()


def main(job: dict[str, Any]) -> int:
    """Kill as the job says, then run to the end; give the number of kills."""
    more = (REQUEST,) if job["log"].startswith("gs://") else ()
    return run_with_kills(lambda: run(job), job, (*STEPS, *more))


def kill_at_random(run: Callable[..., int], kills: int, each: int) -> int:
    """Kill runs at random instants, each while more batches are loaded; give how many these are.

    A fast machine ends a run before its kill more often than a slow one: such a run does not count.
    """
    done = more = 0
    while done < kills:
        more += each
        done += run(range(0), more=more, random=1, chance=more)
    return more
