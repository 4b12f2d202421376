"""Page and digest call the same changes within the usual range, by one table of cases."""

import re
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser

from scripts.digest.chance import may_be_chance

PAGE = Path(__file__).parent.parent / "looker" / "assets" / "page.js"


class Case(NamedTuple):
    """Two counts, the factor between their rates, and whether chance may be the reason."""

    later: float | None
    earlier: float | None
    factor: float
    is_chance: bool
    is_amount: bool = False


CASES = [
    # What falls to nothing, or comes from nothing, is no chance unless there was little.
    Case(0, 24, 0.0, is_chance=False),
    Case(1, 120, 1 / 120, is_chance=False),
    Case(24, 0, 24.0, is_chance=False),
    # Of fewer than six events any change may be chance.
    Case(0, 5, 0.0, is_chance=True),
    Case(5, 0, 2.0, is_chance=True),
    Case(2, 3, 2 / 3, is_chance=True),
    Case(0, 6, 0.0, is_chance=False),
    # Counts of equal samples: the roots differ by less or more than 1.96 / sqrt(2).
    Case(125, 100, 1.25, is_chance=True),
    Case(130, 100, 1.3, is_chance=False),
    Case(12, 5, 2.4, is_chance=True),
    Case(20, 5, 4.0, is_chance=False),
    Case(2, 11, 2 / 11, is_chance=False),
    Case(100, 100, 1.0, is_chance=True),
    # Rates of unequal samples: the factor is not that of the counts.
    Case(50, 100, 1.0, is_chance=True),
    Case(50, 100, 1.3, is_chance=True),
    Case(50, 100, 2.0, is_chance=False),
    Case(10_000, 10_000, 1.01, is_chance=True),
    Case(10_000, 10_000, 1.05, is_chance=False),
    # Of the same orders as above an amount says less, as their values vary too.
    Case(130, 100, 1.3, is_chance=True, is_amount=True),
    Case(150, 100, 1.5, is_chance=False, is_amount=True),
    Case(20, 5, 4.0, is_chance=False, is_amount=True),
    Case(16, 5, 3.2, is_chance=False),
    Case(14, 5, 2.8, is_chance=True, is_amount=True),
    Case(0, 24, 0.0, is_chance=False, is_amount=True),
    # An unknown count, and a balance below zero, say nothing.
    Case(None, 5, 1.0, is_chance=False),
    Case(5, None, 1.0, is_chance=False),
    Case(-5, 5, 1.0, is_chance=False),
    Case(5, -5, 1.0, is_chance=False),
    Case(100, 100, -1.0, is_chance=False),
]


def test_the_digest_judges_every_case() -> None:
    """The digest's rule gives the verdict of the table."""
    judged = [
        case._replace(is_chance=may_be_chance(*case[:3], is_amount=case.is_amount))
        for case in CASES
    ]
    assert judged == CASES


def test_the_page_judges_every_case(chromium: Browser) -> None:
    """The page's rule, run by a browser, gives the verdict of the table."""
    [rule] = re.findall(r"^function mayBeChance.+?^}", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    tab = chromium.new_page()
    verdicts = tab.evaluate(
        f"cases => {{ {rule} return cases.map(([count, earlier, factor,, isAmount]) =>"
        " mayBeChance([count, earlier], factor, isAmount)); }",
        CASES,
    )
    tab.close()
    judged = [case._replace(is_chance=found) for case, found in zip(CASES, verdicts, strict=True)]
    assert judged == CASES
