"""The commands on a Salesforce source, as a user runs them."""

import os
import re
from pathlib import Path

import pytest
import yaml

from simplyload.sources.salesforce.client import API_VERSION
from simplyload.sources.salesforce.objects import LEFT_OUT, TYPES
from simplyload.sources.salesforce.settings import SalesforceSettings
from tests.cli.conftest import REPOSITORY, Workspace
from tests.salesforce.conftest import OBJECTS
from tests.salesforce.fake import CLIENT_ID, CLIENT_SECRET, FakeSalesforce

DOCUMENT = REPOSITORY / "simplyload" / "docs" / "salesforce.md"


@pytest.fixture
def workspace(fake: FakeSalesforce, tmp_path: Path) -> Workspace:
    """Give a folder whose configuration reads the fake; the secret is in the environment alone."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "simplyload" / "src")}
    workspace = Workspace(tmp_path, {**environment, "SALESFORCE_CLIENT_SECRET": CLIENT_SECRET})
    source = {
        "type": "salesforce",
        "login_url": fake.address,
        "client_id": CLIENT_ID,
        "client_secret": "${SALESFORCE_CLIENT_SECRET}",
        "objects": OBJECTS,
    }
    workspace.write(
        {
            "sources": {"crm": source},
            "destination": {"type": "duckdb", "path": "warehouse.duckdb"},
            "log": "log",
        }
    )
    return workspace


@pytest.mark.slow
def test_r33_the_commands_work_and_the_secret_is_nowhere(
    fake: FakeSalesforce, workspace: Workspace
) -> None:
    """validate, discover, sync, check and backfill do their work; no file has a secret or token."""
    account = fake.create("Account")
    fake.create("Contact", AccountId=account)
    fake.create("Invoice__c")
    validated = workspace.run("validate")
    assert validated.code == 0, validated.err
    assert {row["subject"] for row in validated.rows} >= {"login", *OBJECTS}
    discovered = workspace.run("discover")
    assert {row["table"] for row in discovered.rows} >= {*OBJECTS, "AccountShare"}
    first = workspace.run("sync")
    assert (first.code, first.rows[0]["loads"]) == (0, 1), first.err
    fake.now += 600
    fake.update(account, Name="new")
    fake.now += 600
    ran = [first, validated, discovered, workspace.run("sync"), workspace.run("check")]
    ran.append(workspace.run("backfill", "crm.Account"))
    assert [outcome.code for outcome in ran] == [0] * 6, ran
    assert {row["equal"] for row in ran[4].rows} == {"yes"}
    assert len(ran[4].rows) == len(OBJECTS)
    written = [file.read_bytes() for file in workspace.folder.rglob("*") if file.is_file()]
    printed = [(outcome.out + outcome.err).encode() for outcome in ran]
    for hidden in (CLIENT_SECRET, *fake.tokens):
        assert not any(hidden.encode() in text for text in (*written, *printed))


def test_sf31_a_limit_that_is_used_up_has_an_exit_code_of_its_own(
    fake: FakeSalesforce, workspace: Workspace
) -> None:
    """`sync` ends with 69 and the sentence; after the limit is free again, with 0."""
    fake.create("Account")
    fake.used, fake.limit = 50, 100
    ran = workspace.run("sync")
    assert (ran.code, "`api_share`" in ran.err) == (69, True), ran.err
    fake.used = 0
    assert workspace.run("sync").code == 0


def test_r35_a_wrong_setting_in_the_file_is_named_without_its_value(workspace: Workspace) -> None:
    """Without a secret a run ends with code 2, the setting's name and the remedy."""
    text = (workspace.folder / "simplyload.yml").read_text()
    (workspace.folder / "simplyload.yml").write_text(text.replace("client_secret", "clientsecret"))
    ran = workspace.run("sync")
    assert ran.code == 2
    assert "sources.crm" in ran.err
    assert "client_secret" in ran.err
    assert CLIENT_SECRET not in ran.err + ran.out


def test_the_documented_settings_are_valid_and_every_type_is_documented() -> None:
    """The YAML of docs/salesforce.md is read as it is written; the page names every type."""
    document = DOCUMENT.read_text()
    [block] = re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)
    options = yaml.safe_load(block.replace("${SALESFORCE_CLIENT_SECRET}", CLIENT_SECRET))
    settings = SalesforceSettings.model_validate(options["sources"]["crm"])
    documented = set(re.findall(r"`(\w+)`", document))
    assert len(settings.objects) == 5
    assert {*TYPES, *LEFT_OUT} <= documented
    assert API_VERSION in document
