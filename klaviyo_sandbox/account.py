"""The account: a company, its people and all that ever happens, seen at one moment of its clock.

Seed, epoch and sizes fix the whole story; ``now`` only decides how much of it is to be seen. Two
accounts with the same arguments are equal, and moving the clock equals starting later.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np

from klaviyo_sandbox.catalog.builder import build
from klaviyo_sandbox.clock import FUTURE, HISTORY, HOUR, midnight
from klaviyo_sandbox.jsonapi import Json, iso, seconds
from klaviyo_sandbox.resources.registry import resources
from klaviyo_sandbox.simulation.events import Events
from klaviyo_sandbox.simulation.history import Historian
from klaviyo_sandbox.simulation.population import Ints
from klaviyo_sandbox.simulation.profiles import profiles
from klaviyo_sandbox.simulation.segments import group_ids

CAMPAIGNS: Final = 320
STAMPS: Final = ("updated", "updated_at")
KINDS: Final = (
    *("account", "campaign", "campaign-message", "campaign-variation", "campaign-audience"),
    *("flow", "flow-action", "flow-message", "list", "segment", "tag", "tag-group", "metric"),
    *("mapped-metric", "custom-metric", "form", "form-version", "template", "profile"),
)


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
        self.epoch = epoch
        self.start, self.end = day - HISTORY, day + FUTURE
        self.now = self.began = self._written(now)
        self.company = build(seed, epoch, campaigns)
        noon = day + 12 * HOUR
        history = Historian(self.company, seed, self.start, noon, self.end).write(profiles, events)
        self.people, self.memberships = history.people, history.memberships
        self.events = Events(self.company, self.people, history.table, history.baskets)
        self.form_visits = history.form_visits
        self._edits: dict[tuple[str, str], Json | None] = {}
        self._cache: dict[Any, Any] = {}

    def _written(self, now: int) -> int:
        """Return ``now`` if the story covers it; ValueError if it does not."""
        if not self.start <= now <= self.end:
            raise ValueError(
                f"now is {iso(now)}, but the story around the epoch {self.epoch} runs only from "
                f"{iso(self.start)} to {iso(self.end)}"
            )
        return now

    def move_to(self, now: int) -> None:
        """Set the clock; ValueError for turning it back or past the end of the story."""
        if now < self.now:
            raise ValueError(f"the clock cannot go back from {iso(self.now)} to {iso(now)}")
        self.now = self._written(now)
        self._cache.clear()

    def reset(self) -> None:
        """Undo every edit and turn the clock back to where it began."""
        self.now = self.began
        self._edits.clear()
        self.events.forget_edits()
        self._cache.clear()

    def has(self, kind: str, id_: str) -> bool:
        """Whether there is such a resource now, or such an event at any time."""
        if kind == "event":
            return self.events.row(id_) is not None
        return self.resource(kind, id_) is not None

    def edit(self, kind: str, id_: str, changes: Json | None) -> None:
        """Change attributes of a resource (nested ones merge) as of now, or delete it (None).

        Of an event nothing changes but when it is ``seen``. KeyError if there is no such resource.
        """
        if kind == "event":
            self.events.show(id_, seconds(changes["seen"]) if changes else None)
            self._cache.clear()
            return
        found = self.resource(kind, id_)
        if found is None:
            raise KeyError(f"there is no {kind} {id_}")
        if changes is not None:
            stamp = {name: iso(self.now) for name in STAMPS}
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
            return profiles(self.company, self.people, self.events, self.now)
        made = resources(self.company, kind, self.now)
        if kind in ("list", "segment"):
            for group in made:
                group["attributes"]["profile_count"] = len(self._present(group["id"]))
        return made

    def _edited(self, found: Json) -> Json | None:
        changes = self._edits.get((found["type"], found["id"]), {})
        if changes is None:
            return None
        if not changes:
            return found
        own = found["attributes"]
        later = {name: max(own[name], at) for name, at in changes.items() if at and name in STAMPS}
        return found | {"attributes": _merge(own, changes | later)}


def _merge(old: Json, new: Json) -> Json:
    merged = dict(old)
    for name, value in new.items():
        known = merged.get(name)
        nested = isinstance(known, dict) and isinstance(value, dict)
        merged[name] = _merge(known, value) if nested else value  # type: ignore[arg-type]
    return merged
