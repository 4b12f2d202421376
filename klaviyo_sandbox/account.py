"""The account: a company, its people and their events, as visible at one moment of its clock.

Seed, epoch and sizes determine everything that ever happens; ``now`` only decides how much of it
is visible. Two accounts with the same arguments are equal, and moving the clock equals starting
later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from klaviyo_sandbox.catalog.builder import COUPON_CODES, CURRENCY, TIMEZONE, build_company
from klaviyo_sandbox.catalog.plan import Revenue
from klaviyo_sandbox.clock import FUTURE, HISTORY, HOUR, start_of_day
from klaviyo_sandbox.jsonapi import Json, parse_iso, to_iso
from klaviyo_sandbox.resources.devices import build_push_tokens
from klaviyo_sandbox.resources.registry import RESOURCE_TYPES, build_resources
from klaviyo_sandbox.simulation.events import EventStore
from klaviyo_sandbox.simulation.history import HistorySimulator
from klaviyo_sandbox.simulation.population import Ints
from klaviyo_sandbox.simulation.profiles import build_profiles
from klaviyo_sandbox.simulation.segments import group_ids

CAMPAIGNS: Final = 320
UPDATE_TIMES: Final = ("updated", "updated_at")
OWNED: Final = {  # relationships whose resources are deleted with their owner
    "campaign": ("campaign-messages", "campaign-audiences"),
    "campaign-message": ("campaign-variations",),
    "flow": ("flow-actions",),
    "flow-action": ("flow-messages",),
    "catalog-item": ("variants",),
}


class Account:
    """A simulated Klaviyo account.

    ``events`` asks for exactly that number of visible events at noon (UTC) of the epoch day. The
    number of people follows from it unless ``profiles`` gives that too; ValueError if the events
    of these people alone are more. With ``own_message_ids`` campaign reports name each message by
    its own id, else by the id of a campaign that has no other message. ``unengaged`` is the share
    of people who neither open nor click.
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
        own_message_ids: bool = False,
        timezone: str = TIMEZONE,
        currency: str = CURRENCY,
        revenue: Revenue = "mapped",
        catalog_items: int = 0,
        coupon_codes: int = COUPON_CODES,
        unengaged: float = 0,
    ) -> None:
        day = start_of_day(epoch)
        self.epoch, self.own_message_ids = epoch, own_message_ids
        self.start, self.end = day - HISTORY, day + FUTURE
        self._check_covered(now)
        self.now = self.first_now = now
        self.company = self.first_company = build_company(
            seed,
            epoch,
            campaigns,
            timezone=timezone,
            currency=currency,
            revenue=revenue,
            catalog_items=catalog_items,
            coupon_codes=coupon_codes,
        )
        noon = day + 12 * HOUR
        simulator = HistorySimulator(
            self.company, seed, self.start, noon, self.end, unengaged=unengaged
        )
        history = simulator.run(profiles, events)
        self.people, self.memberships = history.people, history.memberships
        self.events = EventStore(self.company, self.people, history.events, history.baskets)
        self.form_visits = history.form_visits
        self._edits: dict[tuple[str, str], Json | None] = {}
        self._due_changes: list[tuple[int, Callable[[], None]]] = []
        self._cache: dict[Any, Any] = {}

    def _check_covered(self, now: int) -> None:
        """Raise ValueError if ``now`` is outside the simulated time."""
        if not self.start <= now <= self.end:
            raise ValueError(
                f"now is {to_iso(now)}, but the simulation around the epoch {self.epoch} runs only "
                f"from {to_iso(self.start)} to {to_iso(self.end)}"
            )

    def set_clock(self, now: int) -> None:
        """Set the clock; ValueError for turning it back or past the simulated time."""
        if now < self.now:
            raise ValueError(f"the clock cannot go back from {to_iso(self.now)} to {to_iso(now)}")
        self._check_covered(now)
        self.now = now
        self._make_due_changes()

    def _make_due_changes(self) -> None:
        """Apply the scheduled changes up to now, in the order of their requests."""
        due = [change for at, change in self._due_changes if at <= self.now]
        self._due_changes = [change for change in self._due_changes if change[0] > self.now]
        for change in due:
            change()
        self._cache.clear()

    def reset(self) -> None:
        """Undo every edit and set the clock to its first time."""
        is_edited = self._edits or self._due_changes or self.events.is_edited
        is_edited = is_edited or self.company != self.first_company
        if self.now == self.first_now and not is_edited:
            return  # keep the cache: building every profile again is what costs time
        self.company = self.first_company
        self.now = self.first_now
        self._edits.clear()
        self._due_changes.clear()
        self.events.undo_edits()
        self._cache.clear()

    def exists(self, resource_type: str, id_: str) -> bool:
        """Whether there is such a resource now, or such an event at any time."""
        if resource_type == "event":
            return self.events.find_row(id_) is not None
        return self.resource(resource_type, id_) is not None

    def edit(self, resource_type: str, id_: str, changes: Json | None) -> None:
        """Change attributes of a resource (nested ones merge) as of now, or delete it (None).

        A campaign's messages, variations and audiences are deleted with it, a flow's actions too,
        and a product's variants. A deleted resource leaves the to-many relationships of others.
        Of an event only the time from which it is visible (``seen``) changes. KeyError if there is
        no such resource.
        """
        if resource_type == "event":
            self.events.set_visible_from(id_, parse_iso(changes["seen"]) if changes else None)
            self._cache.clear()
            return
        original = self.resource(resource_type, id_)
        if original is None:
            raise KeyError(f"there is no {resource_type} {id_}")
        if changes is None:
            self._delete_owned(original)
        else:
            names = [name for name in UPDATE_TIMES if name in original["attributes"]]
            updated = dict.fromkeys(names, to_iso(self.now))
            changes = _merge(self._edits.get((resource_type, id_)) or {}, updated | changes)
        self._edits[resource_type, id_] = changes
        self._cache.clear()

    def _delete_owned(self, owner: Json) -> None:
        for relationship in OWNED.get(owner["type"], ()):
            for identifier in owner["relationships"][relationship]["data"]:
                self.edit(identifier["type"], identifier["id"], None)

    def erase(self, profile_id: str, delay: int) -> None:
        """Erase a person now; the properties of their events are redacted after a delay."""
        self.edit("profile", profile_id, None)
        self._change_after(delay, partial(self.events.redact, profile_id))

    def merge(self, profile_id: str, survivor_id: str, delay: int) -> None:
        """Merge a profile into another now; its events follow after a delay."""
        if profile_id == survivor_id:
            raise ValueError("a profile cannot be merged into itself")
        self.edit("profile", survivor_id, {})
        self.edit("profile", profile_id, None)
        self._change_after(delay, partial(self.events.move_to_profile, profile_id, survivor_id))

    def move_credit(self, event_id: str, touch_id: str | None, delay: int) -> None:
        """Credit the message of the event ``touch_id`` (None: none) with an event after a delay."""
        row = self.events.require_row(event_id)
        touch = -1 if touch_id is None else self.events.require_row(touch_id)
        if touch >= 0 and self.events.variation[touch] < 0:
            raise ValueError(f"{touch_id} is not an event of a message")
        self._change_after(delay, partial(self.events.credit, row, touch))

    def _change_after(self, delay: int, change: Callable[[], None]) -> None:
        self._due_changes.append((self.now + delay, change))
        self._make_due_changes()

    def change_settings(self, *, timezone: str, currency: str) -> None:
        """Set the company's time zone and currency, in which reports count from now on.

        Events keep the currency of their store. ValueError if there is no such time zone.
        """
        try:
            ZoneInfo(timezone)
        except ZoneInfoNotFoundError:
            raise ValueError(f"there is no time zone {timezone}") from None
        self.company = replace(self.company, timezone=timezone, currency=currency)
        self._cache.clear()

    def map_metric(self, role: str, metric_id: str | None) -> None:
        """Give a role, such as ``revenue``, to another metric or to none."""
        metrics = {metric.id for metric in self.company.metrics}
        roles = {mapped.id: mapped for mapped in self.company.mapped_metrics}
        if role not in roles or metric_id not in {None, *metrics}:
            raise ValueError(f"there is no role {role} or no metric {metric_id}")
        roles[role] = replace(roles[role], metric_id=metric_id, updated=self.now)
        self.company = replace(self.company, mapped_metrics=tuple(roles.values()))
        self._cache.clear()

    def resources(self, resource_type: str) -> list[Json]:
        """Return the resources of a type that exist now, with edits applied."""
        if resource_type not in self._cache:
            deleted = {key for key, changes in self._edits.items() if changes is None}
            edited = map(self._apply_edit, self._build(resource_type))
            self._cache[resource_type] = [
                _drop_deleted(resource, deleted) if deleted else resource
                for resource in edited
                if resource is not None
            ]
        resources: list[Json] = self._cache[resource_type]
        return resources

    def resource(self, resource_type: str, id_: str) -> Json | None:
        """Return one resource, None if it does not exist now."""
        index = ("index", resource_type)
        if index not in self._cache:
            self._cache[index] = {
                resource["id"]: resource for resource in self.resources(resource_type)
            }
        resource: Json | None = self._cache[index].get(id_)
        return resource

    def members(self, group_id: str) -> list[Json]:
        """Return the profiles in a list or segment, in the order in which they joined."""
        key = ("members", group_id)
        if key not in self._cache:
            self._cache[key] = self._build_members(group_id)
        members: list[Json] = self._cache[key]
        return members

    def counts(self) -> dict[str, int]:
        """Return how many resources of each type, and how many events, exist now."""
        built = [name for name, declared in RESOURCE_TYPES.items() if declared.build]
        counts = {name: len(self.resources(name)) for name in (*built, "profile")}
        return counts | {"event": self.events.count_visible(self.now)}

    def stays(self, group_id: str) -> Ints:
        """Return the positions of all stays in a group, in the order in which they begin."""
        group = group_ids(self.company).index(group_id)
        stays = np.flatnonzero(self.memberships.group == group)
        return stays[np.argsort(self.memberships.joined_at[stays], kind="stable")]

    def _list_current_stays(self, group_id: str) -> Ints:
        stays = self.stays(group_id)
        joined, left = self.memberships.joined_at[stays], self.memberships.left_at[stays]
        current = (joined <= self.now) & (self.now < left)
        created = self.people.created[self.memberships.person[stays]]
        return stays[current & (created <= self.now)]

    def _build_members(self, group_id: str) -> list[Json]:
        stays = self._list_current_stays(group_id)
        joined = self.memberships.joined_at[stays].tolist()
        members = []
        for person, at in zip(self.memberships.person[stays].tolist(), joined, strict=True):
            profile = self.resource("profile", self.people.ids[person])
            if profile is not None:
                attributes = profile["attributes"] | {"joined_group_at": to_iso(at)}
                members.append(profile | {"attributes": attributes})
        return members

    def _build(self, resource_type: str) -> list[Json]:
        """Return the resources of a type that exist now, without edits."""
        if resource_type == "profile":
            return build_profiles(self.company, self.people, self.events, self.now)
        if resource_type == "push-token":
            return build_push_tokens(self.resources("profile"))
        resources = build_resources(self.company, resource_type, self.now)
        if resource_type in ("list", "segment"):
            for group in resources:
                group["attributes"]["profile_count"] = len(self._list_current_stays(group["id"]))
        return resources

    def _apply_edit(self, resource: Json) -> Json | None:
        changes = self._edits.get((resource["type"], resource["id"]), {})
        if changes is None:
            return None
        if not changes:
            return resource
        attributes = resource["attributes"]
        # A resource may change by itself after its edit: the later time of update is the true one.
        updated = {
            name: max(attributes[name], at)
            for name, at in changes.items()
            if at and name in UPDATE_TIMES
        }
        return resource | {"attributes": _merge(attributes, changes | updated)}


def _drop_deleted(resource: Json, deleted: Collection[tuple[str, str]]) -> Json:
    """Return a resource whose to-many relationships lead to none of the deleted ones."""
    relationships = resource.get("relationships", {})
    kept = {
        name: [
            pointer for pointer in link["data"] if (pointer["type"], pointer["id"]) not in deleted
        ]
        for name, link in relationships.items()
        if isinstance(link.get("data"), list)
    }
    changed = {name: {**relationships[name], "data": data} for name, data in kept.items()}
    return resource | {"relationships": relationships | changed} if changed else resource


def _merge(old: Json, new: Json) -> Json:
    """Return ``old`` updated by ``new``, object by object."""
    merged = dict(old)
    for name, value in new.items():
        previous = merged.get(name)
        if isinstance(previous, dict) and isinstance(value, dict):
            merged[name] = _merge(previous, value)
        else:
            merged[name] = value
    return merged
