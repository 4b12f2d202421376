"""The same customers, by their e-mail addresses, in the fakes of Stripe and of Salesforce."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.salesforce.fake import FakeSalesforce
from tests.stripe.fake import FakeStripe

COMPANIES = {
    "Amber & Oak (sample)": "Retail",
    "Blue Heron Spa (sample)": "Wellness",
    "Cedar Hotels (sample)": "Hospitality",
    "Dune Outfitters (sample)": "Retail",
    "Elm Street Gifts (sample)": "Retail",
}
LAG = 600  # seconds after which both sources read what is new
PAID = ("paid", "shipped")


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order of the shop."""

    id: int
    email: str
    status: str
    total: Decimal


def read_shop_orders(cursor: Cursor) -> list[Order]:
    """Read the shop's orders with the e-mail address of the customer."""
    cursor.execute(
        "select orders.id, email, status::text, total from orders"
        " join customers on customers.id = customer_id order by orders.id"
    )
    return [
        Order(id=id_, email=email, status=status, total=total)
        for id_, email, status, total in cursor.fetchall()
    ]


def fill_stripe(fake: FakeStripe, orders: Sequence[Order]) -> None:
    """Charge each paid order; every tenth charge is refunded, every seventh failed first."""
    customers: dict[str, str] = {}
    for number, order in enumerate(order for order in orders if order.status in PAID):
        if order.email not in customers:
            customers[order.email] = fake.create("customer", email=order.email, event="")
        cents = int(order.total * 100)
        fields: dict[str, Any] = {
            "customer": customers[order.email],
            "amount": cents,
            "currency": "usd",
        }
        fields |= {"metadata": {"order_id": str(order.id)}, "amount_refunded": 0, "event": ""}
        if number % 7 == 0:
            fake.create("charge", status="failed", **fields)
        charge = fake.create("charge", status="succeeded", **fields)
        if number % 10 == 0:
            fake.create(
                "refund", charge=charge, amount=cents, currency="usd", status="succeeded", event=""
            )
    fake.now += LAG


def fill_salesforce(fake: FakeSalesforce, orders: Sequence[Order], seed: int = 5) -> None:
    """Make a contact of most customers, some in capitals, and of people who bought nothing."""
    chooser = random.Random(seed)
    accounts = [
        fake.create("Account", Name=name, Industry=industry) for name, industry in COMPANIES.items()
    ]
    emails = sorted({order.email for order in orders})
    known = [*chooser.sample(emails, len(emails) * 4 // 5), "visitor@shop.example"]
    for email in known:
        written = email.upper() if chooser.random() < 0.2 else email
        last = email.partition("@")[0].title()
        fake.create("Contact", Email=written, LastName=last, AccountId=chooser.choice(accounts))
    fake.now += LAG
