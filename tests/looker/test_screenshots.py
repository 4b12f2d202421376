"""`make screenshots` without a browser."""

from pathlib import Path

import pytest

from tests.looker import screenshots


def test_a_missing_browser_is_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names the package to install, and no picture changes."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    (tmp_path / "dashboard.html").touch()
    monkeypatch.setattr(screenshots, "DASHBOARD", tmp_path / "dashboard.html")
    monkeypatch.setattr(screenshots, "FOLDER", tmp_path / "screenshots")
    assert screenshots.main([]) == 1
    [line] = capsys.readouterr().err.splitlines()[1:]
    assert "apt-get install chromium" in line
    assert not screenshots.FOLDER.exists()
