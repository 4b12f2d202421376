"""Klaviyo end to end: what the command loads is what plain requests see in the account."""

import signal
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import duckdb
import pytest
import requests
from pydantic import SecretStr

from simplyload.sources.klaviyo import SYNC_TABLES, KlaviyoSettings, KlaviyoSource
from tests.cli.conftest import API_KEY, CONNECTOR, Workspace, klaviyo_configuration, run_account

HEADERS = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-10-15"}


def list_reporting() -> list[str]:
    """List the tables of the set `reporting`, as the connector chooses them."""
    settings = KlaviyoSettings(connector=CONNECTOR, api_key=SecretStr(API_KEY), tables="reporting")
    return [table.name for table in KlaviyoSource(settings, "klaviyo").tables()]


def read_pages(url: str) -> Iterator[dict[str, Any]]:
    """Read a listing of the account page by page, as any client would."""
    following: str | None = url
    while following:
        answer = requests.get(following, headers=HEADERS, timeout=60)
        answer.raise_for_status()
        yield from answer.json()["data"]
        following = answer.json()["links"].get("next")


ARCHIVED_TOO = "filter=equals(archived,{})"
# Table: its listing, and the attribute whose values are compared beside the key.
LISTINGS = {
    "campaign": ("campaigns?" + ARCHIVED_TOO, None),
    "campaign_message": ("campaign-messages?filter=less-than(updated,2100-01-01)", None),
    "event": ("events", "uuid"),
    "flow": ("flows?" + ARCHIVED_TOO, "name"),
    "form": ("forms", "name"),
    "list": ("lists", "name"),
    "metric": ("metrics", "name"),
    "profile": ("profiles", "email"),
    "segment": ("segments", "name"),
    "tag": ("tags", "name"),
    "tag_group": ("tag-groups", "name"),
    "template": ("templates", "name"),
}
# Table: the listing whose rows own its rows, and the name that Klaviyo gives to the relation.
RELATIONS = {
    "campaign_audience": ("campaign", "campaign-audiences"),
    "campaign_tag": ("campaign", "tags"),
    "event_attribution": ("event", "attributions"),
    "flow_action": ("flow", "flow-actions"),
    "flow_tag": ("flow", "tags"),
    "list_tag": ("list", "tags"),
    "segment_tag": ("segment", "tags"),
}
MEMBERS = {"list_profile": "list", "segment_profile": "segment"}
KEYS = {
    "campaign_audience": "campaign_id, id",
    "event_attribution": "event_id, attribution_id",
    "flow_action": "flow_id, id",
}


def read_listing(sandbox: str, table: str, *parameters: str) -> Iterator[dict[str, Any]]:
    """Read all rows of a listing; archived ones are in a listing of their own."""
    path = "&".join([LISTINGS[table][0], *parameters])
    path = path if "?" in path else path.replace("&", "?", 1)
    for archived in ["false", "true"] if "{}" in path else [""]:
        yield from read_pages(f"{sandbox}/api/{path.format(archived)}")


def list_rows(sandbox: str, table: str) -> Iterator[tuple[Any, ...]]:
    """Give the keys of a table, with a value where one is compared, by plain requests."""
    if table in LISTINGS:
        attribute = LISTINGS[table][1]
        for row in read_listing(sandbox, table):
            yield (row["id"], row["attributes"][attribute]) if attribute else (row["id"],)
    elif table in RELATIONS:
        owner, relation = RELATIONS[table]
        for row in read_listing(sandbox, owner, f"include={relation}"):
            # An event that no message is credited with has no such relation.
            for related in row["relationships"].get(relation, {"data": []})["data"]:
                yield row["id"], related["id"]
    else:
        for group in read_listing(sandbox, MEMBERS[table]):
            url = f"{sandbox}/api/{MEMBERS[table]}s/{group['id']}/profiles"
            for member in read_pages(url):
                yield group["id"], member["id"]


def query_rows(table: str) -> str:
    """Give the query of what `list_rows` gives, in the destination."""
    owner = table.rpartition("_")[0]
    columns = KEYS.get(table, f"{owner}_id, {table.rpartition('_')[2]}_id")
    if table in LISTINGS:
        attribute = LISTINGS[table][1]
        columns = f"id, {attribute}" if attribute else "id"
    return f"select {columns} from klaviyo.{table} where not _deleted"


