"""Syncs events, and the messages that Klaviyo credits with them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from models import Operation
from state.state import WindowedState
from streams.catalog import EVENT, EVENT_ATTRIBUTION, EVENTS
from streams.context import AccountContext
from streams.windowed import sync_windowed
from streams.writer import RowWriter
from tables.converters import to_utc_datetime
from tables.jsonapi import Json, get_path, related_resources


def sync_events(context: AccountContext, writer: RowWriter) -> Iterator[Operation]:
    """Write the events of every chosen metric, or of all metrics at once."""
    forget_since_setting(context)
    if context.restart_if_tables_added(EVENTS.name, [EVENT.name, EVENT_ATTRIBUTION.name]):
        context.state.events = {}
    params = event_params(context)
    for metric_id in metric_ids(context):
        condition = f'equals(metric_id,"{metric_id}")' if metric_id else ""
        stream = replace(EVENTS, params=params, condition=condition, state_key=metric_id)
        known = context.state.events.get(metric_id, WindowedState())
        yield from sync_windowed(
            context, writer, stream, known, EventSync(context, writer, metric_id)
        )


def forget_since_setting(context: AccountContext) -> None:
    """Let the events since `reread_events_from` be unread, once for each value of the setting."""
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
    if known.low_watermark is None or known.low_watermark <= start:
        return known
    return msgspec.structs.replace(
        known, low_watermark=start, daily_lookback_until=start, covered=()
    )


def event_params(context: AccountContext) -> dict[str, str]:
    """The parameters that every request for events has."""
    return {"include": "attributions"} if context.wants(EVENT_ATTRIBUTION) else {}


def metric_ids(context: AccountContext) -> list[str]:
    """Ids to request one by one; one empty id means all metrics at once."""
    chosen = context.settings.event_metrics
    ids = [one for name in chosen for one in context.metric_ids("event_metrics", name)]
    return list(dict.fromkeys(ids)) or [""]


@dataclass
class EventSync:
    """The events of one metric ("": of all) during one sync."""

    context: AccountContext
    writer: RowWriter
    metric_id: str
    _earliest: str = ""  # times of the events written since the last checkpoint
    _latest: str = ""

    def write_record(self, document: Json) -> Iterator[Operation]:
        """The rows of one event."""
        properties = get_path(document, ("attributes", "event_properties"))
        happened = to_utc_datetime(get_path(document, ("attributes", "datetime")))
        if happened is not None:
            self._earliest = min(happened, self._earliest or happened)
            self._latest = max(happened, self._latest)
        if self.context.wants(EVENT):
            is_future = happened is not None and happened > self.context.formatted_now
            campaign_id = properties.get("$message") if _is_of_campaign(properties) else None
            source = {**document, "campaign_id": campaign_id, "is_future": is_future}
            yield from self.writer.store(EVENT, source)
        if self.context.wants(EVENT_ATTRIBUTION):
            for attribution in related_resources(document, "attributions"):
                yield from self.writer.store(EVENT_ATTRIBUTION, attribution)

    def save_state(self, state: WindowedState) -> Operation:
        """Put the coverage of the events into the state."""
        account = self.context.state
        account.events = {**account.events, self.metric_id: state}
        return self.checkpoint()

    def checkpoint(self) -> Operation:
        """Put the span of the events' times into the state."""
        account = self.context.state
        if self._latest:
            times = [datetime.fromisoformat(time) for time in (self._earliest, self._latest)]
            times += account.event_times
            account.event_times = (min(times), max(times))
            self._earliest = self._latest = ""
        return account.checkpoint()


def _is_of_campaign(properties: Json) -> bool:
    """Whether `$message` names a campaign: for an event of a flow it names a flow message."""
    if not isinstance(properties, dict):
        return False
    return not properties.get("$flow") and "Campaign Name" in properties
