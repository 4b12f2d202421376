"""What the doctor asks Klaviyo: every request of an examination. All of them only read.

A report endpoint allows 2 requests a minute and 225 a day, so each is asked at most twice.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from scripts.doctor.answers import UndeterminableError, read, require_value
from state.state import DayRange
from streams import catalog, registry
from streams.declarations import AggregateStream, MemberListing, ReportStream, ResourceStream
from streams.report_schedule import aggregate_bounds
from tables.converters import format_utc, to_utc_datetime
from tables.jsonapi import Json

Query = Mapping[str, str]
DAY = timedelta(days=1)
LONG_AGO = "2000-01-01T00:00:00Z"
UNKNOWN_LIST = "NOPE01"  # has the form of an id; recorded live on 2026-09-04 with status 404
AGGREGATE_DAYS = 30
MOST_IDS = 100  # in one filter
MONEY = ("conversion_value", "average_order_value", "revenue_per_recipient", "text_message_roi")


class Account(Protocol):
    """What a question may use to be asked: the account, and the answers so far."""

    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone."""
        ...

    def records(self, question: "Question") -> list[Json]:
        """The records of the answer to a question; UndeterminableError if there are none."""
        ...

    def metric_id(self, name: str) -> str:
        """The id of the first metric of this name; UndeterminableError if there is none."""
        ...

    def conversion_metric_id(self) -> str:
        """The id of the account's revenue metric, else of any metric."""
        ...


@dataclass(frozen=True)
class Call:
    """One request. With a body it is the POST of a report or an aggregate."""

    path: str
    query: Query = field(default_factory=dict)
    body: Json = None


@dataclass(frozen=True, eq=False)
class Question:
    """A request with the title that the progress shows. `build` may use earlier answers.

    It raises UndeterminableError where the account has nothing to ask about. `table` is one that
    only some connections sync; without it the question is left out.
    """

    title: str
    build: Callable[[Account], Call]
    table: str = ""

    def is_asked(self, tables: Collection[str]) -> bool:
        """Whether a connection that syncs these tables relies on the answer."""
        return not self.table or self.table in tables


def _get(title: str, path: str, query: Query, table: str = "") -> Question:
    return Question(title, lambda _: Call(path, query), table)


def _list(stream: ResourceStream) -> Question:
    """The first page of a listing as the connector requests it, of its last partition.

    That one has a filter, if any has: archived campaigns and flows, hidden images.
    """
    conditions = [stream.partitions[-1]] if stream.partitions[-1] else []
    if stream.cursor_field:
        conditions.append(f"{stream.since_operator}({stream.cursor_field},{LONG_AGO})")
    query = stream.params | ({"filter": ",".join(conditions)} if conditions else {})
    table = "" if stream.table.reporting else stream.table.name
    return _get(f"the connector's listing of {stream.name}", stream.path, query, table)


# ---------------------------------------------------------------- listings

ACCOUNT = _get("the account", catalog.ACCOUNTS.path, {})
LISTINGS = {
    stream.name: _list(stream)
    for stream in registry.STREAMS
    if isinstance(stream, ResourceStream) and stream.parent is None
}
METRICS, MAPPED_METRICS, CUSTOM_METRICS, LISTS, TAG_GROUPS, ARCHIVED_CAMPAIGNS, ARCHIVED_FLOWS = (
    LISTINGS[name]
    for name in (
        "metric",
        "mapped_metric",
        "custom_metric",
        "list",
        "tag_group",
        "campaign",
        "flow",
    )
)
CAMPAIGNS, FLOWS = (
    _get(f"{stream.name}s, no filter", stream.path, stream.params)
    for stream in (catalog.CAMPAIGNS, catalog.FLOWS)
)
MESSAGES = _get(
    "newest campaign messages, with variations",
    catalog.CAMPAIGN_MESSAGES.path,
    {"page[size]": "100", "sort": "-updated", "include": "campaign,campaign-variations"},
)
LOST_CURSOR = _get("an unknown cursor", catalog.TAGS.path, {"page[cursor]": "forgotten"})
UNKNOWN_MEMBERS = _get("an unknown list", catalog.LIST_MEMBERS.path.format(id=UNKNOWN_LIST), {})


