"""Events: they say which objects changed, in any order, late, twice, or for the last time."""

from typing import Any

import pytest

from tests.stripe.conftest import Reader, Warehouse
from tests.stripe.fake import DAY, FakeStripe
from tests.web_source import count, waiting_tables


def reader_of(fake: FakeStripe, *tables: str, **settings: Any) -> Reader:
    """Give a reader of some tables that has read what there is."""
    reader = Reader(fake, {"tables": list(tables), **settings})
    reader.read()
    return reader


def test_st01_a_change_long_after_the_creation_arrives(fake: FakeStripe) -> None:
    """A charge that succeeds and a draft that is finalised days later are right after a sync."""
    charge, invoice = fake.create("charge", status="pending"), fake.create("invoice")
    reader = reader_of(fake, "charges", "invoices")
    reader.read(after=3 * DAY)
    fake.update(charge, event="succeeded", status="succeeded")
    fake.update(invoice, event="finalized", status="open")
    reader.read()
    reader.assert_equal("charges", "invoices")
    assert [row["status"] for row in reader.live("charges").values()] == ["succeeded"]


def test_st02_no_column_is_invented(fake: FakeStripe) -> None:
    """A table has Stripe's own fields and the account: no time of change made of something else."""
    charge = fake.create("charge")
    reader = reader_of(fake, "charges")
    before = reader.live("charges")["", charge]
    fake.update(charge, description="later")
    reader.read(after=DAY)
    after = reader.live("charges")["", charge]
    assert {name for name in after if before[name] != after[name]} == {"description"}
    assert set(after) - set(fake.get(charge)) <= {"account"}


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("batches", [1, 2, 3, 4])
def test_st03_a_kill_between_pages_of_events_loses_none(fake: FakeStripe, batches: int) -> None:
    """The position moves to the newest event only once everything down to the old one is read."""
    ids = [fake.create("customer") for _ in range(10)]
    reader = reader_of(fake, "customers")
    for number, id_ in enumerate(ids):
        fake.now += 1
        fake.update(id_, name=f"new {number}")
    reader.read(batches=batches)
    fake.update(ids[9], name="newer")
    reader.read()
    reader.assert_equal("customers")
    fake.paths()
    reader.read()
    assert fake.paths() == ["events", "events"]  # the clock, and nothing new


def test_st04_an_event_that_becomes_visible_late_is_read(fake: FakeStripe) -> None:
    """Events are read up to a minute ago, and the minute before the position once more."""
    customer = fake.create("customer")
    reader = reader_of(fake, "customers")
    reader.read()
    fake.update(customer, name="late", visible=100)
    assert count(reader.read(after=70), "customers") == 0
    assert count(reader.read(after=40), "customers") == 1
    reader.assert_equal("customers")
    assert count(reader.read(after=10), "customers") == 0


@pytest.mark.parametrize("chosen", ["customers", "all"])
def test_st09_a_gap_of_more_than_30_days_lists_everything_again(
    fake: FakeStripe, chosen: str
) -> None:
    """Changes and deletions of the gap arrive by a new listing, and a sentence says so."""
    changed, gone = fake.create("customer"), fake.create("customer")
    reader = Reader(fake, {"tables": "all" if chosen == "all" else [chosen]})
    reader.read()
    fake.update(changed, name="in the gap")
    fake.delete(gone)
    batches = reader.read(after=31 * DAY)
    reader.assert_equal("customers")
    assert any("31 days ago" in warning for batch in batches for warning in batch.warnings)
    assert not any(batch.warnings for batch in reader.read())


def test_st09_children_that_vanish_in_a_gap_are_gone(fake: FakeStripe) -> None:
    """The new listing has the lines of each invoice: those that it lacks are deleted."""
    invoice = fake.create("invoice")
    fake.add_children(invoice, 3)
    reader = reader_of(fake, "invoices", "invoice_line_items")
    fake.remove_children(invoice, 1)
    reader.read(after=31 * DAY)
    reader.assert_equal("invoices", "invoice_line_items")
    assert len(reader.live("invoice_line_items")) == 2


