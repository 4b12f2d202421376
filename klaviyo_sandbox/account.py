"""The account: a company, its people and all that ever happens, seen at one moment of its clock.

Seed, epoch and sizes fix the whole story; ``now`` only decides how much of it is to be seen. Two
accounts with the same arguments are equal, and moving the clock equals starting later.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np

from klaviyo_sandbox.clock import DAY, FUTURE, HISTORY, HOUR, midnight
from klaviyo_sandbox.company.build import build
from klaviyo_sandbox.company.resources import resources
from klaviyo_sandbox.jsonapi import Json, iso
from klaviyo_sandbox.people.behaviour import Behaviour, Story
from klaviyo_sandbox.people.events import Events
from klaviyo_sandbox.people.form_visits import form_visits
from klaviyo_sandbox.people.ledger import Table, join
from klaviyo_sandbox.people.noise import idle_visits, oddities, show
from klaviyo_sandbox.people.population import NEVER, Floats, Ints, People, settle
from klaviyo_sandbox.people.profiles import Activity, profiles
from klaviyo_sandbox.people.segments import group_ids

CAMPAIGNS: Final = 320
PROFILES: Final = 7_000
FEWEST_PROFILES: Final = 20
IDLE: Final = 0.1  # idle visits per event of the story, unless the number of events is given
STORY: Final = 0.75  # the part of a given number of events that the story should make up
SHORTEST_STORY: Final = 0.5
EVENTS_EACH: Final = 190  # a first guess at the events asked for per person
KINDS: Final = (
    *("account", "campaign", "campaign-message", "campaign-variation", "campaign-audience"),
    *("flow", "flow-action", "flow-message", "list", "segment", "tag", "tag-group", "metric"),
    *("mapped-metric", "custom-metric", "form", "form-version", "template", "profile"),
)


class Draft(NamedTuple):
    """A story before idle visits fill it up; ``told`` events are visible at noon."""

    people: People
    story: Story
    rows: Table
    told: int


class Account:
    """A simulated Klaviyo account.

    ``events`` asks for exactly so many visible events at noon (UTC) of the epoch day. The number
    of people follows from it unless ``profiles`` gives that too; ValueError if their story alone
    is longer.
    """

    def __init__(  # noqa: PLR0913 - the parameters of the account
        self,
        *,
        epoch: date,
        now: int,
        seed: int = 7,
        campaigns: int = CAMPAIGNS,
        profiles: int | None = None,
        events: int | None = None,
    ) -> None:
        day = midnight(epoch)
        self.epoch, self._seed = epoch, seed
        self.start, self.end = day - HISTORY, day + FUTURE
        self.now = self._written(now)
        self.noon = day + 12 * HOUR
        self.company = build(seed, epoch, campaigns)
        draft = self._draft(profiles, events)
        self.people, self.memberships = draft.people, draft.story.memberships
        rng = np.random.default_rng([seed, 2])
        idle = round(IDLE * draft.told) if events is None else events - draft.told
        table = join([draft.rows, *self._idle(idle, draft.people, rng)])
        table = table[np.argsort(table["at"], kind="stable")]
        self.events = Events(self.company, self.people, table, draft.story.baskets)
        self.form_visits = form_visits(self.company, table, rng)
        self._edits: dict[tuple[str, str], Json | None] = {}
        self._cache: dict[Any, Any] = {}

    def _written(self, now: int) -> int:
        """Return ``now`` if the story covers it; ValueError if it does not."""
        if not self.start <= now <= self.end:
            message = (
                f"now is {iso(now)}, but the story around the epoch {self.epoch} runs only from "
                f"{iso(self.start)} to {iso(self.end)}"
            )
            raise ValueError(message)
        return now

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
            message = (
                f"{len(draft.people)} profiles and {len(self.company.campaigns)} campaigns make "
                f"{draft.told} events by themselves; ask for more events or fewer of these"
            )
            raise ValueError(message)
        return draft

    def _tell(self, profiles: int) -> Draft:
        if profiles < 1:
            message = "an account needs at least one profile"
            raise ValueError(message)
        rng = np.random.default_rng([self._seed, 1, profiles])
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

    def move_to(self, now: int) -> None:
        """Set the clock; ValueError for turning it back or past the end of the story."""
        if now < self.now:
            message = f"the clock stands at {iso(self.now)} and cannot go back to {iso(now)}"
            raise ValueError(message)
        self.now = self._written(now)
        self._cache.clear()

    def edit(self, kind: str, id_: str, changes: Json | None) -> None:
        """Change attributes of a resource (nested ones merge) as of now, or delete it (None).

        KeyError if there is no such resource.
        """
        found = self.resource(kind, id_)
        if found is None:
            message = f"there is no {kind} {id_}"
            raise KeyError(message)
        if changes is not None:
            stamp = {name: iso(self.now) for name in ("updated", "updated_at")}
            stamp = {name: at for name, at in stamp.items() if name in found["attributes"]}
            changes = _merge(self._edits.get((kind, id_)) or {}, stamp | changes)
        self._edits[kind, id_] = changes
        self._cache.clear()

    def resources(self, kind: str) -> list[Json]:
        """Return the resources of a kind that exist now, edits applied."""
        if kind not in self._cache:
            self._cache[kind] = [found for found in map(self._edited, self._made(kind)) if found]
        found: list[Json] = self._cache[kind]
        return found

    def resource(self, kind: str, id_: str) -> Json | None:
        """Return one resource, None if it does not exist now."""
        index = ("index", kind)
        if index not in self._cache:
            self._cache[index] = {found["id"]: found for found in self.resources(kind)}
        found: Json | None = self._cache[index].get(id_)
        return found

    def members(self, group_id: str) -> list[Json]:
        """Return the profiles in a list or segment, in the order in which they joined."""
        key = ("members", group_id)
        if key not in self._cache:
            self._cache[key] = self._members(group_id)
        found: list[Json] = self._cache[key]
        return found

    def counts(self) -> dict[str, int]:
        """Return how many resources of each kind, and how many events, exist now."""
        return {kind: len(self.resources(kind)) for kind in KINDS} | {
            "event": self.events.visible(self.now)
        }

    def stays(self, group_id: str) -> Ints:
        """Return the positions of all stays in a group, in the order in which they begin."""
        group = group_ids(self.company).index(group_id)
        mine = np.flatnonzero(self.memberships.group == group)
        return mine[np.argsort(self.memberships.joined[mine], kind="stable")]

    def _present(self, group_id: str) -> Ints:
        stays = self.stays(group_id)
        joined, left = self.memberships.joined[stays], self.memberships.left[stays]
        here = (joined <= self.now) & (self.now < left)
        return stays[here & (self.people.created[self.memberships.person[stays]] <= self.now)]

    def _members(self, group_id: str) -> list[Json]:
        stays = self._present(group_id)
        joined = self.memberships.joined[stays].tolist()
        found = []
        for person, at in zip(self.memberships.person[stays].tolist(), joined, strict=True):
            profile = self.resource("profile", self.people.ids[person])
            if profile is not None:
                attributes = profile["attributes"] | {"joined_group_at": iso(at)}
                found.append(profile | {"attributes": attributes})
        return found

    def _made(self, kind: str) -> list[Json]:
        if kind == "profile":
            rows = np.flatnonzero(self.people.created <= self.now)
            return profiles(self.people, rows, self._activity(), self.now)
        made = resources(self.company, kind, self.now)
        if kind in ("list", "segment"):
            for group in made:
                group["attributes"]["profile_count"] = len(self._present(group["id"]))
        return made

    def _edited(self, found: Json) -> Json | None:
        changes = self._edits.get((found["type"], found["id"]), {})
        if changes is None:
            return None
        return found | {"attributes": _merge(found["attributes"], changes)} if changes else found

    def _activity(self) -> Activity:
        """Return what everybody has visibly done by now; what is dated ahead does not count."""
        events, count = self.events, len(self.people)
        done = (events.seen <= self.now) & (events.at <= self.now) & (events.person >= 0)
        order = events.metric_codes[self.company.metric("Placed Order").id]
        orders = np.flatnonzero(done & (events.metric == order))
        buyer, at = events.person[orders], events.at[orders]
        last_event, last_order = np.zeros(count, np.int64), np.zeros(count, np.int64)
        np.maximum.at(last_event, events.person[done], events.at[done])
        np.maximum.at(last_order, buyer, at)
        first_order = np.full(count, NEVER)
        np.minimum.at(first_order, buyer, at)
        spent: Floats = np.bincount(buyer, events.value[orders], count).astype(float)
        return Activity(last_event, last_order, first_order, np.bincount(buyer, None, count), spent)


def _merge(old: Json, new: Json) -> Json:
    merged = dict(old)
    for name, value in new.items():
        known = merged.get(name)
        nested = isinstance(known, dict) and isinstance(value, dict)
        merged[name] = _merge(known, value) if nested else value  # type: ignore[arg-type]
    return merged
