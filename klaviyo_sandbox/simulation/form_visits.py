"""Who saw a sign-up form and what became of it: those who submitted it, and those nobody knows.

Whoever submits a form leaves events. Whoever does not stays anonymous and leaves none; Klaviyo
counts both, and only its form reports show it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.clock import HOUR
from klaviyo_sandbox.simulation.event_table import Table
from klaviyo_sandbox.simulation.population import Bools, Ints

ANONYMOUS: Final = 16  # visitors who do not submit the form, per visitor who does
UNSHOWN: Final = 0.08  # of these never see it, though they qualify for it
CLOSED: Final = 0.7  # of the others close it
AGAIN: Final = 0.15  # of the anonymous come by once more


class FormVisits(NamedTuple):
    """Visits, one position each; ``version`` counts the versions of all forms."""

    at: Ints
    seen: Ints
    version: Ints
    visitor: Ints
    shown: Bools
    closed: Bools
    submitted: Bools


def form_visits(company: Company, table: Table, rng: np.random.Generator) -> FormVisits:
    """Return the visits of those who submitted forms, and of about so many others as usual."""
    known = table[table["metric"] == company.code("Submitted Form")]
    crowd = np.repeat(np.arange(len(known)), rng.poisson(ANONYMOUS, len(known)))
    at = known["at"][crowd] + rng.integers(-24 * HOUR, 24 * HOUR, len(crowd))
    visitor = len(known) + np.arange(len(crowd))
    again = rng.random(len(crowd)) < AGAIN
    at = np.concatenate([at, at[again] + rng.integers(HOUR, 9 * 24 * HOUR, again.sum())])
    version = np.concatenate([known["detail"][crowd], known["detail"][crowd[again]]])
    shown = rng.random(len(at)) >= UNSHOWN
    closed = shown & (rng.random(len(at)) < CLOSED)
    submits, passes = np.ones(len(known), bool), np.zeros(len(at), bool)
    return FormVisits(
        at=np.concatenate([known["at"], at]),
        seen=np.concatenate([known["seen"], at]),
        version=np.concatenate([known["detail"], version]).astype(np.int64),
        visitor=np.concatenate([np.arange(len(known)), visitor, visitor[again]]),
        shown=np.concatenate([submits, shown]),
        closed=np.concatenate([~submits, closed]),
        submitted=np.concatenate([submits, passes]),
    )
