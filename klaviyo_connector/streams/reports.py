"""Syncs the numbers: Klaviyo's reports by send date, and its aggregates by event date.

Klaviyo answers a report 225 times a day. What the quota does not allow today stays pending in the
state and is requested by a later sync: no window is lost.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec

from api import ContractError, GoneError, RefusedError, ScopeError, TransientError
from models import Operation, Row, Table, Warning
from session import QuotaSpentError
from state.digests import LargestRows, RowDigests
from state.state import DayRange, ReportState
from streams.catalog import CONVERSION_AGGREGATES, MESSAGE_METRICS, METRICS
from streams.context import AccountContext
from streams.conversions import (
    CONVERSION_STATISTICS,
    Conversions,
    choose_conversions,
    is_unknown_metric,
)
from streams.declarations import AggregateStream, PeriodStream, ReportStream
from streams.failures import Failures
from streams.quota import ReportQuota
from streams.registry import STREAMS
from streams.report_schedule import (
    MONTH,
    ReportWindow,
    aggregate_bounds,
    mark_requested,
    plan_periods,
    plan_windows,
    tracked_days,
)
from streams.timezone_change import StaleRows, has_former_rows, shrink_by_margin
from streams.writer import RowWriter
from tables.converters import to_int64, to_local_date
from tables.jsonapi import Json, get_path

MEASUREMENTS = ("count", "unique", "sum_value")
# Klaviyo refuses these for some metrics, also for some that are named Placed Order: recorded as
# "Passed in conversion metric does not support querying for values data".
VALUE_STATISTICS = frozenset(
    ("conversion_value", "revenue_per_recipient", "average_order_value", "text_message_roi")
)
_REFUSES_VALUES = "does not support querying for values"
NumbersStream = ReportStream | AggregateStream


@dataclass(frozen=True)
class Job:
    """One request: a report or aggregate, for one metric ("": none) and one window."""

    stream: NumbersStream
    metric_id: str
    window: ReportWindow

    @property
    def subject(self) -> tuple[str, str]:
        """What the responses for several windows have in common: the table and the metric."""
        return self.stream.table.name, self.metric_id


@dataclass(frozen=True)
class Result:
    """One result of a report, or one day of a series: the source of a row."""

    groupings: Row
    statistics: Row

    @property
    def source(self) -> Json:
        """The document that a table's columns name their paths in."""
        return {"groupings": self.groupings, "statistics": self.statistics}


@dataclass
class WrittenRows:
    """The rows of one report and metric: key with its date to digest, and to recipients."""

    digests: RowDigests
    sizes: LargestRows

    @classmethod
    def load(cls, state: ReportState) -> "WrittenRows":
        """Those that the state holds: `day` in front of the key, `digest:recipients`."""
        split = {
            day + key: digest.partition(":")
            for key, days in state.digests.items()
            for day, digest in days.items()
        }
        digests = {key: digest for key, (digest, _, _) in split.items()}
        return cls(
            RowDigests(digests),
            LargestRows({key: int(size) for key, (_, _, size) in split.items() if size}),
        )

    def dump(self, tracked: Sequence[DayRange] | None) -> dict[str, dict[str, str]]:
        """The rows for the state: those of the tracked days, or all of them."""
        spans = [(f"{span.start}", f"{span.end}") for span in tracked or ()]
        rows: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for dated_key, digest in self.digests.digests.items():
            day, key = _split_key(dated_key)
            if not day or tracked is None or any(start <= day <= end for start, end in spans):
                size = self.sizes.sizes.get(dated_key)
                rows[key][day] = f"{digest}:{size}" if size else digest
        return dict(rows)


class KeyedResults:
    """The keys of one response's results. A page that comes twice has equal results."""

    def __init__(self) -> None:
        self._hashes: dict[tuple[str, ...], int] = {}

    def record_result(self, key: tuple[str, ...], result: Json) -> bool:
        """Record a result; return whether another one has its key."""
        content = hash(repr(result))
        return self._hashes.setdefault(key, content) != content


