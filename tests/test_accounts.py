"""Several Klaviyo accounts in one connection, each independent of the others."""

import copy
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import sync
from api import AuthError
from models import Checkpoint, Operation
from tests import fivetran, raw_tables
from tests.connector.scripted import EMPTY_WAREHOUSE
from tests.loader import KilledError, Loader
from tests.sandbox_server import Sandbox, run_sandbox

FIRST, SECOND, WRONG = "pk_first_key", "pk_second_key", "pk_wrong_key"
TABLES = "campaign,segment,campaign_performance,event"
NOW = "2026-11-16T15:00:00+00:00"


@pytest.fixture(scope="module", name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    keys = [FIRST, f"{SECOND}@9"]
    with run_sandbox(
        campaigns=6, profiles=40, seed=5, now=NOW, no_limits=True, api_key=keys
    ) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", name="first_sync")
def _first_sync(sandbox: Sandbox) -> Loader:
    return connect(sandbox, FIRST, SECOND).sync()


@pytest.fixture
def both(first_sync: Loader) -> Loader:
    """A connection with two keys, after its first sync."""
    return copy.deepcopy(first_sync)


def connect(sandbox: Sandbox, *keys: str) -> Loader:
    """A new connection with these keys."""
    return Loader(sandbox.url, {"api_key": ", ".join(keys), "tables": TABLES})


def test_two_keys_hold_what_two_connections_would(sandbox: Sandbox, both: Loader) -> None:
    """The rows of each account are those of a connection of its own, by account_id."""
    first, second = (connect(sandbox, key).sync().content() for key in (FIRST, SECOND))
    expected = {table: first[table] | second[table] for table in first}
    assert len({row["account_id"] for row in both.rows("account")}) == 2
    assert expected == both.content()
    both.sync()
    assert set(both.written) <= {"sync_report", "event"}  # the last hours' events are read again
    assert expected == both.content()


def test_an_account_can_be_added_later(sandbox: Sandbox, both: Loader) -> None:
    """A key that is added later brings its whole history; the first account is as it was."""
    grown = connect(sandbox, FIRST).sync()
    grown.configuration = {**grown.configuration, "api_key": f"{FIRST},{SECOND}"}
    grown.sync()
    assert both.content() == grown.content()


def test_killed_anywhere_both_resume(sandbox: Sandbox, both: Loader) -> None:
    """A checkpoint holds of each account only what was loaded before: nothing is lost."""
    length = sum(both.written.values())
    killed = connect(sandbox, FIRST, SECOND)
    dice = random.Random(7)
    for _ in range(2):
        with pytest.raises(KilledError):
            killed.sync(die_after=dice.randrange(length // 5))
    killed.sync()
    assert both.content() == killed.content()


def has_listed_both_metrics(operation: Operation) -> bool:
    """Whether a checkpoint says that the metrics of two accounts are complete."""
    accounts = operation.state["accounts"] if isinstance(operation, Checkpoint) else {}
    metrics = [account["tables"].get("metric", {}) for account in accounts.values()]
    return sum(bool(state.get("listed_on")) for state in metrics) == 2


def test_a_closed_sync_leaves_no_thread(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing the operations ends every thread, also those that wait for a response."""
    monkeypatch.setenv("KLAVIYO_BASE_URL", sandbox.url)
    monkeypatch.setattr("sync.ROWS_BETWEEN_CHECKPOINTS", 0)  # none is held back
    sandbox.reset_requests()
    sandbox.fault("stall", path="/api/events", query="sort", times=None)
    before = set(threading.enumerate())
    operations = sync.sync({"api_key": f"{FIRST},{SECOND}", "tables": "event"}, EMPTY_WAREHOUSE)
    while not has_listed_both_metrics(next(operations)):
        pass  # events are next
    while sum(request["path"] == "/api/events" for request in sandbox.log()) < 2:
        time.sleep(0.05)  # until both accounts wait
    started = set(threading.enumerate()) - before
    operations.close()
    latest = time.monotonic() + 20  # a request's deadline is 60 seconds
    for thread in started:
        thread.join(timeout=max(latest - time.monotonic(), 0))
    assert started
    assert not set(threading.enumerate()) - before
    sandbox.clear_faults()


@pytest.mark.parametrize("keys", [(FIRST, WRONG), (WRONG, FIRST)])
def test_rejected_key_stops_its_own_account_only(sandbox: Sandbox, keys: tuple[str, str]) -> None:
    """The other account is complete, wherever its key is; once the key is right, both are."""
    connection = connect(sandbox, *keys)
    with pytest.raises(AuthError, match=f"account {keys.index(WRONG) + 1} of 2: .* rejected"):
        connection.sync()
    assert connection.content() == connect(sandbox, FIRST).sync().content()
    connection.configuration = {**connection.configuration, "api_key": f"{FIRST},{SECOND}"}
    connection.sync()
    assert connection.content() == connect(sandbox, FIRST, SECOND).sync().content()


@pytest.mark.chaos
def test_debug_says_which_key_was_rejected(sandbox: Sandbox, connector_project: Path) -> None:
    """`fivetran debug` keeps the good account's rows, names the bad one and exits with 1."""
    configuration = {"api_key": f"{FIRST},{WRONG}", "tables": "segment"}
    result = fivetran.debug(connector_project, configuration, env={"KLAVIYO_BASE_URL": sandbox.url})
    assert result.returncode == 1
    assert "account 2 of 2: Klaviyo rejected the API key" in result.stdout
    assert len(raw_tables.content(result.warehouse)["segment"]) > 0
