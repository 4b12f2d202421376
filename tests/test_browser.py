"""The page tests get a browser: one that is there, one that is installed, or a clear refusal."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests import browser

ROOT = Path(__file__).parent.parent
STUB = "#!/bin/sh\nexit 1\n"  # as Ubuntu's chromium-browser where snap is missing
FAKE_APT_GET = """#!/bin/sh
case "$*" in *install*chromium*) {ln} -s {true} {folder}/chromium;; esac
"""


@pytest.fixture(name="path")
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that is one folder with nothing but a shell; Playwright can download nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_HOST", "http://127.0.0.1:9")
    monkeypatch.delenv("REQUIRE_BROWSER", raising=False)
    return folder


def write_program(file: Path, script: str) -> None:
    """A program of that name."""
    file.write_text(script)
    file.chmod(0o755)


def run_page_tests() -> subprocess.CompletedProcess[str]:
    """Run some of the page tests with this process's PATH."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/looker/test_page.py", "-k", "table"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_program_that_does_not_start_is_no_browser(path: Path) -> None:
    """The first name on the PATH that starts is the browser; a stub is passed over."""
    works = str(shutil.which("true", path=os.defpath))
    write_program(path / "chromium-browser", STUB)
    (path / "google-chrome").symlink_to(works)
    with sync_playwright() as playwright:
        assert browser._find(playwright) == str(path / "google-chrome")


def test_a_missing_browser_is_installed_by_root(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where Playwright's download fails, the system's package manager installs Chromium."""
    programs = {name: shutil.which(name, path=os.defpath) for name in ("ln", "true")}
    write_program(path / "apt-get", FAKE_APT_GET.format(folder=path, **programs))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    assert browser.main([]) == 0
    assert (path / "chromium").exists()
    by_playwright, by_system = capsys.readouterr().out.splitlines()
    assert "playwright install chromium" in by_playwright
    assert "apt-get" in by_system


def test_without_a_browser_the_page_tests_are_skipped(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user who cannot install one reads in one line how many tests were skipped, and why."""
    assert not (path / "chromium").exists()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert browser.main([]) == 0
    tests = run_page_tests()
    assert tests.returncode == 0, tests.stdout
    [line] = [line for line in tests.stdout.splitlines() if browser.MISSING in line]
    assert line == f"5 tests skipped. {browser.MISSING}"


def test_where_a_browser_is_required_its_absence_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With REQUIRE_BROWSER=1, as in `.ci/run`, neither make's step nor pytest passes."""
    assert not (path / "chromium").exists()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    assert "REQUIRE_BROWSER=1 make test" in (ROOT / ".ci" / "run").read_text()
    assert browser.main([]) == 1
    assert capsys.readouterr().err.strip() == browser.MISSING
    tests = run_page_tests()
    assert tests.returncode == 1
    assert "tests skipped" not in tests.stdout
    assert browser.MISSING in tests.stdout
