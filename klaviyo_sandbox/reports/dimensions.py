"""The groupings of reports and the dimensions of metric aggregates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.simulation.event_table import Content
from klaviyo_sandbox.simulation.population import Ints

CHANNEL_NAMES: Final[dict[Channel, str]] = {
    "email": "email",
    "sms": "sms",
    "push": "push-notification",
    "whatsapp": "whatsapp",
}
AGGREGATE_CHANNELS: Final[dict[Channel, str]] = {  # as clients see them live
    "email": "$email_channel",
    "sms": "$sms_channel",
    "push": "$mobile_push_channel",
    "whatsapp": "$whatsapp_channel",
}
Condition = tuple[str, str, Any]  # operator, field, value
COHORTS: Final = frozenset({"$message_send_cohort", "$variation_send_cohort"})


def _channel(content: Content) -> str:
    return CHANNEL_NAMES[content.channel]


def _variation(content: Content) -> str:
    return content.variation.id if len(content.message.variations) > 1 else ""


def _reported_message_id(account: Account, content: Content) -> str:
    """Return the id by which reports name a message.

    In recorded answers to campaign reports (revision 2024-10-15) it is the campaign's. Of campaigns
    with several messages there is no recording; here each message has its own.
    """
    campaign = content.campaign
    is_only = campaign is not None and len(campaign.messages) == 1
    return content.public_id if is_only and not account.own_message_ids else content.message.id


def groupings(account: Account, content: Content, group: int) -> dict[str, Any]:
    """Return the values that a message's results are grouped and filtered by; tags are lists.

    ``group`` is the list or segment that selected the recipients, counted from 1; 0 is none.
    """
    company, owner = account.company, content.campaign or content.flow
    tags = [tag for tag in company.tags if owner is not None and tag.id in owner.tag_ids]
    audience = [None, *company.lists, *company.segments][group]
    subject = "campaign" if content.campaign else "flow"
    return {
        f"{subject}_id": owner and owner.id,
        f"{subject}_name": owner and owner.name,
        f"{subject}_message_id": _reported_message_id(account, content),
        f"{subject}_message_name": content.message.name,
        "group": audience and audience.id,
        "group_name": audience and audience.name,
        "send_channel": _channel(content),
        "tag_id": [tag.id for tag in tags],
        "tag_name": [tag.name for tag in tags],
        "text_message_format": "SMS" if content.channel == "sms" else None,
        "variation": content.variation.id,
        "variation_name": content.variation.name,
    }


# Dimensions that are not among an event's properties: of its message, or of the attributed one.
MESSAGE_DIMENSIONS: Final[dict[str, Callable[[Content], str]]] = {
    "$campaign_channel": lambda content: _channel(content) if content.campaign else "",
    "$flow_channel": lambda content: _channel(content) if content.flow else "",
}
ATTRIBUTED_DIMENSIONS: Final[dict[str, Callable[[Content], str]]] = {
    "$attributed_channel": lambda content: AGGREGATE_CHANNELS[content.channel],
    "$attributed_flow": lambda content: content.flow.id if content.flow else "",
    "$attributed_message": lambda content: content.public_id,
    "$attributed_variation": _variation,
}


def label_events(
    account: Account, rows: Ints, names: Sequence[str]
) -> tuple[Ints, list[tuple[str, ...]]]:
    """Return each row's pattern, and for each pattern its dimensions; "" where there is none.

    Rendering the properties of every event would be slow. Events with the same pattern have equal
    dimensions, so only one event of each pattern is rendered.
    """
    if not names:
        return np.zeros(len(rows), np.int64), [()]
    examples, pattern = _find_patterns(account, rows, by_cohort=not COHORTS.isdisjoint(names))
    events = account.events
    touch = events.touch[examples]
    own = events.variation[examples].tolist()
    attributed = np.where(touch >= 0, events.variation[touch], -1).tolist()
    contents = [*events.contents, None]  # -1 is none
    labels = [
        tuple(_get_dimension(name, properties, contents[first], contents[second]) for name in names)
        for properties, first, second in zip(
            events.properties(examples), own, attributed, strict=True
        )
    ]
    return pattern, labels


def _find_patterns(account: Account, rows: Ints, *, by_cohort: bool) -> tuple[Ints, Ints]:
    """Return one row of each pattern, and the pattern of each row.

    A pattern is a combination of all columns that a dimension depends on.
    """
    events, people = account.events, account.people
    touch, person = events.touch[rows], events.person[rows]
    columns = [
        events.variation[rows],
        np.where(touch >= 0, events.variation[touch], -1),
        people.mailbox[person],
        people.client[person],
        events.detail[rows],
        events.flags[rows],
    ]
    if by_cohort:
        columns.append(events.sent[rows])
    pattern = np.zeros(len(rows), np.int64)
    for column in columns:
        values, position = np.unique(column, return_inverse=True)
        # Renumbered after each column, so that the product of all their sizes cannot overflow.
        _, first, pattern = np.unique(
            pattern * len(values) + position, return_index=True, return_inverse=True
        )
    return rows[first], pattern


def _get_dimension(
    name: str, properties: dict[str, Any], own: Content | None, attributed: Content | None
) -> str:
    if name in MESSAGE_DIMENSIONS:
        return MESSAGE_DIMENSIONS[name](own) if own else ""
    if name in ATTRIBUTED_DIMENSIONS:
        return ATTRIBUTED_DIMENSIONS[name](attributed) if attributed else ""
    return str(properties.get(name, ""))


def matches(value: Any, operator: str, wanted: Any) -> bool:
    """Whether a value, or a list of values, meets a report's filter."""
    values = set(value) if isinstance(value, list) else {value}
    wanted_values: set[Any] = set(wanted) if isinstance(wanted, (tuple, list)) else {wanted}
    if operator == "contains-all":
        return wanted_values <= values
    return bool(wanted_values & values)
