"""Syncs who is in which list and segment, and whose e-mail is suppressed.

    watermark - overlap  watermark                 now
    |---- read again ----|---- read first time ----|     who joined: every sync
    |----------------- all members ----------------|     comparison: daily, weekly for large groups

Klaviyo reports who joined since a time, but not who left. A comparison reads all members and
deletes the rows of those who left, unless Klaviyo is still computing the segment:

    index (in the warehouse)   A  B  C
    seen in this comparison    A     C  D      -> delete B, write D
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from api import ContractError, GoneError, KlaviyoError, ScopeError, TransientError
from models import Operation, Row, Table, Truncate, Warning
from parallel import read_in_parallel
from state.digests import needs_second_listing
from state.membership_index import WEEK, MemberGroup, is_comparison_due
from state.state import MembershipState
from streams.catalog import PROFILE
from streams.context import AccountContext
from streams.declarations import MemberListing, MembershipStream
from streams.failures import Failures
from streams.keyset import read_by_keyset
from streams.record_paths import RecordPaths
from streams.resources import OVERLAP, listed_ids
from streams.url_templates import fill_path
from streams.writer import RowWriter
from tables.converters import format_utc
from tables.jsonapi import Json, get_path
from tables.segments import is_processing
from tables.typed_pages import documents, typed_decoder

EARLIEST_MEMBERSHIP = "2000-01-01T00:00:00Z"  # Klaviyo was founded in 2012
PAGE_SIZE = 100  # people, and deletes between checkpoints


class ListingResponse(NamedTuple):
    """A page of a listing, None after the last page, or the error that ended the listing."""

    sync: "ListingSync"
    page: Json | KlaviyoError | None


def sync_memberships(
    context: AccountContext, writer: RowWriter, stream: MembershipStream
) -> Iterator[Operation]:
    """Write who joined, and delete who left.

    An unchanged listing costs one request, a comparison one per 100 people.
    """
    owners = [id_ for owner in stream.requires for id_ in listed_ids(context.state, owner)]
    listings = _listings(stream, owners)
    names = {listing.name for listing in listings}
    refills = _is_refill_due(context, stream.table, names)
    syncs = [ListingSync(context, writer, stream, listing, refills=refills) for listing in listings]
    if refills:
        yield Truncate(stream.table.name, deferred=True)
    yield from _delete_dropped_groups(context, writer, stream.table, names)
    yield from _sync_listings(context, writer, stream, syncs, refills=refills)


def _sync_listings(
    context: AccountContext,
    writer: RowWriter,
    stream: MembershipStream,
    syncs: "Sequence[ListingSync]",
    *,
    refills: bool,
) -> Iterator[Operation]:
    """Read the listings in parallel, each beginning in its order; raise the first failure last."""
    waiting, failures = [sync.request_pages() for sync in reversed(syncs)], Failures()
    own_paths = RecordPaths(context, "".join(stream.requires))
    for sync, page in read_in_parallel(
        lambda: waiting.pop() if waiting else None, context.settings.concurrency
    ):
        writer.log_progress(f"listing {stream.table.name}")
        if isinstance(page, GoneError) and stream.requires:
            own_paths.record_missing(sync.name, page)
            continue
        with failures.collect():
            if isinstance(page, KlaviyoError):
                raise page
            own_paths.record_found()
            yield from sync.finish() if page is None else sync.write_page(page)
            yield context.state.checkpoint()
        if failures.should_abort:
            break
    with failures.collect():
        yield from own_paths.check("known members stay", refills=refills)
    yield from failures.warnings()
    yield from warn_of_untracked(context, stream.table)
    failures.raise_first()


def _listings(stream: MembershipStream, groups: Iterable[str]) -> Sequence[MemberListing]:
    """The listings of a stream: fixed ones, or one for each list or segment."""
    params = {"fields[profile]": "joined_group_at"}
    return stream.listings or [
        MemberListing(name=id_, path=fill_path(stream.path, id_), params=params) for id_ in groups
    ]


def _is_refill_due(context: AccountContext, table: Table, names: set[str]) -> bool:
    """Whether to write all members again, because the state cannot hold those of some group.

    The loader then deletes the rows that were not written. Once a week, or if the group is gone.
    """
    untracked = context.state.index.untracked
    listings = {group.listing for group in untracked if group.table == table.name}
    if not listings or not context.can_refill:
        return False
    known = context.state.memberships.get(table.name, {})
    compared = [known[name].compared_on for name in listings if name in known]
    days = [(context.today - day).days for day in compared if day]
    return not listings <= names or max(days, default=0) >= WEEK


def warn_of_untracked(context: AccountContext, table: Table) -> Iterator[Operation]:
    """Name the groups whose members are not deleted, because the state cannot hold them."""
    untracked = context.state.index.untracked
    names = {
        (group.key or (group.listing,))[-1] for group in untracked if group.table == table.name
    }
    if not names:
        return
    listed = ", ".join(sorted(names))
    if context.can_refill and table != PROFILE:
        consequence = f"those who leave {listed} are deleted once a week, when all rows are written"
        remedy = "choose fewer tables of people if Fivetran bills too many rows"
    else:
        consequence = f"people who leave {listed} are not deleted"
        remedy = "choose fewer tables of people, or reset the connection from time to time"
    yield Warning(f"{table.name}: the state cannot hold all people, so {consequence}; {remedy}")


class ListingSync:
    """One listing of people during one sync: what is requested, and who is seen."""

    def __init__(
        self,
        context: AccountContext,
        writer: RowWriter,
        stream: MembershipStream,
        listing: MemberListing,
        *,
        refills: bool,
    ) -> None:
        self._context, self._writer, self._stream = context, writer, stream
        self._listing, self._index = listing, context.state.index
        self.name = listing.name
        absent = stream.table.columns.keys() - stream.page_table.columns
        self._constants = dict.fromkeys(absent, listing.name)  # columns that a page lacks
        self._group_columns = _group_columns(stream.table)
        decode = None if listing.entries else typed_decoder(stream.page_table, ())
        self._read_pages = partial(context.session.pages, listing.path, decode=decode)
        known = context.state.memberships.get(stream.table.name, {})
        self._state = known.get(listing.name, MembershipState())
        watermark = self._state.watermark
        self._since = format_utc(context.clamp_to_now(watermark) - OVERLAP) if watermark else ""
        self._refills = refills  # the rows that are not written are deleted
        self._compares = refills or self._is_comparison_due()
        self._seen: dict[MemberGroup, set[str]] = defaultdict(set)

    def _is_comparison_due(self) -> bool:
        """Whether to read all members: the first time, and when a comparison can find who left."""
        if not self._since:
            return True
        table, name = self._stream.table.name, self._listing.name
        # Without the members before, a comparison finds no one; only a refill deletes who left.
        if any((group.table, group.listing) == (table, name) for group in self._index.untracked):
            return False
        state = self._state
        return is_comparison_due(name, state.size, state.compared_on, self._context.today)

    def request_pages(self) -> Iterator[ListingResponse]:
        """Each page, then None or the error."""
        listing = self._listing
        params = {**listing.params, "sort": listing.cursor_field, "page[size]": str(PAGE_SIZE)}
        since = EARLIEST_MEMBERSHIP if self._compares else self._since
        # Without a filter Klaviyo also lists members that have no time of joining.
        bound = since if listing.entries or not self._compares else None
        try:
            for page in read_by_keyset(self._read_pages, params, "greater-or-equal", bound):
                yield ListingResponse(self, page)
            yield ListingResponse(self, None)
        except (ContractError, TransientError) as error:
            yield ListingResponse(self, error)
        except ScopeError as error:
            if not self._refills:
                raise
            # The sync has to fail: if it succeeded, the table would be empty.
            yield ListingResponse(self, ContractError(str(error)))

    def write_page(self, page: Json) -> Iterator[Operation]:
        """The rows of one page's people."""
        sources = documents(page)
        if self._listing.entries:
            sources = [entry for document in sources for entry in self._entries(document)]
        yield from self._writer.store_page(
            self._stream.page_table, sources, self._record_change, self._constants
        )

    def _entries(self, document: Json) -> Iterable[Json]:
        """The source documents of one person's rows."""
        found = get_path(document, self._listing.entries)
        for entry in found if isinstance(found, list) else []:
            if isinstance(entry, dict):
                scope = entry.get("list_id", "global")
                yield {**entry, "scope": scope, "profile_id": document.get("id")}

    def _record_change(self, row: Row) -> bool:
        """Add a person to the index; return whether they joined the group, or joined it again."""
        group, person = self._group_of(row), row["profile_id"]
        # Who left and joined again between two syncs is in the index all the time: only the time of
        # joining shows it.
        is_new = self._index.add(group, person)
        if self._compares:
            self._seen[group].add(person)
        return self._refills or is_new or (row[self._stream.joined_column] or "") > self._since

    def _group_of(self, row: Row) -> MemberGroup:
        key = tuple([row[name] for name in self._group_columns])
        return MemberGroup(self._stream.table.name, self._listing.name, key)

    def finish(self) -> Iterator[Operation]:
        """Delete who left, and move the watermark."""
        table = self._stream.table
        # The start of the sync, not its end: who joins while pages are read is read again.
        state = msgspec.structs.replace(self._state, watermark=self._context.now)
        reads_again = self._compares and needs_second_listing(*self._count_missing())
        if reads_again and self._is_processing():
            yield Warning(
                f"{table.name}: Klaviyo is still computing who is in {self.name}, so no one is"
                " deleted from it; the next sync compares again"
            )
        elif self._compares:
            if reads_again:
                yield from self._read_again()
            for group in self._index.groups(table.name, self._listing.name):
                people = self._index.people(group)
                gone = people - self._seen[group]
                yield from _delete_members(self._context, self._writer, table, group, gone)
                yield from self._writer.warn_of_deletions(table, len(gone), len(people))
            size = sum(map(len, self._seen.values()))
            state = msgspec.structs.replace(state, compared_on=self._context.today, size=size)
        memberships = self._context.state.memberships
        known = memberships.get(table.name, {})
        memberships[table.name] = {**known, self._listing.name: state}

    def _is_processing(self) -> bool:
        """Whether Klaviyo is still computing who is in the group.

        In a refill it does not matter: the loader deletes the rows that are not written.
        """
        path = self._stream.group_path
        if not path or self._refills:
            return False
        try:
            pages = self._context.session.pages(fill_path(path, self.name), {})
            return any(is_processing(segment) for page in pages for segment in documents(page))
        except GoneError:
            return False

    def _read_again(self) -> Iterator[Operation]:
        """Read the listing a second time."""
        for _, page in self.request_pages():
            if isinstance(page, KlaviyoError):
                raise page
            yield from self.write_page(page) if page is not None else ()

    def _count_missing(self) -> tuple[int, int]:
        """How many rows the listing lacks, and of how many; by its last size in a refill."""
        if self._refills:
            size = self._state.size
            return size - sum(map(len, self._seen.values())), size
        groups = self._index.groups(self._stream.table.name, self._listing.name)
        people = [(self._index.people(group), self._seen[group]) for group in groups]
        return sum(len(known - seen) for known, seen in people), sum(len(k) for k, _ in people)


def _delete_dropped_groups(
    context: AccountContext, writer: RowWriter, table: Table, names: set[str]
) -> Iterator[Operation]:
    """Delete the members of a list or segment that was deleted itself."""
    index = context.state.index
    for group in index.groups(table.name):
        if group.listing not in names:
            yield from _delete_members(context, writer, table, group, index.people(group))
            index.drop_group(group)
    known = context.state.memberships.get(table.name, {})
    kept = {name: state for name, state in known.items() if name in names}
    context.state.memberships[table.name] = kept
    yield context.state.checkpoint()


def _delete_members(
    context: AccountContext,
    writer: RowWriter,
    table: Table,
    group: MemberGroup,
    people: set[str],
) -> Iterator[Operation]:
    """Delete people from a group, with a checkpoint per hundred."""
    key = dict(zip(_group_columns(table), group.key, strict=True))
    for number, person in enumerate(sorted(people), 1):
        yield writer.delete(table, {**key, "profile_id": person})
        context.state.index.remove(group, person)
        if number % PAGE_SIZE == 0:
            yield context.state.checkpoint()


def _group_columns(table: Table) -> list[str]:
    """The key columns that name a group."""
    return [name for name in table.key if name != "profile_id"]
