"""Fixtures that every test may use."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from playwright.sync_api import Browser

from tests import browser, fivetran
from tests.checkout import Checkout, check_out
from tests.warehouse import dbt, raw, shop

# Cores are shared: how long an example takes says nothing about the code. `make chaos` tries many.
settings.register_profile("few", deadline=None, max_examples=25)
settings.register_profile("many", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("EXAMPLES", "few"))


@pytest.fixture
def connector_project(tmp_path: Path) -> Path:
    """A fresh copy of the connector, ready for `fivetran.debug`."""
    return fivetran.copy_connector(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _page_decoding() -> Iterator[None]:
    """With PARSE_PAGES=1 no page is decoded fast, so that the same tests hold for both ways."""
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("PARSE_PAGES"):
            patch.setattr("streams.window_reader.typed_decoder", lambda *_: None)
            patch.setattr("streams.reread.typed_decoder", lambda *_: None)
        yield


# The longest files first, so that two workers of pytest-xdist end at about the same time.
LONGEST = """
test_engines.py test_demo.py test_page.py test_sandbox.py test_zones.py test_tables.py
test_consumer.py test_promises.py test_metrics.py test_matrix.py test_doctor.py test_browser.py
test_taken_back.py test_findings.py test_mcp.py test_account_shapes.py test_pipeline.py
test_windowed.py test_simulation.py test_state.py test_any_order.py
""".split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest files first; xdist hands out whole files in this order."""
    order = {name: position for position, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONGEST)))


# One a module, not one a session: while Playwright runs, its thread can run no other event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless browser; without one the test is skipped, or fails where one is required."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(browser.launch())
        except browser.BrowserMissingError as error:
            (pytest.fail if browser.is_required() else pytest.skip)(str(error))
        yield running


@pytest.fixture(scope="session", name="dbt_build")
def _dbt_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one build of the two shops: `raw.db`, `warehouse.duckdb` and `target/`.

    The build runs dbt's tests. No test writes to it.
    """

    def build(folder: Path) -> None:
        file = raw.write(folder / "raw.db", shop.ROWS, shop.TABLE_NAMES)
        done = dbt.run(folder, "build", raw=file, artifacts=True)
        assert done.returncode == 0, done.stdout + done.stderr

    return make_once(tmp_path_factory, "dbt_build", build)


@pytest.fixture(scope="session", name="demo")
def _demo(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which one demo has run from nothing to its end. No test writes to it.

    Its folder has an apostrophe and a space, which every path in SQL has to survive.
    """

    def run(folder: Path) -> None:
        done = check_out(folder).run_demo()
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "output.txt").write_text(done.stdout)

    return Checkout(make_once(tmp_path_factory, "client's demo", run))


def make_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """Make a folder in the first worker of pytest-xdist that needs it; the others wait for it."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / name
    complete = folder.with_suffix(".complete")
    with FileLock(folder.with_suffix(".lock")):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            complete.touch()
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line how many tests no browser could run."""
    skipped = terminalreporter.stats.get("skipped", [])
    without_browser = [report for report in skipped if browser.MISSING in str(report.longrepr)]
    if without_browser:
        terminalreporter.write_line(f"{len(without_browser)} tests skipped. {browser.MISSING}")