@dataclass
class LabelledResults:
    """The names of a report's results, by the key that separates the results."""

    stream: ReportStream
    share_keys: bool = False
    _keys: KeyedResults = field(default_factory=KeyedResults)
    _labels: dict[tuple[str, ...], Row] = field(default_factory=dict)

    def collect(self, page: Json) -> None:
        """Record the results of a page, and whether two of them share a key."""
        for result in page["results"]:
            groupings = _require_object(result, "groupings", self.stream)
            if any(groupings.get(name) is None for name in self.stream.required_groupings):
                continue  # it is rejected, so it shares no row
            key = self._key_of(groupings)
            self.share_keys |= self._keys.record_result(key, result)
            labels = {name: groupings.get(name) for name in self.stream.labels}
            self._labels.setdefault(key, labels)

    def restore_labels(self, page: Json) -> None:
        """Give the results of a page, which have no names, those of this object."""
        for result in page["results"]:
            result["groupings"] |= self._labels.get(self._key_of(result["groupings"]), {})

    def _key_of(self, groupings: Row) -> tuple[str, ...]:
        return tuple(str(groupings.get(name) or "") for name in self.stream.key_fields)


def sync_reports(
    context: AccountContext, writer: RowWriter, quota: ReportQuota
) -> Iterator[Operation]:
    """Request every window that is due, the newest first."""
    before = context.session.requests
    conversions = choose_conversions(context)
    if context.session.requests > before:
        writer.add_requests(METRICS.table, context.session.requests - before)
    yield from map(Warning, conversions.warnings)
    jobs = list(_plan_jobs(context, conversions))
    sync = ReportsSync(context, writer, quota, conversions)
    for number, job in enumerate(jobs, 1):
        days = job.window.days
        doing = f"{job.stream.table.name}: {days.start} to {days.end}"
        writer.log_progress(f"{doing}, {number} of {len(jobs)} windows")
        yield from sync.run_job(job)
        if sync.failures.should_abort:
            break
    yield from sync.warn_of_missing_values()
    sync.record_failed_reports()
    for error in conversions.errors:
        sync.failures.record(error)
    yield from sync.failures.warnings()
    sync.failures.raise_first()


