"""Options that cannot be meant are refused by one rule, whichever command they are given to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import demo, digest, export, pipeline, steps
from tests.benchmarks import bench, warehouse

DAY = "is not a day such as 2026-01-31"
COUNT = "is not a whole number from 1 on"


@pytest.fixture(name="kept")
def _kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file that the last demo left."""
    kept = tmp_path / "kept"
    kept.touch()
    monkeypatch.setattr(demo, "PLACE", steps.Place(tmp_path, kept, kept))
    return kept


@pytest.mark.parametrize(
    ("main", "arguments", "reason"),
    [
        (demo.main, ["--campaigns", "-3"], f"--campaigns: '-3' {COUNT}"),
        (demo.main, ["--profiles=0"], f"--profiles: '0' {COUNT}"),
        (demo.main, ["--now", "junk"], "--now: 'junk' is not a time such as 2026-11-16T15"),
        (export.main, ["--start", "2026-13-01"], f"--start: '2026-13-01' {DAY}"),
        (export.main, ["--limit", "-4"], f"--limit: '-4' {COUNT}"),
        (export.main, ["--output", "x.xlsx"], "'x.xlsx' is not a file that ends in .csv or"),
        (digest.main, ["send", "--end", "today"], f"--end: 'today' {DAY}"),
        (pipeline.main, ["--folder", "kept"], "--folder: 'kept' is not a folder"),
        (pipeline.main, ["--folder", "kept/in"], "--folder: 'kept/in' is not a folder"),
        (bench.main, ["--events", "0"], f"--events: '0' {COUNT}"),
        (bench.main, ["--events", "-5"], f"--events: '-5' {COUNT}"),
        (warehouse.main, ["--events", "some"], f"--events: 'some' {COUNT}"),
    ],
)
def test_the_last_line_names_the_option_and_its_form(
    kept: Path,
    capsys: pytest.CaptureFixture[str],
    main: Callable[[list[str]], int],
    arguments: list[str],
    reason: str,
) -> None:
    """The exit code is 2, and nothing is begun, written or removed."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert reason in capsys.readouterr().err.splitlines()[-1]
    assert list(kept.parent.iterdir()) == [kept]


def test_an_account_that_cannot_be_built_leaves_the_last_demo_alone(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What only the sandbox can refuse, such as a story past the end of time, harms nothing."""
    assert demo.main(["--now", "9999-12-30T00:00:00+00:00"]) == 1
    assert "The sandbox did not start" in capsys.readouterr().err
    assert kept.exists()
