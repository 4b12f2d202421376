"""Reads events again that Klaviyo changes long after they happened: those of people who disappear.

A person who disappears was erased, deleted or merged into another. Klaviyo redacts an erased
person's events in place, and moves those of a merged profile to the survivor. Both happen some
time after the profile is gone, and neither changes the time by which events are listed.

    the id disappears    1 day later    7 days later    30 days later
    |-- read its events -|- again ------|- again -------|- again, for the last time

Events that come back under another id are those of a survivor, and if none comes back, the
survivor is one of the profiles that changed lately: their events are read too.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

import msgspec

from api import ContractError, GoneError
from models import Operation, Warning
from parallel import read_in_parallel
from state.state import PendingReread, SyncedEvents
from streams.catalog import EVENTS
from streams.context import AccountContext
from streams.deleted_profiles import save_pending_rereads
from streams.events import EventSync
from streams.url_templates import fill_filter
from streams.writer import RowWriter
from tables.converters import format_utc, to_utc_datetime
from tables.jsonapi import Json, get_path
from tables.typed_pages import Record, documents, typed_decoder

# Klaviyo redacts and merges asynchronously and names no time limit.
DAYS_AFTER = (0, 1, 7, 30)
MAX_CANDIDATES = 500  # profiles among which a survivor is sought
PAGE_SIZE = "200"  # the documented maximum of older revisions


class ProfileEventsPage(NamedTuple):
    """A page of one person's events, None after the last one, or why Klaviyo refuses them."""

    person: str
    page: Json | ContractError | None


def reread_people(context: AccountContext, writer: RowWriter) -> Iterator[Operation]:
    """Write the events of deleted profiles, and of the profiles that they were merged into, again.

    The people count as read when all are: if the sync ends before, the next one reads them again.
    """
    due = {person: at for person, at in context.state.reread.people.items() if _is_due(context, at)}
    if not due:
        return
    reading = EventReread(context, writer, due)
    for person, page in read_in_parallel(reading.start_next_person, context.settings.concurrency):
        writer.log_progress("reading events of people who disappeared")
        if isinstance(page, ContractError):
            yield Warning(f"event: the events of a person who disappeared are refused: {page}")
        elif page is not None:
            yield from reading.write_page(person, page)
        else:
            reading.enqueue_survivors(person)
    yield reading.finish()


def _is_due(context: AccountContext, pending: PendingReread) -> bool:
    return _reads_by_today(context, pending) > pending.reads


def _reads_by_today(context: AccountContext, pending: PendingReread) -> int:
    days = (context.today - pending.noticed_on).days
    return sum(after <= days for after in DAYS_AFTER)


class EventReread:
    """The profiles whose events one sync reads again: those that are due, then their survivors."""

    def __init__(
        self, context: AccountContext, writer: RowWriter, due: dict[str, PendingReread]
    ) -> None:
        self._context, self._sync = context, EventSync(context, writer, "")
        self._due, self._waiting, self._requested = due, deque(due), set(due)
        self._owners: dict[str, set[str]] = defaultdict(set)  # of the events of a person

    def start_next_person(self) -> Iterator[ProfileEventsPage] | None:
        """Return the pages of the next profile, or None if none is waiting."""
        return self._request_pages(self._waiting.popleft()) if self._waiting else None

    def _request_pages(self, person: str) -> Iterator[ProfileEventsPage]:
        params = {"sort": EVENTS.cursor_field, "page[size]": PAGE_SIZE}
        params |= {"filter": fill_filter("equals(profile_id,{id})", person)}
        params |= EVENTS.params_for(self._context.settings.tables)
        decode = typed_decoder(EVENTS.table, EVENTS.related)
        try:
            for page in self._context.session.pages(EVENTS.path, params, decode=decode):
                yield ProfileEventsPage(person, page)
        except GoneError:
            pass  # an id that Klaviyo does not know has no events
        except ContractError as error:
            yield ProfileEventsPage(person, error)
        yield ProfileEventsPage(person, None)

    def write_page(self, person: str, page: Json) -> Iterator[Operation]:
        """The rows of those of a page's events that the warehouse has, or is to have."""
        synced = []
        for document in documents(page):
            owner = get_path(document, ("relationships", "profile", "data", "id"))
            self._owners[person].add(str(owner or person))
            if self._is_synced(document):
                synced.append(document)
        yield from self._sync.write_events(synced)
        yield self._sync.checkpoint()

    def _is_synced(self, document: Json | Record) -> bool:
        """Whether an event is among those that were ever read, by any settings."""
        metric = get_path(document, ("relationships", "metric", "data", "id"))
        happened = to_utc_datetime(get_path(document, ("attributes", EVENTS.cursor_field))) or ""
        synced = self._context.state.reread.synced
        return any(self._covers(synced[key], happened) for key in ("", metric) if key in synced)

    def _covers(self, synced: SyncedEvents, happened: str) -> bool:
        since = synced.since
        if since is None and synced.start is not None:  # a state of earlier versions
            since = self._context.start_of_day(synced.start)
        return (format_utc(since) if since else "") <= happened <= format_utc(synced.until)

    def enqueue_survivors(self, person: str) -> None:
        """Enqueue the profiles that a deleted one was merged into."""
        if person in self._due:
            survivors = self._owners.pop(person, None) or self._list_changed_profiles(
                self._due[person]
            )
            self._waiting.extend(
                survivor for survivor in survivors if survivor not in self._requested
            )
            self._requested.update(survivors)

    def _list_changed_profiles(self, pending: PendingReread) -> set[str]:
        """The profiles that changed last, since the person was still there."""
        since = f"{pending.found_on - timedelta(days=1)}"  # a day of the account begins in UTC's
        changes = self._context.state.profiles.recent.items()
        newest = sorted(
            ((version, person) for person, version in changes if version >= since), reverse=True
        )
        return {person for _, person in islice(newest, MAX_CANDIDATES)}

    def finish(self) -> Operation:
        """Record that all due profiles are read."""
        people = dict(self._context.state.reread.people)
        for person, pending in self._due.items():
            reads = _reads_by_today(self._context, pending)
            people[person] = msgspec.structs.replace(pending, reads=reads)
            if reads == len(DAYS_AFTER):
                del people[person]
        save_pending_rereads(self._context, people)
        return self._sync.checkpoint()
