"""Runs one sync: which streams of each account run, in which order, and where checkpoints are.

`sync` yields plain operations (models.py) and needs nothing of Fivetran: any loader can replay
them. Everything before a Checkpoint may be committed; everything after the last one is requested
again by the next sync.

    stream   row row row [state 1] row row [state 2] row   <- error: this row has no checkpoint
    batch    |--------- 1 --------|------- 2 -------|      <- and is dropped
    loader   commits batch 1 and 2; the next sync resumes from state 2
"""

import logging
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from time import monotonic
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api import ConfigurationError, ContractError, KlaviyoError, ScopeError
from configuration import Configuration, parse_configuration
from models import Checkpoint, Operation, Truncate, Upserts, Warning
from parallel import read_in_parallel
from session import KlaviyoSession
from state.budget import StateBudget
from state.digests import RowDigests
from state.state import (
    MAX_INDEX_LENGTH,
    REMEDY,
    VERSION,
    AccountRowState,
    AccountState,
    State,
    dump_checkpoint,
    latest_watermarks,
    parse_state,
)
from streams.catalog import ACCOUNTS, EVENTS, PROFILES
from streams.context import AccountContext
from streams.declarations import MembershipStream, ResourceStream, ScheduledStream, Stream
from streams.events import sync_events
from streams.failures import Failures
from streams.memberships import sync_memberships
from streams.probes import find_readable_tables
from streams.profiles import sync_profiles
from streams.quota import ReportQuota
from streams.registry import PARENTS, REFILLED, STREAMS, TABLES, scopes, select_streams
from streams.report_schedule import has_untracked_days
from streams.reports import sync_reports
from streams.reread import reread_profiles
from streams.resources import sync_resource
from streams.writer import RowWriter
from tables.converters import format_utc, to_string
from tables.jsonapi import get_path

Batch = list[Operation]  # rows with the checkpoint that covers them, or one warning
ROWS_BETWEEN_CHECKPOINTS = 1_000  # the loader holds these and one page's in memory
SECONDS_BETWEEN_CHECKPOINTS = 30
# The loader logs each state, and packing a large one takes as long as writing thousands of rows.
LARGE_STATE = 100_000  # bytes; one of twice that size has twice the rows and seconds before it
MAX_SPACING = 20  # times: 20,000 rows or ten minutes
MAX_CLOCK_ERROR = timedelta(days=1)  # a watermark further ahead is damage
log = logging.getLogger("klaviyo")


def sync(
    configuration: Mapping[str, object], state: Any, *, defers_truncate: bool = False
) -> Generator[Operation]:
    """Every operation of one sync. Raises a KlaviyoError that names the fault and its remedy.

    `defers_truncate`: whether the loader can truncate a table at the end of a sync that succeeds.
    """
    settings = parse_configuration(configuration)
    previous = parse_state(state, TABLES)
    unfilled = [name for name in REFILLED if name in settings.tables - previous.filled]
    batches = _sync_accounts(settings, previous, unfilled, defers_truncate=defers_truncate)
    yield from throttle_checkpoints(_merge_account_states(batches, previous), previous)


def throttle_checkpoints(operations: Iterable[Operation], previous: State) -> Iterator[Operation]:
    """Leave out checkpoints that would commit few rows, since each one is work for the loader.

    Kept are the first one after 1,000 rows or 30 seconds, which a large state multiplies, and the
    last one.
    """
    last, rows, since = Checkpoint({**previous.json}), 0, monotonic()
    budget = StateBudget.load(previous.json, PARENTS)
    try:
        for operation in operations:
            if not isinstance(operation, Checkpoint):
                yield operation
                rows += len(operation.rows) if isinstance(operation, Upserts) else 1
                continue
            last = operation
            spacing = max(1, min(budget.size / LARGE_STATE, MAX_SPACING))
            is_late = monotonic() - since >= SECONDS_BETWEEN_CHECKPOINTS * spacing
            if is_late or rows >= ROWS_BETWEEN_CHECKPOINTS * spacing:
                yield budget.dump(last)
                rows, since = 0, monotonic()
    except KlaviyoError:
        # The last checkpoint has the finished work and the requests of the daily quota.
        yield budget.dump(last)
        yield from budget.warnings()
        raise
    yield budget.dump(last)
    yield from budget.warnings()


