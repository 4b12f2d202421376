"""One read of Salesforce: copies objects that are new, then follows their changes.

    changes    [at ......... until)   rows whose stamp is in there, by id; deleted ones too
    deletions  [deleted_at ...... now)   what the log of deletions names and a query does not find
    scan       all ids                what it lacks is gone; of whole rows: a copy, formulas, fields
                            │ lag │ now, by Salesforce's clock

The position is committed page by page.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from simplyload.changes import Batch, Waiting
from simplyload.sources.gathered import Gathered
from simplyload.sources.salesforce import jobs
from simplyload.sources.salesforce.client import Client, Record, RefusedError, split_fields
from simplyload.sources.salesforce.objects import DELETED, Catalog, Declared, describe
from simplyload.sources.salesforce.position import ObjectPosition, Position, Scan
from simplyload.sources.salesforce.rows import to_row, to_seconds, to_time
from simplyload.sources.salesforce.settings import SalesforceSettings

DAY = 86_400
LAG = 300  # seconds: a row may become visible later than others with a newer stamp
FEW = 20  # rows from which on a scan that finds less than half of them deletes nothing
IDS = 300  # of one query
# Salesforce says 15 days, and purges a long log earlier; a request takes more than a minute.
LOG_KEPT = 14 * DAY
LOG_LEAST = 120
TOO_MUCH = "QUERY_TIMEOUT"
LOG_LOST = {"INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT"}


class Reading:
    """Reads from a position to the present; the position advances with it."""

    def __init__(
        self,
        client: Client,
        settings: SalesforceSettings,
        position: Position,
        stream: str,
        catalog: Catalog,
    ) -> None:
        self._client = client
        self._settings = settings
        self._position = position
        self._stream = stream
        self._catalog = catalog
        self._rows = Gathered(position)
        self._waiting: dict[str, str] = {}

    def run(self) -> Iterator[Batch]:
        """Yield everything up to the present."""
        for name, reason in self._catalog.refused.items():
            self._wait(name, self._explain(name, reason))
        for declared in self._catalog.objects:
            yield from self._wait_if_refused(declared, self._read(declared))
        for declared in self._catalog.objects if self._position.merged else ():
            yield from self._wait_if_refused(declared, self._read_moved(declared))
        if not self._waiting.keys() & {sobject.table.name for sobject in self._catalog.objects}:
            self._position.merged.clear()
        yield self._end()

    def scan(self, declared: Declared) -> Iterator[Batch]:
        """Read an object's present rows as they are now."""
        for page in self._client.pages(declared.name, declared.selected_fields, declared.present):
            for record in page.records:
                self._put(declared, record)
            yield self._rows.batch()

    # ---- one object ----

    def _wait_if_refused(self, declared: Declared, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Pass batches on; if a field no longer exists, describe the object again and retry."""
        try:
            yield from batches
        except RefusedError as error:
            if error.code != "INVALID_FIELD":
                self._wait(declared.name, str(error))
                return
            try:
                yield from self._read(describe(self._client, declared.name))
            except RefusedError as again:
                self._wait(declared.name, str(again))

    def _read(self, declared: Declared) -> Iterator[Batch]:
        known = self._position.find_or_add(declared.name)
        self._notice_fields(declared, known)
        if known.copied is None:
            yield from self._scan(declared, known)
        self._read_deletions(declared, known)
        yield from self._follow(declared, known)
        yield from self._scan(declared, known)
        yield self._rows.batch()

    def _notice_fields(self, declared: Declared, known: ObjectPosition) -> None:
        """Have an object read whole where it has a field that it had not, or of another type."""
        fields: dict[str, str] = dict(declared.fields)
        if known.fields and not fields.items() <= known.fields.items():
            known.again, known.scan = known.again or "checked", None
        lost = {*known.lost, *known.fields} - set(fields)
        if lost:
            self._rows.warnings.append(
                f"{self._stream}: Salesforce shows no field {', '.join(sorted(lost))} of"
                f" {declared.name} any more: it was deleted, or the user lost the right to read it."
                " Its column keeps its values."
            )
        known.fields, known.lost, known.prefix = fields, sorted(lost), declared.prefix

    # ---- scans ----

    def _scan(self, declared: Declared, known: ObjectPosition) -> Iterator[Batch]:
        """Read all ids, or whole rows, if that is due; once complete, what it lacks is gone."""
        scan = known.scan or self._begin_scan(declared, known)
        if scan is None:
            return
        if scan.large:
            yield from self._scan_by_job(declared, scan)
        if not scan.large:
            yield from self._scan_by_queries(declared, scan)
        self._refuse_few(declared, known, scan)
        self._rows.truncate(declared.table, scan.seq)
        known.scan, known.gap, known.scanned, known.rows = None, False, scan.begun, scan.rows
        if scan.whole:
            known.lost = [] if known.again == "accepted" else known.lost
            known.copied, known.again = scan.begun, ""
        yield self._rows.batch()

    def _scan_by_queries(self, declared: Declared, scan: Scan) -> Iterator[Batch]:
        restored = set() if scan.whole else self._list_restorable(declared)
        whole = scan.whole or restored is None
        fields = declared.selected_fields if whole else ["Id"]
        for page in self._client.pages(declared.name, fields, declared.present, scan.after):
            ids = [record["Id"] for record in page.records]
            records = page.records if whole else self._get(declared, {*ids} & (restored or set()))
            for record in records:
                self._put(declared, record, scan.seq)
            for id_ in sorted({*ids} - {record["Id"] for record in records}):
                self._rows.upsert(declared.table, {"id": id_}, scan.seq)
            scan.rows += len(page.records)
            scan.after = page.last
            yield self._rows.batch()

    def _scan_by_job(self, declared: Declared, scan: Scan) -> Iterator[Batch]:
        """Read whole rows by a job; where it fails or is gone, queries read all again."""
        try:
            if not scan.job:
                scan.job = jobs.begin_job(self._client, declared)
                yield replace(self._rows.batch(), keep=True)  # a later run goes on with this job
            for part in jobs.read_job(self._client, declared, scan.job, scan.locator):
                for record in part.records:
                    self._put(declared, record, scan.seq)
                scan.rows += len(part.records)
                scan.locator = part.locator
                yield self._rows.batch()
            if (rows := jobs.count_job(self._client, scan.job)) != scan.rows:
                raise RefusedError(f"Salesforce's job has {rows} rows and gives {scan.rows}.")  # noqa: TRY301
        except RefusedError as error:
            self._rows.warnings.append(
                f"{self._stream}: {declared.name} is read by queries: {error}"
            )
            scan.large, scan.rows = False, 0
        if scan.job:
            jobs.end_job(self._client, scan.job)

    def _begin_scan(self, declared: Declared, known: ObjectPosition) -> Scan | None:
        now = self._client.now
        is_first = known.copied is None or (declared.cursor is not None and known.at is None)
        whole = is_first or bool(known.again) or self._is_due_whole(declared, known)
        is_due = now - known.scanned >= self._settings.delete_scan.total_seconds()
        if not (whole or known.gap or is_due):
            return None
        if is_first:
            known.at, known.deleted_at = now - LAG, now
        accept = is_first or known.again == "accepted"
        known.scan = Scan(seq=self._rows.take_seq(), begun=now, whole=whole, accept=accept)
        if whole:
            rows = jobs.count_rows(self._client, declared)
            fits_a_job = len(split_fields(declared.selected_fields)) == 1
            known.scan.large = fits_a_job and rows >= self._settings.bulk_rows
        return known.scan

    def _list_restorable(self, declared: Declared) -> set[str] | None:
        """Return the ids that may have been restored since they were marked as deleted.

        Whether that moves a stamp is not documented: a scan reads them whole. None where no log
        tells of them, so that it has to read all rows whole.
        """
        if not declared.is_replicated:
            return set()
        log = self._read_log(declared, self._client.now - LOG_KEPT)
        return None if log is None else {deletion["id"] for deletion in log["deletedRecords"]}

    def _is_due_whole(self, declared: Declared, known: ObjectPosition) -> bool:
        """Return whether whole rows are due: formulas change without a stamp, or there is none."""
        age = self._client.now - (known.copied or 0)
        formulas = self._settings.refresh_formulas.total_seconds()
        everything = self._settings.delete_scan.total_seconds()
        return (declared.has_formulas and age >= formulas) or (
            declared.cursor is None and age >= everything
        )

    def _refuse_few(self, declared: Declared, known: ObjectPosition, scan: Scan) -> None:
        """Raise RefusedError where most rows vanished: the user may have lost rights to them."""
        if scan.accept or not scan.rows * 2 < known.rows >= FEW:
            return
        known.scan = None
        raise RefusedError(
            f"Salesforce shows {scan.rows} rows of {declared.name}, and {known.rows} were there"
            " before: none is marked as deleted. If these are gone, run `simplyload backfill"
            f" {self._stream}.{declared.name}`; otherwise look at the rights of the user."
        )

    # ---- what tells of changes ----

    def _follow(self, declared: Declared, known: ObjectPosition) -> Iterator[Batch]:
        """Read rows that were stamped up to the lag; the rest of an interrupted read first.

        Where a query takes Salesforce too long, half of the time is asked for.
        """
        if declared.cursor is None or known.at is None:
            return
        end = self._client.now - LAG  # fixed: the clock goes on with each request
        while known.until is not None or end > known.at:
            known.until = known.until or end
            try:
                yield from self._read_window(declared, known, known.at, known.until)
            except RefusedError as error:
                if error.code != TOO_MUCH or known.until - known.at < 2:
                    raise
                known.until, known.after = (known.at + known.until) // 2, ""
            else:
                known.at, known.until, known.after = known.until, None, ""

    def _read_window(
        self, declared: Declared, known: ObjectPosition, begin: int, end: int
    ) -> Iterator[Batch]:
        window = [
            f"{declared.cursor} >= {to_time(begin)}",
            f"{declared.cursor} < {to_time(end)}",
        ]
        for page in self._client.pages(
            declared.name, declared.selected_fields, window, known.after
        ):
            for record in page.records:
                self._put(declared, record)
            known.after = page.last
            yield self._rows.batch()

    def _read_moved(self, declared: Declared) -> Iterator[Batch]:
        """Read what refers to winners of merges: whether moving it moves a stamp is not documented.

        Only now, after all objects were read: a row that was read before it moved has a new one.
        """
        for field, objects in declared.references.items():
            winners = [id_ for name in objects for id_ in self._position.merged.get(name, ())]
            for record in self._get(declared, winners, by=field):
                self._put(declared, record)
        yield self._rows.batch()

    def _read_deletions(self, declared: Declared, known: ObjectPosition) -> None:
        """Take what the log of deletions names; where it does not reach back, a scan is due."""
        start, now = known.deleted_at, self._client.now
        if not declared.is_replicated or start is None or now - start < LOG_LEAST:
            return
        begin = max(start, now - LOG_KEPT)
        log = self._read_log(declared, begin)
        if log is None:
            known.gap, known.deleted_at = True, now
            return
        # The first time of the log is a whole minute.
        known.gap |= max(begin, to_seconds(log["earliestDateAvailable"]) - 60) > start
        named = [
            deletion["id"]
            for deletion in log["deletedRecords"]
            if to_seconds(deletion["deletedDate"]) >= begin
        ]
        present = {record["Id"] for record in self._get(declared, named, fields=["Id"])}
        for id_ in named:  # one may be in the log and restored since
            if id_ not in present:
                # A job gives rows as they were at its begin.
                is_scanned = known.scan is not None
                self._rows.delete(declared.table, {"id": id_}, tombstone=is_scanned)
        known.deleted_at = max(begin, min(now, to_seconds(log["latestDateCovered"])))

    def _read_log(self, declared: Declared, begin: int) -> Record | None:
        """Return the log of deletions from a time on; None where it does not reach back so far."""
        span = {"start": to_time(begin), "end": to_time(self._client.now)}
        try:
            log: Record = self._client.get(f"sobjects/{declared.name}/deleted/", **span)
        except RefusedError as error:
            if error.code in LOG_LOST:
                return None
            raise
        return log

    def _get(
        self, declared: Declared, ids: Iterable[str], fields: Sequence[str] = (), by: str = "Id"
    ) -> list[Record]:
        """Return the present rows of which a field is one of some ids."""
        found: list[Record] = []
        ids = sorted(ids)
        for first in range(0, len(ids), IDS):
            listed = ", ".join(f"'{id_}'" for id_ in ids[first : first + IDS])
            where = [*declared.present, f"{by} IN ({listed})"]
            for page in self._client.pages(
                declared.name, fields or declared.selected_fields, where
            ):
                found += page.records
        return found

    # ---- what is given on ----

    def _put(self, declared: Declared, record: Record, seq: int | None = None) -> None:
        """Take a row as it is; one in the recycle bin with its last values, then as gone."""
        key = {"id": record["Id"]}
        self._rows.put(declared.table, key, lambda: to_row(declared, record), seq)
        if record.get(DELETED):
            self._rows.delete(declared.table, key)
            if winner := record.get("MasterRecordId"):
                self._position.merged.setdefault(declared.name, []).append(winner)

    def _wait(self, name: str, message: str) -> None:
        self._waiting[name.lower()] = f"{self._stream}: {message}"

    def _explain(self, name: str, reason: str) -> str:
        """Add under which name a renamed object is: its key prefix stays."""
        known = self._position.objects.get(name, ObjectPosition())
        new = self._catalog.prefixes.get(known.prefix)
        if new is None or new == name:
            return reason
        return f"{name} is named {new} now: write {new} in `objects`; it is copied there."

    def _end(self) -> Batch:
        """Return what waits; commit an idle position once a day, so that the log reaches back."""
        keep = self._client.now - self._position.kept > DAY
        if keep:
            self._position.kept = self._client.now
        waiting = [Waiting(table=name, message=text) for name, text in self._waiting.items()]
        return replace(self._rows.batch(), waiting=waiting, keep=keep)
