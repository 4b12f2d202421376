"""Three accounts in three time zones and currencies: Klaviyo's dates and amounts everywhere."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.loader import Loader, Row
from tests.sandbox_server import KEY, run_sandbox
from tests.warehouse import dbt, raw
from tests.warehouse.bigquery import run_bigquery
from tests.warehouse.compare import Contents, run_dbt
from tests.warehouse.engines import DuckDB, Engine, run_postgres
from tests.warehouse.snowflake import run_snowflake

pytestmark = pytest.mark.timeout(1800)

# Behind UTC with daylight saving time, half an hour off, and a currency without decimals.
ACCOUNTS = {"America/New_York": "USD", "Asia/Kolkata": "INR", "America/Anchorage": "JPY"}
SIZE: dict[str, Any] = {"campaigns": 12, "profiles": 60, "now": "2026-11-24T04:30:00+00:00"}
YEAR = {"start": "2025-11-25T00:00:00Z", "end": "2026-11-24T23:59:59Z"}
MARTS = ("+klaviyo__message_performance", "+klaviyo__revenue_daily")


@dataclass(frozen=True)
class SyncedAccounts:
    """The raw tables of all accounts in a file; reports by time zone, shops' sales by currency."""

    file: Path
    rows: dict[str, list[Row]]
    reports: dict[str, list[dict[str, Any]]]
    sales: dict[str, float]


@pytest.fixture(scope="module", name="accounts")
def _accounts(tmp_path_factory: pytest.TempPathFactory) -> SyncedAccounts:
    rows: dict[str, list[Row]] = {}
    reports, sales = {}, {}
    for seed, (timezone, currency) in enumerate(ACCOUNTS.items(), 1):
        options = {**SIZE, "seed": seed, "timezone": timezone, "currency": currency}
        with run_sandbox(**options, no_limits=True) as sandbox:
            loader = Loader(sandbox.url, {"api_key": KEY, "tables": "all"}).sync()
            for name, table in loader.tables.items():
                rows.setdefault(name, []).extend(table.values())
            mapped = sandbox.all("/api/mapped-metrics", include="metric")
            revenue = next(role for role in mapped if role["id"] == "revenue")
            metric_id = revenue["relationships"]["metric"]["data"]["id"]
            report = sandbox.report(
                "campaign-values-report",
                statistics=["delivered", "opens_unique", "conversions", "conversion_value"],
                timeframe=YEAR,
                conversion_metric_id=metric_id,
                group_by=["campaign_id", "campaign_message_id", "send_channel", "variation"],
            )
        reports[timezone] = report["data"]["attributes"]["results"]
        events = loader.tables["event"].values()
        sales[currency] = sum(event["value"] for event in events if event["metric_id"] == metric_id)
    file = raw.write(tmp_path_factory.mktemp("zones") / "raw.db", rows)
    return SyncedAccounts(file, rows, reports, sales)


@pytest.fixture(scope="module", name="warehouse")
def _warehouse(accounts: SyncedAccounts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The marts of messages and revenue on DuckDB."""
    folder = tmp_path_factory.mktemp("marts")
    done = dbt.run(folder, "run", "--select", *MARTS, raw=accounts.file)
    assert done.returncode == 0, done.stdout
    return folder / "warehouse.duckdb"


def test_each_account_has_klaviyos_amounts_in_its_currency(
    accounts: SyncedAccounts, warehouse: Path
) -> None:
    """Every campaign's numbers equal its account's own report, and no row has another currency."""
    zones = {row["account_id"]: row["timezone"] for row in accounts.rows["account"]}
    rows = dbt.query(warehouse, "from klaviyo__message_performance where message_type = 'campaign'")
    marts = {
        (zones[row["account_id"]], row["campaign_id"], row["send_channel"], row["variation_id"]):
        row
        for row in rows
    }  # fmt: skip
    for zone, results in accounts.reports.items():
        assert len(results) > 5, zone
        for result in results:
            group, statistics = result["groupings"], result["statistics"]
            row = marts[zone, group["campaign_id"], group["send_channel"], group["variation"]]
            assert row["currency"] == ACCOUNTS[zone]
            found = {name: row[name] or 0 for name in statistics}
            assert found == statistics, (zone, group)


def test_each_send_is_on_its_accounts_day(accounts: SyncedAccounts, warehouse: Path) -> None:
    """The date of a send is that of the account's clock, on which UTC may have another day."""
    zones = {row["account_id"]: ZoneInfo(row["timezone"]) for row in accounts.rows["account"]}
    sends = dbt.query(
        warehouse,
        "select account_id, sent_at, sent_on from klaviyo__message_performance"
        " where sent_at is not null",
    )
    other_days = set()
    for send in sends:
        sent_at: datetime = send["sent_at"]
        assert sent_at.astimezone(zones[send["account_id"]]).date() == send["sent_on"]
        if sent_at.astimezone(ZoneInfo("UTC")).date() != send["sent_on"]:
            other_days.add(send["account_id"])

    assert other_days


def test_a_shops_revenue_is_in_its_currency(accounts: SyncedAccounts, warehouse: Path) -> None:
    """The orders of each currency sum to the values of its account's events, and of no other's."""
    rows = dbt.query(
        warehouse,
        "select currency, sum(order_value) as value from klaviyo__revenue_daily group by currency",
    )

    assert all(value > 0 for value in accounts.sales.values())
    assert {row["currency"]: row["value"] for row in rows} == pytest.approx(accounts.sales)


@pytest.fixture(scope="module", name="on_duckdb")
def _on_duckdb(accounts: SyncedAccounts, tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """The rows of every model on DuckDB."""
    folder = tmp_path_factory.mktemp("all")
    engine = DuckDB(folder)
    engine.load(accounts.file)
    return run_dbt(engine, folder, "run")


@pytest.mark.slow
@pytest.mark.parametrize(
    "run_engine",
    [
        run_postgres,
        pytest.param(run_bigquery, marks=pytest.mark.chaos),
        pytest.param(run_snowflake, marks=pytest.mark.chaos),
    ],
)
def test_every_engine_has_the_same_days_and_amounts(
    run_engine: Callable[[Path], AbstractContextManager[Engine]],
    accounts: SyncedAccounts,
    on_duckdb: Contents,
    tmp_path: Path,
) -> None:
    """Every model of the three accounts has DuckDB's rows on Postgres, BigQuery and Snowflake."""
    with run_engine(tmp_path) as engine:
        engine.load(accounts.file)
        rows = run_dbt(engine, tmp_path, "run")
    assert rows.keys() == on_duckdb.keys()
    for model, expected in on_duckdb.items():
        assert rows[model] == expected, model