def read_id(record: Json) -> str:
    """The id of a record."""
    return require_value(record, ("id",), str)


def _count_people(account: Account) -> Call:
    id_ = read_id(account.records(LISTS)[-1])
    return Call(f"{catalog.LISTS.path}/{id_}", {"additional-fields[list]": "profile_count"})


LIST_COUNT = Question("a list with its number of people", _count_people)

# ---------------------------------------------------------------- people

_PROFILES = catalog.PROFILES.path


def _list_members(account: Account) -> Call:
    query = {
        "fields[profile]": "joined_group_at",
        "sort": "joined_group_at",
        "page[size]": "100",
        "filter": f"greater-or-equal(joined_group_at,{LONG_AGO})",
    }
    id_ = read_id(account.records(LISTS)[-1])
    return Call(catalog.LIST_MEMBERS.path.format(id=id_), query)


def _list_suppressed(listing: MemberListing) -> Question:
    query = {
        **listing.params,
        "sort": listing.cursor_field,
        "page[size]": "100",
        "filter": f"greater-or-equal({listing.cursor_field},{LONG_AGO})",
    }
    return _get(f"people suppressed ({listing.name})", listing.path, query)


def _list_profiles_from_the_middle(account: Account) -> Call:
    since = find_middle(account.records(CONSENTS))
    query = {"sort": "created", "page[size]": "100", "filter": f"greater-than(created,{since})"}
    return Call(_PROFILES, query)


