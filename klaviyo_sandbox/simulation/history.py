"""The whole history of an account at the requested size: people, their engagement, and noise."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.simulation.anomalies import (
    generate_idle_visits,
    generate_odd_events,
    set_visibility,
)
from klaviyo_sandbox.simulation.engagement import Engagement, EngagementSimulator
from klaviyo_sandbox.simulation.event_table import Rows, concatenate
from klaviyo_sandbox.simulation.form_visits import FormVisits, simulate_form_visits
from klaviyo_sandbox.simulation.population import Ints, People, generate_people, set_unengaged
from klaviyo_sandbox.simulation.segments import Memberships

PROFILES: Final = 7_000
MIN_PROFILES: Final = 20
IDLE_VISITS: Final = 0.1  # per event of the engagement, unless the number of events is given
ENGAGEMENT_SHARE: Final = 0.75  # of a given number of events; idle visits are the rest
MIN_ENGAGEMENT_SHARE: Final = 0.5
EVENTS_PER_PERSON: Final = 190  # a first estimate


class History(NamedTuple):
    """Everything that ever happens; ``events`` are sorted by their date."""

    people: People
    events: Rows
    baskets: Ints
    memberships: Memberships
    form_visits: FormVisits


class Draft(NamedTuple):
    """A history without idle visits; ``visible`` counts its events that are visible at noon."""

    people: People
    engagement: Engagement
    events: Rows
    visible: int


class HistorySimulator:
    """Simulates a company from ``start`` to ``end``; ``noon`` is that of the epoch day."""

    def __init__(  # noqa: PLR0913 - the parameters of the account
        self, company: Company, seed: int, start: int, noon: int, end: int, *, unengaged: float
    ) -> None:
        self.company, self.seed, self.unengaged = company, seed, unengaged
        self.start, self.noon, self.end = start, noon, end

    def run(self, profiles: int | None, events: int | None) -> History:
        """Return the history; ``events`` asks for that exact number visible at noon.

        The number of people follows from it unless ``profiles`` gives that too; ValueError if the
        events of these people alone are more.
        """
        draft = self._simulate_to_size(profiles, events)
        rng = np.random.default_rng([self.seed, 2])
        idle = round(IDLE_VISITS * draft.visible) if events is None else events - draft.visible
        table = concatenate([draft.events, *self._generate_idle_visits(idle, draft.people, rng)])
        table = table[np.argsort(table["at"], kind="stable")]
        form_visits = simulate_form_visits(self.company, table, rng)
        engagement = draft.engagement
        return History(draft.people, table, engagement.baskets, engagement.memberships, form_visits)

    def _simulate_to_size(self, profiles: int | None, events: int | None) -> Draft:
        """Simulate the number of people that ``profiles`` or ``events`` requires.

        The number of events per person is not known beforehand, so it is estimated, simulated and
        corrected until idle visits can fill up the rest.
        """
        if profiles is not None or events is None:
            draft = self._simulate(PROFILES if profiles is None else profiles)
        else:
            draft = self._simulate(max(MIN_PROFILES, round(events / EVENTS_PER_PERSON)))
            while draft.visible > events or draft.visible < MIN_ENGAGEMENT_SHARE * events:
                people = round(len(draft.people) * ENGAGEMENT_SHARE * events / draft.visible)
                if people < MIN_PROFILES:
                    break
                draft = self._simulate(people)
        if events is not None and draft.visible > events:
            raise ValueError(
                f"{len(draft.people)} profiles and {len(self.company.campaigns)} campaigns make "
                f"{draft.visible} events by themselves; use more events or fewer of these"
            )
        return draft

    def _simulate(self, profiles: int) -> Draft:
        if profiles < 1:
            raise ValueError("an account needs at least one profile")
        # The number of people is part of the seed: accounts of different sizes are unrelated.
        rng = np.random.default_rng([self.seed, 1, profiles])
        people = generate_people(self.company, profiles, self.start, self.end, rng)
        set_unengaged(people, self.unengaged)
        days = (self.end - self.start) // DAY
        engagement = EngagementSimulator(self.company, people, self.start, days, rng).run()
        set_visibility(engagement.events, rng)
        odd = generate_odd_events(self.company, people, self.start, self.end, rng)
        events = concatenate([engagement.events, odd])
        visible = int(np.count_nonzero(events["seen"] <= self.noon))
        return Draft(people, engagement, events, visible)

    def _generate_idle_visits(
        self, count: int, people: People, rng: np.random.Generator
    ) -> list[Rows]:
        """Return ``count`` idle visits until noon of the epoch day and as many per day after it."""
        later = count * (self.end - self.noon) // (self.noon - self.start)
        spans = ((count, (self.start, self.noon)), (later, (self.noon, self.end)))
        return [
            generate_idle_visits(self.company, people, visits, span, rng) for visits, span in spans
        ]
