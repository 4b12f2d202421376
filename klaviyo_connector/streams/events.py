"""Syncs events, and the messages that Klaviyo credits with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from api import RefusedError
from configuration import quote
from models import Operation
from state.state import WindowedState
from streams.catalog import EVENT, EVENT_ATTRIBUTION, EVENTS
from streams.context import AccountContext
from streams.failures import Failures
from streams.windowed import sync_windowed
from streams.writer import RowWriter
from tables.converters import to_utc_datetime
from tables.jsonapi import Json, get_path, related_resources


def sync_events(context: AccountContext, writer: RowWriter) -> Iterator[Operation]:
    """Write the events of every chosen metric, or of all metrics at once."""
    if context.restart_if_tables_added(EVENTS.name, [EVENT.name, EVENT_ATTRIBUTION.name]):
        context.state.events = {}
    params = {"include": "attributions"} if context.wants(EVENT_ATTRIBUTION) else {}
    chosen, unknown = context.find_metrics("event_metrics")
    failures = Failures()
    for metric_id, name in (chosen or ({} if unknown else {"": ""})).items():
        condition = f'equals(metric_id,"{metric_id}")' if metric_id else ""
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


@contextmanager
def _name_metric(name: str) -> Iterator[None]:
    """Name the metric in a refusal of its events: Klaviyo names an id, or nothing.

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
        """Put the coverage of the events, and the span of their times, into the state."""
        account = self.context.state
        account.events = {**account.events, self.metric_id: state}
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
