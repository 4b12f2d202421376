"""Keys, rights, accounts, limits: what cannot be read is named, and never taken for empty."""

import socket
from typing import Any

import pytest
from pydantic import ValidationError

from simplyload.errors import ConfigurationError, SourceError
from simplyload.sources.stripe.settings import StripeSettings
from tests.stripe.conftest import Reader, Warehouse, make_source
from tests.stripe.fake import KEY, FakeStripe
from tests.web_source import waiting_tables


def test_st26_rows_of_connected_accounts_are_told_apart(fake: FakeStripe) -> None:
    """Each account has its rows, its header on every request, its own position; ids may repeat."""
    fake.accounts |= {"acct_1", "acct_2"}
    for account in ("", "acct_1", "acct_2"):
        fake.create("product", account=account)
        fake.create("product", account=account, id="gold")
    reader = Reader(fake, {"tables": ["products"], "connected_accounts": ["acct_1", "acct_2"]})
    reader.read()
    reader.assert_equal("products")
    assert len(reader.live("products")) == 6
    fake.update("gold", among={"account": "acct_2"}, name="new")
    fake.requests.clear()
    reader.read()
    reader.assert_equal("products")
    assert ("acct_2", "products/gold", {}) in fake.requests
    reader.settings["connected_accounts"] = ["acct_2"]
    reader.read()
    assert {account for account, _ in reader.live("products")} == {"", "acct_2"}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Stripe-Should-Retry": "true"}, "lock_timeout"),
        ({}, "rate_limit"),
        ({"Retry-After": "7"}, ""),
    ],
)
def test_st28_a_full_limit_is_waited_for(
    fake: FakeStripe, waits: list[float], headers: dict[str, str], code: str
) -> None:
    """429 is tried again with growing waits, or after what Stripe asks, whatever header it has."""
    fake.create("customer")
    fake.fail("customers", 429, times=4, headers=headers, error={"code": code})
    reader = Reader(fake, {"tables": ["customers"]})
    reader.read()
    reader.assert_equal("customers")
    assert len(waits) >= 3
    assert waits[-1] >= (7 if headers.get("Retry-After") else waits[0])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_st28_r28_a_limit_that_stays_ends_the_run_where_it_was(
    fake: FakeStripe, waits: list[float], status: int
) -> None:
    """After a bound the run fails with a sentence, keeps its position, and the next one goes on."""
    ids = [fake.create("customer") for _ in range(3)]
    reader = Reader(fake, {"tables": ["customers"]})
    reader.read()
    fake.update(ids[0], name="x")
    before = dict(reader.state)
    fake.fail("customers/", status, times=50)
    with pytest.raises(SourceError, match=f"answers customers/{ids[0]} with {status} again"):
        reader.read()
    assert 60 < sum(waits) < 400
    assert reader.state == before
    fake.faults.clear()
    reader.read()
    reader.assert_equal("customers")


def test_st39_a_missing_permission_is_named_and_stops_its_table_alone(warehouse: Warehouse) -> None:
    """The table waits with the permission to add, others load; with it the table is complete."""
    fake, tables = warehouse.fake, ["customers", "products"]
    fake.create("customer")
    fake.create("product")
    fake.forbidden = {"customers"}
    result = warehouse.sync(tables=tables)
    assert result.exit_code == 1
    assert "rak_customer_read" in result.stopped["customers"]
    warehouse.assert_equal("products")
    findings = {finding.subject: finding for finding in make_source(fake, tables=tables).validate()}
    assert findings["customers"].level == "error"
    assert "rak_customer_read" in findings["customers"].message
    assert {findings[subject].level for subject in ("api_key", "products", "events")} == {"ok"}
    fake.forbidden = set()
    assert warehouse.sync(tables=tables).exit_code == 0
    warehouse.assert_equal(*tables)


