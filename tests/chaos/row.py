"""What a row of the fault matrix is. The rows stand in the modules named after their sections."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Case:
    """One way for a row's fault to happen: `happen(trial)` does it and checks the row's rule.

    `stage` names what it happens on: a fixture of conftest.py. A `quick` case runs in `make test`.
    """

    name: str
    happen: Callable[[Any], None]
    stage: str = "loader"
    quick: bool = False


@dataclass(frozen=True)
class Row:
    """A fault, how it is made to happen, and what must hold beyond what holds for every row.

    `rivals` tells what it did to others; `shown` names the test of a row without cases.
    """

    id: str
    fault: str
    rule: str
    cases: Sequence[Case] = ()
    rivals: str = ""
    shown: str = ""


def quick(case: Case) -> Case:
    """The same case, run in `make test` too."""
    return replace(case, quick=True)
