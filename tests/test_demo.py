"""`make demo` leads from nothing to a dashboard; a second one loads only what is new."""

import re
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import psycopg
import pytest
from playwright.sync_api import Browser

from scripts import demo as demo_script
from scripts import steps
from tests import browser, raw_tables
from tests.checkout import REPOSITORY, Checkout, check_out, copy_checkout
from tests.warehouse.engines import run_postgres

EPOCH = date(2026, 11, 16)


@dataclass(frozen=True)
class Demo:
    """A finished demo, and the raw tables after it."""

    run: subprocess.CompletedProcess[str]
    tables: dict[str, raw_tables.Rows]


@pytest.fixture(scope="module", name="checkout")
def _checkout(demo: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout in which the shared demo ran."""
    return copy_checkout(demo, tmp_path_factory.mktemp("copy") / "checkout")


@pytest.fixture(scope="module", name="second")
def _second(checkout: Checkout) -> Demo:
    """Another demo at the same time of the account, for which dbt is missing."""
    dbt = checkout.folder / ".venv-dbt"
    dbt.unlink()
    try:
        return Demo(checkout.run_demo(), raw_tables.everything(checkout.raw))
    finally:
        dbt.symlink_to(REPOSITORY / ".venv-dbt")


def test_demo_ends_with_a_dashboard(demo: Checkout) -> None:
    """It names its data as a sandbox's and leaves a page."""
    assert "This is sandbox data" in demo.output
    assert "last 30 days" in demo.output
    assert re.search(r"^campaigns, \w+ +[\d,]+ ", demo.output, re.MULTILINE)
    assert "sandbox" in demo.dashboard.read_text()


def test_demo_says_what_it_does(demo: Checkout, second: Demo) -> None:
    """It names its logs, how far dbt is, what did not change, and the page's address."""
    output = demo.output
    assert f"its log: {Path('build', 'demo', 'sync.log')}" in output
    progress = re.findall(r"^ +(\d+) of (\d+) models and tests$", output, re.MULTILINE)
    assert len(progress) > 3
    assert progress[-1][0] == progress[-1][1]
    assert output.endswith(f"`make open` opens the dashboard: {demo.dashboard.as_uri()}\n")
    assert re.search(
        "^ +unchanged: account, billing.*, segment_daily", second.run.stdout, re.MULTILINE
    )


def test_the_dashboard_has_charts(demo: Checkout, chromium: Browser) -> None:
    """The page draws a chart in a real browser, without an error in its console."""
    assert browser.draws_chart(chromium, demo.dashboard)


def test_the_log_of_a_sync_holds_no_state(demo: Checkout) -> None:
    """It names each checkpoint but does not repeat the state, which has the ids of people."""
    log = (demo.build / "sync.log").read_text()
    assert "checkpoint recorded: (the state" in log
    assert "SYNC SUCCEEDED" in log
    assert '"accounts"' not in log
    assert len(log) < 20_000


def test_only_the_owner_can_read_what_a_run_writes(demo: Checkout) -> None:
    """The warehouse, the state, the log, the page and their folders."""
    written = [demo.build.parent, demo.build, demo.raw.parent, demo.raw]
    written += [demo.raw.with_name("state.json"), demo.build / "sync.log"]
    written += [demo.warehouse, demo.dashboard]
    assert {path.stat().st_mode & 0o077 for path in written} == {0}


def test_a_folder_with_an_apostrophe_works(demo: Checkout) -> None:
    """A whole run in it: the sync, dbt's attached file and the page."""
    assert "'" in demo.folder.name
    assert demo.dashboard.exists()


def test_second_demo_loads_only_what_is_new(demo: Checkout, second: Demo) -> None:
    """Nothing changed: only the sync's own report is written, with fewer requests."""
    before, after = raw_tables.everything(demo.raw), dict(second.tables)
    reported = before.pop("sync_report")
    added = [row for row in after.pop("sync_report") if row not in reported]
    assert before == after  # _fivetran_synced and all
    assert 0 < sum(row["requests"] for row in added) < sum(row["requests"] for row in reported)
    assert not any(row["rows_written"] for row in added)


def test_failed_build_ends_the_demo(second: Demo) -> None:
    """Without dbt the run names the failed step, and not the dashboard of an earlier run."""
    assert_no_success(second.run, "The dbt build")


@pytest.mark.chaos
@pytest.mark.usefixtures("second")
def test_demo_can_be_repeated(checkout: Checkout) -> None:
    """A demo after another one, and after one that failed, ends with a dashboard too."""
    checkout.dashboard.unlink()
    done = checkout.run_demo()
    assert done.returncode == 0, done.stdout + done.stderr
    assert checkout.dashboard.exists()


def test_demo_of_another_account_starts_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its raw tables nor its marts stay: an incremental model would keep its events."""
    workspace = steps.Workspace(tmp_path / "demo", tmp_path / "warehouse.duckdb", tmp_path / "html")
    monkeypatch.setattr(demo_script, "WORKSPACE", workspace)
    workspace.folder.mkdir()
    for left in (workspace.folder / "epoch-320-1500-all.txt", workspace.warehouse):
        left.write_text("2026-11-16")
    demo_script._prepare_workspace(workspace.folder / "epoch-320-7000-reporting.txt", EPOCH)
    assert [file.name for file in workspace.folder.iterdir()] == ["epoch-320-7000-reporting.txt"]
    assert not workspace.warehouse.exists()


@pytest.mark.chaos
def test_demo_of_all_tables(tmp_path: Path) -> None:
    """With --tables all the marts of people and events have rows, and people have a finding."""
    checkout = check_out(tmp_path / "checkout")
    done = checkout.run_demo("--tables", "all")
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(checkout.warehouse), read_only=True) as warehouse:
        for mart in ("engagement", "revenue_daily", "link_performance", "product_performance"):
            [count] = warehouse.sql(f"select count(*) from klaviyo.klaviyo__{mart}").fetchall()
            assert count[0] > 0, mart
        rules = warehouse.sql("select rule_id from klaviyo.klaviyo__finding").fetchall()
        assert ("sunset",) in rules


@pytest.mark.chaos
def test_demo_in_postgres(tmp_path: Path) -> None:
    """With --target postgres the marts are in Postgres, and the page shows them."""
    checkout = check_out(tmp_path / "checkout")
    with run_postgres(tmp_path) as postgres:
        host = {"PG_HOST": postgres.environment["PG_HOST"]}
        done = checkout.run_demo("--target", "postgres", **host)
        assert done.returncode == 0, done.stdout + done.stderr
        with psycopg.connect(postgres.uri) as connection:
            query = "select count(*) from klaviyo.klaviyo__message_performance"
            [count] = connection.execute(query).fetchall()
    assert count[0] > 0
    assert "last 30 days" in done.stdout
    assert checkout.dashboard.exists()


def test_demo_without_its_postgres(tmp_path: Path) -> None:
    """A server that cannot be reached ends the demo before it begins, with what to do."""
    done = check_out(tmp_path).run_demo("--target", "postgres", PG_HOST="127.0.0.1", PG_PORT="9")
    assert done.returncode == 1
    assert "The postgres warehouse failed: connection" in done.stderr
    assert "PG_HOST, PG_PORT, PG_USER and PG_PASSWORD name a server that runs" in done.stderr
    assert "`docker compose up -d postgres` starts one" in done.stderr
    assert done.stdout == ""


def test_failed_sync_ends_the_demo(tmp_path: Path) -> None:
    """A connector that fails leaves no dashboard, and nothing printed claims success."""
    checkout = check_out(tmp_path)
    api = checkout.folder / "klaviyo_connector" / "api.py"
    api.write_text(api.read_text().replace('REVISION = "2026-10-15"', 'REVISION = "1999-01-01"'))
    assert_no_success(checkout.run_demo(), "The sync")
    assert not checkout.dashboard.exists()


def assert_no_success(done: subprocess.CompletedProcess[str], step: str) -> None:
    """The run fails in one line that names the step, and prints nothing of later steps."""
    assert done.returncode == 1
    assert f"{step} failed" in done.stderr
    assert "Traceback" not in done.stderr
    assert "dashboard.html" not in done.stdout
    assert "last 30 days" not in done.stdout
