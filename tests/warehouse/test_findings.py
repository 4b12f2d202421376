"""What to do next: each rule speaks for an account made to show it, and for no other."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from looker import findings
from scripts.digest import peers
from scripts.digest.period import Period
from scripts.warehouse import WarehouseSettings, open_warehouse
from tests.warehouse import dbt, raw
from tests.warehouse.bigquery import run_bigquery
from tests.warehouse.compare import normalize
from tests.warehouse.engines import DuckDB, Engine, run_postgres
from tests.warehouse.finding_accounts import SHOWING, TODAY, days_ago, raw_tables

SELECTED = ("--select", "+klaviyo__finding")


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the raw tables and the findings of every account."""
    folder = tmp_path_factory.mktemp("findings")
    raw.write(folder / "raw.db", raw_tables())
    run = dbt.run(folder, "run", *SELECTED, raw=folder / "raw.db")
    assert run.returncode == 0, run.stdout
    return folder


def read_findings(folder: Path, columns: str) -> list[tuple[str, ...]]:
    """The findings in order."""
    rows = dbt.query(
        folder / "warehouse.duckdb",
        f"select {columns} from klaviyo__finding order by account_id, finding_rank",
    )
    return [tuple(row.values()) for row in rows]


def test_each_rule_speaks_for_its_account_only(folder: Path) -> None:
    """An account made to show a rule has one finding; accounts of chance or few sends have none."""
    assert set(SHOWING) == {rule.id for rule in findings.load().rules}
    assert read_findings(folder, "account_id, rule_id") == [
        (rule, rule) for rule in sorted(SHOWING)
    ]


def test_a_finding_states_its_figures(folder: Path) -> None:
    """The words of a finding are those of its rule, with the sums of the raw rows."""
    rows = read_findings(folder, "rule_id, suggestion || ': ' || finding")
    words = {row[0]: row[1] for row in rows}
    first, second = (_sum_final_days("flow_message_idle", name) for name in ("First", "Second"))
    expected = first["conversions"] / first["delivered"] * second["delivered"]
    assert words["flow_message_idle"] == (
        f"Change or remove Second (Welcome): {second['delivered']:,} were delivered in 90 days"
        f" without an order; at the rate of the flow's other messages about {expected:.0f} were"
        " to be expected."
    )
    assert words["test_decided"].startswith("Keep Variation A of Campaign 10: ")
    joined, left = (_sum_days("audience_shrank", metric) for metric in ("join", "leave"))
    assert f"Net change of {joined - left:+d} people in 28 days" in words["audience_shrank"]
    assert words["bot_clicks"].endswith(
        f"Machines made {90 / 220:.1%} of 220 clicks in the last 30 days."
    )
    assert words["sunset"].partition(": ")[2].startswith("16.0% of the 250 people")


@pytest.mark.parametrize("rule", ["campaign_above", "campaign_below"])
def test_the_digest_has_the_median_of_the_finding(folder: Path, rule: str) -> None:
    """What is usual for a campaign in the digest is what its finding compares it with."""
    [finding] = dbt.query(
        folder / "warehouse.duckdb", f"from klaviyo__finding where rule_id = '{rule}'"
    )
    settings = WarehouseSettings(dbt_target="duckdb", klaviyo_warehouse=folder / "warehouse.duckdb")
    week = Period(finding["date"], finding["date"] + timedelta(days=1))
    with open_warehouse(settings) as warehouse:
        found = peers.read_usual(warehouse, rule, week, TODAY, final_age=6)
    [usual] = found.values()
    assert usual.result.per_recipient == pytest.approx(finding["figure"])
    assert usual.per_recipient == pytest.approx(finding["comparison"])


def _sum_final_days(account: str, message: str) -> dict[str, int]:
    """The sums of a flow message over the 90 days whose results are final."""
    rows = [
        row
        for row in raw_tables()["flow_performance_daily"]
        if (row["account_id"], row["flow_message_id"]) == (account, message)
        and days_ago(95) <= row["date"] < days_ago(5)
    ]
    return {name: sum(row[name] for row in rows) for name in ("delivered", "conversions")}


def _sum_days(account: str, metric: str) -> int:
    """The sum of a count over 28 days."""
    return sum(
        row["count"]
        for row in raw_tables()["message_metric_daily"]
        if (row["account_id"], row["metric_id"]) == (account, metric)
        and row["date"] >= days_ago(28)
    )


def test_muted_findings_are_left_out(folder: Path, tmp_path: Path) -> None:
    """A rule, or one finding of it, that KLAVIYO_MUTED_FINDINGS names is not in the mart."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    muted = "bounces, flow_message_idle:Second:email, flow_message_ahead:Second:email"
    run = dbt.run(
        tmp_path,
        *("run", "--select", "klaviyo__finding"),
        raw=tmp_path / "raw.db",
        KLAVIYO_MUTED_FINDINGS=muted,
    )
    assert run.returncode == 0, run.stdout
    shown = {rule for (rule,) in read_findings(tmp_path, "rule_id")}
    assert set(SHOWING) - shown == {"bounces", "flow_message_idle"}


# Of each format one; the local engine of BigQuery takes seconds for an account.
FORMATS = ("campaign_above", "flow_message_idle", "provider_delivery", "audience_shrank")


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("run_engine", [run_postgres, run_bigquery])
def test_engines_find_the_same(
    run_engine: Callable[[Path], AbstractContextManager[Engine]], folder: Path, tmp_path: Path
) -> None:
    """Postgres and BigQuery have the findings of DuckDB, to the letter."""
    with run_engine(tmp_path) as engine:
        engine.load(raw.write(tmp_path / "raw.db", raw_tables(FORMATS)))
        run = dbt.run_on(tmp_path, dbt.EVERYTHING | engine.environment, "run", *SELECTED)
        assert run.returncode == 0, run.stdout
        [(model, found)] = engine.rows({"klaviyo__finding": "klaviyo"}).items()
    duckdb = DuckDB(folder)
    duckdb.load(folder / "raw.db")
    [expected] = duckdb.rows({model: "klaviyo"}).values()
    of_formats = [row for row in expected if row["account_id"] in FORMATS]
    assert normalize(found) == normalize(of_formats)
    assert len(found) == len(FORMATS)
