"""Lists: what they leave out by default, and what happens while they are read."""

from typing import Any

import pytest

from simplyload.sources.stripe.client import Client
from tests.stripe.conftest import Reader, Warehouse, make_source
from tests.stripe.fake import FakeStripe
from tests.web_source import count, waiting_tables

pytestmark = pytest.mark.usefixtures("small_pages")


def test_st06_an_empty_page_of_which_more_follow_is_no_end(fake: FakeStripe) -> None:
    """The page is asked for again; one that stays empty makes the table wait, at its position."""
    for _ in range(7):
        fake.create("customer")
    reader = Reader(fake, {"tables": ["customers"]})
    empty = {"object": "list", "data": [], "has_more": True}
    fake.fail("customers", 200, after=1)
    fake.faults[0].body = empty
    reader.read()
    reader.assert_equal("customers")
    reader = Reader(fake, {"tables": ["customers"]})
    fake.fail("customers", 200, after=1, times=3)
    fake.faults[0].body = empty
    message = waiting_tables(reader.read())["customers"]
    assert "an empty page of customers" in message
    assert "next run tries again" in message
    assert waiting_tables(reader.read()) == {}
    reader.assert_equal("customers")


@pytest.mark.parametrize("keeps_anchors", [False, True])
def test_st07_the_last_object_of_a_page_is_deleted(fake: FakeStripe, keeps_anchors: bool) -> None:  # noqa: FBT001
    """Whether Stripe refuses a deleted object as an anchor or not, every other one is listed."""
    fake.keeps_anchors = keeps_anchors
    ids = []
    for number in range(10):
        ids.append(fake.create("customer"))
        fake.now += number % 2
    listed = 0

    def delete_anchor(path: str) -> None:
        nonlocal listed
        listed += path == "customers"
        if listed == 2:
            fake.delete(ids[7])
            listed += 1

    fake.on_request = delete_anchor
    reader = Reader(fake, {"tables": ["customers"]})
    reader.read()
    assert reader.live("customers").keys() >= {("", id_) for id_ in ids if id_ != ids[7]}
    reader.read()
    reader.assert_equal("customers")


def test_objects_that_are_created_while_a_list_is_read_come_once(fake: FakeStripe) -> None:
    """A listing has what was there at its begin; events bring the rest, and nothing is skipped."""
    for _ in range(8):
        fake.create("customer")
    fake.on_request = lambda path: path == "customers" and fake.create("customer")
    fake.step = 1
    reader = Reader(fake, {"tables": ["customers"]})
    assert count(reader.read(), "customers") == 8
    fake.on_request = None
    reader.read()
    reader.assert_equal("customers")


def test_st17_canceled_subscriptions_are_listed(fake: FakeStripe) -> None:
    """5 active and 7 canceled subscriptions are 12 rows; a list lacks canceled ones by default."""
    for number in range(12):
        fake.create("subscription", event="", status="active" if number < 5 else "canceled")
    reader = Reader(fake, {"tables": ["subscriptions"]})
    reader.read()
    assert len(reader.live("subscriptions")) == 12


def test_st21_invoice_lines_beyond_the_tenth(warehouse: Warehouse) -> None:
    """37 lines are 37 rows; a draft that loses two has 35 and two that are marked deleted."""
    fake, tables = warehouse.fake, ["invoices", "invoice_line_items"]
    invoice = fake.create("invoice")
    fake.add_children(invoice, 37)
    warehouse.sync(tables=tables)
    assert len(warehouse.live("invoice_line_items")) == 37
    fake.remove_children(invoice, 2, 30)
    warehouse.sync(tables=tables)
    warehouse.assert_equal(*tables)
    lines = warehouse.query("select _deleted, amount from stripe.invoice_line_items")
    assert [row["_deleted"] for row in lines].count(True) == 2
    assert all(row["amount"] is not None for row in lines)


def test_a_draft_that_is_deleted_takes_its_lines_along(fake: FakeStripe) -> None:
    """No line of a deleted draft stays, whether an event shows it or not."""
    reader = Reader(fake, {"tables": ["invoices", "invoice_line_items"]})
    few, many = fake.create("invoice"), fake.create("invoice")
    fake.add_children(few, 4)
    fake.add_children(many, 23)
    reader.read()
    assert len(reader.live("invoice_line_items")) == 27
    fake.delete(few)
    fake.delete(many)
    reader.read()
    assert reader.live("invoice_line_items") == {}
    assert "children" not in str(reader.state.get("children", {}).values())


