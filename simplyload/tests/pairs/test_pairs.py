"""Each source into each destination: kills at any step leave the destination as the source."""

import random
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from simplyload.checks import compare
from simplyload.config import read_configuration
from simplyload.testing.kills import run_worker
from tests.pairs.conftest import DESTINATIONS, SOURCES, System
from tests.pairs.worker import STREAM

QUICK = {("stripe", "duckdb"), ("salesforce", "parquet")}  # the others take longer
FAULTS = [("loses rows", "missing=[1-9]"), ("loads twice", "duplicates=[1-9]")]
CHANGES = 8  # between two runs
PAIRS = [
    pytest.param(*pair, id="-".join(pair), marks=[] if pair in QUICK else pytest.mark.chaos)
    for pair in product(SOURCES, DESTINATIONS)
]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("system", "sections"), PAIRS, indirect=True)
@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.chaos)])
def test_r1_kills_of_each_pair_lose_and_double_nothing(
    system: System, sections: dict[str, Any], folder: Path, kills: int
) -> None:
    """Killed before random steps while the source changes: it equals the source, cell by cell."""
    file, chooser = write_configuration(folder, system, sections), random.Random(7)
    done = rounds = 0
    while done < kills:
        for _ in range(CHANGES):
            system.change(chooser)
        system.wait()
        steps = {"first": chooser.randrange(1, 12), "apart": chooser.randrange(8, 25)}
        done += run_worker("tests.pairs.worker", {"file": str(file), **steps})
        rounds += 1
        assert rounds <= kills, f"{done} kills of {kills}: runs have fewer steps than are killed"
        assert_equal(file)


@pytest.mark.parametrize(("system", "sections"), [("stripe", "duckdb")], indirect=True)
@pytest.mark.parametrize(
    "fault", ["delete from {0} where {1}", "update {0} set email = 'other' where {1}"]
)
def test_the_comparison_notices_a_lost_row_and_a_wrong_cell(
    system: System, sections: dict[str, Any], folder: Path, fault: str
) -> None:
    """One row that is gone, or one cell that differs, fails the comparison after the kills."""
    file, chooser = write_configuration(folder, system, sections), random.Random(7)
    for _ in range(3 * CHANGES):
        system.change(chooser)
    system.wait()
    run_worker("tests.pairs.worker", {"file": str(file), "first": 0, "apart": 1})
    assert_equal(file)
    with duckdb.connect(folder / "target.duckdb") as target:
        table = f"{STREAM}.customers"
        target.execute(
            fault.format(table, f"id = (select min(id) from {table} where not _deleted)")
        )
    with pytest.raises(AssertionError, match="table='customers'"):
        assert_equal(file)


@pytest.mark.slow
@pytest.mark.parametrize(("system", "sections"), [("stripe", "duckdb")], indirect=True)
@pytest.mark.parametrize(("fault", "found"), FAULTS)
def test_a_faulty_destination_is_noticed(
    system: System, sections: dict[str, Any], folder: Path, fault: str, found: str
) -> None:
    """The control: a destination that loses rows, or loads twice, does not pass the same kills."""
    file, chooser = write_configuration(folder, system, sections), random.Random(7)
    for _ in range(3 * CHANGES):
        system.change(chooser)
    system.wait()
    job = {"file": str(file), "first": 5, "apart": 20, "fault": fault}
    assert run_worker("tests.pairs.worker", job) > 0
    with pytest.raises(AssertionError, match=found):
        assert_equal(file)


def write_configuration(folder: Path, system: System, sections: dict[str, Any]) -> Path:
    """Write what a pair's `simplyload.yml` says."""
    pipeline = {"max_changes": CHANGES}
    configuration = {"sources": {STREAM: system.settings}, "pipeline": pipeline, **sections}
    file = folder / "simplyload.yml"
    file.write_text(yaml.safe_dump(configuration))
    return file


def assert_equal(file: Path) -> None:
    """Each table of the destination has the rows of the source, each once, cell by cell."""
    found = [check for _, check in compare(read_configuration(file), [STREAM])]
    assert found
    assert [check for check in found if not check.is_equal] == []
    assert sum(check.destination_rows for check in found) > 0
