"""Objects with a rule of their own: no events, several names, amounts, what Stripe removed."""

import pytest
from pydantic import ValidationError

from simplyload.sources.stripe.settings import StripeSettings
from tests.stripe.conftest import Reader
from tests.stripe.fake import DAY, KEY, FakeStripe
from tests.web_source import count, waiting_tables


def test_st25_what_stripe_removed_is_refused_with_a_sentence() -> None:
    """Usage records do not exist at the pinned version: the setting says so, and what has them."""
    for table in ("usage_records", "usage_record_summaries"):
        with pytest.raises(ValidationError, match=rf"Stripe removed {table}.*invoice_line_items"):
            StripeSettings.model_validate({"type": "stripe", "api_key": KEY, "tables": [table]})


def test_st29_amounts_are_in_the_smallest_unit_as_sent(fake: FakeStripe) -> None:
    """Yen, dinars, shillings and dollars keep the integer and the currency: nothing is divided."""
    sent = {"jpy": 500, "kwd": 1234, "ugx": 50_000, "usd": 500, "xxx": 7}
    for currency, amount in sent.items():
        fake.create("charge", currency=currency, amount=amount)
    reader = Reader(fake, {"tables": ["charges"]})
    reader.read()
    rows = reader.live("charges").values()
    assert {row["currency"]: row["amount"] for row in rows} == sent


def test_st31_a_pending_balance_transaction_is_read_again_when_it_is_due(fake: FakeStripe) -> None:
    """Without any event, a transaction that was pending is available once its time has passed."""
    due = fake.now + 5 * DAY
    late = fake.create("balance_transaction", status="pending", available_on=due)
    fake.create("balance_transaction", status="available", available_on=fake.now)
    reader = Reader(fake, {"tables": ["balance_transactions"]})
    reader.read()
    fake.now += 2 * DAY
    new = fake.create("balance_transaction", status="pending", available_on=due + DAY)
    assert count(reader.read(), "balance_transactions") == 1
    fake.paths()
    assert count(reader.read(), "balance_transactions") == 0
    assert len(fake.paths()) == 2  # the clock, and nothing new
    fake.now += 3 * DAY
    assert count(reader.read(), "balance_transactions") == 0  # Stripe is late
    fake.get(late)["status"] = "available"
    assert count(reader.read(), "balance_transactions") == 1
    reader.assert_equal("balance_transactions")
    fake.get(new)["status"] = "available"
    reader.read(after=DAY)
    reader.assert_equal("balance_transactions")
    assert reader.state.get("pending", {}) in ({}, {"main": {}})


def test_st32_the_transactions_of_an_automatic_payout_are_linked(fake: FakeStripe) -> None:
    """A completed automatic payout has a row for each transaction; a manual one has none."""
    transactions = [fake.create("balance_transaction", status="available") for _ in range(3)]
    automatic = fake.create("payout", automatic=True, reconciliation_status="in_progress")
    fake.create("payout", automatic=False, reconciliation_status="not_applicable")
    fake.link(automatic, *transactions)
    reader = Reader(fake, {"tables": ["payouts", "payout_transactions"]})
    assert waiting_tables(reader.read()) == {}
    assert reader.live("payout_transactions") == {}
    fake.update(automatic, event="paid", status="paid")
    fake.update(automatic, event="reconciliation_completed", reconciliation_status="completed")
    reader.read()
    links = reader.live("payout_transactions")
    assert {(row["payout"], row["id"]) for row in links.values()} == {
        (automatic, transaction) for transaction in transactions
    }
    fake.update(automatic, event="failed", status="failed", failure_code="account_closed")
    reader.read()
    reader.assert_equal("payouts")
    assert reader.live("payouts")["", automatic]["status"] == "failed"


@pytest.mark.parametrize("event", ["refund.failed", "charge.refund.updated"])
def test_st34_a_refund_that_fails_weeks_later(fake: FakeStripe, event: str) -> None:
    """Both families of events lead to the refund; a charge without `refunds` is no obstacle."""
    charge = fake.create("charge", amount_refunded=5)
    refund = fake.create("refund", status="pending", charge=charge)
    reader = Reader(fake, {"tables": ["refunds", "charges"]})
    reader.read()
    assert "refunds" not in fake.get(charge)
    fake.now += 20 * DAY
    reader.read()
    fake.update(refund, event=event, status="failed")
    fake.get(charge)["amount_refunded"] = 0
    reader.read()
    reader.assert_equal("refunds", "charges")
