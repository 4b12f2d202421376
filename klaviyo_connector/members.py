"""Syncs who is in which list and segment, and whose e-mail is suppressed.

Klaviyo tells who joined since a moment, but not who left. So from time to time everybody is asked
for, and compared with who stands in the warehouse.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from account import Account, recalling
from api import ContractError, GoneError, KlaviyoError, TransientError
from failures import Failures
from listings import OVERLAP
from models import Json, Operation, Row, Table, Warning, dig, resolved
from parallel import side_by_side
from roster import Group, is_due
from streams import PROFILE_SUPPRESSION
from values import written

EVER = "2000-01-01T00:00:00Z"  # before Klaviyo
AT_ONCE = 100  # people on a page, and deletes between checkpoints


@dataclass(frozen=True)
class Listing:
    """Some people in the order of `cursor`, the time at which they joined.

    `column` holds that time. `entries` is where a document has several such times, each a row.
    """

    table: Table
    name: str
    path: str
    params: Mapping[str, str]
    cursor: str = "joined_group_at"
    column: str = "joined_group_at"
    entries: tuple[str, ...] = ()

    def sources(self, document: Json) -> list[Json]:
        """What the rows of one person are made of."""
        if not self.entries:
            return [{**document, "group_id": self.name}]
        found, person = dig(document, self.entries), document.get("id")
        entries = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        return [
            {**one, "scope": one.get("list_id", "global"), "profile_id": person} for one in entries
        ]

    def group(self, row: Row) -> Group:
        """The group that a row belongs to."""
        return (self.table.name, self.name, *(row[name] for name in _others(self.table)))


def _suppressions(name: str, place: str) -> Listing:
    """Everybody whose mail is suppressed; without sparse fields, which might hide just that."""
    return Listing(
        PROFILE_SUPPRESSION,
        name,
        "/api/profiles",
        {"additional-fields[profile]": "subscriptions"},
        cursor=f"{place}.timestamp",
        column="suppressed_at",
        entries=("attributes", *place.split(".")),
    )


SUPPRESSIONS = [
    _suppressions("global", "subscriptions.email.marketing.suppression"),
    _suppressions("list", "subscriptions.email.marketing.list_suppressions"),
]


def _listings(account: Account, table: Table) -> list[Listing]:
    """What to list: each list and segment that stands in the warehouse by itself."""
    if table is PROFILE_SUPPRESSION:
        return SUPPRESSIONS
    kind = table.name.removesuffix("_profile")
    with recalling(kind):
        rows = account.memory.of(kind).get("rows", {})
        ids = [json.loads(key)[0] for key in rows.get(kind, {})]
    shown = {"fields[profile]": "joined_group_at"}
    return [Listing(table, id_, f"/api/{kind}s/{id_}/profiles", shown) for id_ in ids]


def sync_members(account: Account, table: Table) -> Iterator[Operation]:
    """Write who joined, and delete who left.

        watermark-1h     watermark            now
        |--- asked again ---|--- first time ---|

    An unchanged listing costs one request, a comparison one for each 100 people: daily, or on one
    day of the week that differs from listing to listing where they are many.
    """
    readings = [Reading(account, listing) for listing in _listings(account, table)]
    yield from _vanished(account, table, {reading.listing.name for reading in readings})
    pages, failures = [reading.pages() for reading in readings], Failures()
    for reading, page in side_by_side(pages, account.settings.concurrency):
        account.tell(f"listing {table.name}")
        failed = isinstance(page, KlaviyoError)
        failures.note(page if failed else None)
        if failures.klaviyo_is_down:
            break
        if not failed:
            yield from reading.finish() if page is None else reading.rows(page)
            account.remember_people()
            yield account.memory.checkpoint()
    yield from failures.told()
    yield from warn_of_untracked(account, table)
    failures.raise_first()


def warn_of_untracked(account: Account, table: Table) -> Iterator[Operation]:
    """Say where nobody is ever deleted, because the state cannot hold so many people."""
    names = {group[-1] for group in account.roster.untracked if group[0] == table.name}
    if names:
        yield Warning(
            f"{table.name}: there are more people than can be remembered, so nobody who leaves"
            f" {', '.join(sorted(names))} is deleted; choose fewer tables of people, or reset the"
            " connection from time to time"
        )


class Reading:
    """One listing during one sync: what is asked for, and who was seen."""

    def __init__(self, account: Account, listing: Listing) -> None:
        self.account, self.listing = account, listing
        name = listing.table.name
        with recalling(name):
            self.memory = dict(account.memory.of(name).get(listing.name, {}))
            watermark = self.memory.get("watermark")
            self.since = written(account.back(watermark) - OVERLAP) if watermark else ""
            self.compares = self._is_due()
        self.seen: dict[Group, set[str]] = defaultdict(set)

    def _is_due(self) -> bool:
        """Whether to ask for everybody: the first time, and where that can tell who left."""
        if not self.since:
            return True
        if any(group[:2] == self._name for group in self.account.roster.untracked):
            return False
        compared_on, size = self.memory.get("compared_on"), self.memory["size"]
        return is_due(self.listing.name, size, compared_on, self.account.today)

    @property
    def _name(self) -> Group:
        return self.listing.table.name, self.listing.name

    def pages(self) -> Iterator[tuple["Reading", Json]]:
        """Each page, and behind the last None or the error it ends with.

        One that was deleted meanwhile just ends.
        """
        listing = self.listing
        params = {**listing.params, "sort": listing.cursor, "page[size]": str(AT_ONCE)}
        since = EVER if self.compares else self.since
        if listing.entries or not self.compares:  # without it those with no time come too
            params["filter"] = f"greater-or-equal({listing.cursor},{since})"
        try:
            for page in self.account.asking.pages(listing.path, params):
                yield self, page
            yield self, None
        except GoneError:
            return
        except (ContractError, TransientError) as error:
            yield self, error

    def rows(self, page: Json) -> Iterator[Operation]:
        """The rows of one page's people."""
        for document in resolved(page):
            for source in self.listing.sources(document):
                yield from self.account.store(self.listing.table, source, self._news)

    def _news(self, row: Row) -> bool:
        """Whether somebody is new in a group, or has joined it once more; remembers who it is."""
        group, person = self.listing.group(row), row["profile_id"]
        is_new = not self.account.roster.holds(group, person)
        self.account.roster.add(group, person)
        if self.compares:
            self.seen[group].add(person)
        return is_new or (row[self.listing.column] or "") > self.since

    def finish(self) -> Iterator[Operation]:
        """Delete who left, and move the watermark."""
        done = {"watermark": self.account.written_now}
        if self.compares:
            for group in self.account.roster.groups(*self._name):
                left = self.account.roster.people(group) - self.seen[group]
                yield from _leave(self.account, self.listing.table, group, left)
            done["compared_on"] = self.account.today.isoformat()
            self.memory["size"] = sum(map(len, self.seen.values()))
        mine = {self.listing.name: {**self.memory, **done}}
        self.account.memory.remember(self.listing.table.name, mine)


def _vanished(account: Account, table: Table, names: set[str]) -> Iterator[Operation]:
    """Delete everybody in a list or segment that is gone."""
    for group in account.roster.groups(table.name):
        if group[1] not in names:
            yield from _leave(account, table, group, account.roster.people(group))
            account.roster.forget(group)
    known = account.memory.of(table.name)
    account.memory.tables[table.name] = {name: known[name] for name in names & known.keys()}
    account.remember_people()
    yield account.memory.checkpoint()


def _leave(account: Account, table: Table, group: Group, people: set[str]) -> Iterator[Operation]:
    for number, person in enumerate(sorted(people), 1):
        row = dict(zip(_others(table), group[2:], strict=True)) | {"profile_id": person}
        yield account.delete(table, row)
        account.roster.remove(group, person)
        if number % AT_ONCE == 0:
            account.remember_people()
            yield account.memory.checkpoint()


def _others(table: Table) -> list[str]:
    """The key columns that name a group."""
    return [name for name in table.key if name != "profile_id"]
