"""Klaviyo end to end: what the command loads is what plain requests see in the account."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import duckdb
import pytest
import requests

from tests.cli.conftest import API_KEY, Workspace, command, klaviyo_configuration

HEADERS = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-10-15"}


def read_pages(url: str) -> Iterator[dict[str, Any]]:
    """Read a listing of the account page by page, as any client would."""
    following: str | None = url
    while following:
        answer = requests.get(following, headers=HEADERS, timeout=60)
        answer.raise_for_status()
        yield from answer.json()["data"]
        following = answer.json()["links"].get("next")


LISTINGS = {"list": "name", "event": "uuid"}


@pytest.mark.timeout(600)
def test_j2_what_is_loaded_is_what_the_account_shows(sandbox: str, account: Workspace) -> None:
    """Lists and events are loaded completely, each once, with the right values."""
    ran = account.run("sync", "--once")
    assert ran.code == 0, ran.err
    with closing(duckdb.connect(account.folder / "warehouse.duckdb", read_only=True)) as loaded:
        for table, attribute in LISTINGS.items():
            listed = read_pages(f"{sandbox}/api/{table}s")
            shown = {row["id"]: row["attributes"][attribute] for row in listed}
            query = f"select id, {attribute} from klaviyo.{table} where not _deleted"
            assert shown
            assert sorted(loaded.execute(query).fetchall()) == sorted(shown.items())


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=pytest.mark.chaos)])
def test_r1_a_killed_sync_of_klaviyo_loses_nothing(account: Workspace, kills: int) -> None:
    """Syncs killed after each of their first loads, or before any, end as one that was not."""
    account.write(klaviyo_configuration() | {"pipeline": {"max_changes": 1}})
    for number in range(kills):
        process = subprocess.Popen(
            command("sync"), cwd=account.folder, env=account.environment, stderr=subprocess.PIPE
        )
        with process:
            for _ in zip(range(number % 8), process.stderr or (), strict=False):
                pass
            process.kill()
        if number % 8 == 7:
            account.run("checkpoint", "reset", "klaviyo")
    ran = account.run("sync")
    assert ran.code == 0, ran.err
    checked = account.run("check")
    assert (checked.code, len(checked.rows)) == (0, 4)
