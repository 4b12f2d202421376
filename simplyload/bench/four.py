"""Four sources at once: a table in PostgreSQL, and simulated accounts of the other three."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from bench.replay import serve_recording
from bench.report import OWN
from bench.tasks import Task
from bench.tools import SimplyLoad, Work
from simplyload.demo.sandbox import API_KEY, run_sandbox
from simplyload.testing.server import serve
from tests.salesforce.fake import CLIENT_ID, CLIENT_SECRET, FakeSalesforce, SalesforceHandler
from tests.stripe.fake import KEY, FakeStripe, StripeHandler
from tour.customers import Order, fill_salesforce, fill_stripe

REPOSITORY = Path(__file__).parents[2]
TITLE = "Load four sources to Parquet"


@dataclass(frozen=True, kw_only=True)
class FourSources(SimplyLoad):
    """One run on all four; at once each stream has a process of its own."""

    accounts: Mapping[str, Any]
    at_once: bool

    def __call__(self, work: Work) -> Sequence[str]:
        """Write the settings, give the command."""
        file = work.folder / "simplyload.yml"
        file.write_text(yaml.safe_dump(self._settings(work)))
        flags = ["--parallel"] if self.at_once else []
        return [sys.executable, "-m", "simplyload.cli", "sync", *flags, "--config", str(file)]

    def _sources(self, work: Work) -> Mapping[str, Any]:
        return {**super()._sources(work), **self.accounts}


@contextmanager
def run_accounts(orders: int) -> Iterator[Mapping[str, Any]]:
    """Start accounts that know these orders of a shop; yield their part of `sources`.

    Each stands behind a server that gives its answers again.
    """
    bought = [*map(_make_order, range(orders))]
    with ExitStack() as stack:
        stripe = stack.enter_context(serve(FakeStripe(), StripeHandler))
        salesforce = stack.enter_context(serve(FakeSalesforce(), SalesforceHandler))
        url = stack.enter_context(run_sandbox(REPOSITORY, datetime.now(UTC).date()))
        fill_stripe(stripe, bought)
        fill_salesforce(salesforce, bought)
        servers = {"payments": stripe.address, "crm": salesforce.address, "klaviyo": url}
        fronts = {
            name: stack.enter_context(serve_recording(server)) for name, server in servers.items()
        }
        yield _describe_accounts({name: front.address for name, front in fronts.items()})
        for name, front in fronts.items():
            computed = f"{len(front.answers)} of {front.asked} requests computed by its fake"
            print(f"{TITLE} | {name} | {computed}", file=sys.stderr)


def _describe_accounts(addresses: Mapping[str, str]) -> Mapping[str, Any]:
    os.environ["KLAVIYO_BASE_URL"] = addresses["klaviyo"]
    return {
        "payments": {"type": "stripe", "api_key": KEY, "base_url": addresses["payments"],
                     "tables": ["customers", "charges", "refunds"]},
        "crm": {"type": "salesforce", "login_url": addresses["crm"], "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET, "objects": ["Account", "Contact"]},
        "klaviyo": {"type": "klaviyo", "connector": str(REPOSITORY / "klaviyo_connector"),
                    "api_key": API_KEY, "tables": ["campaign", "metric", "event", "profile"]},
    }  # fmt: skip


def _make_order(number: int) -> Order:
    email, total = f"customer{number % 5_000}@example.com", Decimal(number % 10_000) / 100 + 1
    return Order(id=number + 1, email=email, status="paid", total=total)


def load_four(rows: int, accounts: Mapping[str, Any]) -> Task:
    """Load all four, at once and in turn; the count is what the command says.

    A first load, which is not measured, lets the accounts compute their answers.
    """
    in_turn = FourSources("copy", "parquet", accounts=accounts, at_once=False)
    return Task(
        title=TITLE,
        table=f"orders_{rows}",
        rows=rows,
        count=0,
        commands={
            f"{OWN}, all at once: --parallel": replace(in_turn, at_once=True),
            f"{OWN}, in turn": in_turn,
        },
        rehearsal=in_turn,
    )
