"""localstripe as an outside judge: a Stripe that others wrote, read by our source, beside our fake.

It runs in a throw-away environment as a process of its own; it is GPL-3, so nothing of it is
imported or shipped. It has no bound on `created` in lists, which the source sends, no events of
deleted objects, and no stub of a deleted customer: docs/stripe.md says what it can judge.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import requests
import stripe

from bench.environments import find_program
from simplyload.demo.server import free_port
from simplyload.sources.stripe.client import PAGE, Client
from simplyload.sources.stripe.objects import KINDS
from simplyload.sources.stripe.rows import to_row
from simplyload.sources.stripe.settings import StripeSettings
from tests.stripe.conftest import assert_cell
from tests.stripe.fake import KEY, FakeStripe

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
SECRET = "sk_test_localstripe"
PATIENCE = 30.0  # seconds
TABLES = {
    "customers", "products", "plans", "subscriptions", "invoices", "charges", "refunds",
    "balance_transactions", "events",
}  # fmt: skip


@pytest.fixture(scope="module")
def localstripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a running localstripe that holds nothing."""
    try:
        program = find_program("localstripe", "localstripe")
    except (subprocess.CalledProcessError, OSError):
        pytest.skip("localstripe cannot be installed here")
    port, log = free_port(), tmp_path_factory.mktemp("localstripe") / "log.txt"
    command = [program, "--port", str(port), "--from-scratch"]
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        address = f"http://127.0.0.1:{port}"
        await_answer(process, address, log)
        yield address
    finally:
        process.terminate()
        process.wait()


def await_answer(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Wait until it answers; skip where it cannot run on this machine."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            requests.get(f"{address}/v1/customers", auth=(SECRET, ""), timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.skip(f"localstripe does not run here: {log.read_text()[-200:]}")


@pytest.fixture
def official(localstripe: str) -> stripe.StripeClient:
    """Give the official client of an empty localstripe."""
    requests.delete(f"{localstripe}/_config/data", timeout=5).raise_for_status()
    return make_official(localstripe, SECRET)


def make_official(address: str, key: str) -> stripe.StripeClient:
    """Give the official client of a server."""
    return stripe.StripeClient(key, base_addresses={"api": address}, max_network_retries=0)


def make_client(address: str, key: str) -> Client:
    """Give the client of our source for a server."""
    options = {"type": "stripe", "api_key": key, "base_url": address}
    return Client(StripeSettings.model_validate(options))


def test_j3_our_source_reads_every_page_of_localstripe_once(
    localstripe: str, official: stripe.StripeClient
) -> None:
    """230 customers are three pages, each object once, as the official client lists them."""
    made = [official.v1.customers.create({"email": f"c{n}@shop.example"}).id for n in range(230)]
    pages = [*make_client(localstripe, SECRET).pages("main", "customers")]
    assert [len(page) for page in pages] == [PAGE, PAGE, 30]
    read = [item["id"] for page in pages for item in page]
    assert sorted(read) == sorted(made)
    listed = official.v1.customers.list({"limit": 50}).auto_paging_iter()
    assert [item.id for item in listed] == read


def test_j3_rows_of_foreign_objects_hold_what_was_sent(
    localstripe: str, official: stripe.StripeClient
) -> None:
    """Every kind that localstripe has becomes rows cell by cell, and is the official client's."""
    fill(official)
    client, seen = make_client(localstripe, SECRET), set()
    for kind in [kind for kind in KINDS if kind.table in TABLES]:
        for sent in [item for page in client.pages("main", kind.table) for item in page]:
            again = client.get("main", f"{kind.table}/{sent['id']}")
            assert again == sent
            for column, cell in to_row(kind, "main", sent).items():
                if column != "account":
                    assert_cell(cell, sent.get(column), f"{kind.table}.{column}")
            seen.add(kind.table)
    assert seen == TABLES


def fill(official: stripe.StripeClient) -> None:
    """Make a customer who pays a subscription and a charge, of which a part is given back."""
    card: Any = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    token = official.v1.tokens.create({"card": card})
    customer = official.v1.customers.create({"email": "a@b.example", "source": token.id})
    product = official.v1.products.create({"name": "soap"})
    plan = official.v1.plans.create(
        {"product": product.id, "amount": 500, "currency": "usd", "interval": "month"}
    )
    items: Any = [{"plan": plan.id}]
    official.v1.subscriptions.create({"customer": customer.id, "items": items})
    charge = official.v1.charges.create(
        {"customer": customer.id, "amount": 1234, "currency": "usd"}
    )
    official.v1.refunds.create({"charge": charge.id, "amount": 234})


@pytest.mark.parametrize("limit", [1, 7, 10, 100])
def test_j3_our_fake_pages_as_localstripe_does(
    localstripe: str, official: stripe.StripeClient, fake: FakeStripe, limit: int
) -> None:
    """Both give as many objects a page, say alike whether more follow, and what is missing."""
    for number in range(21):
        official.v1.products.create({"name": f"p{number}"})
        fake.create("product")
    ours = make_official(fake.address, KEY)
    assert list_pages(official, limit) == list_pages(ours, limit)
    for client in (official, ours):
        with pytest.raises(stripe.InvalidRequestError) as missing:
            client.v1.products.retrieve("prod_none")
        assert missing.value.http_status == 404
    with pytest.raises(stripe.AuthenticationError):
        make_official(localstripe, "rk_wrong").v1.products.list()


def list_pages(client: stripe.StripeClient, limit: int) -> list[tuple[int, bool]]:
    """Give for each page how many objects it has, and whether more follow."""
    found, after = [], dict[str, Any]()
    while True:
        page = client.v1.products.list(cast("Any", {"limit": limit, **after}))
        found.append((len(page.data), page.has_more))
        if not page.has_more:
            return found
        after = {"starting_after": page.data[-1].id}
