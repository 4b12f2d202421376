"""The benchmark's command, on an account so small that its figures mean nothing."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import bench, rivals
from tests.benchmarks.measure import ReaderError, measure
from tests.benchmarks.rivals import RIVALS, InstallError, Rival
from tests.sandbox_server import REPOSITORY

EVENTS = 4_000  # the sandbox's campaigns alone make about 2,500


@pytest.mark.chaos
def test_command_measures_every_reader_and_counts_requests(tmp_path: Path) -> None:
    """Readers of a listing read the same rows; a sync of unchanged data makes fewest requests."""
    output = tmp_path / "bench.csv"
    command = [sys.executable, "-m", "tests.benchmarks.bench", "--output", str(output)]
    sizes = ["--events", str(EVENTS), "--people", "150", "--campaigns", "30"]
    done = subprocess.run(
        [*command, *sizes], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    with output.open() as file:
        figures = list(csv.DictReader(file))
    rows = {(row["account"].split()[0], row["rows"]) for row in figures}
    accounts = ["4,000", "profiles", "members", "no"]
    assert sorted(account for account, _ in rows) == sorted(accounts)
    assert len(figures) == 5 + 2 * 5 + 2 + 1  # events, people, latency, no change
    assert all(float(row["cpu"]) > 0 and int(row["peak"]) > 10_000_000 for row in figures)
    unchanged = re.search(r"nothing changed +(\d+) +(\d+)", done.stdout)
    assert unchanged is not None
    assert unchanged[1] == unchanged[2]


def test_account_that_is_too_small_is_refused(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its campaigns alone make more events: one line says so, and no figures are written."""
    output = tmp_path / "bench.csv"
    assert bench.main(["--events", "2000", "--output", str(output)]) == 1
    err = capfd.readouterr().err
    assert "use more events" in err
    assert "Traceback" not in err
    assert not output.exists()


@pytest.mark.chaos
def test_rival_is_measured_with_the_campaigns_it_finds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rival reads the same events as our sync, and its campaigns are counted against all."""
    client = next(rival for rival in RIVALS if rival.distribution == "klaviyo-api")
    monkeypatch.setattr(rivals, "RIVALS", [client])
    monkeypatch.setattr(rivals, "_install", lambda _: sys.executable)  # it is installed here
    ours, theirs = rivals.compare(EVENTS)
    assert ours.rows >= theirs.rows > 0
    found, every = map(int, theirs.campaigns.split(" of "))
    assert found < every
    assert ours.campaigns == f"{every} of {every}"
    assert theirs.reader in capsys.readouterr().out


@pytest.mark.chaos
def test_rival_that_cannot_be_installed_names_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has pip's own message."""
    monkeypatch.setattr(rivals, "ENVIRONMENTS", tmp_path)
    absent = Rival("absent", str(tmp_path / "absent.whl"), "")
    with pytest.raises(InstallError, match=r"absent\.whl"):
        rivals._install(absent)


def test_failed_reader_names_the_reason() -> None:
    """The error of a reader is raised with its rows so far, and is no result."""
    with pytest.raises(ReaderError, match=r"after 0 rows: KeyError: 'xml'"):
        measure("", "", "floor", "events", "http://127.0.0.1", "xml")
