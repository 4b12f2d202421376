"""Whatever goes wrong, no row is lost, doubled or altered, and no secret is printed.

A fault that passes leaves no trace in the tables. One that lasts ends the sync in an error of the
class that names its remedy, and the next sync completes the tables. docs/faults.md has the results.
"""

import ast
from pathlib import Path
from typing import get_type_hints

import pytest

from klaviyo_sandbox.http import faults
from tests.chaos import fault_table
from tests.chaos.fault_case import Fault, FaultCase
from tests.chaos.runs import DebugSandboxRun, DebugScriptedRun, Run, SandboxRun, ScriptedRun
from tests.sandbox_server import REPOSITORY

FIXTURES = {
    SandboxRun: "sandbox_run",
    ScriptedRun: "scripted_run",
    DebugSandboxRun: "debug_run",
    DebugScriptedRun: "debug_scripted_run",
}


@pytest.mark.parametrize(("fault", "case"), fault_table.params())
def test_fault(request: pytest.FixtureRequest, fault: Fault, case: FaultCase) -> None:
    """The fault's rule holds; LOST, DUP, WRONG and LEAK are 0 after the last sync."""
    run: Run = request.getfixturevalue(FIXTURES[get_type_hints(case.run)["run"]])
    case.run(run, *case.args)
    outcome = run.outcome()
    outcome.save(fault.result_file(case))
    assert not outcome.violations, (outcome, run.message)
    assert outcome.exit[-1] == 0 or not run.baseline


def test_every_fault_is_tested() -> None:
    """Each section numbers its faults from 1 on, and each fault has cases or names its test."""
    numbers: dict[str, list[int]] = {}
    for fault in fault_table.FAULTS:
        numbers.setdefault(fault.id[0], []).append(int(fault.id[1:]))
        file, _, test = fault.tested_by.partition("::")
        assert fault.cases or f"def {test}(" in (REPOSITORY / file).read_text(), fault.id
    assert list(numbers) == list("PTHDVSX")
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


def test_every_fault_of_the_sandbox_is_injected() -> None:
    """Each fault that the sandbox offers is named by a case of the table."""
    folder = Path(fault_table.__file__).parent
    sources = [folder / "fault_table.py", *(folder / "injections").glob("*.py")]
    constants = {
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant)
    }
    assert sorted(set(faults.NAMES) - constants) == []