@pytest.mark.usefixtures("small_pages")
def test_st09_an_anchor_that_aged_out_is_no_error(fake: FakeStripe) -> None:
    """A read of events that a kill interrupted goes on though its last event is gone since."""
    ids = [fake.create("customer") for _ in range(9)]
    reader = reader_of(fake, "customers")
    for number, id_ in enumerate(ids):
        fake.now += number % 2
        fake.update(id_, name="new")
    reader.read(after=3 * DAY, batches=1)
    fake.forget(reader.state["events"]["main"]["after"][0])
    assert waiting_tables(reader.read()) == {}
    reader.assert_equal("customers")


def test_st11_an_object_has_one_form_whatever_version_made_the_event(fake: FakeStripe) -> None:
    """Fields that the event lacks are read again at the pinned version, and never become NULL."""
    customer = fake.create("customer", tax_exempt="reverse", name="one")
    reader = reader_of(fake, "customers")
    fake.update(customer, name="two")
    reader.read()
    row = reader.live("customers")["", customer]
    assert (row["name"], row["tax_exempt"]) == ("two", "reverse")


def test_st14_a_field_that_an_answer_lacks_keeps_its_value(fake: FakeStripe) -> None:
    """A row carries the columns that the answer has; the others keep what they had."""
    charge = fake.create("charge", radar_options={"session": "rse_1"}, description="one")
    reader = reader_of(fake, "charges")
    del fake.get(charge)["radar_options"]
    fake.update(charge, description="two")
    reader.read()
    row = reader.live("charges")["", charge]
    assert (row["description"], row["radar_options"]) == ("two", '{"session":"rse_1"}')


@pytest.mark.parametrize("kind", ["customer", "product", "invoice"])
def test_st16_a_deleted_object_is_marked_and_keeps_its_values(
    warehouse: Warehouse, kind: str
) -> None:
    """Whether Stripe answers with a stub or with 404, the row is deleted, with its last values."""
    fake, tables = warehouse.fake, [f"{kind}s"]
    kept, gone = fake.create(kind), fake.create(kind)
    warehouse.sync(tables=tables)
    fake.delete(gone)
    warehouse.sync(tables=tables)
    assert warehouse.live(f"{kind}s").keys() == {("", kept)}
    [row] = warehouse.query(f"select * from stripe.{kind}s where _deleted")
    assert row["id"] == gone
    assert row["created"] is not None


def test_r26_an_object_that_is_deleted_between_its_event_and_the_request(fake: FakeStripe) -> None:
    """An update of which the object is gone by the time it is read is a deletion, once."""
    customer, product = fake.create("customer"), fake.create("product")
    reader = reader_of(fake, "customers", "products")
    fake.update(customer, name="x")
    fake.update(product, name="x")
    fake.now += 120
    fake.delete(customer)
    fake.delete(product)
    reader.read(after=0)
    assert reader.live("customers") == reader.live("products") == {}
    assert waiting_tables(reader.read()) == {}


def test_st18_event_types_are_not_chosen_by_a_list(fake: FakeStripe) -> None:
    """An unknown type leads to its object; objects without a table are named once."""
    customer = fake.create("customer")
    reader = reader_of(fake, "customers")
    fake.update(customer, event="customer.shiny_new", name="x")
    fake.tell("", {"object": "coupon", "id": "co_1"}, "updated")
    batches = reader.read()
    reader.assert_equal("customers")
    warnings = [warning for batch in batches for warning in batch.warnings]
    assert warnings == ["Events about coupon lead to no table of stripe: they are left out."]
    assert not any("types" in key for _, _, params in fake.requests for key in params)


def test_st37_a_price_with_the_id_of_a_plan(fake: FakeStripe) -> None:
    """Events of the plan and of the price change each table once, and a deletion sticks."""
    for kind in ("price", "plan"):
        fake.create(kind, id="plan_x")
        fake.create(kind)
    reader = reader_of(fake, "prices", "plans")
    for kind in ("price", "plan"):
        fake.update("plan_x", among={"kind": kind}, nickname="new")
    batches = reader.read()
    assert [count(batches, table) for table in ("prices", "plans")] == [1, 1]
    reader.assert_equal("prices", "plans")
    for kind in ("price", "plan"):
        fake.delete("plan_x", kind=kind)
    reader.read()
    reader.assert_equal("prices", "plans")


