"""Syncs profiles: new and changed ones by `updated`, deleted ones by a comparison of ids.

Klaviyo does not report deleted or merged profiles. A periodic full listing of ids finds them.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from operator import itemgetter

import msgspec

from models import Checkpoint, Operation, Row
from state.digests import digest, needs_second_listing
from state.membership_index import ALL_PROFILES_LISTING, MemberGroup, is_comparison_due
from state.state import ProfilesState, WindowedState
from streams.catalog import PREDICTIONS, PROFILE, PROFILES
from streams.context import AccountContext
from streams.deleted_profiles import record_deleted_profiles
from streams.keyset import read_by_keyset
from streams.memberships import warn_of_untracked
from streams.windowed import sync_windowed
from streams.writer import RowWriter
from tables.converters import format_utc, to_utc_datetime
from tables.jsonapi import Json, get_path
from tables.typed_pages import documents

ALL_PROFILES = MemberGroup(PROFILE.name, ALL_PROFILES_LISTING)
PAGE_SIZE = 100  # the most profiles on a page, and ids in a filter
MAX_RECENT = 2_500  # versions of profiles, so that the state stays small


def sync_profiles(context: AccountContext, writer: RowWriter) -> Iterator[Operation]:
    """Write new and changed profiles, and delete those that Klaviyo no longer has.

    Without changes this costs one request, and a comparison one per 100 profiles: daily, or weekly
    if there are many. Predictions change without moving `updated`, so a row has those of the
    profile's last change.
    """
    sync = ProfileSync(context, writer)
    yield from sync_windowed(context, writer, sync.stream, sync.state.windowed, sync)
    if sync.compares:
        yield from sync.write_missed_and_delete_gone()
    yield sync.finish()
    yield from warn_of_untracked(context, PROFILE)


class ProfileSync:
    """The profiles of one account during one sync."""

    def __init__(self, context: AccountContext, writer: RowWriter) -> None:
        self._context, self._writer = context, writer
        if context.record_selected_tables(PROFILES.name, [PROFILE.name, PREDICTIONS]):
            context.state.profiles = ProfilesState()
        self.stream = replace(PROFILES, params=PROFILES.params_for(context.settings.tables))
        self.state = context.state.profiles
        self._index = context.state.index
        self._recent = dict(self.state.recent)
        size, compared_on = self.state.size, self.state.compared_on
        is_due = is_comparison_due(PROFILE.name, size, compared_on, context.today)
        is_tracked = ALL_PROFILES not in self._index.untracked
        self.compares = compared_on is not None and is_tracked and is_due

    def write_page(self, page: Json) -> Iterator[Operation]:
        """The rows of a page's profiles."""
        yield from self._writer.store_page(PROFILE, documents(page), self._record_change)

    def _record_change(self, row: Row) -> bool:
        """Record a profile as written; return whether it changed, by the recent changes known."""
        self._index.add(ALL_PROFILES, row["id"])
        # Two changes may share a second of `updated`, so the content counts too.
        version = f"{row['updated_at']} {digest(row)}"
        if self._recent.get(row["id"]) == version:
            return False
        self._recent[row["id"]] = version
        if len(self._recent) > 2 * MAX_RECENT:
            # The latest changes are those that the next sync's lookback reads again.
            self._recent = dict(sorted(self._recent.items(), key=itemgetter(1))[-MAX_RECENT:])
        return True

    def write_missed_and_delete_gone(self) -> Iterator[Operation]:
        """Write the profiles that only Klaviyo has, delete those that only the warehouse has."""
        listed = self._list_ids()
        known = self._index.people(ALL_PROFILES)
        if needs_second_listing(len(known - listed.keys()), len(known)):
            listed |= self._list_ids()
        missed = sorted(person for person, is_in_scope in listed.items() if is_in_scope)
        # Klaviyo shows some records so late that the window of their `updated` is read already.
        missed = [person for person in missed if person not in known]
        for start in range(0, len(missed), PAGE_SIZE):
            yield from self._fetch_and_write(missed[start : start + PAGE_SIZE])
        gone = sorted(known - listed.keys())
        for person in gone:
            yield self._writer.delete(PROFILE, {"id": person})
            self._index.remove(ALL_PROFILES, person)
            self._recent.pop(person, None)
        yield from self._writer.warn_of_deletions(PROFILE, len(gone), len(known))
        found_on = self.state.compared_on or self._context.today
        yield from record_deleted_profiles(self._context, gone, found_on)

    def _list_ids(self) -> dict[str, bool]:
        """Every id that Klaviyo lists, and whether the profile changed since `start_date`."""
        listed: dict[str, bool] = {}
        params = {
            "fields[profile]": "created,updated",
            "sort": "created",
            "page[size]": str(PAGE_SIZE),
        }
        read_pages = partial(self._context.session.pages, PROFILES.path)
        for page in read_by_keyset(read_pages, params, "greater-than"):
            self._writer.log_progress("listing the ids of profiles")
            for document in documents(page):
                listed[str(document.get("id"))] = self._is_after_start_date(document)
        return listed

    def _is_after_start_date(self, document: Json) -> bool:
        start = self._context.settings.start_date
        since = format_utc(self._context.start_of_day(start)) if start else ""
        return (to_utc_datetime(get_path(document, ("attributes", "updated"))) or "") >= since

    def _fetch_and_write(self, people: list[str]) -> Iterator[Operation]:
        ids = json.dumps(people, separators=(",", ":"))
        params = {**self.stream.params, "filter": f"any(id,{ids})", "page[size]": str(PAGE_SIZE)}
        for page in self._context.session.pages(PROFILES.path, params):
            yield from self.write_page(page)
            yield self.save_state(self.state.windowed)

    def save_state(self, state: WindowedState) -> Checkpoint:
        """Put the coverage of the profiles, and the recent changes, into the state."""
        self.state = msgspec.structs.replace(self.state, windowed=state, recent=dict(self._recent))
        self._context.state.profiles = self.state
        return self._context.state.checkpoint()

    def finish(self) -> Checkpoint:
        """Record that all profiles are compared; a first sync reads all and needs no comparison."""
        if self.compares or self.state.compared_on is None:
            self.state = msgspec.structs.replace(
                self.state,
                compared_on=self._context.today,
                size=len(self._index.people(ALL_PROFILES)),
            )
        return self.save_state(self.state.windowed)
