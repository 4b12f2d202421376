"""What a build of the models costs as an account grows: in full, and after one more sync.

DuckDB itself makes the raw events, spread evenly over five years: one in fifty is an order, one
order in two is attributed by Klaviyo, the rest are opens, clicks and sends of a thousand campaigns.
Seconds and memory are those of the whole dbt process on this machine, parsing included, which the
first row has alone. On Postgres the server does the work: there, the wall time counts.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import psycopg

from scripts.command import CommandError, command, positive_int
from tests.sandbox_server import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "klaviyo_connector"))

from tests.fivetran import SCHEMA
from tests.warehouse import raw
from tests.warehouse.dbt import DBT, PROJECT
from tests.warehouse.engines import run_postgres

DAYS = 5 * 365
# The last sync is of today: where the newest report is older, a run looks for events without one.
SYNCED_DAYS_AGO = 4, 2, 0
TODAY = datetime.now(UTC).date()
MOST_ON_POSTGRES = 1_000_000  # events; to copy more takes minutes
EVENT_MODELS = "int_klaviyo__conversion", "int_klaviyo__event_daily"
ACCOUNT = {
    "account": [{"account_id": "a", "timezone": "America/New_York", "preferred_currency": "USD"}],
    "metric": [
        {"account_id": "a", "id": name, "name": name}
        for name in ("Placed Order", "Received Email", "Opened Email", "Clicked Email")
    ],
    "mapped_metric": [{"account_id": "a", "id": "revenue", "metric_id": "Placed Order"}],
    "campaign_performance": [
        {
            "account_id": "a",
            "campaign_id": f"c{number}",
            "campaign_message_id": f"m{number}",
            "conversion_metric_id": "Placed Order",
        }
        for number in range(1000)
    ],
}
# Events are numbered by time; a prime scatters people. A campaign's events are those of two days.
CAMPAIGN = "'c' || least(n * 1000 // $total, 999)"
FIRST_DAY = TODAY - timedelta(days=DAYS + SYNCED_DAYS_AGO[0])
TIME = f"timestamptz '{FIRST_DAY} 00:00:00Z' + interval 1 second * (n * {DAYS * 86_400} / $total)"
EVENTS = f"""
    insert into {SCHEMA}.event by name
    select
        'a' as account_id,
        'e' || n as id,
        {TIME} as datetime,
        cast(epoch(datetime) as bigint) as timestamp,
        case when n % 50 = 0 then 'Placed Order' when n % 5 = 0 then 'Clicked Email'
            when n % 2 = 0 then 'Opened Email' else 'Received Email' end as metric_id,
        'p' || (n * 7919 % ($total // 50 + 1)) as profile_id,
        case when n % 50 = 0 then n % 90 + 9.99 end as value,
        case when n % 50 > 0 then {CAMPAIGN} end as campaign_id,
        ['Gmail', 'Yahoo', 'Outlook', 'Apple'][n % 4 + 1] as inbox_provider,
        n % 6 = 0 as is_machine_open,
        $synced_at as synced_at,
        $synced_at as _fivetran_synced
    from range($first, $last) as numbers (n)
"""
ATTRIBUTIONS = f"""
    insert into {SCHEMA}.event_attribution by name
    select 'a' as account_id, 'e' || n as event_id, {TIME} as event_datetime,
        'x' || n as attribution_id, 'e' || (n - 8) as attributed_event_id,
        {CAMPAIGN} as campaign_id,
        $synced_at as synced_at, $synced_at as _fivetran_synced
    from range(($first + 99) // 100 * 100, $last, 100) as numbers (n)
"""
REPORT = f"""
    insert into {SCHEMA}.sync_report by name
    select 'a' as account_id, $synced_at as sync_id, 'event' as table_name,
        $synced_at as started_at, $synced_at as synced_at, $synced_at as _fivetran_synced,
        (select min(datetime) from {SCHEMA}.event where synced_at = $synced_at) as min_event_at
"""


@dataclass(frozen=True)
class Cost:
    """What one run of dbt took."""

    wall: float  # seconds
    cpu: float  # seconds
    peak: int  # bytes
    event_models: float  # seconds of the two models that read every event


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("make bench WAREHOUSE=1", description=__doc__)
    sizes = [100_000, 1_000_000, 10_000_000]
    parser.add_argument("--events", type=positive_int, nargs="+", default=sizes, metavar="N")
    print(f"{'dbt run on DuckDB or Postgres':<30}  wall s   CPU s  of it events s  peak MB")
    for events in parser.parse_args(arguments).events:
        with TemporaryDirectory() as folder:
            _measure(Path(folder), events)


def _measure(folder: Path, events: int) -> None:
    """Run dbt in full, then incrementally after each of two syncs that load a new day.

    The first incremental run still replaces everything: it follows the sync of all history.
    """
    file = _create_tables(folder)
    first_sync, *syncs = (f"{TODAY - timedelta(days=days)}T00:00:00Z" for days in SYNCED_DAYS_AGO)
    day = events // DAYS
    _sync(file, events, 0, events, first_sync)
    _print("dbt parse", _run_dbt(folder, file, "parse"))
    _print(f"{events:,} events, full", _run_dbt(folder, file))
    for number, synced_at in enumerate(syncs):
        first = events + number * day
        _sync(file, events, first, first + day, synced_at)
        what = "all months again" if number == 0 else f"{day:,} new"
        _print(f"{events:,} events, {what}", _run_dbt(folder, file))
    if events <= MOST_ON_POSTGRES:
        _measure_postgres(folder, file, events)


def _create_tables(folder: Path) -> Path:
    """Create the raw tables, those of events without a key: its index takes most of the time."""
    file = raw.write(folder / "raw.db", ACCOUNT)
    with duckdb.connect(str(file)) as connection:
        for table in (f"{SCHEMA}.event", f"{SCHEMA}.event_attribution"):
            connection.execute(f"create or replace table {table} as from {table} limit 0")
    return file


def _measure_postgres(folder: Path, file: Path, events: int) -> None:
    """Copy the same events to Postgres, run dbt in full, and run it again."""
    with run_postgres(folder) as engine:
        engine.load(file)
        _print(f"{events:,} on Postgres, full", _run_dbt(folder, file, **engine.environment))
        seconds = _select_conversions(folder, engine.uri)
        print(f"{'conversions, no statistics':<30}{seconds:>8.1f}", flush=True)
        _print(f"{events:,} on Postgres, again", _run_dbt(folder, file, **engine.environment))


def _select_conversions(folder: Path, uri: str) -> float:
    """The seconds in which Postgres selects all conversions without statistics of any table.

    A role that may not analyse the raw tables has none. The model's own hook excludes loops.
    """
    (query,) = (folder / "target" / "compiled").rglob("int_klaviyo__conversion.sql")
    with psycopg.connect(uri) as connection:
        connection.execute("delete from pg_statistic")
        connection.execute("update pg_class set reltuples = -1, relpages = 0")
        connection.execute("set local enable_nestloop = off")
        began = time.perf_counter()
        connection.execute(f"create temporary table conversions as {query.read_text()}")
        seconds = time.perf_counter() - began
        connection.rollback()
    return seconds


def _sync(file: Path, total: int, first: int, last: int, synced_at: str) -> None:
    """Load the events of one sync."""
    with duckdb.connect(str(file)) as connection:
        parameters = {"first": first, "last": last, "total": total, "synced_at": synced_at}
        connection.execute(EVENTS, parameters)
        connection.execute(ATTRIBUTIONS, parameters)
        connection.execute(REPORT, {"synced_at": synced_at})


def _run_dbt(folder: Path, file: Path, command: str = "run", **settings: str) -> Cost:
    environment = {
        "KLAVIYO_TABLES": "all",
        "KLAVIYO_RAW_DUCKDB": str(file),
        "KLAVIYO_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    project = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    began = time.perf_counter()
    process = subprocess.Popen(
        [DBT, "--quiet", command, *project], env=os.environ | environment | settings
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise CommandError("dbt failed; the reason is above")
    seconds = _read_seconds(folder) if command == "run" else dict.fromkeys(EVENT_MODELS, 0.0)
    return Cost(
        wall=time.perf_counter() - began,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss * 1024,
        event_models=sum(seconds[model] for model in EVENT_MODELS),
    )


def _read_seconds(folder: Path) -> dict[str, float]:
    """The seconds of each model of the last run."""
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return {row["unique_id"].rpartition(".")[2]: row["execution_time"] for row in results}


def _print(name: str, cost: Cost) -> None:
    print(
        f"{name:<30}{cost.wall:>8.1f}{cost.cpu:>8.1f}{cost.event_models:>15.1f}"
        f"{cost.peak / 1_000_000:>9,.0f}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
