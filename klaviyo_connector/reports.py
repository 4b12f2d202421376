"""Syncs the numbers: Klaviyo's reports by send date, and its aggregates by event date.

A report may be asked for 225 times a day and endpoint. What the quota does not allow today stays
`pending` in the state and is asked for by a later sync: no window is lost.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import restatement
from account import Account, no_metric, recalling
from api import ContractError, ScopeError, TransientError
from asking import QuotaSpentError
from failures import Failures
from models import Json, Ledger, Operation, Row, Table, Warning, dig
from restatement import DAY, Window
from streams import AGGREGATES, MESSAGE_METRICS, REPORTS, Aggregate, Report
from values import local_day, long

METRICS_SCOPE = "metrics:read"  # without it nobody knows which metric counts as conversion
PLACED_ORDER = "Placed Order"
MEASUREMENTS = ["count", "unique", "sum_value"]


@dataclass(frozen=True)
class Job:
    """One request: a report or aggregate, for one metric (or none) and one window."""

    report: Report | Aggregate
    metric_id: str
    window: Window

    @property
    def subject(self) -> tuple[str, str]:
        """What the answers of several windows have in common: the table and the metric."""
        return self.report.table.name, self.metric_id


def sync_reports(account: Account) -> Iterator[Operation]:
    """Ask for every window that is due, the newest first."""
    jobs = list(_plan(account))
    yield from _conversion_warnings(account)
    ledgers = {job.subject: _ledger(account, job) for job in jobs}
    closed: set[str] = set()  # paths
    broken: dict[tuple[str, str], ContractError] = {}  # by subject
    failures = Failures()
    for number, job in enumerate(jobs, 1):
        if job.report.scope in account.skipped:
            account.skip(job.report.scope, *job.report.tables)
            continue
        if job.report.path in closed or job.subject in broken:
            continue
        window = f"{job.window.start} to {job.window.end}"
        account.tell(f"{job.report.table.name}: {window}, {number} of {len(jobs)} windows")
        try:
            with account.charging(job.report.table):
                yield from _run(account, job, ledgers[job.subject])
            account.answered.add(job.report.scope)
            failures.note(None)
        except QuotaSpentError as error:
            closed.add(job.report.path)
            yield Warning(f"{error}; what is missing is asked for by a later sync")
        except ScopeError:
            account.skip(job.report.scope, *job.report.tables)
        except TransientError as error:
            closed.add(job.report.path)
            failures.note(error)
        except ContractError as error:
            broken[job.subject] = error
        yield account.memory.checkpoint()
        if failures.klaviyo_is_down:
            break
    for fault in _faults(broken):
        failures.note(fault)
    yield from failures.told()
    failures.raise_first()


def _faults(broken: Mapping[tuple[str, str], ContractError]) -> list[ContractError]:
    """Each fault once, with the metrics that it befell."""
    metrics: defaultdict[str, list[str]] = defaultdict(list)
    for (_, metric_id), error in broken.items():
        metrics[str(error)] += [metric_id] if metric_id else []
    return [
        ContractError(
            f"{fault}; asked for metric {', '.join(dict.fromkeys(ids))}" if ids else fault
        )
        for fault, ids in metrics.items()
    ]


def _conversion_warnings(account: Account) -> Iterator[Operation]:
    """Say so where conversions are not those of the metric that the account maps to revenue."""
    tables = [report.table.name for report in REPORTS if report.converts]
    tables = [name for name in tables if name in account.settings.tables]
    if not tables or METRICS_SCOPE in account.skipped or account.settings.conversion_metrics:
        return
    custom = account.revenue_is_custom
    mapped = "revenue is mapped to a custom metric" if custom else "no metric is mapped to revenue"
    if not conversion_metrics(account):
        mapped += f" and none is called {PLACED_ORDER}: skipped {', '.join(tables)}"
    elif custom:
        mapped += f": the conversions are those of {PLACED_ORDER}"
    else:
        return
    yield Warning(f"{mapped}; name a metric in conversion_metrics")


def _ledger(account: Account, job: Job) -> Ledger:
    """What stands of one metric in a table; the key of a row is its date and its other values."""
    with recalling(job.report.table.name):
        rows = _windows_of(account, job.report.table)[job.metric_id].get("rows", {})
        return Ledger({day + key: mark for key, days in rows.items() for day, mark in days.items()})


def conversion_metrics(account: Account) -> list[str]:
    """Ids of the metrics that count as conversions: the chosen ones, or the account's revenue."""
    chosen = account.settings.conversion_metrics
    if chosen:
        known = {one for ids in account.metrics.values() for one in ids}
        found = [account.metrics.get(name) or ([name] if name in known else []) for name in chosen]
        for name, ids in zip(chosen, found, strict=True):
            if not ids:
                raise no_metric("conversion_metrics", name)
        return list(dict.fromkeys(metric_id for ids in found for metric_id in ids))
    if account.revenue_metric:
        return [account.revenue_metric]
    return account.metrics.get(PLACED_ORDER, [])[:1]


