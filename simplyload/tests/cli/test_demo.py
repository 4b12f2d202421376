"""The demonstration, twice, as `make load-demo` runs it."""

import re
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from simplyload.checks import TableCheck
from simplyload.cli import show
from simplyload.config import read_configuration
from simplyload.demo.demo import Loaded, _summary
from simplyload.demo.sandbox import choose_times
from simplyload.run import Outcome
from tests.cli.conftest import REPOSITORY, Workspace


@pytest.mark.slow
def test_the_demonstration_is_equal_and_then_incremental(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Both runs end with every table equal; the second loads no Klaviyo table but what is new."""
    arguments = ["demo", "--folder", str(tmp_path), "--repository", str(REPOSITORY)]
    first, second = workspace.run(*arguments), workspace.run(*arguments)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert "NO" not in first.out + second.out
    assert "total_in_the_shop" in first.out
    campaigns = [line for line in second.out.splitlines() if "campaign_message" in line]
    assert [line.split()[3] for line in campaigns] == ["0"]


def test_the_account_changes_with_the_day_alone() -> None:
    """Two demonstrations of a day read one account, those of two days do not."""
    epoch = date(2026, 11, 1)
    early, late = (datetime(2026, 11, 27, hour, 59, 59, tzinfo=UTC) for hour in (0, 23))
    assert choose_times(epoch, early) == choose_times(epoch, late)
    assert choose_times(epoch, late) != choose_times(epoch, late + timedelta(seconds=1))


def test_the_demonstration_fails_where_a_table_differs() -> None:
    """One difference, a failed stream, or nothing compared at all is no success."""
    good, bad = TableCheck(table="orders"), TableCheck(table="orders", missing=1)
    done, failed = Outcome("shop"), Outcome("shop", exit_code=1)
    assert Loaded([done], [("shop", good)]).is_equal
    assert not Loaded([done], [("shop", good), ("shop", bad)]).is_equal
    assert not Loaded([failed], [("shop", good)]).is_equal
    assert not Loaded([done], []).is_equal


def test_a_terminal_of_80_characters_shows_whole_names(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No command truncates a cell, so names of tables with the same beginning stay distinct."""
    name, rows = "campaign_performance_daily", 10_822
    check = TableCheck(table=name, source_rows=rows, destination_rows=rows)
    done = Outcome("klaviyo", rows={name: rows}, lag_seconds=140.6)
    shown = StringIO()
    loaded = Loaded([done], [("klaviyo", check)])
    Console(file=shown, width=80).print(_summary(read_configuration(file), loaded))
    assert name in shown.getvalue()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show([{"stream": "klaviyo", "equal": "yes", **vars(check)}])
    assert "…" not in shown.getvalue() + capsys.readouterr().out


def test_a_table_has_no_column_without_a_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On 120 characters no heading of `check` is cut in two; what no row has is left out."""
    check = TableCheck(table="campaign_performance_daily", source_rows=9, destination_rows=9)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show([{"stream": "klaviyo", "equal": "yes", **vars(check)}])
    shown = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    assert {"destination", "duplicates", "different"} <= set(re.findall(r"\w+", shown))
    assert "ranges" not in shown
    show([{"stream": "klaviyo", **vars(replace(check, ranges=["range 7"]))}])
    assert "range 7" in capsys.readouterr().out


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a configuration."""
    file = tmp_path / "simplyload.yml"
    file.write_text("sources: {shop: {type: postgres, host: h, database: d, user: u}}\n")
    return file


def test_the_demonstration_names_the_folder_that_it_needs(workspace: Workspace) -> None:
    """A folder that is not the repository is refused by the name of the option."""
    ran = workspace.run("demo", "--folder", "demo", "--repository", str(workspace.folder))
    assert ran.code == 2
    assert "--repository" in ran.err
