"""The official client as a judge: of the fake, which it reads, and of the declared columns."""

import typing
from typing import Any

import pytest
import stripe

from simplyload.sources.stripe.objects import API_VERSION, KINDS, Child, Kind
from tests.stripe.fake import KEY, FakeStripe
from tests.stripe.shapes import fields_of, is_list

# What is left out though Stripe sends it, and why.
LEFT_OUT = {
    "payment_intent": {"client_secret"},  # with it a browser completes the payment
    "event": {"pending_webhooks", "account"},  # changes without an event; is our own column
}
CHILDREN = [child for kind in KINDS for child in kind.children]
DECLARED: list[Kind | Child] = [*KINDS, *CHILDREN]


@pytest.fixture
def client(fake: FakeStripe) -> stripe.StripeClient:
    """Give the official client for the fake."""
    return stripe.StripeClient(KEY, base_addresses={"api": fake.address}, max_network_retries=0)


def test_j3_the_official_client_reads_the_fake(
    fake: FakeStripe, client: stripe.StripeClient
) -> None:
    """Pages, filters, events, children, deleted objects are those that the client understands."""
    ids = [fake.create("customer") for _ in range(25)]
    fake.delete(ids[3])
    listed = client.v1.customers.list({"limit": 10, "created": {"lte": fake.now}})
    assert [customer.id for customer in listed.auto_paging_iter()] == [
        id_ for id_ in ids[::-1] if id_ != ids[3]
    ]
    assert client.v1.customers.retrieve(ids[3]).deleted
    assert client.v1.customers.retrieve(ids[4]).name == fake.get(ids[4])["name"]
    events = [*client.v1.events.list({"limit": 100}).auto_paging_iter()]
    assert [event.type for event in events[:2]] == ["customer.deleted", "customer.created"]
    assert events[0].data.object["id"] == ids[3]
    invoice = fake.create("invoice")
    fake.add_children(invoice, 12)
    lines = client.v1.invoices.retrieve(invoice).lines
    assert (len(lines.data), lines.has_more) == (10, True)
    assert len([*client.v1.invoices.line_items.list(invoice, {"limit": 100})]) == 12
    canceled = fake.create("subscription", status="canceled")
    assert client.v1.subscriptions.list().data == []
    assert client.v1.subscriptions.list({"status": "all"}).data[0].id == canceled


def test_j3_the_fakes_errors_are_those_of_the_official_client(
    fake: FakeStripe, client: stripe.StripeClient
) -> None:
    """Refusals arrive as the client's own exceptions, with code and parameter."""
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.products.retrieve("prod_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as anchor:
        client.v1.customers.list({"starting_after": "cus_none"})
    assert (anchor.value.http_status, anchor.value.param) == (400, "starting_after")
    fake.forbidden = {"charges"}
    with pytest.raises(stripe.PermissionError):
        client.v1.charges.list()
    fake.fail("prices", 429)
    with pytest.raises(stripe.RateLimitError):
        client.v1.prices.list()
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("sk_test_no", base_addresses={"api": fake.address}).v1.prices.list()


def test_the_pinned_version_is_that_of_the_official_client() -> None:
    """The version whose fields are declared is the one that the client declares."""
    assert stripe.api_version == API_VERSION


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.table)
def test_every_field_of_the_official_client_is_a_column(kind: Kind | Child) -> None:
    """Each field is declared with its type; list objects, expanded and secret ones are left out."""
    fields = fields_of(kind.object)
    expected = {name for name, field in fields.items() if not is_list(field)}
    expected -= LEFT_OUT.get(kind.object, set())
    if kind.table == "payout_transactions":  # a link, whose rest is in balance_transactions
        assert set(kind.columns) - {"id", "payout"} <= expected
    else:
        assert set(kind.columns) - {"id"} == expected
    for name, column in kind.columns.items():
        if name in fields:
            assert column in allowed_types(fields[name]), (name, column, fields[name])


def allowed_types(declared: Any) -> set[str]:
    """Give the types of a column that can hold what the client declares."""
    parts = (
        typing.get_args(declared) if typing.get_origin(declared) is typing.Union else (declared,)
    )
    parts = tuple(part for part in parts if part is not type(None))
    names = {str(part) for part in parts} | {getattr(part, "__name__", "") for part in parts}
    if "bool" in names:
        return {"flag"}
    if "int" in names:
        return {"integer", "time"}
    if "float" in names:
        return {"number"}
    if names & {"str", "Decimal"} or any(
        typing.get_origin(part) is typing.Literal for part in parts
    ):
        return {"text"}
    if any("List[typing.Union[str" in str(part) for part in parts):
        return {"ids"}
    return {"nested", "text"} if names & {"Price", "Plan"} else {"nested"}