def test_st22_subscription_items_beyond_the_tenth(fake: FakeStripe) -> None:
    """23 items are 23 rows; they have no events, so one of the subscription has them read again."""
    tables = ["subscriptions", "subscription_items"]
    reader = Reader(fake, {"tables": tables})
    wide, narrow = fake.create("subscription"), fake.create("subscription")
    fake.add_children(wide, 23)
    fake.add_children(narrow, 2)
    reader.read()
    reader.assert_equal(*tables)
    fake.remove_children(wide, 0, 15, 22)
    fake.remove_children(narrow, 1)
    for status in ("past_due", "active", "past_due"):  # the loss is not on the newest page
        fake.update(narrow, status=status)
    fake.add_children(narrow, 1)
    reader.read()
    reader.assert_equal(*tables)


def test_st13_an_expanded_object_is_its_id(fake: FakeStripe) -> None:
    """A field is the id as text whether Stripe sends an id, the object, or a deleted one."""
    whole = {"id": "cus_1", "object": "customer", "name": "n"}
    reader = Reader(fake, {"tables": ["charges"]})
    forms = ["cus_1", whole, {"id": "cus_1", "object": "customer", "deleted": True}]
    for form in forms:
        fake.create("charge", customer=form)
    reader.read()
    assert [row["customer"] for row in reader.live("charges").values()] == ["cus_1"] * 3


def test_st38_no_request_searches(fake: FakeStripe) -> None:
    """No list, event or object is asked for by the search endpoints, which lag behind."""
    fake.create("customer")
    reader = Reader(fake)
    reader.read()
    fake.update(fake.create("customer"), name="x")
    reader.read()
    paths = fake.paths()
    assert len(paths) > 10
    assert not any("search" in path for path in paths)


def test_a_value_of_another_form_is_rejected_alone(fake: FakeStripe) -> None:
    """An object with a value that no column holds is recorded with the reason; others load."""
    good = fake.create("charge", amount=5)
    bad = fake.create("charge", amount="5.00")
    [*_, last] = batches = Reader(fake, {"tables": ["charges"]}).read()
    rejected = [rejection for batch in batches for rejection in batch.rejected]
    assert last.state
    assert [(rejection.table, rejection.key["id"], rejection.column) for rejection in rejected] == [
        ("charges", bad, "amount")
    ]
    reader = Reader(fake, {"tables": ["charges"]})
    reader.read()
    assert reader.live("charges").keys() == {("", good)}


def test_r29_a_row_rejected_by_a_listing_keeps_the_row_before_it(warehouse: Warehouse) -> None:
    """A listing deletes neither an object nor a child whose new value no column holds."""
    fake = warehouse.fake
    charge, invoice = fake.create("charge", amount=5), fake.create("invoice", total=7)
    fake.add_children(invoice, 1)
    tables: dict[str, Any] = {"tables": ["charges", "invoices", "invoice_line_items"]}
    warehouse.sync(**tables)
    fake.get(charge)["amount"] = fake.get(invoice)["total"] = "5.00"
    [line] = fake.children(invoice)
    line["amount"] = "5.00"
    for table in ("charges", "invoices"):
        warehouse.pipeline(**tables).backfill(table)
    assert warehouse.sync(**tables).rejected == 3
    assert [row["amount"] for row in warehouse.live("charges").values()] == [5]
    assert [row["total"] for row in warehouse.live("invoices").values()] == [7]
    assert warehouse.live("invoice_line_items").keys() == {("", line["id"])}


def test_a_start_date_bounds_what_happens_and_not_what_it_refers_to(fake: FakeStripe) -> None:
    """Older charges are left out, also when they change; customers are there, however old."""
    old = fake.create("charge", created=fake.now - 86_400 * 400)
    fake.create("customer", created=fake.now - 86_400 * 400)
    new = fake.create("charge")
    reader = Reader(fake, {"tables": ["charges", "customers"], "start_date": "2026-01-01"})
    reader.read()
    fake.update(old, description="changed")
    reader.read()
    assert reader.live("charges").keys() == {("", new)}
    assert len(reader.live("customers")) == 1


def test_a_client_of_its_own_reads_every_page(fake: FakeStripe) -> None:
    """A list of seven objects in pages of three is read in its order, newest first."""
    ids = [fake.create("product") for _ in range(7)]
    source = make_source(fake)
    client: Client = source._client  # noqa: SLF001
    pages = list(client.pages("main", "products"))
    assert [item["id"] for page in pages for item in page] == ids[::-1]
    assert [len(page) for page in pages] == [3, 3, 1]
