"""The fault matrix, whole: its rows, and their cases with ids that begin with the row's."""

from pathlib import Path
from typing import Any

import pytest

from tests.chaos import moving, odd_values, process, security, status, transport
from tests.chaos.row import Case, Row
from tests.sandbox_server import REPOSITORY

SECTIONS = {
    "The process": process.ROWS,
    "Transport": transport.ROWS,
    "HTTP status": status.ROWS,
    "Pagination and moving data": moving.ROWS,
    "Values and schema": odd_values.ROWS,
    "Security": security.ROWS,
}
ROWS = [row for rows in SECTIONS.values() for row in rows]
RESULTS = REPOSITORY / "build" / "chaos"


def params() -> list[Any]:
    """Each case as pytest takes it; those that are not quick run in `make chaos` only."""
    return [
        pytest.param(row, case, id=case_id(row, case), marks=_marks(case))
        for row in ROWS
        for case in row.cases
    ]


def _marks(case: Case) -> list[pytest.MarkDecorator]:
    return [] if case.quick else [pytest.mark.chaos]


def case_id(row: Row, case: Case) -> str:
    """The row's id and the case's name, fit for a file and a command line."""
    return f"{row.id}-{case.name}".replace(" ", "-").replace("/", "-")


def result(row: Row, case: Case) -> Path:
    """Where the outcome of a case is written down."""
    return RESULTS / f"{case_id(row, case)}.json"