def find_middle(profiles: Sequence[Json]) -> str:
    """The time after which half of these people were created; UndeterminableError without any."""
    path = ("attributes", "created")
    times = [to_utc_datetime(read(profile, path, str)) for profile in profiles]
    created = sorted(filter(None, times))
    if not created:
        raise UndeterminableError("the account shows no person with a time of creation")
    return format_utc(datetime.fromisoformat(created[len(created) // 2]))


LIST_MEMBERS = Question("people of a list", _list_members)
SUPPRESSED, SUPPRESSED_IN_LISTS = map(_list_suppressed, catalog.PROFILE_SUPPRESSIONS.listings)
LATER_PROFILES = Question("profiles created since a time", _list_profiles_from_the_middle)
CONSENTS = _get(
    "profiles with consent",
    _PROFILES,
    {
        **catalog.PROFILES.params,
        "page[size]": "100",
        "sort": "updated",
        "filter": f"greater-than(updated,{LONG_AGO})",
    },
)
PREDICTIONS = _get(
    "profiles with predictions",
    _PROFILES,
    {"additional-fields[profile]": f"subscriptions,{catalog.PREDICTIONS}", "page[size]": "20"},
)

# ---------------------------------------------------------------- events

_EVENTS = catalog.EVENTS.path
_NEWEST = {"page[size]": "1000", "sort": "-datetime"}
EVENTS = _get("1000 events", _EVENTS, _NEWEST)


def _list_future_events(account: Account) -> Call:
    tomorrow = format_utc(account.now + DAY)
    return Call(_EVENTS, {**_NEWEST, "filter": f"greater-or-equal(datetime,{tomorrow})"})


def _list_received_emails(account: Account) -> Call:
    metric_id = account.metric_id("Received Email")
    return Call(_EVENTS, {**_NEWEST, "filter": f'equals(metric_id,"{metric_id}")'})


def _list_credited_events(account: Account) -> Call:
    condition = f'equals(metric_id,"{account.conversion_metric_id()}")'
    return Call(_EVENTS, {**_NEWEST, "filter": condition, "include": "attributions"})


def _list_people_of_events(account: Account) -> Call:
    path = ("relationships", "profile", "data", "id")
    ids = dict.fromkeys(read(event, path, str) for event in account.records(EVENTS))
    chosen = ",".join(f'"{id_}"' for id_ in [id_ for id_ in ids if id_][:MOST_IDS])
    return Call(_PROFILES, {"page[size]": "100", "filter": f"any(id,[{chosen}])"})


FUTURE_EVENTS = Question("events of tomorrow", _list_future_events)
RECEIVED_EMAILS = Question("received e-mails", _list_received_emails)
CREDITED_EVENTS = Question("conversions with their credits", _list_credited_events)
PEOPLE_OF_EVENTS = Question("people of the events", _list_people_of_events)

# ---------------------------------------------------------------- reports and aggregates


def _ask_report(
    title: str,
    stream: ReportStream,
    *,
    days: int,
    without: tuple[str, ...] = (),
    timeframe: Query | None = None,
) -> Question:
    """A report as the connector requests it, of whole days up to the day before yesterday."""

    def build(account: Account) -> Call:
        today = account.now.astimezone(account.zone).date()
        start, end = today - (days + 1) * DAY, today - 2 * DAY
        span = {"start": f"{start}T00:00:00+00:00", "end": f"{end}T23:59:59+00:00"}
        attributes: Json = {
            "statistics": [name for name in stream.statistics if name not in without],
            "timeframe": timeframe or span,
        }
        if stream.has_conversions:
            attributes["conversion_metric_id"] = account.conversion_metric_id()
        if stream.group_by:
            attributes["group_by"] = [name for name in stream.group_by if name not in without]
        if stream.is_daily:
            attributes["interval"] = "daily"
        return Call(stream.path, body={"type": stream.report_type, "attributes": attributes})

    return Question(f"report: {title}", build)


CAMPAIGN_REPORT = _ask_report(
    "campaigns of a year, no money", catalog.CAMPAIGN_VALUES, days=365, without=MONEY
)
CAMPAIGN_TOTALS = _ask_report(
    "campaigns of a year, no variations",
    catalog.CAMPAIGN_VALUES,
    days=365,
    without=("variation", "variation_name"),
)
FLOW_REPORT = _ask_report("flows of 30 days", catalog.FLOW_VALUES, days=30, without=MONEY)
FLOW_DAYS = _ask_report("flows by day, 30 days", catalog.FLOW_SERIES, days=30, without=MONEY)
SEGMENT_DAYS = _ask_report("segments by day", catalog.SEGMENT_SERIES, days=30)
# By a name in place of dates, which the other reports have.
_LAST_7_DAYS: Query = {"key": "last_7_days"}
FORM_WEEK = _ask_report(
    "forms by day, last_7_days", catalog.FORM_SERIES, days=7, timeframe=_LAST_7_DAYS
)
FORM_VERSION_WEEK = _ask_report(
    "versions of forms by day, last_7_days",
    catalog.FORM_VERSION_SERIES,
    days=7,
    timeframe=_LAST_7_DAYS,
)
REPORTS = (
    CAMPAIGN_REPORT,
    CAMPAIGN_TOTALS,
    FLOW_REPORT,
    FLOW_DAYS,
    FORM_VERSION_WEEK,
    SEGMENT_DAYS,
    FORM_WEEK,
)


def _ask_aggregate(title: str, stream: AggregateStream, zone: str = "") -> Question:
    """An aggregate of the days of the daily reports; `zone` is the account's by default."""

    def build(account: Account) -> Call:
        today = account.now.astimezone(account.zone).date()
        days = DayRange(today - (AGGREGATE_DAYS + 1) * DAY, today - 2 * DAY)
        counted_in = ZoneInfo(zone) if zone else account.zone
        name = next(iter(stream.metrics), None)
        attributes = {
            "metric_id": account.metric_id(name) if name else account.conversion_metric_id(),
            "measurements": ["count", "unique", "sum_value"],
            "interval": "day",
            "by": list(stream.dimensions),
            "timezone": counted_in.key,
            "filter": aggregate_bounds(days, counted_in),
        }
        return Call(stream.path, body={"type": "metric-aggregate", "attributes": attributes})

    return Question(f"aggregate: {title}", build)


MESSAGE_DAYS = _ask_aggregate("e-mails by message, account's days", catalog.MESSAGE_AGGREGATES)
MESSAGE_UTC_DAYS = _ask_aggregate(
    "e-mails by message, UTC days", catalog.MESSAGE_AGGREGATES, zone="UTC"
)
CONVERSION_DAYS = _ask_aggregate("conversions by message", catalog.CONVERSION_AGGREGATES)
PROVIDER_DAYS = _ask_aggregate("e-mails by mailbox provider", catalog.PROVIDER_AGGREGATES)
AGGREGATES = (MESSAGE_DAYS, MESSAGE_UTC_DAYS, CONVERSION_DAYS, PROVIDER_DAYS)
