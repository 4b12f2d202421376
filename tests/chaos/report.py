"""Writes docs/faults.md from the outcomes that `make chaos` leaves in build/chaos.

`python -m tests.chaos.report` is the last step of `make chaos`.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from math import ceil, log10
from pathlib import Path
from typing import Any

from tests.chaos import matrix
from tests.chaos.row import Row
from tests.sandbox_server import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "faults.md"
HEAD = """# The fault matrix

What goes wrong, and what it does to the warehouse. Written by `make chaos`, which makes each of
these faults happen in every way its row names, to the connector in one process or, where the
process matters, to the real `fivetran debug`; `make test` runs a part of it
([`tests/chaos`](../tests/chaos)). The account is the sandbox or a few hand-written documents.

After the last sync, against an undisturbed one: **LOST** rows that Klaviyo has and the warehouse
has not, **DUP** rows too many, **WRONG** rows of another content, **LEAK** places that show the key
(as it is, encoded, or its first 12 characters) or a person's address. All must be 0. What it cost:
**REFETCH** records served and **CALLS** requests made beyond those of an undisturbed sync, **WALL**
seconds waited for Klaviyo with chance at its longest; of all cases of a row the most, rounded up to
1, 2 or 5 times a power of ten; a row that takes several syncs counts them all. **EXIT** codes in
order: a sync that fails is followed by one that makes up for it. **MSG** is the kind of error that
ends the failing one, always told in one line.
"""
ELSEWHERE = """
## Shown elsewhere

The rows about dbt (W) are in [`tests/warehouse`](../tests/warehouse), those about dependencies,
workflows and secrets in the repository (X8 to X10) in
[`tests/test_workflows.py`](../tests/test_workflows.py).
"""
RIVALS = """
## Rivals

Faults that were also made to happen to two rivals, with their base URL changed and two syncs each:
Airbyte's source-klaviyo 2.13.1 and singer-io's tap-klaviyo 1.1.5. Those left out were not run.

| id | fault | rival |
|---|---|---|
"""
COUNTS = ("lost", "dup", "wrong", "leak")
COSTS = ("refetch", "calls", "wall")


def document() -> Iterator[str]:
    """The text, section by section; SystemExit names a case that was not run."""
    yield HEAD
    for title, rows in matrix.SECTIONS.items():
        yield f"\n## {title}\n\n"
        yield "| id | fault | must hold | LOST | DUP | WRONG | LEAK | REFETCH | CALLS | WALL |"
        yield " EXIT | MSG | cases |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
        yield from map(line, rows)
    yield ELSEWHERE
    yield RIVALS
    rivals = [row for row in matrix.ROWS if row.rivals]
    yield from (f"| {row.id} | {row.fault} | {row.rivals} |\n" for row in rivals)


def line(row: Row) -> str:
    """One row of the table."""
    if row.shown:
        test = row.shown.partition("::")[0]
        return f"| {row.id} | {row.fault} | {row.rule} | {'| ' * 9}[test](../{test}) |\n"
    outcomes = [_outcome(matrix.result(row, case)) for case in row.cases]
    cells = [row.id, row.fault, row.rule]  # test_matrix.py looks for them in the document
    cells += [str(sum(one[name] for one in outcomes)) for name in COUNTS]
    cells += [at_most(max(one[name] for one in outcomes)) for name in COSTS]
    exits = sorted({" ".join(_brief(one["exit"])) for one in outcomes})
    kinds = sorted({one["msg"] for one in outcomes} - {""})
    cells += ["; ".join(exits), " ".join(kinds), str(len(outcomes))]
    return f"| {' | '.join(cells)} |\n"


def _outcome(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except FileNotFoundError:
        sys.exit(f"{file.stem} was not run: `make chaos` runs all cases")


def _brief(exits: Sequence[int]) -> Iterator[str]:
    """Exit codes, each run of equal ones told once."""
    for place, code in enumerate(exits):
        if place == 0 or exits[place - 1] != code:
            yield str(code)


def at_most(number: float) -> str:
    """A number rounded up, so that the document does not change with every run."""
    if number <= 0:
        return "0"
    power = 10 ** max(ceil(log10(number)) - 1, 0)
    return f"≤ {next(step for step in (1, 2, 5, 10) if step * power >= number) * power:,}"


if __name__ == "__main__":
    DOCUMENT.write_text("".join(document()))
    print(f"wrote {DOCUMENT.relative_to(REPOSITORY)}")
