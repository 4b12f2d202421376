"""What every stream knows about the account that is synced."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from zoneinfo import ZoneInfo

from api import ConfigurationError
from configuration import Configuration, quote
from models import Table
from session import KlaviyoSession
from state.state import AccountState
from streams.declarations import ResourceStream, Stream
from streams.metric_names import find_near_names, find_runs
from streams.registry import dependents
from tables.converters import format_utc, to_string, to_utc_datetime
from tables.jsonapi import Json, get_path


@dataclass(eq=False)
class Scopes:
    """The scopes that the key has and lacks, as responses have shown so far."""

    granted: set[str] = field(default_factory=set)
    missing: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # to tables

    def skips(self, table: Table) -> bool:
        """Whether a table is skipped because the key lacks a scope."""
        return any(table.name in names for names in self.missing.values())


@dataclass(eq=False)
class AccountContext:
    """One account during one sync: who it is, what is chosen, what its metadata says."""

    session: KlaviyoSession
    settings: Configuration
    state: AccountState
    document: Json  # the account as Klaviyo returns it
    sync_id: str
    now: datetime  # Klaviyo's time at the beginning of the sync
    scopes: Scopes = field(default_factory=Scopes)
    metrics: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # name to ids
    integrations: dict[str, str] = field(default_factory=dict)  # id of a metric to its source
    listed: set[str] = field(default_factory=set)  # streams whose records this sync has read
    can_refill: bool = False  # the loader can delete the rows of a table that a sync does not write
    revenue_metric: str | None = None
    revenue_is_custom: bool = False  # revenue is mapped to a metric computed from others
    revenue_parts: frozenset[str] = frozenset()  # the ids of those others

    @property
    def id(self) -> str:
        """Klaviyo's id of the account, the first column of every key."""
        return self.state.account_id

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which Klaviyo reports this account's days."""
        return ZoneInfo(self.document["attributes"]["timezone"])

    @property
    def units(self) -> tuple[str, ...]:
        """The units in which Klaviyo reports this account's results: time zone and currency."""
        attributes = self.document["attributes"]
        return attributes["timezone"], to_string(attributes.get("preferred_currency")) or ""

    @cached_property
    def today(self) -> date:
        """The account's calendar day."""
        return self.now.astimezone(self.zone).date()

    @property
    def first_day(self) -> date:
        """The first day that can have results: that of the oldest record, or `start_date`."""
        oldest = self.state.first_day or self.today
        return max(oldest, self.settings.start_date or oldest)

    def start_of_day(self, day: date) -> datetime:
        """The instant at which a day of the account begins."""
        return datetime.combine(day, time(), self.zone)

    def clamp_to_now(self, watermark: datetime) -> datetime:
        """A time from the state, never ahead of Klaviyo's clock."""
        return min(watermark, self.now)

    def wants(self, *tables: Table) -> bool:
        """Whether the user chose any of these tables."""
        return any(table.name in self.settings.tables for table in tables)

    def skip(self, scope: str, tables: Iterable[Table]) -> None:
        """Record that the key lacks a scope, and which chosen tables are skipped."""
        self.scopes.missing[scope].update(table.name for table in tables if self.wants(table))

    def skip_stream(self, stream: Stream) -> None:
        """Record that a stream's scope is missing; the streams that require it are skipped too."""
        for skipped in (stream, *dependents(stream)):
            self.skip(stream.scope, skipped.tables)

    def record_selected_tables(self, stream_name: str, tables: Iterable[str]) -> bool:
        """Record the tables that a stream fills; return whether it starts over.

        It does if it did not fill one of them last time: a table that is chosen later gets its
        history this way.
        """
        selected = tuple(name for name in tables if name in self.settings.tables)
        previous = self.state.selected_tables.get(stream_name, selected)
        self.state.selected_tables = {**self.state.selected_tables, stream_name: selected}
        return not set(selected) <= set(previous)

    def collect_metadata(self, stream: ResourceStream, document: Json) -> None:
        """Keep of a listed record what the stream provides to later ones."""
        match stream.provides:
            case "metrics":
                self._collect_metric(document)
            case "revenue metric":
                self._collect_revenue_metric(document)
            case "first day":
                self._widen_history(document)

    def _collect_metric(self, document: Json) -> None:
        ids = self.metrics[str(get_path(document, ("attributes", "name")))]
        ids += {str(document.get("id"))} - set(ids)
        integration = get_path(document, ("attributes", "integration", "name"))
        self.integrations[str(document.get("id"))] = str(integration or "")

    def _collect_revenue_metric(self, document: Json) -> None:
        if document.get("id") != "revenue":
            return
        self.revenue_metric = get_path(document, ("related", "metric", "id"))
        custom = get_path(document, ("related", "custom-metric"))
        self.revenue_is_custom = get_path(custom, ("id",)) is not None
        groups = get_path(custom, ("attributes", "definition", "metric_groups"))
        parts = groups if isinstance(groups, list) else []
        self.revenue_parts = frozenset(str(get_path(part, ("metric_id",))) for part in parts)

    def _widen_history(self, document: Json) -> None:
        """Move `first_day` back to the day on which a record was created, in the account's zone."""
        for name in ("created_at", "created"):
            created = to_utc_datetime(get_path(document, ("attributes", name)))
            if created is not None:
                day = datetime.fromisoformat(created).astimezone(self.zone).date()
                self.state.first_day = min(day, self.state.first_day or day)
                return

    def find_metrics(self, setting: str) -> tuple[dict[str, str], list[ConfigurationError]]:
        """The metrics that a setting names, by name or id: id to the name that the setting has.

        Each name without a metric is an error; the others are returned.
        """
        found: dict[str, str] = {}
        unknown: dict[str, None] = {}
        for name, ids in find_runs(getattr(self.settings, setting), self.metrics):
            found |= {id_: found.get(id_, name) for id_ in ids}
            unknown |= {} if ids else {name: None}
        return found, [self._unknown_metric(setting, name) for name in unknown]

    def _unknown_metric(self, setting: str, name: str) -> ConfigurationError:
        if "metric" not in self.listed:
            reason = f"cannot look up the metric {quote(name)}, as the metrics could not be listed"
        else:
            reason = f"the account has no metric {quote(name)}"
        near = " or ".join(map(quote, find_near_names(name, self.metrics)))
        reason += f"; did you mean {near}?" if near else ";"
        remedy = "Klaviyo lists names under Analytics > Metrics, and the table metric has the ids"
        return ConfigurationError(f"{setting}: {reason} {remedy}")

    @cached_property
    def formatted_now(self) -> str:
        """`now` as rows hold it."""
        return format_utc(self.now)
