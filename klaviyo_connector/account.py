"""One account during one sync: what is known of it, what was written, what is remembered."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from api import ConfigurationError, ContractError
from asking import Asking
from configuration import Configuration, quoted
from models import (
    Checkpoint,
    Delete,
    Json,
    Operation,
    Row,
    State,
    Table,
    UnstorableError,
    Upsert,
    Warning,
    dig,
    digest,
)
from roster import Roster
from streams import SYNC_ERROR, SYNC_REPORT
from values import day, text, written

log = logging.getLogger("klaviyo")
VERSION = 1
FEW_REFUSED = 10  # records of a table that cannot be stored do not yet fail a sync
SECONDS_BETWEEN_NEWS = 5
REMEDY = "restore the state or reset the connection, which syncs everything again"
DAY = 86_400.0  # seconds; a daily quota opens again within one
ROSTER, MOST_ROSTER = "roster", 5_000_000  # characters; Fivetran documents 10 MB for all state
OUR_SHARE = 200  # of 225 reports a day and endpoint; the rest is for the account's other tools


def read_state(state: Any) -> State:
    """The state of the last sync, or a ConfigurationError where it is none of ours."""
    if state in (None, {}):
        return {"version": VERSION, "accounts": {}}
    if not isinstance(state, dict) or not isinstance(state.get("version"), int):
        raise ConfigurationError(f"the state has no version: {REMEDY}")
    if state["version"] != VERSION:
        raise ConfigurationError(
            f"the state has version {state['version']}, this connector knows {VERSION}: {REMEDY}"
        )
    accounts = state.get("accounts")
    if not isinstance(accounts, dict) or not all(map(_well_formed, accounts.values())):
        raise ConfigurationError(f"the state is damaged: {REMEDY}")
    return {"version": VERSION, "accounts": accounts}


def _well_formed(remembered: Any) -> bool:
    tables = remembered.get("tables") if isinstance(remembered, dict) else None
    quota = remembered.get("report_quota", {}) if isinstance(remembered, dict) else None
    return (
        isinstance(tables, dict)
        and isinstance(quota, dict)
        and all(isinstance(table, dict) for table in tables.values())
    )


def no_metric(setting: str, name: str) -> ConfigurationError:
    """A metric that the user chose is not there."""
    return ConfigurationError(
        f"{setting}: the account has no metric {quoted(name)}; Klaviyo lists them under Analytics >"
        " Metrics"
    )


@contextmanager
def recalling(table: str) -> Iterator[None]:
    """Whatever cannot be recalled of a table's memory is damage, and said so before any harm."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, KeyError):
        raise ConfigurationError(f"the state of {table} is damaged: {REMEDY}") from None


@dataclass
class Memory:
    """What one account remembers between syncs. Values handed out are replaced, never changed."""

    account_id: str
    known: Json = field(repr=False)  # by the last sync

    def __post_init__(self) -> None:
        self.tables: dict[str, Any] = dict(self.known.get("tables", {}))
        self.quota: dict[str, Any] = dict(self.known.get("report_quota", {}))
        with recalling("the account"):
            first_day = self.known.get("first_day")
            self.first_day = first_day and date.fromisoformat(first_day).isoformat()
            self.chosen: dict[str, list[str]] = dict(self.known.get("chosen", {}))  # by part
            self.event_times = [str(time) for time in self.known.get("event_times", [])]

    def of(self, table: str) -> Json:
        """What the state holds of a table; nothing before its first sync."""
        return self.tables.get(table, {})

    def remember(self, table: str, parts: Json) -> None:
        """Put these parts of what is known of a table in place of their older ones."""
        self.tables[table] = {**self.of(table), **parts}

    def note_event(self, time: str) -> None:
        """Widen the span of event times written since the last `sync_report`."""
        span = self.event_times
        if not span or not span[0] <= time <= span[-1]:
            self.event_times = [min([*span, time]), max([*span, time])]

    def checkpoint(self) -> Checkpoint:
        """Everything of this account up to now."""
        mine = {
            "tables": dict(self.tables),
            "report_quota": dict(self.quota),
            "chosen": self.chosen,
            "first_day": self.first_day,
            "event_times": self.event_times,
        }
        return Checkpoint({"version": VERSION, "accounts": {self.account_id: mine}})