@pytest.mark.timeout(900)
def test_j2_what_is_loaded_is_what_the_account_shows(sandbox: str, account: Workspace) -> None:
    """Each table that a listing shows has all its rows, each once; so do tags and members."""
    tables = [*LISTINGS, *RELATIONS, *MEMBERS]
    account.write(klaviyo_configuration(tables=tables))
    ran = account.run("sync", "--once")
    assert ran.code == 0, ran.err
    with closing(duckdb.connect(account.folder / "warehouse.duckdb", read_only=True)) as loaded:
        for table in tables:
            found = loaded.execute(query_rows(table)).fetchall()
            shown = list(list_rows(sandbox, table))
            assert shown, table
            assert sorted(found, key=repr) == sorted(shown, key=repr), table


@pytest.mark.timeout(900)
def test_j2_check_finds_no_difference_on_a_later_day(workspace: Workspace) -> None:
    """Each table of `reporting` equals the account, but snapshots, which are named with why."""
    with run_account() as address:
        workspace.environment |= {"KLAVIYO_API_KEY": API_KEY, "KLAVIYO_BASE_URL": address}
        workspace.write(klaviyo_configuration(tables="reporting"))
        assert workspace.run("sync").code == 0
        day = {"advance_seconds": 86_400}
        requests.post(f"{address}/admin/clock", json=day, timeout=60).raise_for_status()
        assert workspace.run("sync").code == 0
        checked = workspace.run("check")
    verdicts = {row["table"]: row["equal"] for row in checked.rows}
    snapshots = {"campaign_performance_daily", "billing_usage_daily"}
    assert {name for name, verdict in verdicts.items() if verdict == "not compared"} == snapshots
    assert {verdicts[name] for name in verdicts.keys() - snapshots} == {"yes"}
    assert (checked.code, len(verdicts)) == (0, len(list_reporting()) - len(SYNC_TABLES))


@pytest.mark.timeout(900)
def test_j2_check_finds_rows_that_klaviyo_never_gave(account: Workspace) -> None:
    """A foreign account, a duplicate and NULL in a key differ; a campaign of before is kept."""
    account.write(klaviyo_configuration(tables=["campaign_performance"]))
    assert account.run("sync").code == 0
    with closing(duckdb.connect(account.folder / "warehouse.duckdb")) as loaded:
        copy = "insert into klaviyo.campaign_performance by name select * {} from (from"
        copy += " klaviyo.campaign_performance limit 1)"
        loaded.execute(copy.format("replace ('vanished' as campaign_id)"))
        loaded.execute(copy.format("replace ('foreign' as account_id)"))
        loaded.execute(copy.format("replace (null as campaign_id)"))
        loaded.execute(copy.format(""))
    checked = account.run("check")
    [found] = (row for row in checked.rows if row["table"] == "campaign_performance")
    counts = {name: found[name] for name in ("kept", "extra", "duplicates", "null_keys")}
    assert counts == {"kept": 1, "extra": 2, "duplicates": 1, "null_keys": 1}
    assert (checked.code, found["equal"]) == (1, "no")


@pytest.mark.timeout(900)
def test_j2_check_keeps_the_results_of_a_former_conversion_metric(account: Workspace) -> None:
    """After a change of `conversion_metrics` its rows are kept, and what is read now is equal."""
    tables = ["flow_performance", "flow_performance_daily"]
    for metric in ("Placed Order", "Ordered Product"):
        account.write(klaviyo_configuration(tables=tables, conversion_metrics=metric))
        assert account.run("sync").code == 0
    checked = account.run("check")
    found = {row["table"]: row for row in checked.rows}
    assert checked.code == 0, found
    assert all(found[name]["kept"] >= found[name]["source_rows"] > 0 for name in tables)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=pytest.mark.chaos)])
def test_r1_a_killed_sync_of_klaviyo_loses_nothing(account: Workspace, kills: int) -> None:
    """Syncs killed after each of their first loads, or before any, end as one that was not."""
    account.write(klaviyo_configuration() | {"pipeline": {"max_changes": 1}})
    for number in range(kills):
        with account.start("sync") as process:
            for _ in zip(range(number % 8), process.read_errors(), strict=False):
                pass
            process.send_signal(signal.SIGKILL)
        if number % 8 == 7:
            account.run("checkpoint", "reset", "klaviyo")
    ran = account.run("sync")
    assert ran.code == 0, ran.err
    checked = account.run("check")
    assert (checked.code, len(checked.rows)) == (0, 4)