def _merge_account_states(batches: Iterable[Batch], previous: State) -> Iterator[Operation]:
    """The operations of all batches; each checkpoint holds the state of every account.

    A table that is truncated counts as filled from the next checkpoint on.
    """
    accounts, filled = previous.json["accounts"], {*previous.filled}
    for operation in chain.from_iterable(batches):
        if isinstance(operation, Checkpoint):
            accounts = {**accounts, **operation.state["accounts"]}
            yield Checkpoint({**operation.state, "accounts": accounts, "filled": sorted(filled)})
            continue
        if isinstance(operation, Truncate) and not operation.deferred:
            filled.add(operation.table)
        yield operation


def _make_batches(operations: Iterable[Operation]) -> Iterator[Batch]:
    """Rows together with the checkpoint that covers them; each warning alone, without delay.

    Rows that an error separates from their checkpoint are dropped: a later checkpoint would commit
    rows that the state does not track, so they could never be deleted.
    """
    batch: Batch = []
    for operation in operations:
        if isinstance(operation, Warning):
            yield [operation]
            continue
        batch.append(operation)
        if isinstance(operation, Checkpoint):
            yield batch
            batch = []


def _sync_accounts(
    settings: Configuration, previous: State, unfilled: list[str], *, defers_truncate: bool
) -> Iterator[Batch]:
    """All accounts in parallel; one that fails does not block the others.

    Tables that are `unfilled` since the state began are truncated first. A full re-sync of a
    connection has no state, so it could not find the rows of deleted records afterwards. A
    checkpoint of all accounts commits the truncates, and a later sync continues from it.
    A truncate removes the rows of every account, so it waits for a sync that can open all of them
    and read the table. Rows that were synced before are then read again.
    """
    failures: list[KlaviyoError] = []
    labels = yield from _open_accounts(settings, previous, failures)
    opened = {context.id: context for context in labels.values()}
    is_alone = len(settings.api_keys) == 1 and previous.accounts.keys() <= opened.keys()
    for context in opened.values():
        context.can_refill = defers_truncate and is_alone
    if opened and unfilled and not failures:
        yield from _truncate_readable(unfilled, previous, opened)
    try:
        yield from _read_all(
            [
                _label_warnings(label, _sync_account(context), failures)
                for label, context in labels.items()
            ]
        )
    finally:
        for context in opened.values():
            context.session.stop()
    if failures:
        raise failures[0]


def _open_accounts(
    settings: Configuration, previous: State, failures: list[KlaviyoError]
) -> Generator[Batch, None, dict[str, AccountContext]]:
    """The accounts by the label of their warnings; what cannot be opened is a failure."""
    opened: dict[str, AccountContext] = {}
    for number, key in enumerate(settings.api_keys, 1):
        label = f"account {number} of {len(settings.api_keys)}" if settings.api_keys[1:] else ""
        try:
            context = _open_account(settings, previous, key)
        except KlaviyoError as error:
            yield from _record_failure(label, error, failures)
            continue
        if context.id in {other.id for other in opened.values()}:
            duplicate = f"{label}: its key and an earlier one open the same account; synced once"
            yield [Warning(duplicate)]
        else:
            opened[label] = context
    return opened


def _truncate_readable(
    unfilled: list[str], previous: State, opened: Mapping[str, AccountContext]
) -> Iterator[Batch]:
    """Truncates of the tables that every account can read, and a warning of those that some can."""
    readable = [
        find_readable_tables(account, unfilled, _stream_operations) for account in opened.values()
    ]
    kept = [name for name in unfilled if not all(name in names for names in readable)]
    yield _truncate([name for name in unfilled if name not in kept], previous, opened)
    if partly := [name for name in kept if any(name in names for names in readable)]:
        yield [
            Warning(
                f"{', '.join(partly)}: not emptied by this re-sync, as not every account can read"
                " them; rows that Klaviyo deleted before it stay until each key has the scopes"
            )
        ]


def _truncate(tables: list[str], previous: State, opened: Mapping[str, AccountContext]) -> Batch:
    """Truncates, and a checkpoint in which every account, also one without a key, starts over."""
    states = {**previous.accounts, **{name: context.state for name, context in opened.items()}}
    snapshots: dict[str, Any] = {}
    for state in states.values():
        state.forget_rows(tables)
        snapshots |= state.checkpoint().state["accounts"]
    committed = dump_checkpoint(Checkpoint({"version": VERSION, "accounts": snapshots}))
    return [*(Truncate(name) for name in tables), committed]


