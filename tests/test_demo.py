"""`make demo` leads from nothing to a dashboard; a second one loads only what is new."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser

from tests import browser, fivetran, raw_tables
from tests.warehouse.engines import running_postgres

REPOSITORY = Path(__file__).parent.parent
PARTS = ("klaviyo_connector", "klaviyo_sandbox", "dbt_project", "looker", "scripts")
OF_RUNS = shutil.ignore_patterns(
    "__pycache__", ".*_cache", "files", "crash-reports", "target", "logs"
)
SMALL = ("--campaigns", "30", "--profiles", "200", "--now", "2026-11-16T15:00:00+00:00")


@dataclass(frozen=True)
class Checkout:
    """A copy of what the demo runs, so that it does not touch this checkout's own build."""

    folder: Path

    @property
    def raw(self) -> Path:
        """The warehouse file that the sync loads into."""
        return self.folder / "build" / "demo" / "connector" / "files" / "warehouse.db"

    @property
    def dashboard(self) -> Path:
        """The HTML page that the demo ends with."""
        return self.folder / "build" / "dashboard.html"

    def run_demo(self, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run the demo to its end."""
        return subprocess.run(
            [sys.executable, "-m", "scripts.demo", *SMALL, *options],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": ""} | settings,
            capture_output=True,
            text=True,
            check=False,
        )


def check_out(folder: Path) -> Checkout:
    """Copy the parts; the environment of dbt is shared.

    The copy syncs six weeks, because the loader takes 20 s of CPU for the rows of a whole year.
    """
    for part in PARTS:
        shutil.copytree(REPOSITORY / part, folder / part, ignore=OF_RUNS)
    all_days = '{"api_key": API_KEY}'
    some_days = '{"api_key": API_KEY, "start_date": "2026-10-01"}'
    fivetran.alter(folder, "scripts/demo.py", all_days, some_days)
    (folder / ".venv-dbt").symlink_to(REPOSITORY / ".venv-dbt")
    return Checkout(folder)


@dataclass(frozen=True)
class Demo:
    """A finished demo: what it printed, and the raw tables after it."""

    run: subprocess.CompletedProcess[str]
    tables: dict[str, raw_tables.Rows]


@pytest.fixture(scope="module", name="checkout")
def _checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return check_out(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module", name="first")
def _first(checkout: Checkout) -> Demo:
    """A demo in a new checkout."""
    return Demo(checkout.run_demo(), raw_tables.everything(checkout.raw))


@pytest.fixture(scope="module", name="second")
def _second(checkout: Checkout, first: Demo) -> Demo:  # noqa: ARG001 - it is the second
    """Another demo at the same time of the account, for which dbt is missing."""
    dbt = checkout.folder / ".venv-dbt"
    dbt.unlink()
    try:
        return Demo(checkout.run_demo(), raw_tables.everything(checkout.raw))
    finally:
        dbt.symlink_to(REPOSITORY / ".venv-dbt")


def test_demo_ends_with_a_dashboard(checkout: Checkout, first: Demo) -> None:
    """It exits with 0, names its data as a sandbox's and leaves a page."""
    assert first.run.returncode == 0, first.run.stdout + first.run.stderr
    assert "This is sandbox data" in first.run.stdout
    assert "last 30 days" in first.run.stdout
    assert "sandbox" in checkout.dashboard.read_text()


def test_demo_says_what_it_does(checkout: Checkout, first: Demo, second: Demo) -> None:
    """It names its logs, how far dbt is, what did not change, and the page's address."""
    output = first.run.stdout
    assert f"its log: {Path('build', 'demo', 'sync.log')}" in output
    progress = re.findall(r"^ +(\d+) of (\d+) models and tests$", output, re.MULTILINE)
    assert len(progress) > 3
    assert progress[-1][0] == progress[-1][1]
    assert output.endswith(f"`make open` opens the dashboard: {checkout.dashboard.as_uri()}\n")
    assert re.search(
        "^ +unchanged: account, billing.*, segment_daily", second.run.stdout, re.MULTILINE
    )


@pytest.mark.usefixtures("first")
def test_the_dashboard_has_charts(checkout: Checkout, chromium: Browser) -> None:
    """The page draws a chart in a real browser, without an error in its console."""
    assert browser.draws_chart(chromium, checkout.dashboard)


def test_second_demo_loads_only_what_is_new(first: Demo, second: Demo) -> None:
    """Nothing changed: only the sync's own report is written, with fewer requests."""
    before, after = dict(first.tables), dict(second.tables)
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


@pytest.mark.chaos
def test_demo_in_postgres(tmp_path: Path) -> None:
    """With --target postgres the marts are in Postgres, and the page shows them."""
    checkout = check_out(tmp_path / "checkout")
    with running_postgres(tmp_path) as postgres:
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
    """A server that cannot be reached ends the demo before it begins."""
    done = check_out(tmp_path).run_demo("--target", "postgres", PG_HOST="127.0.0.1", PG_PORT="9")
    assert done.returncode == 1
    assert "The postgres warehouse failed: connection" in done.stderr
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
