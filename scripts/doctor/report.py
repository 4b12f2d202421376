"""The results of an examination as a table: for a terminal, and as a file to publish."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import get_args

from api import REVISION
from scripts.doctor.examination import Result
from scripts.doctor.facts import Verdict

INTRODUCTION = """\
# What Klaviyo does: {day}

Revision {revision}, written by `make doctor`. The file has counts and words of this project only:
no name, id or address of the account."""
COLUMNS = {"fact": 38, "expected": 28, "seen": 34, "verdict": 16}  # names to characters


def format_text(results: Sequence[Result]) -> str:
    """The table for a terminal."""
    rows = [tuple(COLUMNS), *map(_cells, results)]
    return "\n\n".join(map(_wrap, rows))


def _cells(result: Result) -> tuple[str, str, str, str]:
    fact = result.fact
    return f"{fact.id}: {fact.sentence}", fact.expected, result.seen, result.verdict


def _wrap(cells: Sequence[str]) -> str:
    """One row of the table, on as many lines as its longest cell needs."""
    columns = [
        textwrap.wrap(cell, width) for cell, width in zip(cells, COLUMNS.values(), strict=True)
    ]
    height = max(map(len, columns))
    lines = [[*column, *[""] * (height - len(column))] for column in columns]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, COLUMNS.values(), strict=True)
        ).rstrip()
        for line in zip(*lines, strict=True)
    )


def format_markdown(accounts: Sequence[Sequence[Result]], day: date) -> str:
    """The file for an issue: a table for each account, which it does not name."""
    parts = [INTRODUCTION.format(day=day, revision=REVISION)]
    for number, results in enumerate(accounts, 1):
        rows = [" | ".join(_escape(cell) for cell in _cells(result)) for result in results]
        title = f"## Account {number} of {len(accounts)}: {summarize(results)}"
        header = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"
        parts.append("\n".join([title, "", header, *(f"| {row} |" for row in rows)]))
    return "\n\n".join(parts) + "\n"


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|")


def summarize(results: Sequence[Result]) -> str:
    """How many facts have each verdict."""
    counts = Counter[str](result.verdict for result in results)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in get_args(Verdict))
