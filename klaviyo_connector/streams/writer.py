"""Turns records into operations, and counts them: rows, deletions, rejections, costs."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from api import ContractError
from models import Delete, Operation, Row, Table, UnstorableError, Upsert, Upserts, Warning
from state.digests import digest, is_mass_deletion
from streams.catalog import SYNC_ERROR, SYNC_REPORT
from streams.context import AccountContext
from tables.converters import format_utc, to_string
from tables.jsonapi import Json
from tables.typed_pages import Record, record_mapper

MAX_ACCIDENTAL_REJECTIONS = 10  # records of a table; more may mean that the contract changed
SECONDS_BETWEEN_PROGRESS = 5
log = logging.getLogger("klaviyo")


class RowWriter:
    """The rows that one sync of an account writes."""

    def __init__(self, context: AccountContext) -> None:
        self._context = context
        self._seen: Counter[str] = Counter()
        self._written: Counter[str] = Counter()
        self._deleted: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._type_mismatches: dict[str, Counter[str]] = defaultdict(Counter)
        self._costs: dict[str, Counter[str]] = defaultdict(Counter)
        self._progress_logged_at = monotonic()

    def store(
        self,
        table: Table,
        source: Json,
        record_change: Callable[[Row], bool] = lambda _: True,
    ) -> Generator[Operation, None, bool]:
        """Write the row of one document if it is changed. Returns whether it is.

        `record_change` records a row as written and returns whether it differs from the one before.
        A document without a key becomes a row of `sync_error`. A table that is not chosen is not
        written, but the row still counts as changed.
        """
        self._seen[table.name] += 1
        try:
            row = table.row(self._context.id, source, self._type_mismatches[table.name])
        except UnstorableError as error:
            yield self._reject_record(table, source, str(error))
            return False
        if not record_change(row):
            return False
        if table.name in self._context.settings.tables:
            self._written[table.name] += 1
            row["synced_at"] = self._context.formatted_now
            yield Upsert(table.name, row)
        return True

    def make_rows(
        self, table: Table, sources: Sequence[Json | Record], constants: Row | None = None
    ) -> Generator[Operation, None, list[Row]]:
        """The rows of a page's records or documents; those without a key are rejected.

        `constants` are the values that all of them have, by default those of every row.
        """
        constants = self._constants if constants is None else constants
        self._seen[table.name] += len(sources)
        mismatches = self._type_mismatches[table.name]
        if sources and isinstance(sources[0], Record):
            return record_mapper(table).rows(sources, constants, mismatches)
        rows: list[Row] = []
        for source in sources:
            try:
                row = table.row(self._context.id, source, mismatches)
            except UnstorableError as error:
                yield self._reject_record(table, source, str(error))
            else:
                rows.append(row | constants)
        return rows

    @property
    def _constants(self) -> Row:
        """The values that all rows of a sync share."""
        return {"account_id": self._context.id, "synced_at": self._context.formatted_now}

    def store_page(
        self,
        table: Table,
        sources: Sequence[Json | Record],
        record_change: Callable[[Row], bool],
        extra: Row | None = None,
    ) -> Iterator[Operation]:
        """Write the changed rows of a page's records or documents by one operation.

        `extra` has values of columns that the records lack.
        """
        constants = {"account_id": self._context.id, **(extra or {})}
        rows = yield from self.make_rows(table, sources, constants)
        # Whether a row is changed does not depend on the time of the sync. The constants are before
        # the rest, as the key's columns are declared.
        time = {"synced_at": self._context.formatted_now}
        changed = [constants | row | time for row in rows if record_change(row)]
        if table.name in self._context.settings.tables:
            yield from self.write(table, changed)

    def write(self, table: Table, rows: Sequence[Row]) -> Iterator[Upserts]:
        """Write rows of a chosen table by one operation."""
        if rows:
            self._written[table.name] += len(rows)
            yield Upserts(table.name, rows)

    def delete(self, table: Table, row: Row) -> Delete:
        """Delete one row; `row` has at least the columns of its key."""
        self._deleted[table.name] += 1
        keys = {"account_id": self._context.id, **{name: row[name] for name in table.key}}
        return Delete(table.name, keys)

    def warn_of_deletions(self, table: Table, gone: int, known: int) -> Iterator[Warning]:
        """A warning where the deletions of a listing, read twice, put it in doubt."""
        if is_mass_deletion(gone, known):
            yield Warning(
                f"{table.name}: Klaviyo no longer lists {gone:,} of {known:,} rows, twice in a"
                " row; they are deleted"
            )

    def reject(self, table: Table, error: Row) -> Upsert:
        """Write a row of `sync_error`: which record is missing and why, without its content."""
        self._rejected[table.name] += 1
        error = {"sync_id": self._context.sync_id, "table_name": table.name, **error}
        row = SYNC_ERROR.row(self._context.id, error, Counter())
        return Upsert(SYNC_ERROR.name, {**row, "synced_at": self._context.formatted_now})

    def _reject_record(self, table: Table, source: Json, reason: str) -> Upsert:
        record = to_string(source.get("id")) if isinstance(source, dict) else None
        # A record without an id gets a number, so that several do not share one row of sync_error.
        number = str(self._rejected[table.name] + 1)
        id_ = digest({"table": table.name, "record": record or number})
        return self.reject(table, {"id": id_, "record_id": record, "reason": reason})

    @contextmanager
    def track_cost(self, table: Table) -> Iterator[None]:
        """Book the requests and waits of the block to a table."""
        before = self._read_usage()
        try:
            yield
        finally:
            self._costs[table.name].update(self._read_usage() - before)

    def add_requests(self, table: Table, requests: int) -> None:
        """Book requests that were sent before the writer existed."""
        self._costs[table.name]["requests"] += requests

    def _read_usage(self) -> Counter[str]:
        """Requests, throttled responses and milliseconds waited so far."""
        session = self._context.session
        waited = round(session.waited * 1000)
        return Counter(requests=session.requests, throttled=session.throttled, waited=waited)

    def log_progress(self, doing: str) -> None:
        """Log what is being done, at most once every few seconds."""
        if monotonic() - self._progress_logged_at >= SECONDS_BETWEEN_PROGRESS:
            self._progress_logged_at = monotonic()
            rows, requests = self._written.total(), self._context.session.requests
            log.info("%s (%s rows, %s requests so far)", doing, f"{rows:,}", requests)

    def write_sync_report(self) -> Iterator[Operation]:
        """One row of `sync_report` for each table that was requested or written."""
        for name in self._tables_with_changes():
            cost = self._costs[name]
            times = self._context.state.event_times if name == "event" else ()
            source = {
                "sync_id": self._context.sync_id,
                "table_name": name,
                "started_at": self._context.formatted_now,
                "rows_written": self._written[name],
                "rows_deleted": self._deleted[name],
                "rows_refused": self._rejected[name],
                "requests": cost["requests"],
                "throttled": cost["throttled"],
                "seconds_waited": cost["waited"] / 1000,
                "min_event_at": format_utc(min(times)) if times else None,
                "max_event_at": format_utc(max(times)) if times else None,
            }
            yield from self.store(SYNC_REPORT, source)
        if "event" in self._tables_with_changes():
            self._context.state.event_times = ()

    def format_summary(self) -> Iterator[str]:
        """What this sync did: a line for each changed table, one for the others, one for all."""
        counts = (self._written, self._deleted, self._rejected)
        touched = self._tables_with_changes()
        unchanged = [name for name in touched if not any(count[name] for count in counts)]
        for name in touched:
            if name in unchanged:
                continue
            cost = self._costs[name]
            yield (
                f"{name:<27}{self._written[name]:>9,} rows {self._deleted[name]:>6,} deleted"
                f" {self._rejected[name]:>4,} refused {cost['requests']:>5,} requests"
                f" {cost['waited'] / 1000:>7.1f} s waited"
            )
        if unchanged:
            yield f"unchanged: {', '.join(unchanged)}"
        session = self._context.session
        yield (
            f"account {self._context.id}: {self._written.total():,} rows,"
            f" {session.requests:,} requests, {session.throttled:,} throttled,"
            f" {session.waited:.1f} s waited for limits"
        )

    def _tables_with_changes(self) -> list[str]:
        return sorted({*self._written, *self._deleted, *self._rejected, *self._costs})

    def warn_of_mismatches(self) -> Iterator[Operation]:
        """One warning for each table with values of another type than their column."""
        for name, columns in self._type_mismatches.items():
            if columns:
                counts = ", ".join(f"{column} {count:,}" for column, count in columns.items())
                yield Warning(
                    f"{name}: values of another type than their column were left out, among"
                    f" {self._seen[name]:,} records: {counts}; see in Klaviyo what changed"
                )

    def raise_for_rejections(self) -> None:
        """Raise ContractError if a table has too many rejections to be accidents."""
        for name, rejected in self._rejected.items():
            if rejected > MAX_ACCIDENTAL_REJECTIONS and rejected > self._seen[name] / 100:
                raise ContractError(
                    f"{name}: {rejected:,} of {self._seen[name]:,} records cannot be stored;"
                    " sync_error names them. Klaviyo's answers may have changed: update the"
                    " connector"
                )