@dataclass
class Account:
    """What every part of the sync needs of the account it works for."""

    asking: Asking
    settings: Configuration
    memory: Memory
    document: Json
    sync_id: str
    now: datetime
    sharing: int  # so many accounts share the state, those included whose key was taken out
    metrics: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # name to ids
    revenue_metric: str | None = None
    revenue_is_custom: bool = False  # mapped to a metric that is made of others
    skipped: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by scope
    answered: set[str] = field(default_factory=set)  # scopes
    written: Counter[str] = field(default_factory=Counter)
    deleted: Counter[str] = field(default_factory=Counter)
    offered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unfit: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    costs: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    told_at: float = field(default_factory=monotonic)

    @property
    def id(self) -> str:
        """Klaviyo's id of the account, which begins every key."""
        return self.memory.account_id

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which Klaviyo reports this account's days."""
        return ZoneInfo(self.document["attributes"]["timezone"])

    @cached_property
    def roster(self) -> Roster:
        """Who stands in the tables of people."""
        with recalling(ROSTER):
            return Roster(self.memory.of(ROSTER), MOST_ROSTER // self.sharing)

    @cached_property
    def written_now(self) -> str:
        """Klaviyo's time at the beginning of this sync, as rows hold it."""
        return written(self.now)

    @cached_property
    def today(self) -> date:
        """The account's calendar day."""
        return self.now.astimezone(self.zone).date()

    @property
    def first_day(self) -> date:
        """The first day that can hold results: of the oldest that has any, or `start_date`."""
        oldest = date.fromisoformat(self.memory.first_day or self.today.isoformat())
        return max(oldest, self.settings.start_date or oldest)

    def midnight(self, day_: date) -> datetime:
        """The instant at which a day of the account begins."""
        return datetime.combine(day_, time(), self.zone)

    def back(self, watermark: str) -> datetime:
        """A remembered time, never ahead of Klaviyo's clock."""
        return min(datetime.fromisoformat(watermark), self.now)

    def learn(self, kind: str, document: Json) -> None:
        """Take from a listed document what later questions need."""
        if kind == "metric":
            name = dig(document, ("attributes", "name"))
            self.metrics[str(name)].append(str(document.get("id")))
        elif kind == "mapped_metric" and document.get("id") == "revenue":
            self.revenue_metric = dig(document, ("related", "metric", "id"))
            self.revenue_is_custom = dig(document, ("related", "custom-metric", "id")) is not None
        elif kind in ("campaign", "flow", "form", "segment"):
            times = (dig(document, ("attributes", name)) for name in ("created_at", "created"))
            created = next(filter(None, map(day, times)), None)
            self.memory.first_day = min(
                filter(None, (created, self.memory.first_day)), default=None
            )

    def remember_people(self) -> None:
        """Put who stands in the tables of people into memory."""
        self.memory.tables[ROSTER] = self.roster.memory

    def skip(self, scope: str, *tables: Table) -> None:
        """Note tables that the key's scopes do not allow."""
        self.skipped[scope].update(table.name for table in tables if self.wants(table))

    def skips(self, table: Table) -> bool:
        """Whether a table was left out because a scope is missing."""
        return any(table.name in names for names in self.skipped.values())

    def quota_left(self, path: str) -> int:
        """How many reports this connector may still ask of an endpoint today."""
        quota = self.memory.quota.get(path, {})
        if quota.get("closed_until", "") > self.written_now:
            return 0
        return OUR_SHARE - (quota["used"] if quota.get("day") == self.today.isoformat() else 0)

    def count_quota(self, path: str, asked: int) -> None:
        """Book the reports asked of an endpoint today."""
        quota = self.memory.quota.get(path, {})
        day_ = self.today.isoformat()
        used = quota.get("used", 0) if quota.get("day") == day_ else 0
        self.memory.quota[path] = {**quota, "day": day_, "used": used + asked}

    def close_quota(self, path: str, seconds: float) -> None:
        """Ask no more of an endpoint until Klaviyo allows it again."""
        until = written(self.now + timedelta(seconds=min(seconds, DAY)))
        self.memory.quota[path] = {**self.memory.quota.get(path, {}), "closed_until": until}

    @property
    def seconds_to_midnight(self) -> float:
        """Seconds until the account's day ends."""
        return (self.midnight(self.today + timedelta(days=1)) - self.now).total_seconds()

    def begin(self, part: str, tables: Iterable[str], *kept: str) -> None:
        """Let a part begin anew if it now fills a table that it did not fill the last time.

        How far it was read is forgotten then, but not what is `kept`.
        """
        memory, chosen = self.memory, [name for name in tables if name in self.settings.tables]
        with recalling(part):
            if not set(chosen) <= set(memory.chosen.get(part, chosen)):
                known = memory.of(part)
                memory.tables[part] = {name: known[name] for name in kept if name in known}
        memory.chosen = {**memory.chosen, part: chosen}

    def wants(self, *tables: Table) -> bool:
        """Whether the user chose any of these tables."""
        return any(table.name in self.settings.tables for table in tables)

    def store(
        self, table: Table, source: Json, news: Callable[[Any], bool] = lambda _: True
    ) -> Iterator[Operation]:
        """Write the row of one document if it is news, or note that it cannot be stored."""
        self.offered[table.name] += 1
        try:
            row = table.row(self.id, source, self.unfit[table.name])
        except UnstorableError as error:
            yield self._refusal(table, source, str(error))
            return
        if news(row):
            self.written[table.name] += 1
            row["synced_at"] = self.written_now
            yield Upsert(table.name, row)

    def delete(self, table: Table, row: Row) -> Delete:
        """Delete the row of which these are at least the key's columns."""
        self.deleted[table.name] += 1
        return Delete(
            table.name, {"account_id": self.id, **{name: row[name] for name in table.key}}
        )

    def _refusal(self, table: Table, source: Json, reason: str) -> Upsert:
        """A row of `sync_error`: which record, and why; nothing of its content."""
        self.refused[table.name] += 1
        record = text(source.get("id")) if isinstance(source, dict) else None
        mark = digest({"table": table.name, "record": record or str(self.refused[table.name])})
        error = {
            "id": mark,
            "sync_id": self.sync_id,
            "table_name": table.name,
            "record_id": record,
            "reason": reason,
        }
        row = SYNC_ERROR.row(self.id, error)
        return Upsert(SYNC_ERROR.name, {**row, "synced_at": self.written_now})

    def check_refusals(self) -> None:
        """A few records that cannot be stored are accidents; many are another contract."""
        for name, refused in self.refused.items():
            if refused > FEW_REFUSED and refused > self.offered[name] / 100:
                raise ContractError(
                    f"{name}: {refused:,} of {self.offered[name]:,} records cannot be stored;"
                    " sync_error names them. Klaviyo's answers may have changed: update the"
                    " connector"
                )

    def unfit_warnings(self) -> Iterator[Operation]:
        """One warning for each table with values of another type than their column."""
        for name, columns in self.unfit.items():
            if columns:
                counts = ", ".join(f"{column} {count:,}" for column, count in columns.items())
                yield Warning(
                    f"{name}: values of another type than their column were left out, among"
                    f" {self.offered[name]:,} records: {counts}; see in Klaviyo what changed"
                )

    @contextmanager
    def charging(self, table: Table) -> Iterator[None]:
        """Book what is asked and waited meanwhile to a table."""
        before = self._spent()
        try:
            yield
        finally:
            self.costs[table.name].update(self._spent() - before)

    def _spent(self) -> Counter[str]:
        """Requests, throttled answers and milliseconds waited so far."""
        asking = self.asking
        waited = round(asking.waited * 1000)
        return Counter(requests=asking.requests, throttled=asking.throttled, waited=waited)

    def tell(self, doing: str) -> None:
        """Log what is being done, at most once in a few seconds."""
        if monotonic() - self.told_at >= SECONDS_BETWEEN_NEWS:
            self.told_at = monotonic()
            rows = self.written.total()
            log.info("%s (%s rows, %s requests so far)", doing, f"{rows:,}", self.asking.requests)

    def _worked_on(self) -> list[str]:
        """The tables that were asked for or written."""
        return sorted({*self.written, *self.deleted, *self.refused, *self.costs})

    def summary(self) -> Iterator[str]:
        """What this sync did, a line for each table and one for all."""
        for name in self._worked_on():
            cost = self.costs[name]
            yield (
                f"{name:<27}{self.written[name]:>9,} rows {self.deleted[name]:>6,} deleted"
                f" {self.refused[name]:>4,} refused {cost['requests']:>5,} requests"
                f" {cost['waited'] / 1000:>7.1f} s waited"
            )
        asking = self.asking
        yield (
            f"account {self.id}: {self.written.total():,} rows, {asking.requests:,} requests,"
            f" {asking.throttled:,} throttled, {asking.waited:.1f} s waited for limits"
        )

    def report(self) -> Iterator[Operation]:
        """One row of `sync_report` for each table that was asked for or written."""
        for name in self._worked_on():
            cost = self.costs[name]
            times = self.memory.event_times if name == "event" else []
            yield from self.store(
                SYNC_REPORT,
                {
                    "sync_id": self.sync_id,
                    "table_name": name,
                    "started_at": self.written_now,
                    "rows_written": self.written[name],
                    "rows_deleted": self.deleted[name],
                    "rows_refused": self.refused[name],
                    "requests": cost["requests"],
                    "throttled": cost["throttled"],
                    "seconds_waited": cost["waited"] / 1000,
                    "min_event_at": min(times, default=None),
                    "max_event_at": max(times, default=None),
                },
            )
        if "event" in self._worked_on():
            self.memory.event_times = []
