"""The demonstration: a shop in PostgreSQL with a running workload, and a simulated Klaviyo account.

Both are loaded into DuckDB, over a change log of Parquet files, by the configuration that the
README shows. Everything stays in one folder: a second demonstration loads what changed since.
"""

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from time import monotonic

import duckdb
import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn
from rich.console import Console
from rich.table import Table as RichTable

from simplyload.checks import TableCheck, compare
from simplyload.config import Configuration, read_configuration
from simplyload.demo.sandbox import API_KEY, find_repository, read_orders, run_sandbox
from simplyload.demo.server import run_server
from simplyload.demo.shop import DATABASE, SETUP, fill_shop
from simplyload.demo.workload import Workload
from simplyload.errors import SimplyLoadError
from simplyload.observe import make_table, open_display
from simplyload.run import Outcome, run_streams

MAX_ACCOUNT_AGE = timedelta(days=50)  # the sandbox simulates 60 days past an account's epoch

ORDERS_OF_KLAVIYO = """
with credited as (
    select distinct
        cast(event.properties ->> '$.OrderId' as bigint) as order_id,
        coalesce(campaign.name, flow.name) as credited_to
    from klaviyo.event_attribution as credit
    join klaviyo.event on credit.account_id = event.account_id and credit.event_id = event.id
    join klaviyo.metric on event.account_id = metric.account_id and event.metric_id = metric.id
    left join klaviyo.campaign
        on credit.account_id = campaign.account_id and credit.campaign_id = campaign.id
    left join klaviyo.flow on credit.account_id = flow.account_id and credit.flow_id = flow.id
    where metric.name = 'Placed Order' and not credit._deleted and not event._deleted
)

select
    credited_to,
    count(*) as orders,
    count(*) filter (orders.status = 'cancelled') as cancelled,
    sum(orders.total) as total_in_the_shop
from credited
join shop.orders on credited.order_id = orders.id
where not orders._deleted
group by credited_to
order by total_in_the_shop desc
limit 5
"""


@dataclass(frozen=True)
class Loaded:
    """What a demonstration loaded, and how it compares with the sources afterwards."""

    outcomes: Sequence[Outcome]
    checks: Sequence[tuple[str, TableCheck]]

    @property
    def is_equal(self) -> bool:
        """Whether every stream ended well and every table equals its source."""
        ended_well = not any(outcome.exit_code for outcome in self.outcomes)
        return ended_well and bool(self.checks) and all(check.is_equal for _, check in self.checks)


def run_demo(folder: Path, repository: Path | None) -> int:
    """Run the demonstration; return 0 only if everything loaded equals its source."""
    console, folder = Console(), folder.resolve()
    with ExitStack() as stack:
        began = monotonic()
        shop = _prepare(folder, find_repository(repository), stack)
        console.print(f"PostgreSQL and the sandbox are ready ({monotonic() - began:.0f} s)")
        began = monotonic()
        configuration = read_configuration(folder / "simplyload.yml")
        loaded = _load(configuration, shop, console)
        seconds = monotonic() - began
        console.print(_summary(configuration, loaded), markup=False)
        console.print(_query(configuration))
        console.print(f"loaded and compared in {seconds:.0f} s; everything is in {folder}")
    return 0 if loaded.is_equal else 1


def _prepare(folder: Path, repository: Path, stack: ExitStack) -> str:
    """Start both servers, fill a new shop, and set what simplyload.yml names; return the DSN."""
    epoch = _choose_epoch(folder)
    url = stack.enter_context(run_sandbox(repository, epoch))
    server = stack.enter_context(run_server(folder / "postgres"))
    shop = make_dsn(server, dbname=DATABASE)
    password = secrets.token_urlsafe()
    is_new = _create_database(server)
    with closing(psycopg2.connect(shop)) as connection, connection, connection.cursor() as cursor:
        if is_new:
            fill_shop(cursor, read_orders(url))
            cursor.execute(SETUP)
        cursor.execute("alter role simplyload password %s", [password])
    (folder / "simplyload.yml").write_text(
        resources.files(__package__).joinpath("simplyload.yml").read_text()
    )
    stack.enter_context(
        _set_environment(
            PGPORT=str(parse_dsn(server)["port"]),
            PGPASSWORD=password,
            KLAVIYO_CONNECTOR=str(repository / "klaviyo_connector"),
            KLAVIYO_API_KEY=API_KEY,
            KLAVIYO_BASE_URL=url,
        )
    )
    return shop


def _choose_epoch(folder: Path) -> date:
    """Reuse the epoch of the last demonstration's account; begin again when it is too old."""
    file, today = folder / "epoch.txt", datetime.now(UTC).date()
    last = date.fromisoformat(file.read_text()) if file.exists() else None
    if last and timedelta(0) <= today - last <= MAX_ACCOUNT_AGE:
        return last
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    file.write_text(today.isoformat())
    return today


def _create_database(server: str) -> bool:
    """Create the shop's database; False where it exists with its role, which is created last."""
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("select 1 from pg_roles where rolname = 'simplyload'")
        if cursor.fetchone():
            return False
        cursor.execute(f"drop database if exists {DATABASE}")  # a killed demonstration's, empty
        cursor.execute(f"create database {DATABASE}")
    return True


@contextmanager
def _set_environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _load(configuration: Configuration, shop: str, console: Console) -> Loaded:
    """Load both streams while the workload runs, then what it left, and compare."""
    workload = Workload(shop, seed=secrets.randbits(32))
    names = list(configuration.sources)
    with open_display() as display:
        workload.start()
        outcomes = {result.stream: result for result in run_streams(configuration, names, display)}
        workload.wait()
        [rest] = run_streams(configuration, ["shop"], display)
    outcomes["shop"].merge(rest)
    made = ", ".join(f"{count} {name}" for name, count in sorted(workload.done.items()))
    console.print(f"the workload beside it: {made}")
    for outcome in outcomes.values():
        if outcome.error:
            raise SimplyLoadError(f"stream {outcome.stream}: {outcome.error}")
    return Loaded(list(outcomes.values()), list(compare(configuration, names)))


def _summary(configuration: Configuration, loaded: Loaded) -> RichTable:
    """Return a row for each table: rows there now, changes of this run, lag, comparison."""
    table = make_table(("stream", "table", "rows", "changed", "lag", "equal"))
    outcomes = {outcome.stream: outcome for outcome in loaded.outcomes}
    for stream, check in loaded.checks:
        outcome = outcomes[stream]
        lag = "-" if outcome.lag_seconds is None else f"{outcome.lag_seconds:.1f} s"
        faults = "; ".join([*check.drift, *check.examples])
        verdict = check.verdict if check.is_equal else f"NO: {faults}"
        table.add_row(
            stream,
            check.table,
            f"{check.destination_rows:,}",
            f"{outcome.rows.get(check.table, 0):,}",
            lag,
            verdict,
        )
    files = list(Path(str(configuration.log)).rglob("*.parquet"))
    size = sum(file.stat().st_size for file in files) / 1e6
    table.caption = f"change log: {len(files)} Parquet files, {size:.1f} MB, in {configuration.log}"
    return table


def _query(configuration: Configuration) -> RichTable:
    """Return the result of the query that joins both streams."""
    path = getattr(configuration.destination, "path", None)
    with closing(duckdb.connect(str(path), read_only=True)) as warehouse:
        result = warehouse.sql(ORDERS_OF_KLAVIYO)
        table = RichTable(
            *result.columns, title="orders that Klaviyo attributes, as the shop has them"
        )
        for row in result.fetchall():
            table.add_row(*map(str, row))
    return table
