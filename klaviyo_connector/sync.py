"""What a sync is: for every account, what to ask, in which order, and where it is safe to resume.

`sync` yields plain operations (models.py) and needs nothing of Fivetran: any loader can replay
them. Whatever it has yielded before a Checkpoint may be kept; the rest is asked for again.
"""

import gc
import logging
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import configuration as settings_of
from account import REMEDY, Account, Memory, read_state
from api import ConfigurationError, ContractError, KlaviyoError, ScopeError
from asking import Asking
from configuration import Configuration
from events import SCOPE as EVENTS_SCOPE
from events import sync_events
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
    LIST_PROFILE,
    PROFILE,
    PROFILE_SUPPRESSION,
    REPORTS,
    SEGMENT_PROFILE,
    STREAMS,
)
from values import moment, text, written

log = logging.getLogger("klaviyo")
ROWS_BETWEEN_CHECKPOINTS = 1_000  # the loader holds rows in memory until a checkpoint
SECONDS_BETWEEN_CHECKPOINTS = 30  # what a killed sync asks for again at most
# Pages and rows hold no cycles. Python's own 700 would spend an eighth of the time on finding none.
CONTAINERS_BETWEEN_COLLECTIONS = 50_000
AHEAD = timedelta(days=1)  # a watermark further ahead than any clock's error is damage
MEMBERS = {"list": [LIST_PROFILE], "segment": [SEGMENT_PROFILE]}  # what is listed by these
NEEDED = {"metric", "mapped_metric", "campaign", "flow"}  # listings that tell what to report on


def sync(configuration: Mapping[str, object], state: Any) -> Generator[Operation]:
    """Every operation of one sync. Raises a KlaviyoError that names the fault and its remedy."""
    settings = settings_of.read(configuration)
    remembered = read_state(state)
    gc.set_threshold(CONTAINERS_BETWEEN_COLLECTIONS)
    yield from bounded(_together(_accounts(settings, remembered), remembered), remembered)


def bounded(operations: Iterable[Operation], state: State) -> Iterator[Operation]:
    """The same operations with a checkpoint after every 1,000 rows or 30 seconds, and at the end.

    The many that would keep few rows are left out: a checkpoint is work for the loader. One that
    repeats the last state is always safe: the rows since are asked for again. But one that knows
    of every row before it is taken rather, from the middle of the 1,000 on.
    """
    last, rows, since = Checkpoint({**state}), 0, monotonic()
    try:
        for operation in operations:
            if isinstance(operation, Checkpoint):
                last = operation
                late = monotonic() - since >= SECONDS_BETWEEN_CHECKPOINTS
                due = late or rows >= ROWS_BETWEEN_CHECKPOINTS / 2
            else:
                yield operation
                rows, due = rows + 1, rows + 1 >= ROWS_BETWEEN_CHECKPOINTS
            if due:
                yield last
                rows, since = 0, monotonic()
    except KlaviyoError:
        yield last  # what was finished stays so, and so does the count of the day's reports
        raise
    yield last


def _together(operations: Iterable[Operation], state: State) -> Iterator[Operation]:
    """The same operations, each checkpoint with what is remembered of every account."""
    accounts = state["accounts"]
    for operation in operations:
        if isinstance(operation, Checkpoint):
            accounts = {**accounts, **operation.state["accounts"]}
            yield Checkpoint({**operation.state, "accounts": accounts})
        else:
            yield operation


def _accounts(settings: Configuration, state: State) -> Iterator[Operation]:
    """All accounts side by side; one that fails does not keep the others from their sync."""
    failures: list[KlaviyoError] = []
    opened: dict[str, Account] = {}
    syncs: list[Iterator[Operation]] = []
    for number, key in enumerate(settings.api_keys, 1):
        name = f"account {number} of {len(settings.api_keys)}" if settings.api_keys[1:] else ""
        try:
            account = _open(settings, state, key)
        except KlaviyoError as error:
            yield from _failed(name, error, failures)
            continue
        if account.id in opened:
            yield Warning(f"{name}: its key and an earlier one open the same account; synced once")
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


def _apart(
    name: str, operations: Iterator[Operation], failures: list[KlaviyoError]
) -> Iterator[Operation]:
    """One account's operations; among several its warnings name it, and its error waits."""
    try:
        for operation in operations:
            if name and isinstance(operation, Warning):
                yield Warning(f"{name}: {operation.message}")
            else:
                yield operation
    except KlaviyoError as error:
        yield from _failed(name, error, failures)


def _failed(name: str, error: KlaviyoError, failures: list[KlaviyoError]) -> Iterator[Operation]:
    failures.append(error)
    if name:
        error.args = (f"{name}: {error}",)
        yield Warning(str(error))


def _account(account: Account) -> Iterator[Operation]:
    """Everything of one account. A broken endpoint fails the sync, but only after the others."""
    broken: list[ContractError] = []
    yield from _account_row(account)
    for part in _parts(account):
        try:
            yield from part
        except ContractError as error:
            broken.append(error)
    yield from (Warning(str(error)) for error in broken[1:])  # the first is raised
    yield from _scope_warnings(account)
    yield from account.unfit_warnings()
    yield from account.report()
    yield account.memory.checkpoint()
    for line in account.summary():
        log.info("%s", line)
    if broken:
        raise broken[0]
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
    account = Account(asking, settings, memory, document, sync_id, now)
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
    ledger = Ledger(account.memory.of(ACCOUNT.name).get("rows", {}))
    yield from account.store(ACCOUNT, account.document, lambda row: ledger.news("", row))
    account.memory.tables[ACCOUNT.name] = {"rows": ledger.known}


def _parts(account: Account) -> Iterator[Iterator[Operation]]:
    """The parts of a sync, in order; a failure in one leaves the others whole."""
    reports = account.wants(*(t for report in (*REPORTS, *AGGREGATES) for t in report.tables))
    needed = NEEDED if reports else {"metric"}
    for stream in STREAMS:
        tables = [table for table, _ in stream.makes] + MEMBERS.get(stream.name, [])
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
    """One warning per missing scope; a key that may read nothing fails the sync."""
    for scope, tables in account.skipped.items():
        yield Warning(
            f"the API key lacks the scope {scope}: skipped {', '.join(sorted(tables))}; add the"
            " scope to the key in Klaviyo, or leave these tables out"
        )
    if account.skipped and not account.answered:
        scopes = ", ".join(account.skipped)
        raise ScopeError(f"the API key may read nothing that was asked for; it lacks {scopes}")
