"""Derives when a campaign's message, and each of its variations, is sent. Pure.

Klaviyo plans most messages for one `send_time`. Where the strategy chooses or tests times, that is
null and `send_times` has a time for each variation, by its id (OpenAPI, MessageSendOptions).
"""

from tables.converters import to_utc_datetime
from tables.jsonapi import Json, get_path, related_resources

SEND_OPTIONS = ("attributes", "definition", "send_options")


def derive_send_times(message: Json) -> Json:
    """The message with its `send_time`, the earliest one, and its variations with their own."""
    planned = get_path(message, (*SEND_OPTIONS, "send_times"))
    times = planned if isinstance(planned, dict) else {}
    sent_at = get_path(message, (*SEND_OPTIONS, "send_time"))
    if sent_at is None:
        sent_at = min(filter(None, map(to_utc_datetime, times.values())), default=None)
    # A variation has no time of its own in Klaviyo's document: the message has one for each id.
    variations = [
        {**variation, "send_time": times.get(str(variation.get("id")))}
        for variation in related_resources(message, "campaign-variations")
    ]
    related = {**message["related"], "campaign-variations": variations}
    return {**message, "send_time": sent_at, "related": related}