def test_st42_events_of_one_second_in_any_order_end_at_the_present(fake: FakeStripe) -> None:
    """Two updates that share a time lead to the object as it is, by one request."""
    customer = fake.create("customer")
    reader = reader_of(fake, "customers")
    for name in ("one", "two", "three"):
        fake.update(customer, name=name)
    fake.paths()
    reader.read()
    assert fake.paths().count(f"customers/{customer}") == 1
    reader.assert_equal("customers")


def test_an_event_that_is_listed_twice_changes_nothing_twice(fake: FakeStripe) -> None:
    """Events that were read are known where the next read overlaps; an idle read has no change."""
    customer = fake.create("customer")
    reader = reader_of(fake, "customers", "events")
    fake.now += 60
    fake.update(customer, name="x")
    assert count(reader.read(after=61), "customers") == 1
    again = reader.read(after=10)
    assert [part for batch in again for part in batch.changes if part.rows.num_rows] == []
    assert len(reader.live("events")) == 2


def test_a_discount_leads_to_the_object_that_has_it(fake: FakeStripe) -> None:
    """An object without a table has the objects read again that it names."""
    customer = fake.create("customer", discount=None)
    reader = reader_of(fake, "customers")
    fake.get(customer)["discount"] = {"id": "di_1", "object": "discount", "start": 1}
    discount = {"object": "discount", "id": "di_1", "customer": customer}
    fake.tell("", discount, "customer.discount.created")
    reader.read()
    reader.assert_equal("customers")


def test_a_lost_dispute_changes_its_charge(fake: FakeStripe) -> None:
    """A charge that is disputed has no event of its own: that of the dispute has it read again."""
    charge = fake.create("charge", disputed=False)
    reader = reader_of(fake, "charges", "disputes")
    fake.get(charge)["disputed"] = True
    fake.create("dispute", charge=charge)
    reader.read()
    reader.assert_equal("charges", "disputes")


def test_an_upcoming_invoice_has_no_id_and_no_row(fake: FakeStripe) -> None:
    """The preview in `invoice.upcoming` is no object yet, and nothing is asked for."""
    reader = reader_of(fake, "invoices")
    fake.create("event", event="", type="invoice.upcoming", data={"object": {"object": "invoice"}})
    assert waiting_tables(reader.read()) == {}
    assert reader.live("invoices") == {}


def test_an_idle_year_is_no_gap(fake: FakeStripe) -> None:
    """An idle position is committed once a day, so that quiet weeks are not taken for a gap."""
    reader = reader_of(fake, "customers")
    for _ in range(3):
        batches = reader.read(after=20 * DAY)
        assert batches[-1].keep
        assert not any(batch.warnings for batch in batches)
    assert not reader.read()[-1].keep


def test_st41_a_table_is_the_same_by_lists_and_by_any_history(fake: FakeStripe) -> None:
    """What events of blocked, failed and retried payments lead to equals a new listing."""
    tables = ["charges", "payment_intents", "customers", "events"]
    reader = reader_of(fake, *tables)
    intent = fake.create("payment_intent", status="requires_payment_method")
    for outcome in ("blocked", "failed", "succeeded"):
        charge = fake.create("charge", payment_intent=intent, status="pending", event=outcome)
        fake.update(charge, status="failed", outcome={"type": outcome}, event="failed")
        fake.update(intent, latest_charge=charge, event="payment_failed")
        reader.read()
    fake.delete(fake.create("customer"))
    fake.create("customer")
    reader.read()
    again = reader_of(fake, *tables)
    assert len(again.live("charges")) == 3
    for table in tables:
        assert strip(again.live(table)) == strip(reader.live(table))


def strip(rows: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Leave out what is no cell of Stripe."""
    return {
        key: {name: cell for name, cell in row.items() if not name.startswith("_")}
        for key, row in rows.items()
    }


def test_events_hold_no_secret_of_a_payment(fake: FakeStripe) -> None:
    """`client_secret`, with which a browser completes a payment, is in no cell."""
    reader = reader_of(fake, "events", "payment_intents")
    secret = {"client_secret": "pi_1_secret_XYZ"}
    fake.create("payment_intent", **secret, last_payment_error={"payment_intent": secret})
    reader.read()
    assert len(reader.live("payment_intents")) == 1
    assert "secret_XYZ" not in repr([part.rows.to_pylist() for part in reader.parts])