def _plan(account: Account) -> Iterator[Job]:
    """Every due request; what it leaves in memory says that all of them are still to do."""
    known = METRICS_SCOPE not in account.skipped
    conversions = conversion_metrics(account) if known else []
    jobs = []
    for report in (*REPORTS, *AGGREGATES):
        if not account.wants(*report.tables):
            continue
        account.begin(report.table.name, [table.name for table in report.tables])
        metric_ids = _metrics(account, report, conversions)
        if not metric_ids and not known:
            account.skip(METRICS_SCOPE, *report.tables)
        for metric_id in metric_ids:
            jobs += [Job(report, metric_id, w) for w in _due(account, report, metric_id)]
    yield from sorted(jobs, key=lambda job: job.window.end, reverse=True)


def _metrics(account: Account, report: Report | Aggregate, conversions: list[str]) -> list[str]:
    if isinstance(report, Report):
        return conversions if report.converts else [""]
    if not report.metrics:  # a message metric's counts are already asked for by its messages
        messages = {one for name in MESSAGE_METRICS for one in account.metrics.get(name, [])}
        return [metric_id for metric_id in conversions if metric_id not in messages]
    return [metric_id for name in report.metrics for metric_id in account.metrics.get(name, [])]


def _due(account: Account, report: Report | Aggregate, metric_id: str) -> list[Window]:
    first = max(account.first_day, date.fromisoformat(report.floor))
    windows = _windows_of(account, report.table)
    with recalling(report.table.name):
        known = windows.get(metric_id, {})
        wanted, memory = restatement.due(report.schedule, known, account.today, first)
    _remember(account, report.table, metric_id, {**known, **memory})
    return wanted


def _windows_of(account: Account, table: Table) -> dict[str, Any]:
    windows: dict[str, Any] = account.memory.of(table.name).get("windows", {})
    return windows


def _remember(account: Account, table: Table, metric_id: str, memory: Row) -> None:
    windows = {**_windows_of(account, table), metric_id: memory}
    account.memory.remember(table.name, {"windows": windows})


def _run(account: Account, job: Job, ledger: Ledger) -> Iterator[Operation]:
    """Ask for one window, write what is news, and strike it from what is pending."""
    table = job.report.table
    memory = _windows_of(account, table)[job.metric_id]
    left, oldest = restatement.pending(memory), date.min  # one that breaks off forgets nothing
    try:
        for source in _answers(account, job):
            yield from _store(account, job, source, ledger)
        yield from _gone(account, job, ledger)
        left = [window for window in left if window != job.window]
        oldest = account.today - timedelta(days=job.report.schedule.deep + 2)
    finally:  # the rows of a window that breaks off stand in the warehouse all the same
        rows = _recent(ledger, oldest.isoformat())
        memory = {**restatement.remember(memory, left), "rows": rows}
        _remember(account, table, job.metric_id, memory)


def _recent(ledger: Ledger, oldest: str) -> dict[str, dict[str, str]]:
    """What to remember of the rows, by key and day: days as long as they are often asked for."""
    rows: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for known, mark in ledger.known.items():
        day, key = _parted(known)
        if not day or day >= oldest:
            rows[key][day] = mark
    return dict(rows)


def _store(account: Account, job: Job, source: Json, ledger: Ledger) -> Iterator[Operation]:
    """Write one result if it is news, and with it the day's snapshot.

    A window that cuts a send in two shows fewer recipients than there were: the fuller row stands.
    """
    table, statistics = job.report.table, source["statistics"]
    if "date" in table.key and not any(statistics.values()):
        return  # a day on which nothing happened makes no row
    overlaps = job.report.schedule.overlap > 0
    size = (long(statistics.get("recipients")) or 0) if overlaps else 0
    changed = False

    def news(row: Row) -> bool:
        nonlocal changed
        changed = ledger.news(_key(table, row), row, size, whole=job.window.whole)
        return changed and account.wants(table)

    yield from account.store(table, source, news)
    snapshots = job.report.snapshots if isinstance(job.report, Report) else None
    if changed and snapshots is not None and account.wants(snapshots):
        today = {"snapshot_date": account.today.isoformat()}
        snapshot = {**source, "groupings": {**source["groupings"], **today}}
        yield from account.store(snapshots, snapshot)


def _gone(account: Account, job: Job, ledger: Ledger) -> Iterator[Operation]:
    """Delete what stands of the window's days and is no longer shown for them."""
    table = job.report.table
    first, last = job.window.start.isoformat(), job.window.end.isoformat()

    def answered(known: str) -> bool:
        day, _ = _parted(known)
        return first <= day <= last if day else not job.report.schedule.overlap

    for known in ledger.forget_unseen(answered):
        day, key = _parted(known)
        row = {"date": day, **dict(zip(_undated(table), json.loads(key), strict=True))}
        yield account.delete(table, row)


