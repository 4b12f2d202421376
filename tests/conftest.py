"""Fixtures that every test may use."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser

from tests import browser, fivetran

# Cores are shared: how long an example takes says nothing about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def connector_project(tmp_path: Path) -> Path:
    """A fresh copy of the connector, ready for `fivetran.debug`."""
    return fivetran.copy_connector(tmp_path)


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line how many tests no browser could run."""
    skipped = terminalreporter.stats.get("skipped", [])
    without_browser = [report for report in skipped if browser.MISSING in str(report.longrepr)]
    if without_browser:
        terminalreporter.write_line(f"{len(without_browser)} tests skipped. {browser.MISSING}")
