"""The whole history of an account, of the size asked for: people, their story, and noise."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.simulation.anomalies import idle_visits, oddities, show
from klaviyo_sandbox.simulation.engagement import Behaviour, Story
from klaviyo_sandbox.simulation.event_table import Table, join
from klaviyo_sandbox.simulation.form_visits import FormVisits, form_visits
from klaviyo_sandbox.simulation.population import Ints, People, settle
from klaviyo_sandbox.simulation.segments import Memberships

PROFILES: Final = 7_000
FEWEST_PROFILES: Final = 20
IDLE: Final = 0.1  # idle visits per event of the story, unless the number of events is given
STORY: Final = 0.75  # the part of a given number of events that the story should make up
SHORTEST_STORY: Final = 0.5
EVENTS_EACH: Final = 190  # a first guess at the events asked for per person


class History(NamedTuple):
    """Everything that ever happens; ``table`` holds the events, sorted by when they are dated."""

    people: People
    table: Table
    baskets: Ints
    memberships: Memberships
    form_visits: FormVisits


class Draft(NamedTuple):
    """A story before idle visits fill it up; ``told`` events are visible at noon."""

    people: People
    story: Story
    rows: Table
    told: int


class Historian:
    """Writes the history of a company from ``start`` to ``end``; ``noon`` is the epoch day's."""

    def __init__(self, company: Company, seed: int, start: int, noon: int, end: int) -> None:
        self.company, self.seed = company, seed
        self.start, self.noon, self.end = start, noon, end

    def write(self, profiles: int | None, events: int | None) -> History:
        """Return the history; ``events`` asks for exactly so many visible at noon.

        The number of people follows from it unless ``profiles`` gives that too; ValueError if
        their story alone is longer.
        """
        people, story, rows, told = self._draft(profiles, events)
        rng = np.random.default_rng([self.seed, 2])
        idle = round(IDLE * told) if events is None else events - told
        table = join([rows, *self._idle(idle, people, rng)])
        table = table[np.argsort(table["at"], kind="stable")]
        visits = form_visits(self.company, table, rng)
        return History(people, table, story.baskets, story.memberships, visits)

    def _draft(self, profiles: int | None, events: int | None) -> Draft:
        """Tell the story of as many people as ``profiles`` or ``events`` asks for."""
        if profiles is not None or events is None:
            draft = self._tell(PROFILES if profiles is None else profiles)
        else:
            draft = self._tell(max(FEWEST_PROFILES, round(events / EVENTS_EACH)))
            while draft.told > events or draft.told < SHORTEST_STORY * events:
                people = round(len(draft.people) * STORY * events / draft.told)
                if people < FEWEST_PROFILES:
                    break
                draft = self._tell(people)
        if events is not None and draft.told > events:
            raise ValueError(
                f"{len(draft.people)} profiles and {len(self.company.campaigns)} campaigns make "
                f"{draft.told} events by themselves; ask for more events or fewer of these"
            )
        return draft

    def _tell(self, profiles: int) -> Draft:
        if profiles < 1:
            raise ValueError("an account needs at least one profile")
        rng = np.random.default_rng([self.seed, 1, profiles])
        people = settle(self.company, profiles, self.start, self.end, rng)
        days = (self.end - self.start) // DAY
        story = Behaviour(self.company, people, self.start, days, rng).tell()
        show(story.rows, rng)
        rows = join([story.rows, oddities(self.company, people, self.start, self.end, rng)])
        return Draft(people, story, rows, int(np.count_nonzero(rows["seen"] <= self.noon)))

    def _idle(self, count: int, people: People, rng: np.random.Generator) -> list[Table]:
        """Return ``count`` idle visits until noon of the epoch day and as many a day after it."""
        later = count * (self.end - self.noon) // (self.noon - self.start)
        spans = ((count, (self.start, self.noon)), (later, (self.noon, self.end)))
        return [idle_visits(self.company, people, count, span, rng) for count, span in spans]
