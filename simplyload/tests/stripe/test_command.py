"""The commands on a Stripe source, as a user runs them."""

import os
import re
from pathlib import Path

import pytest
import yaml

from simplyload.sources.stripe.objects import API_VERSION
from simplyload.sources.stripe.settings import StripeSettings
from simplyload.sources.stripe.source import StripeSource
from tests.cli.conftest import REPOSITORY, Workspace
from tests.stripe.fake import KEY, FakeStripe

TABLES = ["customers", "invoices", "invoice_line_items", "balance_transactions", "events"]


@pytest.fixture
def workspace(fake: FakeStripe, tmp_path: Path) -> Workspace:
    """Give a folder whose configuration reads the fake; the key is in the environment alone."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "simplyload" / "src")}
    workspace = Workspace(tmp_path, {**environment, "STRIPE_API_KEY": KEY})
    source = {"type": "stripe", "api_key": "${STRIPE_API_KEY}", "base_url": fake.address}
    workspace.write(
        {
            "sources": {"payments": {**source, "account": "shop_de", "tables": TABLES}},
            "destination": {"type": "duckdb", "path": "warehouse.duckdb"},
            "log": "log",
        }
    )
    return workspace


@pytest.mark.slow
def test_r33_the_commands_work_and_the_key_is_nowhere(
    fake: FakeStripe, workspace: Workspace
) -> None:
    """validate, discover, sync, check and backfill do their work; no file has the key."""
    customer = fake.create("customer")
    fake.create("balance_transaction", status="available", available_on=fake.now)
    fake.add_children(fake.create("invoice"), 12)
    validated = workspace.run("validate")
    assert validated.code == 0, validated.err
    assert {row["subject"] for row in validated.rows} >= {"api_key", "customers", "events"}
    discovered = workspace.run("discover")
    assert {row["table"] for row in discovered.rows} >= {*TABLES, "subscription_items", "payouts"}
    first = workspace.run("sync")
    assert (first.code, first.rows[0]["loads"]) == (0, 1), first.err
    fake.now += 120
    fake.update(customer, name="new")
    fake.now += 120
    ran = [first, validated, discovered, workspace.run("sync"), workspace.run("check")]
    ran.append(workspace.run("backfill", "payments.customers"))
    assert [outcome.code for outcome in ran] == [0] * 6, ran
    assert {row["table"] for row in ran[4].rows} == {*TABLES} - {"events"}
    assert {row["equal"] for row in ran[4].rows} == {"yes"}
    assert not any(KEY in outcome.out + outcome.err for outcome in ran)
    files = [file for file in workspace.folder.rglob("*") if file.is_file()]
    assert len(files) > 5
    assert not any(KEY.encode() in file.read_bytes() for file in files)


def test_r35_a_wrong_key_in_the_file_is_named_without_its_value(workspace: Workspace) -> None:
    """A key that cannot be one ends with code 2, the setting's name and the remedy."""
    workspace.environment["STRIPE_API_KEY"] = "pk_live_secret"
    ran = workspace.run("sync")
    assert ran.code == 2
    assert "sources.payments.api_key: a key begins with" in ran.err
    assert "pk_live_secret" not in ran.err + ran.out


def test_the_documented_settings_are_valid_and_every_table_is_documented() -> None:
    """The YAML of docs/stripe.md is read as it is written; the page names every table."""
    document = (REPOSITORY / "simplyload" / "docs" / "stripe.md").read_text()
    [block] = re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)
    options = yaml.safe_load(block.replace("${STRIPE_API_KEY}", KEY))["sources"]["payments"]
    assert StripeSettings.model_validate(options).kinds()
    every = StripeSource(StripeSettings.model_validate({"type": "stripe", "api_key": KEY}), "s")
    assert [table.name for table in every.tables() if f"`{table.name}`" not in document] == []
    assert API_VERSION in document