def _key(table: Table, row: Row) -> str:
    """The key of a row: its date, where it has one, and the list of its other values."""
    others = [row[name] for name in _undated(table)]
    return (row.get("date") or "") + json.dumps(others, separators=(",", ":"))


def _parted(key: str) -> tuple[str, str]:
    """The date in a key, or none, and what follows."""
    day, bracket, others = key.partition("[")
    return day, bracket + others


def _undated(table: Table) -> list[str]:
    return [name for name in table.key if name != "date"]


def _answers(account: Account, job: Job) -> Iterator[Json]:
    """Each result of a request as `{groupings, statistics}`."""
    try:
        if isinstance(job.report, Aggregate):
            yield from _aggregate(account, job.report, job)
        else:
            yield from _report(account, job.report, job)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ContractError(f"{job.report.path}: a result is not of the agreed form") from None


def _reserve(account: Account, path: str) -> None:
    """Refuse to ask what the day's quota does not allow."""
    if account.quota_left(path) <= 0:
        raise QuotaSpentError(path, account.seconds_to_midnight)


def _report(account: Account, report: Report, job: Job) -> Iterator[Json]:
    """Ask one report, within the day's quota; each result, a series cut into its days."""
    _reserve(account, report.path)
    before = account.asking.requests
    try:
        for page in account.asking.report(report.path, _report_body(report, job)):
            for result in page["results"]:
                yield from _results(account, report, job, page, result)
    except QuotaSpentError as error:
        account.close_quota(report.path, error.retry_after or 0)
        raise
    finally:
        account.count_quota(report.path, account.asking.requests - before)


def _report_body(report: Report, job: Job) -> Json:
    timeframe = {"start": f"{job.window.start}T00:00:00", "end": f"{job.window.end}T23:59:59"}
    attributes: Row = {"statistics": report.statistics, "timeframe": timeframe}
    if report.converts:
        attributes["conversion_metric_id"] = job.metric_id
    if report.group_by:
        attributes["group_by"] = report.group_by.split()
    if report.daily:
        attributes["interval"] = "daily"
    return {"type": report.type, "attributes": attributes}


def _results(
    account: Account, report: Report, job: Job, page: Json, result: Json
) -> Iterator[Json]:
    """One result, or one for each day of a series. A grouping without a value is empty text."""
    window = {
        "window_start": job.window.start.isoformat(),
        "window_end": job.window.end.isoformat(),
    }
    given = {name: value for name, value in result["groupings"].items() if value is not None}
    groupings = {**dict.fromkeys(report.table.key, ""), **window, **given}
    if report.converts:
        groupings["conversion_metric_id"] = job.metric_id
    statistics = {**result["statistics"]}
    if not report.daily:
        yield {"groupings": groupings, "statistics": statistics}
        return
    for position, day in enumerate(_days(account, page["date_times"])):
        today = {name: dig(values, (str(position),)) for name, values in statistics.items()}
        yield {"groupings": {**groupings, "date": day}, "statistics": today}


def _days(account: Account, times: list[str]) -> list[str | None]:
    return [local_day(time, account.zone) for time in times]


def _aggregate(account: Account, aggregate: Aggregate, job: Job) -> Iterator[Json]:
    """Ask one aggregate; each group and day."""
    name = next((n for n, ids in account.metrics.items() if job.metric_id in ids), "")
    fixed = {"metric_id": job.metric_id, "channel": MESSAGE_METRICS.get(name, "")}
    for page in account.asking.aggregate(aggregate.path, _aggregate_body(account, aggregate, job)):
        days = _days(account, page["dates"])
        for group in page["data"]:
            texts = (value or "" for value in group["dimensions"])
            groupings = {**fixed, **dict(zip(aggregate.columns.values(), texts, strict=True))}
            counts = group["measurements"]
            for position, day in enumerate(days):
                values = {name: dig(all_, (str(position),)) for name, all_ in counts.items()}
                yield {"groupings": {**groupings, "date": day}, "statistics": values}


def _aggregate_body(account: Account, aggregate: Aggregate, job: Job) -> Json:
    return {
        "type": "metric-aggregate",
        "attributes": {
            "metric_id": job.metric_id,
            "measurements": MEASUREMENTS,
            "interval": "day",
            "by": list(aggregate.columns),
            "timezone": account.zone.key,
            "filter": [
                f"greater-or-equal(datetime,{job.window.start}T00:00:00)",
                f"less-than(datetime,{job.window.end + DAY}T00:00:00)",
            ],
        },
    }