def test_st39_a_key_without_events_loads_once_and_says_what_is_missing(fake: FakeStripe) -> None:
    """Tables are listed, and every run says that they do not follow changes without events."""
    fake.create("customer")
    fake.forbidden = {"events"}
    reader = Reader(fake, {"tables": ["customers", "balance_transactions"]})
    assert "rak_event_read" in waiting_tables(reader.read())["customers"]
    reader.assert_equal("customers")
    assert "balance_transactions" not in waiting_tables(reader.read())
    assert "events" in {
        finding.subject
        for finding in make_source(fake, tables=["customers"]).validate()
        if finding.level == "error"
    }


def test_st39_no_permission_is_needed_but_those_of_the_tables(fake: FakeStripe) -> None:
    """A key for one table and events suffices: no request asks for an account or anything else."""
    fake.create("customer")
    Reader(fake, {"tables": ["customers"]}).read()
    assert set(fake.paths()) == {"events", "customers"}


def test_st40_a_withdrawn_permission_deletes_nothing(fake: FakeStripe) -> None:
    """A listing that is refused, or finds less than half, marks nothing as deleted and says why."""
    for _ in range(40):
        fake.create("customer")
    reader = Reader(fake, {"tables": ["customers"]})
    reader.read()
    fake.forbidden = {"customers"}
    refused = waiting_tables(reader.read(after=31 * 86_400))
    assert "rak_customer_read" in refused["customers"]
    assert len(reader.live("customers")) == 40
    fake.forbidden = set()
    for customer in [id_ for _, id_ in fake.present("customer")][:25]:
        fake.delete(customer)
    few = waiting_tables(reader.read(after=31 * 86_400))
    assert (
        "lists 15 objects, and 40 were there before: none is marked as deleted" in few["customers"]
    )
    assert len(reader.live("customers")) == 40
    with_order = make_source(fake, tables=["customers"]).backfill(reader.state, "customers", None)
    reader.state = with_order
    assert waiting_tables(reader.read()) == {}
    reader.assert_equal("customers")


def test_a_permission_that_goes_away_between_events_costs_a_listing(fake: FakeStripe) -> None:
    """Changes that could not be read meanwhile are not lost: the table is listed again."""
    ids = [fake.create("customer") for _ in range(3)]
    reader = Reader(fake, {"tables": ["customers", "products"]})
    reader.read()
    fake.update(ids[0], name="x")
    fake.forbidden = {"customers"}
    product = fake.create("product")
    assert set(waiting_tables(reader.read())) == {"customers"}
    assert ("", product) in reader.live("products")
    fake.delete(ids[1])
    assert set(waiting_tables(reader.read())) == {"customers"}
    fake.forbidden = set()
    assert waiting_tables(reader.read()) == {}
    reader.assert_equal("customers", "products")


def test_keys_of_test_and_live_mode_do_not_mix(fake: FakeStripe) -> None:
    """A stream keeps to the mode of its first key, and objects of the other mode are refused."""
    live = {"api_key": "rk_live_1", "tables": ["customers"]}
    reader = Reader(fake, {"tables": ["customers"]})
    reader.read()
    reader.settings |= live
    with pytest.raises(ConfigurationError, match=r"objects of test mode.*another name"):
        reader.read()
    fake.create("customer", livemode=True)
    strange = Reader(fake, {"tables": ["customers"]})
    assert "of the other mode than api_key's" in waiting_tables(strange.read())["customers"]


def test_r33_no_error_repeats_the_key(fake: FakeStripe, waits: list[float]) -> None:
    """Neither a refused key nor a message that repeats it shows the key."""
    wrong = "rk_test_wrong_key_123"
    with pytest.raises(SourceError, match=r"does not accept api_key \(401\)") as refused:
        Reader(fake, {"api_key": wrong}).read()
    fake.fail("events", 500, message=f"cannot use {KEY}", times=50)
    with pytest.raises(SourceError, match=r"cannot use \*\*\*") as failed:
        Reader(fake).read()
    for error in (refused, failed):
        assert wrong not in repr(error.getrepr(style="long", showlocals=False).reprcrash)
        assert KEY not in str(error.value)
    assert waits
    assert KEY not in repr(vars(make_source(fake)))


