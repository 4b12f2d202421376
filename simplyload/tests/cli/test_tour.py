"""The tour through all sources, as `make load-demo ALL=1` runs it."""

import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from simplyload.errors import SimplyLoadError
from tests.cli.conftest import REPOSITORY
from tour.__main__ import main, to_table
from tour.page import NOTE, format_cell, render
from tour.warehouses import translate

DBT = REPOSITORY / ".venv-dbt" / "bin" / "dbt"


@pytest.mark.chaos
def test_four_sources_are_joined_in_both_warehouses(tmp_path: Path) -> None:
    """Both warehouses equal the sources, dbt's tests pass, the join is full and named as sample."""
    pytest.importorskip("fakesnow", reason="simplyload/requirements.txt is not installed")
    if not DBT.exists():
        pytest.skip("no .venv-dbt: `make load-demo ALL=1` makes it")
    done = run_tour("--folder", str(tmp_path / "tour"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"equal": "yes"') == 20
    page = (tmp_path / "tour" / "revenue.html").read_text()
    for shown in (page, done.stdout):
        assert "the same, cell by cell" in shown
        assert "Sample data" in shown
        assert "Blue Heron Spa" in shown
    assert NOTE in page


def run_tour(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the tour as `make load-demo ALL=1` does."""
    return subprocess.run(
        [sys.executable, "-m", "tour", *arguments],
        cwd=REPOSITORY / "simplyload",
        env=os.environ | {"PYTHONPATH": "src", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_file_that_the_code_reads_is_ignored_by_git() -> None:
    """A file that .gitignore hides is on one machine only: a clone would not have it."""
    git = shutil.which("git")
    if git is None or not (REPOSITORY / ".git").exists():
        pytest.skip("this is no clone")
    command = [git, "ls-files", "--others", "--ignored", "--exclude-standard", "--directory"]
    done = subprocess.run(
        [*command, "simplyload"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    caches = ("__pycache__/", "_cache/", ".hypothesis/", "simplyload/build/", ".duckdb")
    assert [name for name in done.stdout.splitlines() if not name.endswith(caches)] == []
    assert (REPOSITORY / "simplyload" / "tour" / "dbt" / "profiles.yml").exists()


def test_the_tour_removes_no_folder_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with other files, and a place that is no folder, are refused in one line."""
    file = tmp_path / "mine.txt"
    file.write_text("mine")
    for place, message in ((tmp_path, "holds other files"), (file, "name another folder")):
        monkeypatch.setattr("sys.argv", ["tour", "--folder", str(place), "--dbt", sys.executable])
        with pytest.raises(SimplyLoadError, match=message) as raised:
            main()
        assert "\n" not in str(raised.value)
        assert file.read_text() == "mine"


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_a_terminal(width: int) -> None:
    """At 80 characters no number and no account is cut; a wide terminal has all columns."""
    names = ("orders", "ordered", "attributed_orders", "attributed_revenue", "paid", "refunded")
    numbers = dict(zip(names, (1234.0, 98765.43, 321.0, 87654.32, 76543.21, 1234.56), strict=True))
    row = {
        "crm_account": "Cedar Outfitters (sample)",
        "industry": "Agriculture",
        "customers": 123.0,
    }
    shown = StringIO()
    Console(file=shown, width=width).print(to_table([{**row, **numbers}], width))
    lines = shown.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in shown.getvalue()
    [line] = [line for line in lines if "98,765.43" in line]
    assert all(format_cell(number) in line for number in numbers.values())
    assert {"Cedar", "Outfitters", "(sample)"} <= set(shown.getvalue().split())
    assert ("Agriculture" in line) == (width == 120)


def test_a_page_shows_text_as_text() -> None:
    """What a source holds is escaped, numbers have separators, and the note is always there."""
    page = render([{"crm_account": "<b>A & B</b>", "paid": 1234.5, "orders": 3.0}], "same")
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in page
    assert "1,234.50" in page
    assert ">3<" in page
    assert NOTE in page


def test_a_model_is_written_for_snowflake_without_names_of_duckdb() -> None:
    """A compiled model reads the schemas of the session's database, in unquoted names."""
    sql = translate('select "id" from "raw"."shop"."orders" join "w"."models"."x" using (id)')
    assert sql == "SELECT id FROM shop.orders JOIN models.x USING (id)"
