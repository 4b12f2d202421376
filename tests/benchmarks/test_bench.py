"""The benchmark itself, on an account so small that its figures mean nothing."""

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

EVENTS = 4_000  # the sandbox's campaigns make some 2,500 by themselves


def test_the_command_measures_every_reader_and_counts_requests(tmp_path: Path) -> None:
    """`make bench` reads all events in every way, and an unchanged account costs the fewest."""
    output = tmp_path / "bench.csv"
    command = [sys.executable, "-m", "tests.benchmarks.bench"]
    arguments = ["--events", str(EVENTS), "--output", str(output)]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    with output.open() as file:
        measured = list(csv.DictReader(file))
    assert len(measured) == 6
    read = [int(one["rows"]) for one in measured]
    assert {*read} == {read[0]}
    assert all(float(one["cpu"]) > 0 and int(one["peak"]) > 10_000_000 for one in measured)
    unchanged = re.search(r"nothing changed +(\d+) +(\d+)", done.stdout)
    assert unchanged is not None
    assert unchanged[1] == unchanged[2]


def test_an_account_that_is_too_small_is_refused_in_a_line(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its campaigns alone make more events: the sandbox says so, and no figure is left."""
    output = tmp_path / "bench.csv"
    assert bench.main(["--events", "2000", "--output", str(output)]) == 1
    err = capfd.readouterr().err
    assert "ask for more events" in err
    assert "Traceback" not in err
    assert not output.exists()


def test_a_rival_stands_beside_us_with_the_campaigns_it_finds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rival reads the same events as we do, and its campaigns are counted against all."""
    client = next(one for one in RIVALS if one.distribution == "klaviyo-api")
    monkeypatch.setattr(rivals, "RIVALS", [client])
    monkeypatch.setattr(rivals, "_environment", lambda _: sys.executable)  # it is installed here
    ours, theirs = rivals.compare(EVENTS)
    assert ours.rows >= theirs.rows > 0
    found, every = map(int, theirs.campaigns.split(" of "))
    assert found < every
    assert ours.campaigns == f"{every} of {every}"
    assert theirs.reader in capsys.readouterr().out


def test_a_rival_that_cannot_be_installed_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pip says of a package that it cannot install is not lost."""
    monkeypatch.setattr(rivals, "ENVIRONMENTS", tmp_path)
    absent = Rival("absent", str(tmp_path / "absent.whl"), "")
    with pytest.raises(InstallError, match=r"absent\.whl"):
        rivals._environment(absent)


def test_a_reader_that_fails_says_why() -> None:
    """What a reader dies of is told with the rows until then, never counted as a result."""
    with pytest.raises(ReaderError, match=r"after 0 rows: KeyError: 'xml'"):
        measure("", "", "floor", "events", "http://127.0.0.1", "xml")
