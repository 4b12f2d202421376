"""The ``event_properties`` of events, with Klaviyo's names.

A campaign's events carry ``$message`` (the campaign's id) and ``Campaign Name``; a flow's carry
``$flow`` and ``$message`` (the flow message's id).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from klaviyo_sandbox.catalog.coupons import find_basket_code, name_code
from klaviyo_sandbox.catalog.model import Company, Product
from klaviyo_sandbox.simulation.event_table import (
    BOT_CLICK,
    HARD_BOUNCE,
    MACHINE_OPEN,
    MESSAGE_METRICS,
    ODD_STRING,
    STATISTIC_METRICS,
    Content,
)
from klaviyo_sandbox.simulation.population import CLIENTS, MAILBOXES, Ints, People

ODD_STRINGS: Final = (
    'He said "hello" & <b>left</b>',
    "family 👩‍👩‍👧‍👦 and flag 🏴‍☠️",
    "tab\there, line\nbreak, back\\slash",
    "'; DROP TABLE event; --",
    "full-width ＡＢＣ, naïve, Łódź, 東京",
    "{{ first_name|default:'there' }}",
    "",
    "long " * 200,
)
EMAIL_METRICS: Final = frozenset(
    names["email"] for names in STATISTIC_METRICS.values() if "email" in names
)

# What an event says of its person. Klaviyo's help: erased people's values read "redacted".
PERSONAL: Final = frozenset({"Recipient Email Address", "note", "page"})
REDACTED: Final = "redacted"


class EventRow(NamedTuple):
    """The columns of one event that its properties follow from; see event_table.EVENT_DTYPE."""

    number: int
    metric: int
    person: int
    variation: int
    sent: int
    value: float
    detail: int
    flags: int
    owner: int  # the person whose profile has the event, after merges
    is_redacted: bool


class PropertyRenderer:
    """Renders events' properties; what many events share is rendered once."""

    def __init__(
        self, company: Company, people: People, contents: list[Content], baskets: Ints
    ) -> None:
        self._company = company
        self._names = [metric.name for metric in company.metrics] + ["unknown"]
        self._message_properties = [_render_message_properties(content) for content in contents]
        self._items = [_render_item(product) for product in company.products]
        self._baskets = baskets.tolist()
        self._versions = [(form, version) for form in company.forms for version in form.versions]
        self._emails = people.emails
        self._mailboxes = people.mailbox.tolist()
        self._clients = people.client.tolist()
        # By metric; the last is for metric -1, a deleted one.
        self._renderers = [self._choose_renderer(name) for name in self._names]

    def render(self, row: EventRow) -> dict[str, Any]:
        """Return the properties of one event."""
        properties = self._renderers[row.metric](row)
        return _redact(properties) if row.is_redacted else properties

    def _choose_renderer(self, name: str) -> Callable[[EventRow], dict[str, Any]]:
        if name in MESSAGE_METRICS:
            return self._render_email if name in EMAIL_METRICS else self._render_message
        by_name = {
            "Viewed Product": self._render_product,
            "Ordered Product": self._render_product,
            "Started Checkout": self._render_basket,
            "Placed Order": self._render_basket,
            "Refunded Order": self._render_basket,
            "Subscribed to List": self._render_subscription,
            "Submitted Form": self._render_submission,
            "Active on Site": self._render_visit,
        }
        return by_name.get(name, self._render_other)

    def _render_message(self, row: EventRow) -> dict[str, Any]:
        properties: dict[str, Any] = {"$event_id": f"{row.number}:{row.sent}"}
        if row.variation >= 0:  # events of a deleted campaign lack $message (Estuary 8a77fadf2)
            properties |= self._message_properties[row.variation]
            properties["$_cohort$message_send_cohort"] = f"{row.sent}:{properties['$message']}"
        name = self._names[row.metric]
        if name in STATISTIC_METRICS["clicks"].values():
            properties["URL"] = self._items[row.detail]["ProductURL"]
            properties["Bot Click"] = bool(row.flags & BOT_CLICK)
        elif name in STATISTIC_METRICS["bounced"].values():
            properties["Bounce Type"] = "Hard" if row.flags & HARD_BOUNCE else "Soft"
        return properties

    def _render_email(self, row: EventRow) -> dict[str, Any]:
        properties = self._render_message(row)
        mailbox = MAILBOXES[self._mailboxes[row.person]]
        properties["Recipient Email Address"] = self._emails[row.person]
        properties["Email Domain"] = mailbox.domain
        properties["Inbox Provider"] = mailbox.provider
        name = self._names[row.metric]
        if name in ("Opened Email", "Clicked Email"):
            properties |= CLIENTS[self._clients[row.person]].properties
            properties["machine_open"] = bool(row.flags & MACHINE_OPEN)
        return properties

    def _render_basket(self, row: EventRow) -> dict[str, Any]:
        items = [self._items[product] for product in self._baskets[row.detail] if product >= 0]
        return {
            "$event_id": f"{self._names[row.metric]}-{row.detail}",
            "$value": row.value,
            "$value_currency": self._company.currency,
            "OrderId": f"{10_000 + row.detail}",
            "ItemNames": [item["ProductName"] for item in items],
            "Categories": sorted({item["Categories"][0] for item in items}),
            "Items": items,
            **self._render_discount(row.detail),
        }

    def _render_discount(self, basket: int) -> dict[str, Any]:
        number = find_basket_code(basket)
        if number is None or number >= self._company.coupon_codes:
            return {}
        return {"DiscountCode": name_code(self._company.seed, number)}

    def _render_product(self, row: EventRow) -> dict[str, Any]:
        properties = {"$event_id": f"item-{row.number}"} | self._items[row.detail]
        if self._names[row.metric] == "Ordered Product":
            properties |= {"$value": row.value, "$value_currency": self._company.currency}
        return properties

    def _render_subscription(self, row: EventRow) -> dict[str, Any]:
        group = self._company.lists[row.detail]
        return {"$event_id": f"list-{row.number}", "List": group.name, "$list_id": group.id}

    def _render_submission(self, row: EventRow) -> dict[str, Any]:
        form, version = self._versions[row.detail]
        return {
            "$event_id": f"form-{row.number}",
            "form_id": form.id,
            "form_version_id": version.id,
            "form_type": version.form_type,
            "List": form.list_id,
        }

    def _render_visit(self, row: EventRow) -> dict[str, Any]:
        # The row number chooses the page, so that a visit needs no column for it.
        page = self._items[row.number % len(self._items)]
        properties = {"$event_id": f"visit-{row.number}", "page": page["ProductURL"]}
        if row.flags & ODD_STRING:
            properties["note"] = ODD_STRINGS[row.number % len(ODD_STRINGS)]
        return properties

    def _render_other(self, row: EventRow) -> dict[str, Any]:
        properties: dict[str, Any] = {"$event_id": f"{self._names[row.metric]}-{row.number}"}
        return properties if math.isnan(row.value) else properties | {"$value": row.value}


def _redact(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties without what they say of their person."""
    return {name: REDACTED if name in PERSONAL else value for name, value in properties.items()}


def _render_message_properties(content: Content) -> dict[str, Any]:
    """Return the properties that all events of a variation share."""
    properties: dict[str, Any] = {"$message": content.public_id}
    if content.flow is not None:
        properties |= {"$flow": content.flow.id, "Message Name": content.message.name}
    if content.campaign is not None:
        properties["Campaign Name"] = content.campaign.name
    if len(content.message.variations) > 1:
        properties["$variation"] = content.variation.id
    if content.channel == "email":
        return properties | {"Subject": content.variation.subject}
    if content.channel == "sms":
        text = {"Message Body": content.variation.body, "Segment Count": content.segments}
        return properties | text | {"Message Format": "SMS"}
    return properties | {"Title": content.variation.subject}


def _render_item(product: Product) -> dict[str, Any]:
    return {
        "ProductID": product.id,
        "ProductName": product.name,
        "Quantity": 1,
        "ItemPrice": product.price,
        "RowTotal": product.price,
        "ProductURL": product.url,
        "Categories": [product.category],
    }