def _read_all(syncs: list[Iterator[Batch]]) -> Iterator[Batch]:
    """The batches of all accounts, in parallel; those of a single account in this thread."""
    if len(syncs) <= 1:
        yield from chain.from_iterable(syncs)
        return
    waiting = list(reversed(syncs))
    yield from read_in_parallel(lambda: waiting.pop() if waiting else None, len(syncs))


def _label_warnings(
    label: str, batches: Iterator[Batch], failures: list[KlaviyoError]
) -> Iterator[Batch]:
    """One account's batches. With several accounts, its warnings and its error name the account."""
    try:
        for batch in batches:
            if label and isinstance(batch[0], Warning):
                yield [Warning(f"{label}: {batch[0].message}")]
            else:
                yield batch
    except KlaviyoError as error:
        yield from _record_failure(label, error, failures)


def _record_failure(
    label: str, error: KlaviyoError, failures: list[KlaviyoError]
) -> Iterator[Batch]:
    failures.append(error)
    if label:
        error.args = (f"{label}: {error}",)
        yield [Warning(str(error))]


def _open_account(settings: Configuration, previous: State, key: str) -> AccountContext:
    """Request the account that a key belongs to, and look up its state."""
    session = KlaviyoSession(key)
    document = get_path(session.get(ACCOUNTS.path), ("data", "0"))
    account_id = to_string(get_path(document, ("id",)))
    zone = get_path(document, ("attributes", "timezone"))
    if account_id is None:
        raise ContractError(f"{ACCOUNTS.path}: the account has no id")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ContractError(
            f"{ACCOUNTS.path}: no known time zone in the answer: {zone!r}"
        ) from None
    now = session.client.now
    sync_id = f"{now:%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
    state = previous.accounts.get(account_id) or AccountState(account_id)
    _refuse_future_watermarks(state, sync_time=now)
    # Accounts whose key was removed stay in the state and share its size.
    sharing = max(len(settings.api_keys), len({*previous.accounts, account_id}))
    state.index.limit = MAX_INDEX_LENGTH // sharing
    return AccountContext(session, settings, state, document, sync_id, now)


def _refuse_future_watermarks(state: AccountState, sync_time: datetime) -> None:
    """Raise ConfigurationError for a watermark in the future: it would skip records until then."""
    machine_time = datetime.now(UTC)
    for stream, watermark in latest_watermarks(state):
        if watermark <= sync_time + MAX_CLOCK_ERROR:
            continue
        named = f"the state's watermark of {stream}"
        if watermark <= machine_time + MAX_CLOCK_ERROR:
            raise ConfigurationError(
                f"{named} ({format_utc(watermark)}) is past by this machine's clock"
                f" ({format_utc(machine_time)}), not by the Date of Klaviyo's answers"
                f" ({format_utc(sync_time)}): correct the clock of this machine, or of the proxy"
                " that it reaches Klaviyo through; the state is kept"
            )
        raise ConfigurationError(f"{named} is no past time ({format_utc(watermark)}): {REMEDY}")


def _sync_account(context: AccountContext) -> Iterator[Batch]:
    """Every stream of one account. A failing stream fails the sync, but only after the others."""
    writer, failures = RowWriter(context), Failures()
    writer.add_requests(ACCOUNTS.table, context.session.requests)
    yield from _make_batches(_write_account_row(context, writer))
    for run in _plan_runs(context, writer):
        with failures.collect():
            yield from _make_batches(run)
        if failures.should_abort:
            break
    yield from _make_batches(_finish(context, writer, failures))


def _write_account_row(context: AccountContext, writer: RowWriter) -> Iterator[Operation]:
    known = context.state.account_row
    rows = RowDigests(known.digests)
    yield from writer.store(
        ACCOUNTS.table, context.document, lambda row: rows.record_change("", row)
    )
    if known.units not in ((), context.units):
        zone, former_zone = context.units[0], known.units[0]
        consequence = _describe_untracked_days(context)
        context.state.request_results_again(None if zone == former_zone else former_zone)
        yield Warning(
            f"the account's time zone or currency is no longer {', '.join(known.units)} but"
            f" {', '.join(context.units)}: all results are requested again, as the quota allows"
            f"{consequence}"
        )
    context.state.account_row = AccountRowState(digests=dict(rows.digests), units=context.units)
    yield context.state.checkpoint()


