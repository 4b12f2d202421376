"""The demonstration, twice, as `make load-demo` runs it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from simplyload.checks import TableCheck
from simplyload.demo.demo import Loaded
from simplyload.demo.sandbox import choose_times
from simplyload.run import Outcome
from tests.cli.conftest import REPOSITORY, Workspace


@pytest.mark.chaos
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
    assert [line.replace(" ", "").split("│")[4] for line in campaigns] == ["0"]


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


def test_the_demonstration_names_the_folder_that_it_needs(workspace: Workspace) -> None:
    """A folder that is not the repository is refused by the name of the option."""
    ran = workspace.run("demo", "--folder", "demo", "--repository", str(workspace.folder))
    assert ran.code == 2
    assert "--repository" in ran.err
