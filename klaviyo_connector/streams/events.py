"""Syncs events, and the messages that Klaviyo credits with them."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import msgspec

from api import ConfigurationError, RefusedError
from configuration import quote
from models import Operation, Row
from state.state import SyncedEvents, TimeSpan, WindowedState
from streams.catalog import EVENT, EVENT_ATTRIBUTION, EVENTS
from streams.context import AccountContext
from streams.declarations import BEFORE_KLAVIYO
from streams.failures import Failures
from streams.url_templates import fill_filter
from streams.windowed import sync_windowed
from streams.writer import RowWriter
from tables.converters import to_utc_datetime
from tables.jsonapi import Json, get_path
from tables.typed_pages import Record, documents, related_resources

_CODE = re.compile("[A-Za-z]{3}")  # of ISO 4217


def sync_events(context: AccountContext, writer: RowWriter) -> Iterator[Operation]:
    """Write the events of every chosen metric, or of all metrics at once."""
    metrics, unknown = selected_metrics(context)
    record_synced_metrics(context, metrics)
    forget_since_setting(context)
    if context.record_selected_tables(EVENTS.name, [EVENT.name, EVENT_ATTRIBUTION.name]):
        context.state.events = {}
    params = EVENTS.params_for(context.settings.tables)
    failures = Failures()
    for metric_id, name in metrics.items():
        condition = fill_filter("equals(metric_id,{id})", metric_id) if metric_id else ""
        stream = replace(EVENTS, params=params, condition=condition, state_key=metric_id)
        known = context.state.events.get(metric_id, WindowedState())
        sink = EventSync(context, writer, metric_id)
        with failures.collect(), _name_metric(name):
            yield from sync_windowed(context, writer, stream, known, sink)
        if failures.should_abort:
            break
    for error in unknown:
        failures.record(error)
    yield from failures.warnings()
    failures.raise_first()


def selected_metrics(
    context: AccountContext,
) -> tuple[dict[str, str], list[ConfigurationError]]:
    """The metrics to request one by one, id to name, and an error for each that does not exist.

    One empty id means all metrics at once.
    """
    chosen, unknown = context.find_metrics("event_metrics")
    return chosen or ({} if unknown else {"": ""}), unknown


def record_synced_metrics(context: AccountContext, metrics: Collection[str]) -> None:
    """Record which events the warehouse may have from now on: later settings may choose others."""
    reread = context.state.reread
    synced = {key: _to_synced_events(part) for key, part in context.state.events.items()}
    synced |= reread.synced  # a state of earlier versions has the coverage alone
    for key in metrics:
        starts = [context.settings.start_date]
        if key in synced:
            starts.append(synced[key].start)
        start = None if None in starts else min(filter(None, starts))
        synced[key] = SyncedEvents(
            start, context.now, _earliest_start(context, start, synced.get(key))
        )
    context.state.reread = msgspec.structs.replace(reread, synced=synced)


def _earliest_start(
    context: AccountContext, start: date | None, known: SyncedEvents | None
) -> datetime | None:
    """The instant at which a day begins, or began before the account's time zone moved west."""
    if start is None:
        return None
    today = context.start_of_day(start).astimezone(UTC)
    return min(today, known.since) if known is not None and known.since else today


def _to_synced_events(part: WindowedState) -> SyncedEvents:
    ends = [part.low_watermark or BEFORE_KLAVIYO, *(span.end for span in part.covered)]
    return SyncedEvents(part.start_date, max(ends))


def forget_since_setting(context: AccountContext) -> None:
    """Forget the coverage since `reread_events_from`, once for each value of the setting."""
    since = context.settings.reread_events_from
    if since is None or since == context.state.reread.since:
        return
    start = context.start_of_day(since).astimezone(UTC)
    context.state.events = {
        key: _forget_since(known, start) for key, known in context.state.events.items()
    }
    context.state.reread = msgspec.structs.replace(context.state.reread, since=since)


def _forget_since(known: WindowedState, start: datetime) -> WindowedState:
    """The coverage without what is read since a time."""
    low, daily = known.low_watermark, known.daily_lookback_until
    return msgspec.structs.replace(
        known,
        low_watermark=low and min(low, start),
        daily_lookback_until=daily and min(daily, start),
        covered=tuple(
            TimeSpan(span.start, min(span.end, start))
            for span in known.covered
            if span.start < start
        ),
    )


