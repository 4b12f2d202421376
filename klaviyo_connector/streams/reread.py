"""Reads events again that Klaviyo changes long after they happened: those of deleted profiles.

A profile disappears when it is erased, deleted or merged into another. Klaviyo redacts the events
of an erased profile in place, and moves those of a merged one to its destination profile. Both
happen some time after the profile is gone, and neither changes the time that sorts the listing.

    the id disappears    1 day later    7 days later    30 days later
    |-- read its events -|- again ------|- again -------|- again, for the last time

Events that come back under another id name the destination profile. If none comes back, the
destination is one of the profiles that changed last: their events are read too.
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
REREAD_AFTER_DAYS = (0, 1, 7, 30)
MAX_CANDIDATES = 500  # profiles among which a merge's destination is sought
PAGE_SIZE = "200"  # the documented maximum of older revisions


class ProfileEventsPage(NamedTuple):
    """A page of one profile's events, None after the last one, or why Klaviyo refuses them."""

    profile_id: str
    page: Json | ContractError | None


def reread_profiles(context: AccountContext, writer: RowWriter) -> Iterator[Operation]:
    """Write the events of deleted profiles, and of the profiles that they were merged into, again.

    They count as read when all are: if the sync ends before, the next one reads them again.
    """
    pending = context.state.reread.pending
    due = {id_: reread for id_, reread in pending.items() if _is_due(context, reread)}
    if not due:
        return
    reading = EventReread(context, writer, due)
    for profile_id, page in read_in_parallel(
        reading.start_next_profile, context.settings.concurrency
    ):
        writer.log_progress("reading events of people who disappeared")
        if isinstance(page, ContractError):
            yield Warning(f"event: the events of a person who disappeared are refused: {page}")
        elif page is not None:
            yield from reading.write_page(profile_id, page)
        else:
            reading.enqueue_destinations(profile_id)
    yield reading.finish()


def _is_due(context: AccountContext, pending: PendingReread) -> bool:
    return _reads_by_today(context, pending) > pending.reads


def _reads_by_today(context: AccountContext, pending: PendingReread) -> int:
    days = (context.today - pending.noticed_on).days
    return sum(after <= days for after in REREAD_AFTER_DAYS)


class EventReread:
    """The profiles whose events one sync reads again: those due, then their destinations."""

    def __init__(
        self, context: AccountContext, writer: RowWriter, due: dict[str, PendingReread]
    ) -> None:
        self._context, self._sync = context, EventSync(context, writer, "")
        self._due, self._waiting, self._requested = due, deque(due), set(due)
        self._owners: dict[str, set[str]] = defaultdict(set)  # of the events of a profile

    def start_next_profile(self) -> Iterator[ProfileEventsPage] | None:
        """Return the pages of the next profile, or None if none is waiting."""
        return self._request_pages(self._waiting.popleft()) if self._waiting else None

    def _request_pages(self, profile_id: str) -> Iterator[ProfileEventsPage]:
        params = {"sort": EVENTS.cursor_field, "page[size]": PAGE_SIZE}
        params |= {"filter": fill_filter("equals(profile_id,{id})", profile_id)}
        params |= EVENTS.params_for(self._context.settings.tables)
        decode = typed_decoder(EVENTS.table, EVENTS.related)
        try:
            for page in self._context.session.pages(EVENTS.path, params, decode=decode):
                yield ProfileEventsPage(profile_id, page)
        except GoneError:
            pass  # an id that Klaviyo does not know has no events
        except ContractError as error:
            yield ProfileEventsPage(profile_id, error)
        yield ProfileEventsPage(profile_id, None)

    def write_page(self, profile_id: str, page: Json) -> Iterator[Operation]:
        """The rows of those of a page's events that the warehouse has, or is to have."""
        synced = []
        for document in documents(page):
            owner = get_path(document, ("relationships", "profile", "data", "id"))
            self._owners[profile_id].add(str(owner or profile_id))
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

    def enqueue_destinations(self, profile_id: str) -> None:
        """Enqueue the profiles that a deleted one was merged into."""
        if profile_id not in self._due:
            return
        owners = self._owners.pop(profile_id, None)
        destinations = owners or self._list_changed_profiles(self._due[profile_id])
        self._waiting.extend(id_ for id_ in destinations if id_ not in self._requested)
        self._requested.update(destinations)

    def _list_changed_profiles(self, pending: PendingReread) -> set[str]:
        """The profiles that changed last, since the profile was listed last."""
        since = f"{pending.found_on - timedelta(days=1)}"  # a day of the account begins in UTC's
        changes = self._context.state.profiles.recent.items()
        newest = sorted(
            ((version, profile_id) for profile_id, version in changes if version >= since),
            reverse=True,
        )
        return {profile_id for _, profile_id in islice(newest, MAX_CANDIDATES)}

    def finish(self) -> Operation:
        """Record that all due profiles are read."""
        pending = dict(self._context.state.reread.pending)
        for profile_id, known in self._due.items():
            reads = _reads_by_today(self._context, known)
            pending[profile_id] = msgspec.structs.replace(known, reads=reads)
            if reads == len(REREAD_AFTER_DAYS):
                del pending[profile_id]
        save_pending_rereads(self._context, pending)
        return self._sync.checkpoint()
