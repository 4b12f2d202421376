"""Syncs profiles: who was added or changed, and who was erased.

Klaviyo lists what changed by `updated`. Whom it erased on request, or merged into another, only
disappears: so from time to time every id is listed and compared with those in the warehouse.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from operator import itemgetter

from account import Account, recalling
from configuration import PREDICTIONS
from members import warn_of_untracked
from models import Checkpoint, Json, Operation, Row, dig, digest, resolved
from roster import is_due
from streams import PROFILE
from timeline import Timeline
from values import moment, written
from windows import sync_timeline

PATH = "/api/profiles"
SCOPE = "profiles:read"
PROFILES = Timeline(
    PROFILE,
    PATH,
    "updated",
    {"additional-fields[profile]": "subscriptions"},
    sizes=(100, 20, 1),
    cold=timedelta(days=1),
    inclusive=False,
)
# Klaviyo answers a fifth as often when it is asked for predictions.
PREDICTED = {"additional-fields[profile]": f"subscriptions,{PREDICTIONS}"}
EVERYBODY = (PROFILE.name, "the account")  # the group in the roster
AT_ONCE = 100  # the most profiles on a page, and ids in a filter
RECENT = 2_500


def sync_profiles(account: Account) -> Iterator[Operation]:
    """Write who changed, and delete who was erased.

    An unchanged account costs one request, and a comparison one for each 100 profiles: daily, or
    weekly where they are many. Predictions change without moving `updated`, so a row holds those
    of its last change.
    """
    profiles = Profiles(account)
    for operation in sync_timeline(account, profiles.timeline, profiles.store):
        yield profiles.checkpoint() if isinstance(operation, Checkpoint) else operation
    if profiles.compares:
        yield from profiles.missed_and_erased()
    profiles.finish()
    yield profiles.checkpoint()
    yield from warn_of_untracked(account, PROFILE)


class Profiles:
    """The profiles of one account during one sync."""

    def __init__(self, account: Account) -> None:
        self.account = account
        account.begin(PROFILE.name, [PROFILE.name, PREDICTIONS])
        predicts = PREDICTIONS in account.settings.tables
        self.timeline = replace(PROFILES, params=PREDICTED) if predicts else PROFILES
        known = account.memory.of(PROFILE.name)
        with recalling(PROFILE.name):
            self.recent: dict[str, str] = dict(known.get("recent", {}))  # id to time and digest
            size, compared_on = known.get("size", 0), known.get("compared_on")
            due = is_due(PROFILE.name, size, compared_on, account.today)
        tracked = EVERYBODY not in account.roster.untracked
        self.compares = compared_on is not None and tracked and due
        self.own = {"size": size, "compared_on": compared_on}

    def store(self, document: Json) -> Iterator[Operation]:
        """The row of one profile."""
        yield from self.account.store(PROFILE, document, self._news)

    def _news(self, row: Row) -> bool:
        """Whether a profile changed; remembers who it is, and the last changes for looking back."""
        self.account.roster.add(EVERYBODY, row["id"])
        mark = f"{row['updated_at']} {digest(row)}"  # two changes may share a second of `updated`
        if self.recent.get(row["id"]) == mark:
            return False
        self.recent[row["id"]] = mark
        if len(self.recent) > 2 * RECENT:
            self.recent = dict(sorted(self.recent.items(), key=itemgetter(1))[-RECENT:])
        return True

    def missed_and_erased(self) -> Iterator[Operation]:
        """Write who stands in Klaviyo only, and delete who stands in the warehouse only."""
        roster, listed, missed = self.account.roster, set[str](), list[str]()
        params = {"fields[profile]": "updated", "sort": "id", "page[size]": str(AT_ONCE)}
        for page in self.account.asking.pages(PATH, params):
            self.account.tell("listing the ids of profiles")
            for document in resolved(page):
                person = str(document.get("id"))
                listed.add(person)
                if not roster.holds(EVERYBODY, person) and self._is_in_time(document):
                    missed.append(person)
        for start in range(0, len(missed), AT_ONCE):
            yield from self._write(missed[start : start + AT_ONCE])
        for person in sorted(roster.people(EVERYBODY) - listed):
            yield self.account.delete(PROFILE, {"id": person})
            roster.remove(EVERYBODY, person)
            self.recent.pop(person, None)

    def _is_in_time(self, document: Json) -> bool:
        """Whether a profile changed since `start_date`."""
        start = self.account.settings.start_date
        since = written(self.account.midnight(start)) if start else ""
        return (moment(dig(document, ("attributes", "updated"))) or "") >= since

    def _write(self, people: list[str]) -> Iterator[Operation]:
        ids = json.dumps(people, separators=(",", ":"))
        params = {**self.timeline.params, "filter": f"any(id,{ids})", "page[size]": str(AT_ONCE)}
        for page in self.account.asking.pages(PATH, params):
            for document in resolved(page):
                yield from self.store(document)
            yield self.checkpoint()

    def finish(self) -> None:
        """Remember when everybody was compared; who was just read wholly needs no comparison."""
        if self.compares or self.own["compared_on"] is None:
            self.own["compared_on"] = self.account.today.isoformat()
            self.own["size"] = len(self.account.roster.people(EVERYBODY))

    def checkpoint(self) -> Checkpoint:
        """Everything up to now."""
        self.account.memory.remember(PROFILE.name, {**self.own, "recent": dict(self.recent)})
        self.account.remember_people()
        return self.account.memory.checkpoint()