@contextmanager
def _name_metric(name: str) -> Iterator[None]:
    """Add the metric's name to a RefusedError: Klaviyo names an id, or nothing.

    Klaviyo may list a metric and refuse its events ("Metric IDs ['x'] do not exist.").
    """
    try:
        yield
    except RefusedError as error:
        remedy = f"; requested for {quote(name)} of event_metrics: leave it out there"
        raise RefusedError(f"{error}{remedy if name else ''}") from None


@dataclass
class EventSync:
    """The events of one metric ("": of all) during one sync."""

    context: AccountContext
    writer: RowWriter
    metric_id: str
    _earliest: str = ""  # times of the events written since the last checkpoint
    _latest: str = ""

    def write_page(self, page: Json) -> Iterator[Operation]:
        """The rows of a page's events."""
        yield from self.write_events(documents(page))

    def write_events(self, events: Sequence[Json | Record]) -> Iterator[Operation]:
        """The rows of events, and of the messages that Klaviyo credits with them."""
        if self.context.wants(EVENT):
            rows = yield from self.writer.make_rows(EVENT, events)
            self._derive_columns(rows)
            self._record_times(row["datetime"] for row in rows)
            yield from self.writer.write(EVENT, rows)
        else:
            self._record_times(
                to_utc_datetime(get_path(event, ("attributes", "datetime"))) for event in events
            )
        if self.context.wants(EVENT_ATTRIBUTION):
            credits = [*related_resources(events, "attributions")]
            rows = yield from self.writer.make_rows(EVENT_ATTRIBUTION, credits)
            yield from self.writer.write(EVENT_ATTRIBUTION, rows)

    def _record_times(self, happened: Iterable[str | None]) -> None:
        """Widen the span of the times of written events."""
        times = [time for time in happened if time is not None]
        if times:
            self._earliest = min(*times, self._earliest or times[0])
            self._latest = max(*times, self._latest)

    def _derive_columns(self, rows: list[Row]) -> None:
        """Fill the columns for which Klaviyo has no value of its own."""
        now = self.context.formatted_now
        for row in rows:
            row["is_future"] = (row["datetime"] or "") > now
            if _is_of_campaign(row["properties"]):
                row["campaign_id"] = row["message_id"]
            if row["value"] is not None and row["value_currency"] is None:
                row["value_currency"] = _shop_currency(row["properties"])

    def save_state(self, state: WindowedState) -> Operation:
        """Put the coverage of the events into the state."""
        account = self.context.state
        account.events = {**account.events, self.metric_id: state}
        self._record_latest()
        return self.checkpoint()

    def _record_latest(self) -> None:
        """Record an event that is dated ahead of Klaviyo's clock as synced, too."""
        reread = self.context.state.reread
        known = reread.synced[self.metric_id]
        latest = datetime.fromisoformat(self._latest) if self._latest else known.until
        if latest > known.until:
            synced = {**reread.synced, self.metric_id: msgspec.structs.replace(known, until=latest)}
            self.context.state.reread = msgspec.structs.replace(reread, synced=synced)

    def checkpoint(self) -> Operation:
        """Put the span of the events' times into the state."""
        account = self.context.state
        if self._latest:
            times = [datetime.fromisoformat(time) for time in (self._earliest, self._latest)]
            times += account.event_times
            account.event_times = (min(times), max(times))
            self._earliest = self._latest = ""
        return account.checkpoint()


def _shop_currency(properties: Json) -> str | None:
    """The currency that Klaviyo's integration with a shop writes beside `$value`.

    Seen live, both without `$value_currency`:

        Shopify  {"$value": 1098.97, "$currency_code": "AUD", ...}
        Stripe   {"$value": 70.8, "Currency": "usd", ...}
    """
    named = (get_path(properties, (name,)) for name in ("$currency_code", "Currency"))
    return next((code for code in named if isinstance(code, str) and _CODE.fullmatch(code)), None)


def _is_of_campaign(properties: Json) -> bool:
    """Whether `$message` names a campaign: for an event of a flow it names a flow message."""
    if not isinstance(properties, dict):
        return False
    return "Campaign Name" in properties and not properties.get("$flow")
