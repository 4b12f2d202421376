"""What results are grouped by: the groupings of reports and the dimensions of aggregates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.simulation.event_table import Content
from klaviyo_sandbox.simulation.population import Ints

CHANNEL_NAMES: Final[dict[Channel, str]] = {
    "email": "email",
    "sms": "sms",
    "push": "push-notification",
    "whatsapp": "whatsapp",
}
Condition = tuple[str, str, Any]  # operator, field, value
COHORTS: Final = frozenset({"$message_send_cohort", "$variation_send_cohort"})


def _channel(content: Content) -> str:
    return CHANNEL_NAMES[content.channel]


def _variation(content: Content) -> str:
    return content.variation.id if len(content.message.variations) > 1 else ""


def groupings(company: Company, content: Content, group: int) -> dict[str, Any]:
    """Return what a message's results are grouped and filtered by; its tags are lists.

    ``group`` is the list or segment by which the recipients were found, counted from 1; 0: none.
    """
    owner = content.campaign or content.flow
    tags = [tag for tag in company.tags if owner is not None and tag.id in owner.tag_ids]
    found = [None, *company.lists, *company.segments][group]
    kind = "campaign" if content.campaign else "flow"
    return {
        f"{kind}_id": owner and owner.id,
        f"{kind}_name": owner and owner.name,
        f"{kind}_message_id": content.message.id,
        f"{kind}_message_name": content.message.name,
        "group": found and found.id,
        "group_name": found and found.name,
        "send_channel": _channel(content),
        "tag_id": [tag.id for tag in tags],
        "tag_name": [tag.name for tag in tags],
        "text_message_format": "SMS" if content.channel == "sms" else None,
        "variation": content.variation.id,
        "variation_name": content.variation.name,
    }


# Dimensions that are not among an event's properties: of its own message, or the one credited.
OWN: Final[dict[str, Callable[[Content], str]]] = {
    "$campaign_channel": lambda content: _channel(content) if content.campaign else "",
    "$flow_channel": lambda content: _channel(content) if content.flow else "",
}
CREDITED: Final[dict[str, Callable[[Content], str]]] = {
    "$attributed_channel": _channel,
    "$attributed_flow": lambda content: content.flow.id if content.flow else "",
    "$attributed_message": lambda content: content.public_id,
    "$attributed_variation": _variation,
}


def describe(
    account: Account, rows: Ints, names: Sequence[str]
) -> tuple[Ints, list[tuple[str, ...]]]:
    """Return each row's kind, and for each kind the dimensions named; "" where there is none."""
    if not names:
        return np.zeros(len(rows), np.int64), [()]
    examples, kind = _kinds(account, rows, cohorts=not COHORTS.isdisjoint(names))
    events = account.events
    touch = events.touch[examples]
    own = events.variation[examples].tolist()
    credited = np.where(touch >= 0, events.variation[touch], -1).tolist()
    contents = [*events.contents, None]
    labels = [
        tuple(_label(name, properties, contents[first], contents[second]) for name in names)
        for properties, first, second in zip(
            events.properties(examples), own, credited, strict=True
        )
    ]
    return kind, labels


def _kinds(account: Account, rows: Ints, *, cohorts: bool) -> tuple[Ints, Ints]:
    """Return one row of each kind that can differ in a dimension, and the kind of each row."""
    events, people = account.events, account.people
    touch, person = events.touch[rows], events.person[rows]
    columns = [
        events.variation[rows],
        np.where(touch >= 0, events.variation[touch], -1),
        people.mailbox[person],
        people.client[person],
        events.detail[rows],
        events.mark[rows],
    ]
    if cohorts:
        columns.append(events.sent[rows])
    kind = np.zeros(len(rows), np.int64)
    for column in columns:
        values, place = np.unique(column, return_inverse=True)
        _, first, kind = np.unique(
            kind * len(values) + place, return_index=True, return_inverse=True
        )
    return rows[first], kind


def _label(
    name: str, properties: dict[str, Any], own: Content | None, credited: Content | None
) -> str:
    if name in OWN:
        return OWN[name](own) if own else ""
    if name in CREDITED:
        return CREDITED[name](credited) if credited else ""
    return str(properties.get(name, ""))


def passes(value: Any, operator: str, wanted: Any) -> bool:
    """Tell whether a value, or a collection of values, meets a report's filter."""
    values = set(value) if isinstance(value, list) else {value}
    asked: set[Any] = set(wanted) if isinstance(wanted, (tuple, list)) else {wanted}
    return asked <= values if operator == "contains-all" else bool(asked & values)