def test_a_server_that_never_answers_is_given_up(
    fake: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request without an answer is sent twice, not nine times, and `validate` names it once."""
    monkeypatch.setattr("simplyload.sources.stripe.client.TIMEOUT", (1, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        [key, found] = make_source(fake, base_url=f"http://127.0.0.1:{port}").validate()
        silent.settimeout(0)
        connections = [silent.accept() for _ in range(2)]
        with pytest.raises(BlockingIOError):
            silent.accept()
    for connection, _ in connections:
        connection.close()
    assert (key.level, found.level) == ("ok", "error")
    assert "gave no answer to customers (ConnectionError)" in found.message


def test_an_address_without_a_server_is_an_error_with_a_remedy(
    fake: FakeStripe, waits: list[float]
) -> None:
    """An address at which no server answers ends the run with a sentence."""
    assert waits == []
    source = make_source(fake, base_url="http://127.0.0.1:9")
    with pytest.raises(SourceError, match=r"gave no answer to events.*status\.stripe\.com"):
        list(source.read({}))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"api_key": "pk_test_1"}, "a pk_ key cannot read"),
        ({"api_key": f"{KEY} "}, "give the key alone"),
        ({"api_key": f"{KEY}\n"}, "give the key alone"),
        ({"tables": ["customer"]}, "did you mean customers"),
        ({"tables": ["invoice_line_items"]}, "are read with invoices: add invoices"),
        ({"start_date": "soon"}, "start_date"),
        ({"connected_accounts": ["1"]}, "connected_accounts"),
        ({"base_url": "http://example.com"}, "it must be https://"),
    ],
)
def test_r35_a_wrong_setting_is_named_with_its_remedy(
    setting: dict[str, Any], message: str
) -> None:
    """Each wrong setting is refused before anything is read, and no message has the key."""
    with pytest.raises(ValidationError, match=message):
        StripeSettings.model_validate({"type": "stripe", "api_key": KEY, **setting})


def test_a_new_table_is_listed_whole(fake: FakeStripe) -> None:
    """A table that is chosen later, or again, has everything, and others are not listed again."""
    for kind in ("customer", "product", "invoice"):
        fake.create(kind)
    fake.add_children(next(iter(fake.present("invoice")))[1], 2)
    reader = Reader(fake, {"tables": ["customers", "invoices"]})
    reader.read()
    reader.settings["tables"] = ["products", "invoices", "invoice_line_items"]
    reader.read()
    reader.assert_equal("products", "invoices", "invoice_line_items")
    fake.create("customer")
    reader.read()
    reader.settings["tables"] = ["customers", "products"]
    fake.paths()
    reader.read()
    reader.assert_equal("customers", "products")
    assert "products" not in fake.paths()


def test_a_backfill_from_a_day_reads_that_part_again(fake: FakeStripe) -> None:
    """Rows created since then are read again, and no row is taken for deleted."""
    old = fake.create("charge", created=fake.now - 86_400 * 30)
    new = fake.create("charge")
    reader = Reader(fake, {"tables": ["charges"]})
    reader.read()
    for id_ in (old, new):
        fake.get(id_)["description"] = "changed without an event"
    source = make_source(fake, tables=["charges"])
    reader.state = source.backfill(reader.state, "charges", "2026-11-10")
    reader.read()
    rows = reader.live("charges")
    assert rows["", new]["description"] == "changed without an event"
    assert rows["", old]["description"] != "changed without an event"
    reader.state = source.reset(reader.state)
    reader.read()
    reader.assert_equal("charges")
    with pytest.raises(ConfigurationError, match="--from takes a day"):
        source.backfill(reader.state, "charges", "soon")
    with pytest.raises(ConfigurationError, match="stripe has no table products"):
        source.backfill(reader.state, "products", None)
