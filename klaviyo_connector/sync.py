"""What a sync is: for every account, what to ask, in which order, and where it is safe to resume.

`sync` yields plain operations (models.py) and needs nothing of Fivetran: any loader can replay
them. Whatever it has yielded before a Checkpoint may be kept; the rest is asked for again.
"""

import gc
import logging
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain
from time import monotonic
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import configuration as settings_of
from account import REMEDY, Account, Memory, read_state, recalling
from api import ConfigurationError, ContractError, KlaviyoError, ScopeError
from asking import Asking
from configuration import Configuration
from events import SCOPE as EVENTS_SCOPE
from events import sync_events
from failures import Failures
from listings import sync_listing
from members import sync_members
from models import Checkpoint, Ledger, Operation, State, Table, Warning, dig
from parallel import side_by_side
from profiles import SCOPE as PROFILES_SCOPE
from profiles import sync_profiles
from reports import sync_reports
from streams import (
    ACCOUNT,
    AGGREGATES,
    EVENT,
    EVENT_ATTRIBUTION,
    FORM_DAILY,
    LIST_PROFILE,
    PROFILE,
    PROFILE_SUPPRESSION,
    REPORTS,
    SEGMENT_DAILY,
    SEGMENT_PROFILE,
    STREAMS,
)
from values import moment, text, written

Batch = list[Operation]  # whole: rows and the checkpoint that knows of them; or one warning
log = logging.getLogger("klaviyo")
ROWS_BETWEEN_CHECKPOINTS = 1_000  # the loader holds these and a page's in memory
SECONDS_BETWEEN_CHECKPOINTS = 30
# Pages and rows hold no cycles. Python's own 700 would spend an eighth of the time on finding none.
CONTAINERS_BETWEEN_COLLECTIONS = 50_000
AHEAD = timedelta(days=1)  # a watermark further ahead than any clock's error is damage
DEPENDENT = {  # what cannot be asked for without these listings
    "list": [LIST_PROFILE],
    "segment": [SEGMENT_PROFILE, SEGMENT_DAILY],
    "form": [FORM_DAILY],
}
NEEDED = {"metric", "mapped_metric", "campaign", "flow"}  # listings that tell what to report on


def sync(configuration: Mapping[str, object], state: Any) -> Generator[Operation]:
    """Every operation of one sync. Raises a KlaviyoError that names the fault and its remedy."""
    settings = settings_of.read(configuration)
    remembered = read_state(state)
    gc.set_threshold(CONTAINERS_BETWEEN_COLLECTIONS)
    yield from bounded(_together(_accounts(settings, remembered), remembered), remembered)


def bounded(operations: Iterable[Operation], state: State) -> Iterator[Operation]:
    """The same operations without the many checkpoints that would keep few rows: they are work.

    There is one every 1,000 rows or 30 seconds, as soon as one comes by, and one at the end.
    """
    last, rows, since = Checkpoint({**state}), 0, monotonic()
    try:
        for operation in operations:
            if not isinstance(operation, Checkpoint):
                yield operation
                rows += 1
                continue
            last = operation
            late = monotonic() - since >= SECONDS_BETWEEN_CHECKPOINTS
            if late or rows >= ROWS_BETWEEN_CHECKPOINTS:
                yield last
                rows, since = 0, monotonic()
    except KlaviyoError:
        yield last  # what was finished stays so, and so does the count of the day's reports
        raise
    yield last


def _batches(operations: Iterable[Operation]) -> Iterator[Batch]:
    """Rows with the checkpoint that knows of them, and each warning at once.

    Rows that an error cuts off from their checkpoint are left out: another one would keep them,
    and nobody would know that they stand in the warehouse and delete them.
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


def _together(batches: Iterable[Batch], state: State) -> Iterator[Operation]:
    """The operations of all batches, each checkpoint with what is remembered of every account."""
    accounts = state["accounts"]
    for operation in chain.from_iterable(batches):
        if isinstance(operation, Checkpoint):
            accounts = {**accounts, **operation.state["accounts"]}
            yield Checkpoint({**operation.state, "accounts": accounts})
        else:
            yield operation


def _accounts(settings: Configuration, state: State) -> Iterator[Batch]:
    """All accounts side by side; one that fails does not keep the others from their sync."""
    failures: list[KlaviyoError] = []
    opened: dict[str, Account] = {}
    syncs: list[Iterator[Batch]] = []
    for number, key in enumerate(settings.api_keys, 1):
        name = f"account {number} of {len(settings.api_keys)}" if settings.api_keys[1:] else ""
        try:
            account = _open(settings, state, key)
        except KlaviyoError as error:
            yield from _failed(name, error, failures)
            continue
        if account.id in opened:
            twice = f"{name}: its key and an earlier one open the same account; synced once"
            yield [Warning(twice)]
        else:
            opened[account.id] = account
            syncs.append(_apart(name, _account(account), failures))
    try:
        yield from side_by_side(syncs, threads=len(syncs))
    finally:
        for account in opened.values():
            account.asking.stop()
    if failures:
        raise failures[0]


def _apart(name: str, batches: Iterator[Batch], failures: list[KlaviyoError]) -> Iterator[Batch]:
    """One account's batches; among several its warnings name it, and its error waits."""
    try:
        for batch in batches:
            if name and isinstance(batch[0], Warning):
                yield [Warning(f"{name}: {batch[0].message}")]
            else:
                yield batch
    except KlaviyoError as error:
        yield from _failed(name, error, failures)