@dataclass
class ReportsSync:
    """The reports and aggregates of one sync: written rows, and requests that would fail again."""

    context: AccountContext
    writer: RowWriter
    quota: ReportQuota
    conversions: Conversions
    failures: Failures = field(default_factory=Failures)
    _written: dict[tuple[str, str], WrittenRows] = field(default_factory=dict)
    _closed_paths: set[str] = field(default_factory=set)
    _broken: dict[tuple[str, str], ContractError] = field(default_factory=dict)
    # Those of them whose conversion metric Klaviyo does not know: they have no rows.
    _unknown: set[tuple[str, str]] = field(default_factory=set)
    # The statistics that Klaviyo refuses for a conversion metric, by its id; "" is no metric.
    _unsupported: dict[str, frozenset[str]] = field(
        default_factory=lambda: {"": CONVERSION_STATISTICS}
    )
    # By the path of a report: the metrics that it refuses with any statistics. By path and metric:
    # the metric that the request names instead.
    _refused: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _fallbacks: dict[tuple[str, str], str] = field(default_factory=dict)

    def run_job(self, job: Job) -> Iterator[Operation]:
        """Request one window, unless an earlier failure shows that it would fail too."""
        stream = job.stream
        if stream.scope in self.context.scopes.missing:
            self.context.skip_stream(stream)
            return
        if stream.path in self._closed_paths or job.subject in self._broken:
            return
        try:
            with self.writer.track_cost(stream.table):
                yield from self._request_window(job)
            self.context.scopes.granted.add(stream.scope)
            self.failures.record(None)
        except QuotaSpentError as error:
            self._closed_paths.add(stream.path)
            yield Warning(f"{error}; a later sync requests the missing windows")
        except ScopeError:
            self.context.skip_stream(stream)
        except TransientError as error:
            self._closed_paths.add(stream.path)
            self.failures.record(error)
        except ContractError as error:
            self._broken[job.subject] = error
            if stream is CONVERSION_AGGREGATES and is_unknown_metric(error):
                self._unknown.add(job.subject)
        yield self.context.state.checkpoint()

    def record_failed_reports(self) -> None:
        """Record each fault once, with the metrics that it affects."""
        metrics: defaultdict[str, list[str]] = defaultdict(list)
        for subject, error in self._broken.items():
            if subject not in self._unknown:
                metrics[str(error)] += [metric_id for metric_id in subject[1:] if metric_id]
        for fault, ids in metrics.items():
            suffix = f"; requested for metric {', '.join(dict.fromkeys(ids))}" if ids else ""
            self.failures.record(ContractError(fault + suffix))

    def warn_of_missing_values(self) -> Iterator[Operation]:
        """Warn of the metrics for which reports have no value statistics."""
        metrics, statistics = sorted(self._unsupported.keys() - {""}), sorted(VALUE_STATISTICS)
        if metrics:
            yield Warning(
                f"Klaviyo reports no values for the metric {', '.join(metrics)}:"
                f" {', '.join(statistics)} are empty; name a metric with values in"
                " conversion_metrics"
            )
        yield from map(Warning, self._describe_refusals())

    def _describe_refusals(self) -> Iterator[str]:
        """One text for each conversion metric that Klaviyo refuses entirely."""
        empty = ", ".join(sorted(CONVERSION_STATISTICS))
        for metric_id in sorted({id_ for _, id_ in (*self._fallbacks, *self._unknown)} - {""}):
            paths = sorted(path for path, id_ in self._fallbacks if id_ == metric_id)
            tables = sorted(table for table, id_ in self._unknown if id_ == metric_id)
            consequences = [f"{empty} are empty in {', '.join(paths)}"] if paths else []
            consequences += [f"{', '.join(tables)}: no rows of it"] if tables else []
            yield (
                f"Klaviyo refuses the conversion metric {metric_id}: {'; '.join(consequences)};"
                " name another metric in conversion_metrics"
            )

    def _request_window(self, job: Job) -> Iterator[Operation]:
        """Write the changed rows of a window, delete missing ones, and remove it from pending."""
        state = _state_of(self.context, job.stream.table, job.metric_id)
        if job.subject not in self._written:
            self._written[job.subject] = WrittenRows.load(state)
        rows = self._written[job.subject]
        tracked = None  # all rows are kept if the window fails
        try:
            yield from self._write_results(job, rows, state)
            yield from self._delete_missing(job, rows)
            state = mark_requested(state, job.window, self.context.today)
            tracked = tracked_days(job.stream, state, self.context.today)
        finally:  # the rows that a failed window wrote are in the warehouse
            _put_state(
                self.context,
                job.stream.table,
                job.metric_id,
                msgspec.structs.replace(state, digests=rows.dump(tracked)),
            )

    def _write_results(
        self, job: Job, rows: WrittenRows, state: ReportState
    ) -> Iterator[Operation]:
        """Write the results of a window, and delete the rows that they had in a former zone."""
        if not has_former_rows(job.stream.table, job.window, state):
            for result in self._request_results(job):
                yield from self._store(job, result, rows)
            return
        former = StaleRows.load(self.context, job.stream.table, job.window, state)
        if job.window.kind:  # a wider period counts other people
            for result in self._request_results(job):
                yield from self._store(job, result, rows)
        wider = replace(job, window=former.widen_window(job.stream.earliest))
        for result in self._request_results(wider):
            former.add(result.source)
            if former.is_own(result.groupings):
                yield from self._store(job, result, rows)
        for key in sorted(former.keys - rows.digests.seen):
            rows.digests.digests.pop(key, None)
            yield self._delete_row(job.stream.table, key)

    def _store(self, job: Job, result: Result, rows: WrittenRows) -> Iterator[Operation]:
        """Write one result and the day's snapshot of it, if it is changed."""
        table = job.stream.table
        if table.day_column and not any(result.statistics.values()):
            return  # a day or period without any count has no row
        changed = yield from self.writer.store(
            table, result.source, partial(self._record_change, job, result, rows)
        )
        snapshots = job.stream.snapshots if isinstance(job.stream, ReportStream) else None
        if changed and snapshots is not None and self.context.wants(snapshots):
            today = {"snapshot_date": self.context.today.isoformat()}
            snapshot = Result({**result.groupings, **today}, result.statistics)
            yield from self.writer.store(snapshots, snapshot.source)

    def _record_change(self, job: Job, result: Result, rows: WrittenRows, row: Row) -> bool:
        """Record a row as written; return whether it replaces the written one.

        If windows overlap, a row that counts only a part of a send does not.
        """
        table = job.stream.table
        day = row[table.day_column] if table.day_column else ""
        key = day + table.key_of(row, undated=True)
        rows.digests.seen.add(key)
        if job.stream.schedule.overlap_days:
            size = to_int64(result.statistics.get("recipients")) or 0
            is_complete = job.window.is_complete
            if not rows.sizes.record_size(key, size, window_is_complete=is_complete):
                return False
        return rows.digests.record_change(key, row)

    def _delete_missing(self, job: Job, rows: WrittenRows) -> Iterator[Operation]:
        """Delete the rows that the response lacks, of the window's days or of its period.

        The rows of a rolling period's earlier days go too: it has moved on.
        """
        table, window = job.stream.table, job.window
        first, last = window.days.start.isoformat(), window.days.end.isoformat()

        def is_answered(dated_key: str) -> bool:
            day, key = _split_key(dated_key)
            if window.kind:
                is_of_kind = key.endswith(f'"{window.kind}"]')  # the last column of the key
                return is_of_kind and (day == first or window.kind != MONTH)
            # A row without a day may be in any of several windows: its absence in one says nothing.
            return first <= day <= last if day else not job.stream.schedule.overlap_days

        for dated_key in rows.digests.pop_missing(is_answered):
            yield self._delete_row(table, dated_key)

    def _delete_row(self, table: Table, dated_key: str) -> Operation:
        day, key = _split_key(dated_key)
        dated = {table.day_column: day} if table.day_column else {}
        return self.writer.delete(table, {**dated, **table.parse_key(key, undated=True)})

    def _request_results(self, job: Job) -> Iterator[Result]:
        if isinstance(job.stream, AggregateStream):
            return self._request_aggregate(job.stream, job)
        return self._request_report(job.stream, job)

    def _request_report(self, stream: ReportStream, job: Job) -> Iterator[Result]:
        """The results of one report, without the statistics that Klaviyo refuses for the metric."""
        while True:
            try:
                yield from self._request_statistics(stream, job)
            except (RefusedError, GoneError) as error:
                if not self._reduce_request(stream, job, error):
                    raise
            else:
                return

    def _reduce_request(self, stream: ReportStream, job: Job, error: ContractError) -> bool:
        """Plan a smaller request after a refusal; return whether there is one to send.

        First the value statistics are left out, then all conversion statistics, and the request
        names another metric. There is none if Klaviyo refuses something other than the metric, or
        if no other metric is left.

        Klaviyo refuses some metrics even where no value is requested, and not the same ones in the
        reports of campaigns and of flows.
        """
        is_unknown = is_unknown_metric(error)
        refuses_values = isinstance(error, RefusedError) and _REFUSES_VALUES in error.reasons
        if not stream.has_conversions or not (is_unknown or refuses_values):
            return False
        if refuses_values and job.metric_id not in self._unsupported:
            self._unsupported[job.metric_id] = VALUE_STATISTICS
            return True
        refused = self._refused[stream.path]
        refused.add(self._choose_metric(stream, job))
        if is_unknown and not refused.issuperset({*self.conversions.metric_ids} - {""}):
            self._unknown.add(job.subject)  # the rows of another metric have opens and clicks too
            return False
        other = next(
            (metric for metric in self.conversions.fallback_metrics if metric not in refused), ""
        )
        if other:
            self._fallbacks[stream.path, job.metric_id] = other
        return bool(other)

    def _choose_metric(self, stream: ReportStream, job: Job) -> str:
        """The metric that a request names: its own, or the fallback."""
        fallback = self._fallbacks.get((stream.path, job.metric_id))
        return fallback or job.metric_id or self.conversions.fallback_metrics[0]

    def _find_unsupported_statistics(self, stream: ReportStream, job: Job) -> frozenset[str]:
        if (stream.path, job.metric_id) in self._fallbacks:
            return CONVERSION_STATISTICS
        return self._unsupported.get(job.metric_id, frozenset())

    def _request_statistics(self, stream: ReportStream, job: Job) -> Iterator[Result]:
        """The results of one report, one for each key of its table.

        A message that is renamed between two sends has a result under each name. Both may count
        the same people, so they are not added up: a second request leaves the names out, and each
        row keeps the first of its names.
        """
        named = LabelledResults(stream)
        for page in self._request_pages(stream, job, stream.group_by):
            named.collect(page)
            if not named.share_keys:
                yield from _report_results(self.context, stream, job, page)
        if not named.share_keys:
            return
        unnamed = LabelledResults(stream)
        group_by = [name for name in stream.group_by if name not in stream.labels]
        for page in self._request_pages(stream, job, group_by):
            unnamed.collect(page)
            if unnamed.share_keys:
                raise _shared_key_error(stream, stream.key_fields)
            named.restore_labels(page)
            yield from _report_results(self.context, stream, job, page)

    def _request_pages(
        self, stream: ReportStream, job: Job, group_by: Sequence[str]
    ) -> Iterator[Json]:
        """The pages of one report, with all supported statistics, within the quota."""
        self.quota.require(stream.path)
        session = self.context.session
        before = session.requests
        unsupported = self._find_unsupported_statistics(stream, job)
        attributes: Row = {
            "statistics": [
                statistic for statistic in stream.statistics if statistic not in unsupported
            ]
        }
        if group_by:
            attributes["group_by"] = list(group_by)
        if stream.has_conversions:
            attributes["conversion_metric_id"] = self._choose_metric(stream, job)
        try:
            yield from session.report(stream.path, _report_body(stream, job, attributes))
        except QuotaSpentError as error:
            self.quota.pause(stream.path, error.retry_after or 0)
            raise
        finally:
            self.quota.count(stream.path, session.requests - before)

    def _request_aggregate(self, stream: AggregateStream, job: Job) -> Iterator[Result]:
        """The results of one aggregate: each group and day."""
        metrics = self.context.metrics
        name = next((name for name, ids in metrics.items() if job.metric_id in ids), "")
        fixed = {"metric_id": job.metric_id, "channel": MESSAGE_METRICS.get(name, "")}
        body = _aggregate_body(self.context, stream, job)
        keys = KeyedResults()
        for page in self.context.session.aggregate(stream.path, body):
            for groupings, values in _aggregate_groups(self.context, stream, job, page, keys):
                yield Result({**fixed, **groupings}, values)


