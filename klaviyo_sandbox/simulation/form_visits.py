"""Visits to sign-up forms: those that end in a submission, and anonymous ones.

A submission leaves events. A visit without one is anonymous and leaves none; Klaviyo counts both,
and only its form reports show it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.clock import HOUR
from klaviyo_sandbox.simulation.event_table import Rows
from klaviyo_sandbox.simulation.population import Bools, Ints

ANONYMOUS_VISITORS: Final = 16  # per visitor who submits the form
NOT_SHOWN_SHARE: Final = 0.08  # of anonymous visits that qualify for the form
CLOSED_SHARE: Final = 0.7  # of anonymous visits that show the form
RETURN_SHARE: Final = 0.15  # of anonymous visitors visit once more


class FormVisits(NamedTuple):
    """Visits, one position each; ``version`` counts the versions of all forms."""

    at: Ints
    seen: Ints
    version: Ints
    visitor: Ints
    shown: Bools
    closed: Bools
    submitted: Bools


def simulate_form_visits(company: Company, events: Rows, rng: np.random.Generator) -> FormVisits:
    """Return the visits that end in a submission, and the usual number of anonymous ones."""
    submissions = events[events["metric"] == company.code("Submitted Form")]
    source = np.repeat(
        np.arange(len(submissions)), rng.poisson(ANONYMOUS_VISITORS, len(submissions))
    )
    at = submissions["at"][source] + rng.integers(-24 * HOUR, 24 * HOUR, len(source))
    visitor = len(submissions) + np.arange(len(source))
    # An anonymous visitor comes within a day of the submission that they are drawn from, so that
    # anonymous visits follow the seasons and the forms of the others.
    returns = rng.random(len(source)) < RETURN_SHARE
    at = np.concatenate([at, at[returns] + rng.integers(HOUR, 9 * 24 * HOUR, returns.sum())])
    version = np.concatenate(
        [submissions["detail"][source], submissions["detail"][source[returns]]]
    )
    shown = rng.random(len(at)) >= NOT_SHOWN_SHARE
    closed = shown & (rng.random(len(at)) < CLOSED_SHARE)
    is_submission = np.repeat([True, False], [len(submissions), len(at)])
    return FormVisits(
        at=np.concatenate([submissions["at"], at]),
        seen=np.concatenate([submissions["seen"], at]),
        version=np.concatenate([submissions["detail"], version]).astype(np.int64),
        visitor=np.concatenate([np.arange(len(submissions)), visitor, visitor[returns]]),
        shown=np.concatenate([np.ones(len(submissions), bool), shown]),
        closed=np.concatenate([np.zeros(len(submissions), bool), closed]),
        submitted=is_submission,
    )
