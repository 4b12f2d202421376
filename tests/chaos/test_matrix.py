"""Whatever goes wrong, no row is lost, doubled or altered, and no secret is told.

A fault that passes leaves no trace in the tables. One that lasts ends the sync in an error named
by its remedy, and the next sync brings what this one missed. docs/faults.md shows the outcomes.
"""

import pytest

from tests.chaos import matrix
from tests.chaos.row import Case, Row


@pytest.mark.parametrize(("row", "case"), matrix.params())
def test_fault(request: pytest.FixtureRequest, row: Row, case: Case) -> None:
    """The row's own rule holds; LOST, DUP, WRONG and LEAK are 0 after the last sync."""
    trial = request.getfixturevalue(case.stage)
    case.happen(trial)
    outcome = trial.outcome()
    outcome.save(matrix.result(row, case))
    assert not outcome.harm, (outcome, trial.message)
    assert outcome.exit[-1] == 0 or not trial.clean.tables


def test_every_row_of_the_definition_is_there() -> None:
    """The matrix is whole: its ids are those that the definition of done counts, in order."""
    sizes = {"P": 7, "T": 7, "H": 10, "D": 10, "V": 5, "S": 3, "X": 7}
    ids = [f"{section}{n}" for section, size in sizes.items() for n in range(1, size + 1)]
    assert ids == [row.id for row in matrix.ROWS]
    assert all(bool(row.cases) != bool(row.shown) for row in matrix.ROWS)
