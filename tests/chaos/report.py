"""Writes docs/faults.md from the outcomes that the runner leaves in build/chaos.

`python -m tests.chaos.report` is a step of `make chaos`.
"""

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from math import ceil, log10
from typing import Any

from tests.chaos import fault_table
from tests.chaos.fault_case import Fault, FaultCase
from tests.sandbox_server import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "faults.md"
HEAD = """# The fault matrix

What goes wrong, and what it does to the warehouse. `make chaos` writes this file: it injects each
fault in every way that its row names, into a sync in one process or, where the process matters,
into the real `fivetran debug`; `make test` runs a part of it ([`tests/chaos`](../tests/chaos)). The
account is the sandbox or a few hand-written documents.

Compared after the last sync with an undisturbed one: **LOST** rows that Klaviyo has and the
warehouse lacks, **DUP** rows too many, **WRONG** rows of another content, **LEAK** places that show
the key (as it is, encoded, or its first 12 characters) or a person's address. All must be 0. The
cost: **REFETCH** records read and **CALLS** requests made beyond those of an undisturbed sync,
**WALL** seconds of waits, with every random wait at its longest; each is the most of all cases of a
row, rounded up to 1, 2 or 5 times a power of ten; a case of several syncs counts them all. **EXIT**
codes in order: a sync that fails is followed by one that completes the tables. **MSG** is the class
of the error that ends the failing one; its message is always one line.
"""
ELSEWHERE = """
## Tested elsewhere

Faults of dbt (W) are in [`tests/warehouse`](../tests/warehouse), those of dependencies, workflows
and secrets in the repository (X8 to X10) in
[`tests/test_workflows.py`](../tests/test_workflows.py).
"""
RIVALS = """
## Rivals

Faults that were also injected into two rivals, with their base URL changed and two syncs each:
Airbyte's source-klaviyo 2.13.1 and singer-io's tap-klaviyo 1.1.5. Those left out were not run.

| id | fault | rival |
|---|---|---|
"""
COUNTS = ("lost", "dup", "wrong", "leak")
COSTS = ("refetch", "calls", "wall")


def render() -> Iterator[str]:
    """The document, part by part."""
    yield HEAD
    for title, faults in fault_table.SECTIONS.items():
        yield f"\n## {title}\n\n"
        yield "| id | fault | must hold | LOST | DUP | WRONG | LEAK | REFETCH | CALLS | WALL |"
        yield " EXIT | MSG | cases |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
        yield from map(render_row, faults)
    yield ELSEWHERE
    yield RIVALS
    rivals = [fault for fault in fault_table.FAULTS if fault.rivals]
    yield from (f"| {fault.id} | {fault.fault} | {fault.rivals} |\n" for fault in rivals)


def render_row(fault: Fault) -> str:
    """One row of a section's table; SystemExit names a case that has not been run."""
    begin = f"| {fault.id} | {fault.fault} | {fault.rule} |"  # test_docs.py looks for these
    if fault.tested_by:
        file = fault.tested_by.partition("::")[0]
        return f"{begin} {'| ' * 9}[test](../{file}) |\n"
    outcomes = [_read_outcome(fault, case) for case in fault.cases]
    cells = [str(sum(outcome[name] for outcome in outcomes)) for name in COUNTS]
    cells += [round_up(max(outcome[name] for outcome in outcomes)) for name in COSTS]
    exits = {" ".join(str(code) for code, _ in groupby(outcome["exit"])) for outcome in outcomes}
    errors = {outcome["msg"] for outcome in outcomes} - {""}
    cells += ["; ".join(sorted(exits)), " ".join(sorted(errors)), str(len(outcomes))]
    return f"{begin} {' | '.join(cells)} |\n"


def _read_outcome(fault: Fault, case: FaultCase) -> Any:
    file = fault.result_file(case)
    if not file.exists():
        sys.exit(f"{file.stem} was not run: `make chaos` runs all cases")
    return json.loads(file.read_text())


def round_up(number: float) -> str:
    """A number rounded up, so that the document does not change with every run."""
    if number <= 0:
        return "0"
    power = 10 ** max(ceil(log10(number)) - 1, 0)
    return f"≤ {next(step for step in (1, 2, 5, 10) if step * power >= number) * power:,}"


if __name__ == "__main__":
    DOCUMENT.write_text("".join(render()))
    print(f"wrote {DOCUMENT.relative_to(REPOSITORY)}")