def _plan_jobs(context: AccountContext, conversions: Conversions) -> Iterator[Job]:
    """Every request that is due; the state then has all of them as pending."""
    jobs: list[Job] = []
    for stream in STREAMS:
        if not isinstance(stream, ReportStream | AggregateStream):
            continue
        if not context.wants(*stream.tables):
            continue
        name = stream.table.name
        if context.record_selected_tables(name, [table.name for table in stream.tables]):
            context.state.reports[name] = {}
        for metric_id in _metric_ids(context, stream, conversions):
            windows = _plan_metric(context, stream, metric_id)
            jobs += [Job(stream, metric_id, window) for window in windows]
    yield from sorted(jobs, key=lambda job: job.window.days.end, reverse=True)


def _metric_ids(
    context: AccountContext, stream: NumbersStream, conversions: Conversions
) -> Sequence[str]:
    """The metrics that a stream is requested for; "" if it has none."""
    if isinstance(stream, ReportStream):
        return conversions.metric_ids if stream.has_conversions else [""]
    if stream.metrics:
        return [id_ for name in stream.metrics for id_ in context.metrics.get(name, [])]
    # The counts of a message metric are already requested by its messages.
    messages = {id_ for name in MESSAGE_METRICS for id_ in context.metrics.get(name, [])}
    return [id_ for id_ in conversions.metric_ids if id_ and id_ not in messages]