def _describe_untracked_days(context: AccountContext) -> str:
    """The consequence of a new request of days whose rows the state cannot delete, if any."""
    names = [
        stream.table.name
        for stream in STREAMS
        if isinstance(stream, ScheduledStream)
        for state in context.state.reports.get(stream.table.name, {}).values()
        if has_untracked_days(stream, state, context.today)
    ]
    if not names:
        return ""
    return (
        f"; in {', '.join(dict.fromkeys(names))} a credit that moved to another message since"
        " counts twice on days older than the state holds: empty these tables and re-sync them"
    )


def _plan_runs(context: AccountContext, writer: RowWriter) -> Iterator[Iterator[Operation]]:
    """The runs of an account, in order. Reports and aggregates are one run: newest days first.

    The last run reads the events of people that the run of profiles no longer found.
    """
    streams = select_streams(context.settings.tables)
    scheduled = [stream for stream in streams if isinstance(stream, ScheduledStream)]
    for stream in streams:
        if stream not in scheduled:
            yield _run_stream(context, writer, stream)
        elif stream is scheduled[0]:
            yield sync_reports(context, writer, ReportQuota(context))
    if EVENTS in streams and not context.scopes.skips(EVENTS.table):
        yield _skip_without_scope(context, writer, EVENTS, reread_profiles(context, writer))


def _run_stream(context: AccountContext, writer: RowWriter, stream: Stream) -> Iterator[Operation]:
    """The operations of one stream; none if a stream that it requires was skipped."""
    if context.scopes.skips(stream.table):
        return
    yield from _skip_without_scope(
        context, writer, stream, _stream_operations(context, writer, stream)
    )


def _skip_without_scope(
    context: AccountContext, writer: RowWriter, stream: Stream, operations: Iterator[Operation]
) -> Iterator[Operation]:
    """The operations of a stream, whose cost is booked to its table, up to a missing scope."""
    with writer.track_cost(stream.table):
        try:
            yield from operations
            if context.wants(*stream.tables):
                context.scopes.granted.add(stream.scope)
        except ScopeError:
            context.skip_stream(stream)


def _stream_operations(
    context: AccountContext, writer: RowWriter, stream: Stream
) -> Iterator[Operation]:
    if isinstance(stream, ResourceStream):
        return sync_resource(context, writer, stream)
    if isinstance(stream, MembershipStream):
        return sync_memberships(context, writer, stream)
    return {EVENTS.name: sync_events, PROFILES.name: sync_profiles}[stream.name](context, writer)


def _finish(context: AccountContext, writer: RowWriter, failures: Failures) -> Iterator[Operation]:
    """The warnings and the report of an account; raises the first error of its sync, if any."""
    yield from failures.warnings()
    yield from _warn_of_missing_scopes(context)
    yield from writer.warn_of_mismatches()
    yield from writer.write_sync_report()
    yield context.state.checkpoint()
    for line in writer.format_summary():
        log.info("%s", line)
    failures.raise_first()
    _raise_without_scopes(context)
    writer.raise_for_rejections()


def _warn_of_missing_scopes(context: AccountContext) -> Iterator[Operation]:
    """One warning for each missing scope, and one for all optional ones."""
    missing = {scope: tables for scope, tables in context.scopes.missing.items() if tables}
    optional = [scope for scope in missing if scope not in scopes(is_optional=False)]
    groups = [[scope] for scope in missing if scope not in optional]
    for group in (*groups, *([optional] if optional else [])):
        names = sorted(name for scope in group for name in missing[scope])
        yield Warning(
            f"the API key lacks the {'scope' if len(group) == 1 else 'scopes'} {', '.join(group)}:"
            f" skipped {', '.join(names)}; add the scope to the key in Klaviyo, or leave these"
            " tables out"
        )


def _raise_without_scopes(context: AccountContext) -> None:
    """Raise ScopeError if the key may read none of the chosen tables."""
    if context.scopes.missing and not context.scopes.granted:
        scopes = ", ".join(context.scopes.missing)
        raise ScopeError(f"the API key may read nothing that was asked for; it lacks {scopes}")
