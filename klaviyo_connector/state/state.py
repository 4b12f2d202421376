"""The state of a connection: everything that one sync keeps for the next, typed.

`parse_state` reads it once, when a sync begins, and is the only place that can report a damaged
state. Streams replace the frozen parts of an `AccountState` as they go; a checkpoint has the parts
of its moment. The names in JSON are those of version 1 (`rename=`); ARCHITECTURE.md
has an example.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from api import ConfigurationError
from models import Checkpoint, Table
from state.membership_index import MembershipIndex, MembershipIndexState
from state.packing import pack, unpack
from tables.converters import format_utc

VERSION = 1
# By version: what makes a state of it one of the next version.
MIGRATIONS: dict[int, Callable[[Any], Any]] = {}
REMEDY = "restore the state or reset the connection, which syncs everything again"
MAX_INDEX_LENGTH = 6_000_000  # characters; budget.py makes room for it

PARTS_WITHOUT_TABLE = ("roster", "reread")

# Eight characters, or four in a large part.
Digest = Annotated[str, Meta(pattern=r"^([A-Za-z0-9+/]{4}){1,2}$")]
SizedDigest = Annotated[str, Meta(pattern=r"^([A-Za-z0-9+/]{4}){1,2}(:\d{1,18})?$")]  # :recipients
Count = Annotated[int, Meta(ge=0)]
DayOrNone = Annotated[str, Meta(pattern=r"^(\d{4}-\d\d-\d\d)?$")]

YEARS = range(1900, 9000)  # a lookback from beyond them may be no date


def _require_zone(*times: datetime | None) -> None:
    if any(time is not None and time.tzinfo is None for time in times):
        raise ValueError("a time without a zone")


def _require_zone_names(names: Iterable[str]) -> None:
    for name in names:
        try:
            ZoneInfo(name)
        except (KeyError, OSError):
            raise ValueError(f"no time zone: {name}") from None


def _require_year(*days: date | None) -> None:
    if any(day is not None and day.year not in YEARS for day in days):
        raise ValueError("no year to calculate with")


class _Part(Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """A frozen part of the state; its JSON is made once."""

    @cached_property
    def json(self) -> Any:
        """The part as the state holds it: JSON, lists instead of tuples, packed if it is large."""
        return pack(msgspec.json.decode(msgspec.json.encode(self)))


class DayRange(Struct, frozen=True, order=True, array_like=True):
    """Days of the account's calendar, both ends included."""

    start: date
    end: date

    def __post_init__(self) -> None:
        _require_year(self.start, self.end)

    def covers(self, other: "DayRange") -> bool:
        """Whether every day of `other` is in this range."""
        return self.start <= other.start and other.end <= self.end