def _plan_metric(
    context: AccountContext, stream: NumbersStream, metric_id: str
) -> list[ReportWindow]:
    first_day = max(context.first_day, stream.earliest)
    state = _state_of(context, stream.table, metric_id)
    if isinstance(stream, PeriodStream):
        return plan_periods(stream, state, context.today, first_day, context.settings.start_date)
    schedule = shrink_by_margin(stream.schedule) if state.former_zones else stream.schedule
    windows, state = plan_windows(schedule, state, context.today, first_day)
    _put_state(context, stream.table, metric_id, state)
    return windows


def _state_of(context: AccountContext, table: Table, metric_id: str) -> ReportState:
    return context.state.reports.get(table.name, {}).get(metric_id, ReportState())


def _put_state(context: AccountContext, table: Table, metric_id: str, state: ReportState) -> None:
    reports = context.state.reports
    reports[table.name] = {**reports.get(table.name, {}), metric_id: state}


def _split_key(dated_key: str) -> tuple[str, str]:
    """The date in front of a key, or "", and the key."""
    day, bracket, key = dated_key.partition("[")
    return day, bracket + key


def _report_body(stream: ReportStream, job: Job, attributes: Row) -> Json:
    days = job.window.days
    # OpenAPI demands an offset; Klaviyo ignores it and takes days of the account's time zone.
    timeframe = {"start": f"{days.start}T00:00:00+00:00", "end": f"{days.end}T23:59:59+00:00"}
    interval = {"interval": "daily"} if stream.is_daily else {}
    attributes = {**attributes, "timeframe": timeframe, **interval}
    return {"type": stream.report_type, "attributes": attributes}


