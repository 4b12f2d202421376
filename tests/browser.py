"""The browser of the page tests: finds Chromium or Chrome, or installs it.

`make test` runs this module first. Without a browser the page tests are skipped, or, with
REQUIRE_BROWSER=1 as in `.ci/run`, the run fails.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, sync_playwright

from scripts.command import CommandError, command

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "No Chromium or Chrome starts here. As root: apt-get install chromium"

# Debian's package; on Ubuntu the package of this name only works where snap does.
APT_INSTALL = "apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium"


class BrowserMissingError(CommandError):
    """No browser starts on this machine; the message names the remedy."""


def is_required() -> bool:
    """Whether a missing browser fails the tests instead of skipping those that need one."""
    return os.environ.get("REQUIRE_BROWSER") == "1"


@contextmanager
def launch() -> Iterator[Browser]:
    """A headless browser; raises BrowserMissingError where none starts."""
    with sync_playwright() as playwright:
        path = _find(playwright)
        if path is None:
            raise BrowserMissingError(MISSING)
        # Chromium's own sandbox refuses to run as root.
        browser = playwright.chromium.launch(
            executable_path=path, chromium_sandbox=os.geteuid() != 0
        )
        yield browser
        browser.close()


@dataclass
class PageLog:
    """What a page reports while it is open."""

    problems: list[str] = field(default_factory=list)  # errors and warnings of its console
    requests: list[str] = field(default_factory=list)  # URLs

    def clear(self) -> None:
        """Forget what was reported."""
        self.problems.clear()
        self.requests.clear()

    def add_message(self, message: ConsoleMessage) -> None:
        """Keep a console message if it is an error or a warning."""
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def add_request(self, request: Request) -> None:
        """Keep the URL of a request."""
        self.requests.append(request.url)


def open_tab(browser: Browser) -> tuple[Page, PageLog]:
    """An empty tab in British English, and the log of its pages."""
    page = browser.new_page(locale="en-GB")
    log = PageLog()
    page.on("console", log.add_message)
    page.on("pageerror", lambda error: log.problems.append(str(error)))
    page.on("request", log.add_request)
    return page, log


def draws_chart(browser: Browser, html: Path) -> bool:
    """Whether a dashboard draws a chart when it opens, without an error in its console."""
    page, log = open_tab(browser)
    page.goto(html.as_uri())
    page.locator(".body svg").first.wait_for()
    page.close()
    return not log.problems


@command
def main(_: Sequence[str] | None = None) -> None:
    """Install Chromium where no browser starts: Playwright's build, else the system's package."""
    with sync_playwright() as playwright:
        for installer in _installers():
            if _find(playwright):
                return
            print("No browser starts. Running", *installer, flush=True)
            quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(installer, env=quiet, capture_output=True, check=False)
        if _find(playwright) is None and is_required():
            raise BrowserMissingError(MISSING)


def _installers() -> list[list[str]]:
    by_playwright = [sys.executable, "-m", "playwright", "install", "chromium"]
    by_system = [["sh", "-c", APT_INSTALL]] if os.geteuid() == 0 else []
    return [by_playwright, *by_system]


def _find(playwright: Playwright) -> str | None:
    """The first browser that starts: one on the PATH, else the one Playwright installs."""
    paths = [*filter(None, map(shutil.which, NAMES)), playwright.chromium.executable_path]
    return next(filter(_starts, paths), None)


def _starts(path: str) -> bool:
    """Whether a browser runs: a stub that only names another package, or lacks a library, fails."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main())
