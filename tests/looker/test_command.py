"""`python -m looker preview`: what it refuses, and how it says so."""

from pathlib import Path

import duckdb
import pytest

from looker import __main__ as looker
from looker import declaration, semantic
from looker.errors import LookerError


def complaint(capsys: pytest.CaptureFixture[str], tmp_path: Path, warehouse: Path) -> str:
    """Run the command, which must fail and leave no page; gives its one line."""
    output = tmp_path / "dashboard.html"
    assert looker.main(["preview", "--warehouse", str(warehouse), "-o", str(output)]) == 1
    assert not output.exists()
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_missing_warehouse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a warehouse the command names the file and how to make one."""
    line = complaint(capsys, tmp_path, tmp_path / "none.duckdb")
    assert line.endswith("none.duckdb is missing: run `make demo` or `make sync` first.")


def test_the_warehouse_of_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """KLAVIYO_WAREHOUSE names the file as for every other command: first the environment's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("KLAVIYO_WAREHOUSE=file.duckdb\n")
    for value, missing in (("", "file.duckdb"), ("environment.duckdb", "environment.duckdb")):
        monkeypatch.setenv("KLAVIYO_WAREHOUSE", value)
        assert looker.main(["preview"]) == 1
        assert capsys.readouterr().err.startswith(f"{missing} is missing")


def test_missing_mart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A warehouse without the mart is named together with the remedy."""
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    line = complaint(capsys, tmp_path, tmp_path / "empty.duckdb")
    assert "empty.duckdb lacks a mart or a column" in line
    assert line.endswith("run `dbt build` again.")


def test_a_file_that_is_no_warehouse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no DuckDB database is named."""
    (tmp_path / "notes.duckdb").write_text("no database " * 1000)
    line = complaint(capsys, tmp_path, tmp_path / "notes.duckdb")
    assert "notes.duckdb cannot be opened" in line


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("metrics: [open_rate]", "metrics: [joy_rate]", "no sum or ratio named 'joy_rate'"),
        ("metrics: [open_rate]", "metrics: [engagement_score]", "no sum or ratio named 'engag"),
        ("by: [send_channel]", "by: [mood]", "has no dimension named 'mood'"),
        ("filters: [account_name", "filters: [mood", "has no dimension named 'mood'"),
        ("lists: [tag_names]", "lists: [moods]", "has no dimension named 'moods'"),
        ("title: All flows", "title: All campaigns", "2 tiles have the title 'All campaigns'"),
        ("order: sent_on", "order: spam_complaints", "order names 'spam_complaints'"),
        ("width: half", "wide: half", "unexpected keyword argument 'wide'"),
        ("model: message_performance", "model: moods", "no semantic model named 'moods'"),
    ],
)
def test_declaration_is_checked(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    """A name in dashboard.yml that dbt does not declare is refused by name."""
    content = declaration.DASHBOARD.read_text()
    assert before in content
    changed = tmp_path / "dashboard.yml"
    changed.write_text(content.replace(before, after, 1))
    with pytest.raises(LookerError, match=complaint):
        declaration.load(semantic.load(), changed)