def _failed(name: str, error: KlaviyoError, failures: list[KlaviyoError]) -> Iterator[Batch]:
    failures.append(error)
    if name:
        error.args = (f"{name}: {error}",)
        yield [Warning(str(error))]


def _account(account: Account) -> Iterator[Batch]:
    """Everything of one account. A broken endpoint fails the sync, but only after the others."""
    failures = Failures()
    yield from _batches(_account_row(account))
    for part in _parts(account):
        with failures.outlived():
            yield from _batches(part)
        if failures.klaviyo_is_down:
            break
    yield from _batches(_ending(account, failures))


def _ending(account: Account, failures: Failures) -> Iterator[Operation]:
    """What the user should know of the sync of an account, and the error it ends with, if any."""
    yield from failures.told()
    yield from _scope_warnings(account)
    yield from account.unfit_warnings()
    yield from account.report()
    yield account.memory.checkpoint()
    for line in account.summary():
        log.info("%s", line)
    failures.raise_first()
    _check_scopes(account)
    account.check_refusals()


def _open(settings: Configuration, state: State, key: str) -> Account:
    """Ask whose key this is, and recall what that account remembers."""
    asking = Asking(key)
    document = dig(asking.get("/api/accounts"), ("data", "0"))
    account_id, zone = text(dig(document, ("id",))), dig(document, ("attributes", "timezone"))
    if account_id is None:
        raise ContractError("/api/accounts: the account has no id")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ContractError(f"/api/accounts: no known time zone in the answer: {zone!r}") from None
    now = asking.client.now
    memory = Memory(account_id, state["accounts"].get(account_id, {}))
    _refuse_the_future(memory, now)
    sync_id = f"{now:%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
    sharing = max(len(settings.api_keys), len({*state["accounts"], account_id}))
    account = Account(asking, settings, memory, document, sync_id, now, sharing)
    account.costs[ACCOUNT.name]["requests"] = asking.requests
    return account


def _refuse_the_future(memory: Memory, now: datetime) -> None:
    """A watermark far ahead of Klaviyo's clock would skip everything until that day."""
    latest = written(now + AHEAD)
    for table, known in memory.tables.items():
        for part in (known, *known.values()):
            watermark = part.get("watermark") if isinstance(part, dict) else None
            if watermark is not None and (moment(watermark) is None or watermark > latest):
                raise ConfigurationError(
                    f"the state's watermark of {table} is no past time ({watermark!r:.40}):"
                    f" {REMEDY}"
                )


def _account_row(account: Account) -> Iterator[Operation]:
    with recalling(ACCOUNT.name):
        ledger = Ledger(account.memory.of(ACCOUNT.name).get("rows", {}))
    yield from account.store(ACCOUNT, account.document, lambda row: ledger.news("", row))
    account.memory.tables[ACCOUNT.name] = {"rows": ledger.known}
    yield account.memory.checkpoint()


def _parts(account: Account) -> Iterator[Iterator[Operation]]:
    """The parts of a sync, in order; a failure in one leaves the others whole."""
    reports = account.wants(*(t for report in (*REPORTS, *AGGREGATES) for t in report.tables))
    needed = NEEDED if reports else {"metric"}
    for stream in STREAMS:
        tables = [table for table, _ in stream.makes] + DEPENDENT.get(stream.name, [])
        if account.wants(*tables) or stream.name in needed:
            yield _part(account, stream.scope, tables, sync_listing(account, stream))
    if reports:
        yield sync_reports(account)
    if account.wants(EVENT, EVENT_ATTRIBUTION):
        yield _part(account, EVENTS_SCOPE, [EVENT, EVENT_ATTRIBUTION], sync_events(account))
    if account.wants(PROFILE):
        yield _part(account, PROFILES_SCOPE, [PROFILE], sync_profiles(account))
    for table in (PROFILE_SUPPRESSION, LIST_PROFILE, SEGMENT_PROFILE):
        if account.wants(table) and not account.skips(table):
            yield _part(account, PROFILES_SCOPE, [table], sync_members(account, table))


def _part(
    account: Account, scope: str, tables: list[Table], operations: Iterator[Operation]
) -> Iterator[Operation]:
    """One listing: its cost booked to its first table, skipped where the key lacks the scope."""
    with account.charging(tables[0]):
        try:
            yield from operations
            if account.wants(*tables):
                account.answered.add(scope)
        except ScopeError:
            account.skip(scope, *tables)


def _scope_warnings(account: Account) -> Iterator[Operation]:
    """One warning per missing scope."""
    for scope, tables in account.skipped.items():
        yield Warning(
            f"the API key lacks the scope {scope}: skipped {', '.join(sorted(tables))}; add the"
            " scope to the key in Klaviyo, or leave these tables out"
        )


def _check_scopes(account: Account) -> None:
    """A key that may read nothing of what was asked for fails the sync."""
    if account.skipped and not account.answered:
        scopes = ", ".join(account.skipped)
        raise ScopeError(f"the API key may read nothing that was asked for; it lacks {scopes}")
