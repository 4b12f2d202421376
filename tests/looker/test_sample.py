"""The sample for Data Studio is sandbox data, made by the connector and dbt."""

import csv
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from looker import field_mapping, semantic
from scripts import sample, steps

PLANNED = "date campaign_name send_time open_rate click_rate subject_line list_id".split()


def test_the_sample_has_the_form_of_the_extract() -> None:
    """The sample has the extract's columns and up to 90 days of rows in order."""
    with sample.FILE.open() as lines:
        rows = list(csv.DictReader(lines))
    extract = list(semantic.load().columns[field_mapping.EXTRACT])
    assert list(rows[0]) == [name for name in extract if name != "account_id"]
    assert set(PLANNED) <= set(rows[0])
    days = [date.fromisoformat(row["date"]) for row in rows]
    assert days == sorted(days)
    assert timedelta(days=60) < days[-1] - days[0] < timedelta(days=90)
    for row in rows:
        assert row["open_rate"] == "" or 0 <= float(row["open_rate"]) <= 1


def test_the_sample_is_labelled_as_sandbox_data() -> None:
    """The README beside the sample says that it is sandbox data and how it is made."""
    text = (sample.FILE.parent / "README.md").read_text()
    assert text.startswith("# Sandbox data")
    assert "`make sample`" in text


@pytest.mark.chaos
def test_the_sample_is_current(tmp_path: Path) -> None:
    """A new simulation, sync and build give the same file, byte for byte."""
    file = tmp_path / "again.csv"
    command = [sys.executable, "-m", "scripts.sample", "--output", str(file)]
    subprocess.run(command, cwd=steps.ROOT, check=True)
    assert file.read_bytes() == sample.FILE.read_bytes()
