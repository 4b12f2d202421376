"""Each source into each destination: kills at any step leave the destination as the source."""

import random
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from simplyload.checks import compare
from simplyload.config import read_configuration
from simplyload.testing.kills import run_worker
from tests.pairs.conftest import DESTINATIONS, SOURCES, System
from tests.pairs.worker import STREAM

QUICK = {("stripe", "duckdb"), ("salesforce", "parquet")}  # the others take longer
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
    file, chooser, done = folder / "simplyload.yml", random.Random(7), 0
    pipeline = {"max_changes": CHANGES}
    configuration = {"sources": {STREAM: system.settings}, "pipeline": pipeline, **sections}
    file.write_text(yaml.safe_dump(configuration))
    rounds = 0
    while done < kills:
        for _ in range(CHANGES):
            system.change(chooser)
        system.wait()
        first, apart = chooser.randrange(1, 12), chooser.randrange(5, 12)
        steps = [first, first + 5 * apart, apart]
        done += run_worker("tests.pairs.worker", {"file": str(file), "seed": 7, "steps": steps})
        rounds += 1
        assert rounds <= kills, f"{done} kills of {kills}: runs have fewer steps than are killed"
        assert_equal(file)


def assert_equal(file: Path) -> None:
    """Each table of the destination has the rows of the source, each once, cell by cell."""
    found = [check for _, check in compare(read_configuration(file), [STREAM])]
    assert found
    assert [check for check in found if not check.is_equal] == []
    assert sum(check.destination_rows for check in found) > 0
