"""Malformed options are refused by one rule in every command."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import scripts
from looker.__main__ import main as looker
from scripts import demo, export, pipeline, steps
from scripts.digest.__main__ import main as digest
from scripts.mcp.__main__ import main as mcp
from tests.benchmarks import bench, warehouse

DAY = "is not a day such as 2026-01-31"
COUNT = "is not a whole number from 1 on"


@pytest.fixture(name="last_demo")
def _last_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file that the last demo wrote."""
    file = tmp_path / "last_demo"
    file.touch()
    monkeypatch.setattr(demo, "WORKSPACE", steps.Workspace(tmp_path, file, file))
    return file


def test_last_line_names_the_option_and_its_form(
    last_demo: Path, capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    """A malformed option exits with 2, and nothing is started, written or removed."""
    cases: list[tuple[Callable[[list[str]], int], list[str], str]] = [
        (demo.main, ["--campaigns", "-3"], f"--campaigns: '-3' {COUNT}"),
        (demo.main, ["--profiles=0"], f"--profiles: '0' {COUNT}"),
        (demo.main, ["--now", "junk"], "--now: 'junk' is not a time such as 2026-11-16T15"),
        (export.main, ["--start", "2026-13-01"], f"--start: '2026-13-01' {DAY}"),
        (export.main, ["--limit", "-4"], f"--limit: '-4' {COUNT}"),
        (export.main, ["--output", "x.xlsx"], "'x.xlsx' is not a file that ends in .csv or"),
        (digest, ["send", "--end", "today"], f"--end: 'today' {DAY}"),
        (pipeline.main, ["--folder", "last_demo"], "--folder: 'last_demo' is not a folder"),
        (pipeline.main, ["--folder", "last_demo/in"], "--folder: 'last_demo/in' is not a folder"),
        (looker, ["link", "--template", "none.yml"], "--template: 'none.yml' is not a file"),
        (looker, ["draw"], "invalid choice: 'draw'"),
        (mcp, ["--warehouse"], "unrecognized arguments: --warehouse"),
        (bench.main, ["--events", "0"], f"--events: '0' {COUNT}"),
        (bench.main, ["--events", "-5"], f"--events: '-5' {COUNT}"),
        (warehouse.main, ["--events", "some"], f"--events: 'some' {COUNT}"),
    ]
    for main, arguments, reason in cases:
        with subtests.test(arguments=arguments):
            with pytest.raises(SystemExit, match="2"):
                main(arguments)
            assert reason in capsys.readouterr().err.splitlines()[-1]
            assert list(last_demo.parent.iterdir()) == [last_demo]


def test_a_library_is_no_command() -> None:
    """`python -m` on a module that runs nothing fails, and names the modules that do."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.steps"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 1
    assert done.stderr.startswith("scripts.steps is a library and runs nothing. The commands are")
    commands = scripts.list_commands()
    assert {"scripts.demo", "scripts.digest", "scripts.mcp"} <= set(commands)
    for name in commands:
        scripts.refuse_library(["python", "-m", name])


def test_failed_sandbox_keeps_the_last_demo(
    last_demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An account that only the sandbox can refuse leaves the files of the last demo in place."""
    assert demo.main(["--now", "9999-12-30T00:00:00+00:00"]) == 1
    assert "The sandbox did not start" in capsys.readouterr().err
    assert last_demo.exists()
