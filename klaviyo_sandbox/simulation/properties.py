"""What an event says in its ``event_properties``, in Klaviyo's names.

A campaign's events carry ``$message`` (the campaign's id) and ``Campaign Name``; a flow's carry
``$flow`` and ``$message`` (the flow message's id).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from klaviyo_sandbox.catalog.model import Company, Product
from klaviyo_sandbox.simulation.event_table import (
    BOT,
    HARD,
    MACHINE,
    ODD,
    OF_MESSAGES,
    OUTCOMES,
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
EMAIL_METRICS: Final = frozenset(names["email"] for names in OUTCOMES.values() if "email" in names)


class Row(NamedTuple):
    """The columns of one event that its properties are written from; see ledger.EVENT."""

    number: int
    metric: int
    person: int
    variation: int
    sent: int
    value: float
    detail: int
    mark: int


class PropertyWriter:
    """Writes events' properties; what many events share is laid out once."""

    def __init__(
        self, company: Company, people: People, contents: list[Content], baskets: Ints
    ) -> None:
        self._company = company
        self._names = [metric.name for metric in company.metrics] + ["unknown"]
        self._letters = [_letter(content) for content in contents]
        self._items = [_item(product) for product in company.products]
        self._baskets = baskets.tolist()
        self._versions = [(form, one) for form in company.forms for one in form.versions]
        self._emails = people.emails
        self._mailboxes = people.mailbox.tolist()
        self._clients = people.client.tolist()
        # By metric; the last serves metric -1, which is gone.
        self._writers = [self._writer(name) for name in self._names]

    def write(self, row: Row) -> dict[str, Any]:
        """Return the properties of one event."""
        return self._writers[row.metric](row)

    def _writer(self, name: str) -> Callable[[Row], dict[str, Any]]:
        if name in OF_MESSAGES:
            return self._email if name in EMAIL_METRICS else self._message
        by_name = {
            "Viewed Product": self._product,
            "Ordered Product": self._product,
            "Started Checkout": self._basket,
            "Placed Order": self._basket,
            "Refunded Order": self._basket,
            "Subscribed to List": self._subscription,
            "Submitted Form": self._submission,
            "Active on Site": self._visit,
        }
        return by_name.get(name, self._other)

    def _message(self, row: Row) -> dict[str, Any]:
        properties: dict[str, Any] = {"$event_id": f"{row.number}:{row.sent}"}
        if row.variation >= 0:  # events of a deleted campaign lack $message (Estuary 8a77fadf2)
            properties |= self._letters[row.variation]
            properties["$message_send_cohort"] = f"{row.sent}:{properties['$message']}"
        name = self._names[row.metric]
        if name in OUTCOMES["clicks"].values():
            properties["URL"] = self._items[row.detail]["ProductURL"]
            properties["Bot Click"] = bool(row.mark & BOT)
        elif name in OUTCOMES["bounced"].values():
            properties["Bounce Type"] = "Hard" if row.mark & HARD else "Soft"
        return properties

    def _email(self, row: Row) -> dict[str, Any]:
        properties = self._message(row)
        mailbox = MAILBOXES[self._mailboxes[row.person]]
        properties["Recipient Email Address"] = self._emails[row.person]
        properties["Email Domain"] = mailbox.domain
        properties["Inbox Provider"] = mailbox.provider
        name = self._names[row.metric]
        if name in ("Opened Email", "Clicked Email"):
            properties |= CLIENTS[self._clients[row.person]].properties
            properties["machine_open"] = bool(row.mark & MACHINE)
        return properties

    def _basket(self, row: Row) -> dict[str, Any]:
        items = [self._items[product] for product in self._baskets[row.detail] if product >= 0]
        return {
            "$event_id": f"{self._names[row.metric]}-{row.detail}",
            "$value": row.value,
            "$value_currency": self._company.currency,
            "OrderId": f"{10_000 + row.detail}",
            "ItemNames": [item["ProductName"] for item in items],
            "Categories": sorted({item["Categories"][0] for item in items}),
            "Items": items,
        }

    def _product(self, row: Row) -> dict[str, Any]:
        properties = {"$event_id": f"item-{row.number}"} | self._items[row.detail]
        if self._names[row.metric] == "Ordered Product":
            properties |= {"$value": row.value, "$value_currency": self._company.currency}
        return properties

    def _subscription(self, row: Row) -> dict[str, Any]:
        group = self._company.lists[row.detail]
        return {"$event_id": f"list-{row.number}", "List": group.name, "$list_id": group.id}

    def _submission(self, row: Row) -> dict[str, Any]:
        form, version = self._versions[row.detail]
        return {
            "$event_id": f"form-{row.number}",
            "form_id": form.id,
            "form_version_id": version.id,
            "form_type": version.form_type,
            "List": form.list_id,
        }

    def _visit(self, row: Row) -> dict[str, Any]:
        page = self._items[row.number % len(self._items)]
        properties = {"$event_id": f"visit-{row.number}", "page": page["ProductURL"]}
        if row.mark & ODD:
            properties["note"] = ODD_STRINGS[row.number % len(ODD_STRINGS)]
        return properties

    def _other(self, row: Row) -> dict[str, Any]:
        properties: dict[str, Any] = {"$event_id": f"{self._names[row.metric]}-{row.number}"}
        return properties if row.value != row.value else properties | {"$value": row.value}


def _letter(content: Content) -> dict[str, Any]:
    """Return the properties that all events of a variation share."""
    letter: dict[str, Any] = {"$message": content.public_id}
    if content.flow is not None:
        letter |= {"$flow": content.flow.id, "Message Name": content.message.name}
    if content.campaign is not None:
        letter["Campaign Name"] = content.campaign.name
    if len(content.message.variations) > 1:
        letter["$variation"] = content.variation.id
    if content.channel == "email":
        return letter | {"Subject": content.variation.subject}
    if content.channel == "sms":
        text = {"Message Body": content.variation.body, "Segment Count": content.segments}
        return letter | text | {"Message Format": "SMS"}
    return letter | {"Title": content.variation.subject}


def _item(product: Product) -> dict[str, Any]:
    return {
        "ProductID": product.id,
        "ProductName": product.name,
        "Quantity": 1,
        "ItemPrice": product.price,
        "RowTotal": product.price,
        "ProductURL": product.url,
        "Categories": [product.category],
    }
