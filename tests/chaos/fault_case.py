"""The parts of which the fault table is made."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.sandbox_server import REPOSITORY


@dataclass(frozen=True)
class FaultCase:
    """One way to inject a fault: `run(connection, *args)` does it, syncs, and checks the rule.

    The class by which `run` annotates its first parameter says which connection it gets. A `quick`
    case is also a part of `make test`.
    """

    name: str
    run: Callable[..., None]
    args: tuple[Any, ...] = ()
    quick: bool = False


@dataclass(frozen=True)
class Fault:
    """A row of the fault matrix: what goes wrong, the rule that holds then, and its cases.

    `rivals` says what the fault did to other connectors. `tested_by` names the test of a fault that
    has no cases here.
    """

    id: str
    fault: str
    rule: str
    cases: tuple[FaultCase, ...]
    rivals: str
    tested_by: str

    def case_id(self, case: FaultCase) -> str:
        """The fault's id and the case's name, fit for a file name and a command line."""
        return f"{self.id}-{case.name}".replace(" ", "-").replace("/", "-")

    def result_file(self, case: FaultCase) -> Path:
        """The file that holds the outcome of a case."""
        return REPOSITORY / "build" / "chaos" / f"{self.case_id(case)}.json"


Cases = FaultCase | Iterable[FaultCase]


def case(name: str, run: Callable[..., None], *args: Any) -> FaultCase:
    """One case."""
    return FaultCase(name, run, args)


def quick(*cases: Cases) -> list[FaultCase]:
    """The same cases, as a part of `make test`."""
    return [replace(slow, quick=True) for slow in _flatten(cases)]


def fault(
    id_: str, fault: str, rule: str, *cases: Cases, rivals: str = "", tested_by: str = ""
) -> Fault:
    """One fault with all its cases."""
    return Fault(id_, fault, rule, tuple(_flatten(cases)), rivals, tested_by)


def _flatten(cases: Iterable[Cases]) -> list[FaultCase]:
    groups = ([group] if isinstance(group, FaultCase) else group for group in cases)
    return [case for group in groups for case in group]