def _report_results(
    context: AccountContext, stream: ReportStream, job: Job, page: Json
) -> Iterator[Result]:
    """The results of one page; a series gives one per day. No variation is empty text."""
    days = job.window.days
    fixed = {
        "variation": "",
        "window_start": days.start.isoformat(),
        "window_end": days.end.isoformat(),
        "period_kind": job.window.kind,
        "period_start": days.start.isoformat(),
        "period_end": days.end.isoformat(),
    }
    metric = {"conversion_metric_id": job.metric_id} if stream.has_conversions else {}
    dates = _local_dates(context, page.get("date_times"), stream) if stream.is_daily else []
    for result in page["results"]:
        dimensions = _require_object(result, "groupings", stream)
        statistics = _require_object(result, "statistics", stream)
        present = {name: value for name, value in dimensions.items() if value is not None}
        groupings = {**fixed, **present, **metric}
        if not stream.is_daily:
            yield Result(groupings, statistics)
        for position, day in enumerate(dates):
            yield Result({**groupings, "date": day}, _values_at(statistics, position))


def _aggregate_groups(
    context: AccountContext, stream: AggregateStream, job: Job, page: Json, keys: KeyedResults
) -> Iterator[tuple[Row, Row]]:
    """The groupings and values of each group and day of one page.

    Days outside the requested range are incomplete and are left out.
    """
    dates = _local_dates(context, page["dates"], stream)
    first, last = job.window.days.start.isoformat(), job.window.days.end.isoformat()
    for group in page["data"]:
        values = _require_object(group, "measurements", stream)
        dimensions = group.get("dimensions")
        if not isinstance(dimensions, list) or len(dimensions) != len(stream.dimensions):
            raise _unexpected_result_error(stream)
        texts = tuple(_channel_name(str(value or "")) for value in dimensions)
        if keys.record_result(texts, group):
            raise _shared_key_error(stream, tuple(stream.dimensions.values()))
        groupings = dict(zip(stream.dimensions.values(), texts, strict=True))
        for position, day in enumerate(dates):
            if day is None or first <= day <= last:
                yield {**groupings, "date": day}, _values_at(values, position)


def _channel_name(dimension: str) -> str:
    """A channel as reports name it, where aggregates write $email_channel; else the text itself."""
    name = dimension.removeprefix("$").removesuffix("_channel")
    if dimension != f"${name}_channel":
        return dimension
    return "push-notification" if name == "mobile_push" else name


def _values_at(series: Mapping[str, Any], position: int) -> Row:
    """One day's value of each statistic; None where a series is shorter."""
    return {name: get_path(values, (str(position),)) for name, values in series.items()}


def _local_dates(context: AccountContext, times: Json, stream: NumbersStream) -> list[str | None]:
    if not isinstance(times, list):
        raise _unexpected_result_error(stream)
    return [to_local_date(time, context.zone) for time in times]


def _require_object(result: Json, name: str, stream: NumbersStream) -> Row:
    found = result.get(name) if isinstance(result, dict) else None
    if not isinstance(found, dict):
        raise _unexpected_result_error(stream)
    return found


def _shared_key_error(stream: NumbersStream, columns: Sequence[str]) -> ContractError:
    return ContractError(
        f"{stream.path}: two results have the same {', '.join(columns)}; they may count the same"
        " people and cannot be added up: update the connector"
    )


def _unexpected_result_error(stream: NumbersStream) -> ContractError:
    return ContractError(f"{stream.path}: a result does not have the documented form")


def _aggregate_body(context: AccountContext, stream: AggregateStream, job: Job) -> Json:
    return {
        "type": "metric-aggregate",
        "attributes": {
            "metric_id": job.metric_id,
            "measurements": list(MEASUREMENTS),
            "interval": "day",
            "by": list(stream.dimensions),
            "timezone": context.zone.key,
            "filter": aggregate_bounds(job.window.days, context.zone),
        },
    }
