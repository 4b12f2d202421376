"""`make screenshots`: every page of the dashboard in light, in dark and on a phone.

All of them go to build/screenshots/ to be looked at; the first page of each also to docs/.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.command import CommandError, command
from tests.looker.chromium import Chromium

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "build" / "dashboard.html"
FOLDER = ROOT / "build" / "screenshots"
DOCS = ROOT / "docs"

# Charts come one after the other: as many as have something to show.
DRAWN = """
    document.querySelector('main').ariaBusy === 'false'
    && [...document.querySelectorAll('section:not([hidden]) figure:has(.grain)')].every(
        (figure) => figure.querySelector('.body').hidden || figure.querySelector('svg.marks'))
"""


class Look(NamedTuple):
    """A way to look at the page; `height` is what docs/ shows of it, in CSS pixels."""

    name: str
    scheme: str
    width: int
    height: int


LOOKS = [
    Look("dashboard", "light", 1240, 1130),
    Look("dashboard_dark", "dark", 1240, 1130),
    Look("dashboard_phone", "light", 390, 1222),
]


@command
def main(_: Sequence[str] | None = None) -> None:
    """Photograph the dashboard that `make demo` left behind."""
    if not DASHBOARD.exists():
        raise CommandError(f"{DASHBOARD.relative_to(ROOT)} is missing: run `make demo` first.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, Chromium(Path(home)) as browser:
        for look in LOOKS:
            _photograph(browser, look)


def _photograph(browser: Chromium, look: Look) -> None:
    browser.resize(look.width)
    browser.prefer(look.scheme)
    browser.open(DASHBOARD)
    browser.wait_for(DRAWN)
    (DOCS / f"{look.name}.png").write_bytes(browser.screenshot(height=look.height))
    pages = "[...document.querySelectorAll('nav a')].map((link) => link.dataset.page)"
    for page in browser.evaluate(pages):
        browser.open(DASHBOARD, f"#page={page}")
        browser.wait_for(DRAWN)
        file = FOLDER / f"{look.name}_{page}.png"
        file.write_bytes(browser.screenshot())
        print(file.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
