"""Syncs listings of records: new, changed and deleted ones.

    watermark - overlap  watermark                 now
    |---- read again ----|---- read first time ----|     changes: every sync
    |---------------------- everything ------------|     full refresh: once a day, finds deletions

Klaviyo sometimes returns a listing unsorted despite `sort` (estuary df0ed1d4f), so the watermark
moves only when the whole listing is read. A record may also move between two partitions (archived
or not) while they are listed; a full refresh that misses rows reads the earlier partitions again
before it deletes anything:

    partition 1   A B        | B is archived here: it is in neither listing
    partition 2       C      |
    partition 1   A          | read again: nothing is missing by accident

A relationship that Klaviyo may refuse to include in a listing is requested at the path of each
changed record instead.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from api import REVISION, ContractError, GoneError, RefusedError, ScopeError
from models import Operation, Row, Table, Truncate, Warning
from state.digests import RowDigests, digest, is_same, needs_second_listing
from state.state import AccountState, RecordDetails, ResourceState
from streams.context import AccountContext
from streams.declarations import BEFORE_KLAVIYO, Details, ResourceStream
from streams.record_paths import RecordPaths
from streams.registry import TABLES
from streams.url_templates import fill_filter, fill_path
from streams.writer import RowWriter
from tables.converters import format_utc, to_json, to_utc_datetime
from tables.jsonapi import Json, documents, get_path, related_resources

# Klaviyo's listings lag behind its writes (airbyte#29029), and its clock counts in seconds.
OVERLAP = timedelta(hours=1)
MAX_ROWS_TO_COPY = 20  # into a checkpoint for each record that was read since the last one


def sync_resource(
    context: AccountContext, writer: RowWriter, stream: ResourceStream
) -> Iterator[Operation]:
    """Write the records changed since the last sync; once a day list all, delete missing ones."""
    sync = ResourceSync(context, writer, stream)
    if not sync.is_due:
        return
    yield from sync.begin_refill()
    for listing in sync.listings:
        yield from sync.read_listing(listing)
    yield from sync.check_own_paths()
    if sync.is_full_refresh:
        for listing in sync.listings_to_read_again():
            yield from sync.read_listing(listing)
        if sync.is_complete:
            yield from sync.delete_missing()
        yield from sync.warn_of_untracked()
    sync.save_state(is_finished=sync.is_complete)
    context.listed.add(stream.name)
    yield context.state.checkpoint()


class Listing(NamedTuple):
    """One sequence of pages: its path, its filter, and the id of the record that it belongs to."""

    path: str
    partition: str
    owner: str | None = None


class ResourceSync:
    """One stream during one sync: the rows that are written, and those that its listings show."""

    def __init__(self, context: AccountContext, writer: RowWriter, stream: ResourceStream) -> None:
        self._context, self._writer, self._stream = context, writer, stream
        self._tables = [table for table in stream.tables if context.wants(table)]
        known = context.state.resources.get(stream.name, ResourceState())
        if context.record_selected_tables(stream.name, [table.name for table in stream.tables]):
            # Written rows can still be deleted.
            known = ResourceState(digests=known.digests, untracked=known.untracked)
        self._known = known
        is_first_today = known.full_refresh_on != context.today
        self.is_due = (is_first_today or not stream.is_daily) and self._knows_parents()
        self.is_full_refresh = stream.cursor_field is None or is_first_today
        self.listings = tuple(self._list_partitions())
        self._digests = {
            table.name: RowDigests(known.digests.get(table.name, {})) for table in stream.tables
        }
        self._untracked = [table for table in self._tables if table.name in known.untracked]
        self._refills = bool(self._untracked) and self.is_full_refresh and context.can_refill
        self._details = dict(known.details)
        self._row_keys: dict[str, list[str]] = defaultdict(list)  # of one record, by table
        self._listed_ids: set[str] = set()
        self._empty: set[Listing] = set()
        self._unsaved = 0  # records
        self._newest_change = known.watermark
        self._includes_details = stream.details is not None
        self._columns = {table.name: list(table.columns) for table in stream.tables}
        self._own_paths = RecordPaths(context, stream.parent or stream.name)

    def _knows_parents(self) -> bool:
        """Whether the parent's records, which name the listings, are of today."""
        if self._stream.parent is None:
            return True
        parent = self._context.state.resources.get(self._stream.parent, ResourceState())
        return parent.full_refresh_on == self._context.today

    def _list_partitions(self) -> Iterator[Listing]:
        """What to request: each partition of each path, for each record of a parent."""
        stream = self._stream
        if stream.parent is None:
            paths = (stream.path, *stream.other_paths)
            yield from (
                Listing(path, partition) for path in paths for partition in stream.partitions
            )
            return
        for id_ in listed_ids(self._context.state, stream.parent):
            path = fill_path(stream.path, id_)
            for partition in stream.partitions:
                yield Listing(path, fill_filter(partition, id_), owner=id_)

    def begin_refill(self) -> Iterator[Operation]:
        """Issue deferred truncates for untracked tables: rows that the sync does not write go."""
        if self._refills:
            yield from (Truncate(table.name, deferred=True) for table in self._untracked)

    def read_listing(self, listing: Listing) -> Iterator[Operation]:
        """The rows of one listing; none if the path of the record that it belongs to is missing."""
        self._empty.add(listing)
        try:
            for page in self._request_pages(listing):
                if listing.owner is not None:
                    self._own_paths.record_found()
                for document in documents(page):
                    self._empty.discard(listing)
                    self._writer.log_progress(f"listing {self._stream.name}")
                    owner = {"id": listing.owner, "today": self._context.today.isoformat()}
                    yield from self._write_record({**document, "owner": owner})
                yield from self._save_progress(len(page["data"]))
        except GoneError as error:
            if listing.owner is None:
                raise
            self._own_paths.record_missing(listing.owner, error)
        except ScopeError as error:
            if not self._refills:
                raise
            # The sync has to fail: if it succeeded, the table would be empty.
            raise ContractError(str(error)) from None

    @property
    def is_complete(self) -> bool:
        """Whether the listing of each record is read; if not, the next sync lists all again."""
        return self._stream.parent is None or self._own_paths.is_complete

    def check_own_paths(self) -> Iterator[Operation]:
        """Warn of paths that are not found; raise ContractError if Klaviyo knows none of them."""
        # One message alone may be so new that its variations are not found yet.
        consequence, at_least = "known rows stay", 2
        if self._stream.parent is not None:
            consequence, at_least = f"no row of {self._stream.name} is deleted", 1
        yield from self._own_paths.check(consequence, at_least=at_least, refills=self._refills)

    def _save_progress(self, records: int) -> Iterator[Operation]:
        """A checkpoint, unless the state has many more rows than were read since the last one."""
        self._unsaved += records
        known = sum(len(digests) for digests in self._tracked_digests().values())
        if self._unsaved * MAX_ROWS_TO_COPY >= known:
            self._unsaved = 0
            self.save_state()
            yield self._context.state.checkpoint()

    def _tracked_digests(self) -> dict[str, dict[str, str]]:
        """The rows that the state holds, by table."""
        untracked = {table.name for table in self._untracked}
        return {n: rows.digests for n, rows in self._digests.items() if n not in untracked}

    def _request_pages(self, listing: Listing) -> Iterator[Json]:
        """The pages of a listing, with the details of its records unless Klaviyo refuses them."""
        params = {**self._stream.params, **self._filter(listing.partition)}
        pages, details = self._context.session.pages, self._stream.details
        if details is not None and self._includes_details:
            include = ",".join((*self._stream.include, details.relationship))
            try:
                yield from pages(listing.path, {**params, "include": include})
            except RefusedError:
                # Revisions differ in it (singer-io/tap-klaviyo#89), so each sync tries once.
                self._includes_details = False
            else:
                return
        yield from pages(listing.path, params)

    def _filter(self, partition: str) -> dict[str, str]:
        """The `filter` parameter: the partition, and changes since the watermark."""
        conditions = [partition] if partition else []
        # No listing reports deletions (OpenAPI): to find them, a full refresh lists all.
        watermark = None if self.is_full_refresh else self._known.watermark
        if watermark is not None:
            since = format_utc(self._context.clamp_to_now(watermark) - OVERLAP)
            conditions.append(f"{self._stream.since_operator}({self._stream.cursor_field},{since})")
        return {"filter": ",".join(conditions)} if conditions else {}

    def _write_record(self, document: Json) -> Iterator[Operation]:
        """The rows of one record in every chosen table of the stream."""
        self._check_form(document)
        self._context.collect_metadata(self._stream, document)
        self._listed_ids.add(str(document.get("id")))
        self._advance_watermark(document)
        details = self._stream.details
        if details is None or _has_details(document, details):
            self._details.pop(str(document.get("id")), None)
            yield from self._write_rows(document)
        elif not self._keep_if_unchanged(document):
            yield from self._write_with_details(document, details)

    def _check_form(self, document: Json) -> None:
        """Raise ContractError where a record has the form of another revision of the API."""
        attributes, required = document.get("attributes"), self._stream.required_attribute
        if required and isinstance(attributes, dict) and attributes and required not in attributes:
            raise ContractError(
                f"{self._stream.path}: a record without {required}: Klaviyo answers in the form of"
                f" another revision than {REVISION}; update the connector"
            )

    def _write_rows(self, document: Json) -> Iterator[Operation]:
        if self._stream.derive is not None:
            document = self._stream.derive(document)
        yield from self._store(self._stream.table, document)
        for relationship, table in self._stream.related:
            for resource in related_resources(document, relationship):
                if table.has_key(resource):
                    yield from self._store(table, resource)

    def _store(self, table: Table, source: Json) -> Iterator[Operation]:
        def record_change(row: Row) -> bool:
            key = table.key_of(row)
            self._row_keys[table.name].append(key)
            return self._digests[table.name].record_change(key, row)

        if table in self._tables:
            yield from self._writer.store(table, source, record_change)

    def _keep_if_unchanged(self, document: Json) -> bool:
        """Mark the rows of a record as seen if it and its details are unchanged; return whether."""
        known = self._details.get(str(document.get("id")))
        if known is None or not is_same(known.digest, self._record_digest(document)):
            return False
        if not known.keys.keys() <= self._tracked_digests().keys():
            return False
        # These rows are not built again; unseen, the full refresh would delete them.
        for table, keys in known.keys.items():
            self._digests[table].seen.update(keys)
        return True

    def _write_with_details(self, document: Json, details: Details) -> Iterator[Operation]:
        """The rows of a record and of the relationship at the record's own path.

        If that path is not found, the known rows stay, and the next sync requests it again.
        """
        id_, record_digest = str(document.get("id")), self._record_digest(document)
        self._row_keys.clear()
        try:
            pages = self._context.session.pages(fill_path(details.path, id_), {})
            resources = [
                resource
                for page in pages
                for resource in page["data"]
                if isinstance(resource, dict)
            ]
            self._own_paths.record_found()
        except GoneError as error:
            self._own_paths.record_missing(id_, error)
            resources, record_digest = [], ""
            self._keep_details(id_)
        related = {**document["related"], details.relationship: resources}
        yield from self._write_rows({**document, "related": related})
        keys = {table: list(dict.fromkeys(keys)) for table, keys in self._row_keys.items()}
        self._details[id_] = RecordDetails(record_digest, keys)

    def _keep_details(self, id_: str) -> None:
        """Count the written rows of a record as seen, so that a full refresh deletes none."""
        if id_ not in self._details:
            return
        for table, keys in self._details[id_].keys.items():
            if table in self._tracked_digests():
                self._digests[table].seen.update(keys)
                self._row_keys[table].extend(keys)

    def _record_digest(self, document: Json) -> str:
        """The digest of a record's attributes, such as its status, and of its rows' columns."""
        return digest([self._columns, to_json(document.get("attributes"))])

    def _advance_watermark(self, document: Json) -> None:
        """Move the watermark; a time ahead of Klaviyo's clock, or before Klaviyo, does not."""
        if self._stream.cursor_field is None:
            return
        changed_at = to_utc_datetime(get_path(document, ("attributes", self._stream.cursor_field)))
        if changed_at is not None:
            time = datetime.fromisoformat(changed_at)
            if BEFORE_KLAVIYO < time <= self._context.now:
                self._newest_change = max(time, self._newest_change or time)

    def listings_to_read_again(self) -> tuple[Listing, ...]:
        """The listings to read again before rows are deleted: all, if many rows are missing.

        A record can move to a later partition during the read, and the listing of one record can
        be empty by mistake.
        """
        missing, known = self._count_missing()
        if needs_second_listing(missing, known):
            return self.listings
        if missing and self._stream.parent is not None:
            return tuple(listing for listing in self.listings if listing in self._empty)
        return self.listings[:-1] if missing and len(self._stream.partitions) > 1 else ()

    def _count_missing(self) -> tuple[int, int]:
        """The number of missing rows, and of known ones; in a refill, of the last sync's number."""
        tracked = [table for table in self._tables if table not in self._untracked]
        rows = [self._digests[table.name] for table in tracked]
        missing = sum(len(digests.find_missing()) for digests in rows)
        known = sum(len(digests.digests) for digests in rows)
        for table in self._untracked if self._refills else ():
            size = self._known.untracked[table.name]
            missing += max(size - len(self._digests[table.name].seen), 0)
            known += size
        return missing, known

    def delete_missing(self) -> Iterator[Operation]:
        """Delete the rows that a full refresh does not show."""
        self._details = {i: known for i, known in self._details.items() if i in self._listed_ids}
        for table in self._tables:
            known = len(self._digests[table.name].digests)
            gone = self._digests[table.name].pop_missing()
            if self._stream.is_snapshot:
                continue
            for key in gone:
                yield self._writer.delete(table, table.parse_key(key))
            yield from self._writer.warn_of_deletions(table, len(gone), known)

    def warn_of_untracked(self) -> Iterator[Operation]:
        """Say what happens to the rows of tables with more of them than the state can hold."""
        gone = "deleted" if self._refills else "not deleted; reset the connection from time to time"
        for table in self._untracked:
            yield Warning(
                f"{table.name}: the state cannot hold the keys of all rows, so each full listing"
                f" writes all of them, and those that Klaviyo no longer lists are {gone}"
            )

    def save_state(self, *, is_finished: bool = False) -> None:
        """Put the written rows into the state; the watermark only once the listing is finished."""
        watermark, full_refresh_on = self._known.watermark, self._known.full_refresh_on
        if is_finished:
            watermark = self._newest_change
            full_refresh_on = self._context.today if self.is_full_refresh else full_refresh_on
        self._context.state.resources[self._stream.name] = ResourceState(
            watermark=watermark and watermark.astimezone(UTC),
            full_refresh_on=full_refresh_on,
            digests={name: dict(rows) for name, rows in self._tracked_digests().items()},
            details={} if self._untracked else dict(self._details),
            untracked=self._count_untracked(is_finished=is_finished),
        )

    def _count_untracked(self, *, is_finished: bool) -> dict[str, int]:
        """The untracked tables, with the number of rows of their last full listing."""
        counts = dict(self._known.untracked)
        if is_finished and self.is_full_refresh:
            counts |= {t.name: len(self._digests[t.name].seen) for t in self._untracked}
        return counts


def listed_ids(state: AccountState, stream_name: str) -> list[str]:
    """The ids of the records that a stream has written; its table has the name of the stream."""
    rows = state.resources.get(stream_name, ResourceState()).digests.get(stream_name, {})
    return [TABLES[stream_name].parse_key(key)["id"] for key in rows]


def _has_details(document: Json, details: Details) -> bool:
    """Whether the listing includes the details of a record, and not only pointers to them."""
    found = list(related_resources(document, details.relationship))
    return bool(found) and all("attributes" in resource for resource in found)
