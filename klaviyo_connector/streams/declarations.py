"""The kinds of streams that `catalog.py` declares: what is requested, and which tables it fills.

Stream                 path, scope, main table, what it needs of other streams
├─ ResourceStream      a listing of records: campaigns, flows, lists, ...
├─ ScheduledStream     numbers by day, restated by a schedule
│  ├─ ReportStream       one of Klaviyo's reports
│  │  └─ PeriodStream      a report of whole periods: the last 30 days, a month
│  └─ AggregateStream    metric aggregates
├─ WindowedStream      a long listing in the order of a time: events, profiles
└─ MembershipStream    the people of lists and segments, suppressions
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Literal

from models import Table
from tables.jsonapi import Json

# Events "must be after the year 1990" (OpenAPI).
BEFORE_KLAVIYO = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A kind of request to Klaviyo, and the tables that the responses fill.

    `requires` names the streams whose records this one needs: they run first, and if the key may
    not read them, this stream is skipped too. `uses` names streams that run first if the key may
    read them. `is_optional`: a key without the scope passes the setup test, since the account may
    not have what the stream reads. `related` pairs a relationship of the records with a table that
    its resources fill.
    """

    name: str
    path: str
    scope: str
    table: Table
    requires: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    is_optional: bool = False
    related: tuple[tuple[str, Table], ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table that the stream fills, the main one first."""
        return (self.table, *(table for _, table in self.related))

    @property
    def is_refilled(self) -> bool:
        """Whether a first sync reads all rows again, so that one without a state may truncate."""
        return True


@dataclass(frozen=True, kw_only=True)
class Details:
    """A relationship that some answers of Klaviyo include in the listing, and others refuse to.

    Where it is missing, each changed record's own path is requested.
    """

    relationship: str
    path: str  # with {id}


@dataclass(frozen=True, kw_only=True)
class ResourceStream(Stream):
    """A listing of records.

    `include` names the relationships that the listing includes. `partitions` are filters, one
    listing each, that together cover every record. `cursor_field` is the time of a record's last
    change; without one every sync lists everything. `since_operator` is the comparison that Klaviyo
    offers for it. `required_attribute` is one that every record of our revision has and other
    revisions lack. `derive` adds to a complete record what columns need and no single path has.
    `parent` names the stream whose records each have a listing of their own: their ids take the
    place of `{id}` in the path or the partition, and rows find them at `owner/id`; the path may be
    the record's own. `owner/today` is the account's day. `other_paths`
    are further listings that fill the same table. `is_daily`: the listing is read once a day, since
    it is long and Klaviyo offers no filter on the last change. `is_snapshot`: each day's listing
    adds rows, and none is deleted. `extra_params` are more parameters of the query, such as
    attributes that Klaviyo leaves out unless a request names them, at a lower rate limit.
    `provides` is what later streams need of the records: the ids of metrics by name, the mapped
    revenue metric, or the day on which the account's history begins.
    """

    include: tuple[str, ...] = ()
    page_size: int | None = None  # None: the endpoint accepts no page size
    partitions: tuple[str, ...] = ("",)
    cursor_field: str | None = None
    since_operator: str = "greater-or-equal"
    details: Details | None = None
    required_attribute: str | None = None
    derive: Callable[[Json], Json] | None = None
    parent: str | None = None
    other_paths: tuple[str, ...] = ()
    is_daily: bool = False
    is_snapshot: bool = False
    extra_params: Mapping[str, str] = field(default_factory=dict)
    provides: Literal["metrics", "revenue metric", "first day"] | None = None

    @property
    def is_refilled(self) -> bool:
        """What other days showed is not read again."""
        return not self.is_snapshot

    @property
    def params(self) -> dict[str, str]:
        """The query of every request, without its filter."""
        params = {
            "include": ",".join(self.include),
            "page[size]": str(self.page_size or ""),
            "sort": self.cursor_field or "",
            **self.extra_params,
        }
        return {name: value for name, value in params.items() if value}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How often days of the past are requested again, since Klaviyo restates them.

    first day              today - daily_lookback      today - lookback   today
    |---- full refresh: rarely ----|-------- once a day --------|-- every sync --|

    `full_refresh_every` is in days; None: never, 0: once. One request covers `window_days`, and
    neighbouring windows share `overlap_days`, so that one of them has all days of a send.
    """

    window_days: int
    lookback_days: int
    daily_lookback_days: int
    full_refresh_every: int | None
    overlap_days: int = 0


@dataclass(frozen=True, kw_only=True)
class ScheduledStream(Stream):
    """Numbers by day. Klaviyo has none before `earliest`, and keeps most for a year."""

    schedule: Schedule
    earliest: date = date(2000, 1, 1)

    @property
    def is_refilled(self) -> bool:
        """Klaviyo keeps most numbers for a year, so older ones are not read again."""
        return False


# What a report's rows have of the request, or of the position in a series.
OF_REQUEST = frozenset(("conversion_metric_id", "date", "period_kind", "period_start"))


@dataclass(frozen=True, kw_only=True)
class ReportStream(ScheduledStream):
    """One reporting endpoint: numbers by send date in the account's time zone.

    Klaviyo answers 225 of them a day. `snapshots` is a table that keeps each day's changed rows.
    """

    report_type: str
    statistics: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    snapshots: Table | None = None
    has_conversions: bool = True  # requested once per conversion metric

    @property
    def tables(self) -> tuple[Table, ...]:
        """The report's table and that of its snapshots."""
        return (self.table,) if self.snapshots is None else (self.table, self.snapshots)

    @property
    def key_fields(self) -> tuple[str, ...]:
        """The columns of the table's key that separate the results of one response."""
        return tuple(name for name in self.table.key if name not in OF_REQUEST)

    @property
    def required_groupings(self) -> tuple[str, ...]:
        """Those that every result has: only the variation is null, where nothing is tested."""
        return tuple(name for name in self.key_fields if name != "variation")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names that the results are grouped by, so that rows have them, and no key holds."""
        return tuple(name for name in self.group_by if name not in self.table.key)

    @property
    def is_daily(self) -> bool:
        """Whether the response is a series with one value per day."""
        return "date" in self.table.key


@dataclass(frozen=True, kw_only=True)
class PeriodStream(ReportStream):
    """A report of whole periods: Klaviyo counts a person once in each, so days do not add up.

    `rolling_days` names the periods that end today, with their length; every calendar month is one
    more period. Once a day the rolling ones are requested, and the months that ended within
    `schedule.lookback_days`; every other month after `schedule.full_refresh_every` days, at most
    `months_per_day` of them a day.
    """

    rolling_days: Mapping[str, int]
    months_per_day: int


@dataclass(frozen=True, kw_only=True)
class AggregateStream(ScheduledStream):
    """Counts of one metric's events by event date, for each value of some dimensions.

    `metrics` are names; if empty, the conversion metrics. `dimensions` maps Klaviyo's dimension
    to the table's column. The counts differ from Klaviyo's screens, which count by send date,
    but show when people acted.
    """

    metrics: tuple[str, ...] = ()
    dimensions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class WindowedStream(Stream):
    """A long listing in the order of a time, read by windows of that time.

    `params_by_table` are more parameters, each for a word of the setting `tables` that is chosen.
    `page_sizes` go from the largest to one record. Every sync reads the last `lookback` again, and
    one sync a day the last `daily_lookback`. `has_inclusive_filter` is False if Klaviyo offers only
    greater-than for the time. `condition` is a filter that selects a part of the listing, and
    `state_key` names that part in the state.
    """

    cursor_field: str
    page_sizes: tuple[int, ...]
    params: Mapping[str, str] = field(default_factory=dict)
    params_by_table: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lookback: timedelta = timedelta(hours=2)
    daily_lookback: timedelta = timedelta(days=7)
    has_inclusive_filter: bool = True
    condition: str = ""
    state_key: str = ""

    def params_for(self, tables: Collection[str]) -> dict[str, str]:
        """The parameters of every request, beside those of its window."""
        params = dict(self.params)
        for name, more in self.params_by_table.items():
            params |= more if name in tables else {}
        return params


GROUP_ID = ("group_id",)  # in place of a path: the list or segment of which people are read


@dataclass(frozen=True, kw_only=True)
class MemberListing:
    """One listing of people in the order of `cursor_field`, the time at which they joined.

    `entries` is the path to several such times in one document; each of them makes a row.
    """

    name: str
    path: str
    params: Mapping[str, str]
    cursor_field: str = "joined_group_at"
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MembershipStream(Stream):
    """The people of each list or segment, or of fixed `listings`.

    Without fixed listings there is one per row of the required stream's table, so that table is
    synced too. `joined_column` has the time at which a person joined. `group_path` is the path of a
    group's own record, which says whether Klaviyo is still computing its people.
    """

    joined_column: str = "joined_group_at"
    group_path: str = ""
    listings: tuple[MemberListing, ...] = ()

    @cached_property
    def page_table(self) -> Table:
        """The table without the column of the list or segment, which a page of people lacks."""
        columns = {
            name: column for name, column in self.table.columns.items() if column.path != GROUP_ID
        }
        key = tuple(name for name in self.table.key if name in columns)
        return replace(self.table, key=key, columns=columns)
