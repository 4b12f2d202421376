"""`python -m looker preview` refuses invalid input in one line."""

from pathlib import Path

import duckdb
import pytest

from looker import __main__ as looker
from looker import declaration, semantic
from looker.errors import LookerError


def run_failing_preview(capsys: pytest.CaptureFixture[str], tmp_path: Path, warehouse: Path) -> str:
    """Run the command, which must fail and write no page; returns its one line."""
    output = tmp_path / "dashboard.html"
    assert looker.main(["preview", "--warehouse", str(warehouse), "-o", str(output)]) == 1
    assert not output.exists()
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_a_missing_warehouse_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error names the missing file and the command that creates it."""
    line = run_failing_preview(capsys, tmp_path, tmp_path / "none.duckdb")
    assert line.endswith("none.duckdb is missing: run `make demo` or `make sync` first.")


def test_the_warehouse_is_a_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """KLAVIYO_WAREHOUSE names the file; the environment comes before `.env`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("KLAVIYO_WAREHOUSE=file.duckdb\n")
    for value, missing in (("", "file.duckdb"), ("environment.duckdb", "environment.duckdb")):
        monkeypatch.setenv("KLAVIYO_WAREHOUSE", value)
        assert looker.main(["preview"]) == 1
        assert capsys.readouterr().err.startswith(f"{missing} is missing")


def test_a_missing_mart_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error names a warehouse without the mart, and the remedy."""
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    line = run_failing_preview(capsys, tmp_path, tmp_path / "empty.duckdb")
    assert "empty.duckdb lacks a mart or a column" in line
    assert line.endswith("run `dbt build` again.")


def test_an_invalid_warehouse_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error names a file that is no DuckDB database."""
    (tmp_path / "notes.duckdb").write_text("no database " * 1000)
    line = run_failing_preview(capsys, tmp_path, tmp_path / "notes.duckdb")
    assert "notes.duckdb cannot be opened" in line


def test_an_undeclared_name_is_refused(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """The error quotes the name in dashboard.yml that dbt or the format does not have."""
    cases = [
        ("metrics: [open_rate]", "metrics: [joy_rate]", "no sum or ratio named 'joy_rate'"),
        ("metrics: [open_rate]", "metrics: [engagement_score]", "no sum or ratio named 'engag"),
        ("by: [send_channel]", "by: [mood]", "has no dimension named 'mood'"),
        ("filters: [account_name", "filters: [mood", "has no dimension named 'mood'"),
        ("lists: [tag_names,", "lists: [moods,", "has no dimension named 'moods'"),
        ("title: All flows", "title: All campaigns", "2 tiles have the title 'All campaigns'"),
        ("order: sent_on", "order: spam_complaints", "order names 'spam_complaints'"),
        ("changes: [delivered,", "changes: [joy_rate,", "changes names 'joy_rate'"),
        ("revenue_targets: {}", "revenue_targets: {Shop: 0}", "target of 'Shop' must be a pos"),
        ("by: [message_id, send_channel]", "by: [message_id]", "open_rate is of several channels"),
        ("revenue_daily: shop_orders", "form_daily: form_submits", "no count for shop_revenue"),
        ("revenue_daily: shop_orders", "revenue_daily: conversions", "is of another model"),
        ("width: half", "wide: half", "unexpected keyword argument 'wide'"),
        ("\npeople:", "\npersons:", "missing a required argument: 'people'"),
        ("model: message_performance", "model: moods", "no semantic model named 'moods'"),
    ]
    for before, after, message in cases:
        with subtests.test(after=after):
            content = declaration.DASHBOARD.read_text()
            assert before in content
            changed = tmp_path / "dashboard.yml"
            changed.write_text(content.replace(before, after, 1))
            with pytest.raises(LookerError, match=message):
                declaration.load(semantic.load(), changed)


def test_an_error_of_our_own_is_no_fault_of_a_declaration(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in reading dashboard.yml keeps its traceback instead of blaming the file."""

    def load_wrongly() -> None:
        raise TypeError("our own mistake")

    monkeypatch.setattr("looker.findings.load", load_wrongly)
    with pytest.raises(TypeError, match="our own mistake"):
        declaration.load(semantic.load())
