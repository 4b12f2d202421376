"""`make screenshots`: every page of the dashboard in light, in dark and on a phone.

All of them go to build/screenshots/. The first page of each look also goes to docs/, and every page
in light, small, to docs/pages/ for looker/BUILD.md.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from playwright.sync_api import Browser, Page

from scripts.command import CommandError, command
from tests.browser import launch, open_tab

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "build" / "dashboard.html"
FOLDER = ROOT / "build" / "screenshots"
DOCS = ROOT / "docs"
PAGES = DOCS / "pages"
PAGE_WIDTH = 1024  # CSS pixels

# Charts are drawn one after the other; a chart without data stays empty.
WAITING = """
    main[aria-busy=true],
    section:not([hidden]) figure:has(.grain):has(.body:not([hidden])):not(:has(svg.marks))
"""


class Look(NamedTuple):
    """A way to look at the dashboard; docs/ shows its top, `height` CSS pixels."""

    name: str
    scheme: Literal["light", "dark"]
    width: int
    height: int


LOOKS = [
    Look("dashboard", "light", 1240, 1130),
    Look("dashboard_dark", "dark", 1240, 1130),
    Look("dashboard_phone", "light", 390, 1222),
]


@command
def main(_: Sequence[str] | None = None) -> None:
    """Photograph the dashboard that `make demo` wrote."""
    if not DASHBOARD.exists():
        raise CommandError(f"{DASHBOARD.relative_to(ROOT)} is missing: run `make demo` first.")
    with launch() as browser:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for look in LOOKS:
            _photograph(browser, look)
        _photograph_small(browser)


def _photograph(browser: Browser, look: Look) -> None:
    page, _log = open_tab(browser)
    page.set_viewport_size({"width": look.width, "height": 900})
    page.emulate_media(color_scheme=look.scheme)
    _open(page, "")
    page.screenshot(
        path=DOCS / f"{look.name}.png",
        full_page=True,
        clip={"x": 0, "y": 0, "width": look.width, "height": look.height},
    )
    _photograph_pages(page, FOLDER, f"{look.name}_{{}}.png")
    page.close()


def _photograph_small(browser: Browser) -> None:
    """Every page in light, at the width at which a page of Markdown shows a picture."""
    page, _log = open_tab(browser)
    page.set_viewport_size({"width": PAGE_WIDTH, "height": 900})
    _open(page, "")
    PAGES.mkdir(exist_ok=True)
    _photograph_pages(page, PAGES, "{}.jpg", type="jpeg", quality=60)
    page.close()


def _photograph_pages(page: Page, folder: Path, file_name: str, **options: Any) -> None:
    """Every page of the dashboard in the tab, each to a file that is named after it."""
    for name, fragment in _list_pages(page).items():
        _open(page, fragment)
        file = folder / file_name.format(name)
        page.screenshot(path=file, full_page=True, **options)
        print(file.relative_to(ROOT))


def _list_pages(page: Page) -> dict[str, str]:
    """The fragment of each page in the navigation, and of the page of the first campaign listed."""
    names = page.locator("nav a").evaluate_all("all => all.map((a) => a.dataset.page)")
    campaign = page.locator("a[href^='#page=campaign&']").first.get_attribute("href")
    return {name: f"#page={name}" for name in names} | {"campaign": campaign or ""}


def _open(page: Page, fragment: str) -> None:
    """Load the dashboard at a fragment and wait until its charts are drawn."""
    page.goto("about:blank")  # a new fragment alone would not load the file again
    page.goto(DASHBOARD.as_uri() + fragment)
    page.locator(WAITING).first.wait_for(state="detached")


if __name__ == "__main__":
    sys.exit(main())