class TimeSpan(Struct, frozen=True, order=True, array_like=True):
    """Times from `start` to before `end`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _require_zone(self.start, self.end)
        _require_year(self.start, self.end)


class AccountRowState(_Part, frozen=True):
    """The row of the account itself, and the units of its results: time zone and currency."""

    digests: dict[str, Digest] = msgspec.field(name="rows", default_factory=dict)
    units: tuple[str, ...] = ()


class RecordDetails(Struct, frozen=True, array_like=True):
    """A record whose details are read: its digest then, and the keys of its rows by table."""

    digest: str
    keys: dict[str, list[str]]


class ResourceState(
    _Part,
    frozen=True,
    rename={"full_refresh_on": "listed_on", "digests": "rows", "details": "detailed"},
):
    """A listing of records.

    `watermark` is the latest change that is read, `full_refresh_on` the day of the last listing of
    everything. `digests` has the rows of each table, `details` the records with details, by id.
    `untracked` has the tables with more rows than the state can hold, and how many those are.
    """

    watermark: datetime | None = None
    full_refresh_on: date | None = None
    digests: dict[str, dict[str, Digest]] = {}
    details: dict[str, RecordDetails] = {}
    untracked: dict[str, Count] = {}

    def __post_init__(self) -> None:
        _require_zone(self.watermark)
        _require_year(self.watermark)

    def stop_tracking(self, table: str) -> "ResourceState":
        """The state without the rows of one table, and without details, which name their keys."""
        return msgspec.structs.replace(
            self,
            digests={name: rows for name, rows in self.digests.items() if name != table},
            details={},
            untracked={**self.untracked, table: len(self.digests.get(table, ()))},
        )


class ReportState(
    _Part,
    frozen=True,
    rename={
        "daily_lookback_on": "deep_on",
        "full_refresh_on": "history_on",
        "full_refresh_from": "history_from",
        "requested_on": "periods",
        "digests": "rows",
    },
):
    """A report or aggregate for one metric.

    The days of the last daily lookback and of the last full refresh, the first day of that full
    refresh, the ranges still to request, the day on which each period (a rolling kind, or the first
    day of a month) was requested last, and the written rows: key without date to day ("" if the
    table has none) to digest and recipients. After a change of the account's time zone, until
    everything is requested again: the `former_zones`, and the periods requested in them.
    """

    daily_lookback_on: date | None = None
    full_refresh_on: date | None = None
    full_refresh_from: date | None = None
    pending: tuple[DayRange, ...] = ()
    requested_on: dict[str, date] = {}
    digests: dict[str, dict[DayOrNone, SizedDigest]] = {}
    former_zones: tuple[str, ...] = ()
    former_periods: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_year(self.daily_lookback_on, self.full_refresh_on, self.full_refresh_from)
        _require_year(*self.requested_on.values())
        _require_zone_names(self.former_zones)

    def restart(self, former_zone: str | None) -> "ReportState":
        """The state in which everything is to be requested again; the written rows stay known."""
        if former_zone is None:
            return ReportState(
                digests=self.digests,
                former_zones=self.former_zones,
                former_periods=self.former_periods,
            )
        return ReportState(
            digests=self.digests,
            former_zones=tuple(dict.fromkeys((*self.former_zones, former_zone))),
            former_periods=tuple(dict.fromkeys((*self.former_periods, *self.requested_on))),
        )


class WindowedState(
    _Part,
    frozen=True,
    rename={"low_watermark": "watermark", "daily_lookback_until": "cold", "covered": "done"},
):
    """A listing that is read by windows of time.

    Everything before `low_watermark` is read, and the spans `covered` beyond it. The last daily
    lookback is complete until `daily_lookback_until`. `start_date` is the setting with which the
    history began.
    """

    start_date: date | None = None
    low_watermark: datetime | None = None
    daily_lookback_until: datetime | None = None
    covered: tuple[TimeSpan, ...] = ()

    def __post_init__(self) -> None:
        _require_zone(self.low_watermark, self.daily_lookback_until)
        _require_year(self.start_date, self.low_watermark, self.daily_lookback_until)


class PendingReread(Struct, frozen=True, array_like=True):
    """A deleted profile: its events are read again.

    The day of the last comparison that found the profile, that of the first that did not, and the
    number of reads of its events since.
    """

    found_on: date
    noticed_on: date
    reads: Count = 0

    def __post_init__(self) -> None:
        _require_year(self.found_on, self.noticed_on)


class SyncedEvents(Struct, frozen=True, array_like=True):
    """The events of one metric that were ever requested: since `start`, if any, until a time.

    `since` is the earliest instant at which that day began, in any zone that the account had.
    """

    start: date | None
    until: datetime
    since: datetime | None = None

    def __post_init__(self) -> None:
        _require_year(self.start)
        _require_zone(self.until, self.since)


class RereadState(_Part, frozen=True, rename={"pending": "people"}):
    """Profiles whose events are `pending` to be read again, and the last `reread_events_from`.

    `synced` is what the warehouse may have by metric ("": all of them), whatever is chosen now.
    """

    since: date | None = None
    pending: dict[str, PendingReread] = {}
    synced: dict[str, SyncedEvents] = {}


class ProfilesState(_Part, frozen=True):
    """The profiles: their coverage, and the latest comparison of all ids.

    `recent` has the latest changes, id to time and digest, which a lookback reads again.
    """

    windowed: WindowedState = msgspec.field(name="", default_factory=WindowedState)
    size: Count = 0
    compared_on: date | None = None
    recent: dict[str, str] = {}


class MembershipState(_Part, frozen=True, omit_defaults=False):
    """One listing of people: the times of the last read and comparison, and its size then.

    All keys are written: the first release of version 1 cannot read a listing without its size.
    """

    watermark: datetime | None = None
    size: Count = 0
    compared_on: date | None = None

    def __post_init__(self) -> None:
        _require_zone(self.watermark)
        _require_year(self.watermark)


class QuotaState(_Part, frozen=True, rename={"requests": "hours"}):
    """The requests of one report's daily quota that are used: the beginning of an hour to number.

    Version 1 first held the number of a calendar `day`; it then counts as of that day's last hour.
    """

    requests: dict[datetime, Count] = {}
    closed_until: datetime | None = None

    def __post_init__(self) -> None:
        _require_zone(self.closed_until, *self.requests)


def _convert_quota(raw: Any) -> QuotaState:
    """The quota, also from the calendar day and number of earlier versions."""
    if isinstance(raw, dict) and "day" in raw:
        last_hour = f"{msgspec.convert(raw['day'], date).isoformat()}T23:00:00Z"
        raw = {**raw, "hours": {last_hour: raw.get("used", 0)}}
    return msgspec.convert(raw, QuotaState)


class _AccountJson(Struct, frozen=True, kw_only=True):
    """One account in version 1, before the kinds of its tables are distinguished."""

    tables: dict[str, dict[str, Any]]
    report_quota: dict[str, Any] = {}
    selected_tables: dict[str, tuple[str, ...]] = msgspec.field(name="chosen", default_factory=dict)
    first_day: date | None = None
    event_times: tuple[datetime, ...] = ()

    def __post_init__(self) -> None:
        _require_zone(*self.event_times)


@dataclass
class AccountState:
    """The state of one account. Its parts are frozen: a stream replaces its own."""

    account_id: str
    account_row: AccountRowState = field(default_factory=AccountRowState)
    resources: dict[str, ResourceState] = field(default_factory=dict)  # by stream
    reports: dict[str, dict[str, ReportState]] = field(default_factory=dict)  # by table, metric
    events: dict[str, WindowedState] = field(default_factory=dict)  # by metric; "": all of them
    reread: RereadState = field(default_factory=RereadState)
    profiles: ProfilesState = field(default_factory=ProfilesState)
    memberships: dict[str, dict[str, MembershipState]] = field(default_factory=dict)
    index: MembershipIndex = field(
        default_factory=lambda: MembershipIndex(MembershipIndexState(), MAX_INDEX_LENGTH)
    )
    report_quota: dict[str, QuotaState] = field(default_factory=dict)  # by path
    selected_tables: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by stream
    first_day: date | None = None  # the oldest record that can have results
    unknown: dict[str, Any] = field(default_factory=dict)  # of a newer connector's streams
    event_times: tuple[datetime, ...] = ()  # the span of those written since the last sync_report

    @property
    def has_events(self) -> bool:
        """Whether events were ever synced, so that the warehouse may have some."""
        return bool(self.events or self.reread.synced)

    def request_results_again(self, former_zone: str | None) -> None:
        """Let every report and aggregate start over, also after a change of the time zone."""
        self.reports = {
            table: {metric: state.restart(former_zone) for metric, state in by_metric.items()}
            for table, by_metric in self.reports.items()
        }

    def forget_rows(self, tables: Iterable[str]) -> None:
        """Let what fills some tables, which are truncated, start over without written rows."""
        for name in tables:
            for stream, known in self.resources.items():
                if known.digests.get(name) or name in known.untracked:
                    kept = {table: rows for table, rows in known.digests.items() if table != name}
                    left = {table: n for table, n in known.untracked.items() if table != name}
                    self.resources[stream] = ResourceState(digests=kept, untracked=left)
            if name in ("event", "event_attribution"):
                self.events = {}
            if name == "profile":
                self.profiles = ProfilesState()
            self.memberships.pop(name, None)
            for group in self.index.groups(name):
                self.index.drop_group(group)

    def checkpoint(self) -> Checkpoint:
        """A checkpoint of this account alone; `dump_checkpoint` makes it JSON.

        Most checkpoints do not reach the loader, so only the frozen parts are collected here, and
        their JSON is made for those that do.
        """
        parts: dict[str, Any] = {
            "account": self.account_row,
            **self.resources,
            **{table: {"windows": dict(parts)} for table, parts in self.reports.items()},
            "event": dict(self.events),
            "reread": self.reread,
            "profile": self.profiles,
            **{table: dict(parts) for table, parts in self.memberships.items()},
        }
        snapshot = AccountSnapshot(
            parts=parts,
            roster=self.index.to_json(),
            unknown=self.unknown,
            report_quota=dict(self.report_quota),
            chosen={stream: list(tables) for stream, tables in self.selected_tables.items()},
            first_day=self.first_day.isoformat() if self.first_day else None,
            event_times=[format_utc(time) for time in self.event_times],
        )
        return Checkpoint({"version": VERSION, "accounts": {self.account_id: snapshot}})


@dataclass(frozen=True, kw_only=True)
class AccountSnapshot:
    """One account at a checkpoint: frozen parts, and JSON."""

    parts: dict[str, Any]
    roster: Any
    unknown: dict[str, Any]
    report_quota: dict[str, QuotaState]
    chosen: dict[str, list[str]]
    first_day: str | None
    event_times: list[str]

    def to_json(self) -> dict[str, Any]:
        """The account as version 1 of the state holds it."""
        tables = {name: _dump(part) for name, part in self.parts.items()}
        tables |= {"roster": pack(self.roster), **self.unknown}
        return {
            "tables": {name: part for name, part in tables.items() if part},
            "report_quota": _dump(self.report_quota),
            "chosen": self.chosen,
            "first_day": self.first_day,
            "event_times": self.event_times,
        }


def _dump(part: Any) -> Any:
    """The JSON of one part, or of nested dictionaries of parts."""
    if isinstance(part, dict):
        return {name: _dump(inner) for name, inner in part.items()}
    return part.json


def dump_checkpoint(checkpoint: Checkpoint) -> Checkpoint:
    """The same checkpoint with its accounts as JSON."""
    accounts = {
        account_id: account.to_json() if isinstance(account, AccountSnapshot) else account
        for account_id, account in checkpoint.state["accounts"].items()
    }
    return Checkpoint({**checkpoint.state, "accounts": accounts})


@dataclass
class State:
    """The state of every account, and the same as JSON, for accounts that are not synced.

    `filled` names the tables that were truncated since the state began.
    """

    accounts: dict[str, AccountState]
    json: dict[str, Any]
    filled: frozenset[str] = frozenset()


def parse_state(raw: Any, tables: Mapping[str, Table]) -> State:
    """The state of the last sync. Raises ConfigurationError if it is damaged or unknown."""
    if raw in (None, {}):
        raw = {"version": VERSION, "accounts": {}}
    raw = _migrate(raw)
    accounts = raw.get("accounts")
    if not isinstance(accounts, dict):
        raise ConfigurationError(f"the state is damaged: {REMEDY}")
    parsed = {id_: _parse_account(id_, account, tables) for id_, account in accounts.items()}
    filled = _parse_filled(raw, tables)
    return State(
        parsed, {"version": VERSION, "accounts": accounts, "filled": sorted(filled)}, filled
    )


def _parse_filled(raw: Any, tables: Mapping[str, Table]) -> frozenset[str]:
    """The filled tables; all of them in a state of earlier versions, which does not name them."""
    earlier = list(tables) if raw["accounts"] else []
    try:
        return msgspec.convert(raw.get("filled", earlier), frozenset[str])
    except msgspec.ValidationError:
        raise ConfigurationError(f"the state of filled is damaged: {REMEDY}") from None


def _migrate(raw: Any) -> Any:
    if not isinstance(raw, dict) or not isinstance(raw.get("version"), int):
        raise ConfigurationError(f"the state has no version: {REMEDY}")
    while raw["version"] in MIGRATIONS:
        raw = MIGRATIONS[raw["version"]](raw)
    if raw["version"] != VERSION:
        raise ConfigurationError(
            f"the state has version {raw['version']}, this connector knows {VERSION}: {REMEDY}"
        )
    return raw


def _parse_account(account_id: str, raw: Any, tables: Mapping[str, Table]) -> AccountState:
    part = "the account"
    try:
        parsed = msgspec.convert(raw, _AccountJson)
        account = AccountState(
            account_id,
            report_quota={p: _convert_quota(q) for p, q in parsed.report_quota.items()},
            selected_tables=parsed.selected_tables,
            first_day=parsed.first_day,
            event_times=parsed.event_times,
        )
        for part, value in parsed.tables.items():
            is_known = part in tables or part in PARTS_WITHOUT_TABLE
            _parse_part(account, part, unpack(value) if is_known else value, tables)
    except ValueError:  # msgspec's and zlib's errors too; any other one is a fault of ours
        raise ConfigurationError(f"the state of {part} is damaged: {REMEDY}") from None
    return account


def _parse_part(account: AccountState, name: str, raw: Any, tables: Mapping[str, Table]) -> None:
    """Parse the state of one stream into its place."""
    match name:
        case "account":
            account.account_row = msgspec.convert(raw, AccountRowState)
        case "event":
            account.events = {key: _convert_windowed(part) for key, part in raw.items()}
        case "profile":
            windowed = {"": _drop_blanks(raw[""])} if "" in raw else {}
            account.profiles = msgspec.convert({**raw, **windowed}, ProfilesState)
        case "reread":
            account.reread = msgspec.convert(raw, RereadState)
        case "roster":
            packed = msgspec.convert(raw, MembershipIndexState)
            _check_groups(tables, packed)
            account.index = MembershipIndex(packed, MAX_INDEX_LENGTH)
        case _ if name not in tables:
            account.unknown[name] = raw
        case _ if _has_people(tables[name]):
            account.memberships[name] = msgspec.convert(raw, dict[str, MembershipState])
        case _ if "windows" in raw:
            windows = msgspec.convert(raw["windows"], dict[str, Any])
            plain = {key: unpack(part) for key, part in windows.items()}
            account.reports[name] = msgspec.convert(plain, dict[str, ReportState])
            for report in account.reports[name].values():
                _check_report_keys(tables[name], report)
        case _:
            account.resources[name] = msgspec.convert(raw, ResourceState)
            _check_resource_keys(tables, account.resources[name])


def _has_people(table: Table) -> bool:
    """Whether a row says that a person belongs to a group, or is suppressed."""
    return "profile_id" in table.key


def _convert_windowed(raw: Any) -> WindowedState:
    return msgspec.convert(_drop_blanks(raw), WindowedState)


def _drop_blanks(raw: Any) -> Any:
    """The windowed state without missing times, which version 1 writes as empty text."""
    return {k: v for k, v in raw.items() if v != ""} if isinstance(raw, dict) else raw


def _check_resource_keys(tables: Mapping[str, Table], resource: ResourceState) -> None:
    if not {*resource.digests, *resource.untracked} <= tables.keys():
        raise ValueError("a table that does not exist")
    for name, digests in resource.digests.items():
        for key in digests:
            tables[name].parse_key(key)
    for details in resource.details.values():
        if not details.keys.keys() <= resource.digests.keys():
            raise ValueError("details of a table without rows")


def _check_groups(tables: Mapping[str, Table], index: MembershipIndexState) -> None:
    for name, _, *key in (*index.groups.values(), *index.untracked):
        table = tables.get(name)
        if table and _has_people(table) and len(key) != len(table.key) - 1:
            raise ValueError("a group without its key")


def _check_report_keys(table: Table, report: ReportState) -> None:
    for key, days in report.digests.items():
        table.parse_key(key, undated=True)
        for day in filter(None, days):
            date.fromisoformat(day)


def latest_watermarks(account: AccountState) -> Iterable[tuple[str, datetime]]:
    """Each watermark of an account, with the name of its stream."""
    windowed = [("event", part.low_watermark) for part in account.events.values()]
    windowed.append(("profile", account.profiles.windowed.low_watermark))
    resources = [(name, listing.watermark) for name, listing in account.resources.items()]
    memberships = [
        (name, part.watermark)
        for name, parts in account.memberships.items()
        for part in parts.values()
    ]
    for name, watermark in (*windowed, *resources, *memberships):
        if watermark is not None:
            yield name, watermark.astimezone(UTC)
