"""Syncs events: which are asked for, and what rows they become."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from account import Account, no_metric
from models import Json, Operation, dig, related
from streams import EVENT, EVENT_ATTRIBUTION
from timeline import Timeline
from values import moment
from windows import sync_timeline

PATH = "/api/events"
SCOPE = "events:read"
EVENTS = Timeline(
    EVENT,
    PATH,
    "datetime",
    {},
    sizes=(1000, 200, 20, 1),  # 200 is the documented maximum of older revisions
)


def sync_events(account: Account) -> Iterator[Operation]:
    """Write the events of every chosen metric."""
    account.begin(EVENT.name, [EVENT.name, EVENT_ATTRIBUTION.name])
    credited = {"include": "attributions"} if account.wants(EVENT_ATTRIBUTION) else {}
    for metric_id in _metrics(account):
        condition = f'equals(metric_id,"{metric_id}")' if metric_id else ""
        timeline = replace(EVENTS, params=credited, condition=condition, part=metric_id)
        yield from sync_timeline(account, timeline, partial(_store, account))


def _metrics(account: Account) -> list[str]:
    """Ids to ask for one by one; one empty id stands for all metrics at once."""
    chosen = account.settings.event_metrics
    for name in chosen:
        if name not in account.metrics:
            raise no_metric("event_metrics", name)
    return [one for name in chosen for one in account.metrics[name]] or [""]


def _store(account: Account, document: Json) -> Iterator[Operation]:
    """The rows of one event."""
    chosen = account.settings.tables
    properties = dig(document, ("attributes", "event_properties"))
    happened = moment(dig(document, ("attributes", "datetime")))
    if happened is not None:
        account.memory.note_event(happened)
    if EVENT.name in chosen:
        source = {
            **document,
            "campaign_id": properties.get("$message") if _from_campaign(properties) else None,
            "is_future": happened is not None and happened > account.written_now,
        }
        yield from account.store(EVENT, source)
    if EVENT_ATTRIBUTION.name in chosen:
        for attribution in related(document, "attributions"):
            yield from account.store(EVENT_ATTRIBUTION, attribution)


def _from_campaign(properties: Json) -> bool:
    """Klaviyo names the campaign in `$message` unless the event belongs to a flow."""
    if not isinstance(properties, dict):
        return False
    return not properties.get("$flow") and "Campaign Name" in properties
