"""Several Klaviyo accounts in one connection: side by side, and independent of each other."""

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
from tests.loader import KilledError, Loader, Tables
from tests.sandbox_server import Sandbox, running_sandbox

FIRST, SECOND, WRONG = "pk_first_key", "pk_second_key", "pk_wrong_key"
TABLES = "campaign,segment,campaign_performance,event"
NOW = "2026-11-16T15:00:00+00:00"


@pytest.fixture(scope="module", name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    keys = [FIRST, f"{SECOND}@9"]
    with running_sandbox(
        campaigns=6, profiles=40, seed=5, now=NOW, no_limits=True, api_key=keys
    ) as sandbox:
        yield sandbox


def loader(sandbox: Sandbox, *keys: str) -> Loader:
    """A connection with these keys."""
    return Loader(sandbox.url, {"api_key": ", ".join(keys), "tables": TABLES})


def together(*tables: Tables) -> Tables:
    """The rows of several accounts, whose keys never meet."""
    return {name: {k: row for one in tables for k, row in one[name].items()} for name in tables[0]}


def test_rows_of_all_stand_under_their_account(sandbox: Sandbox) -> None:
    """One connection with two keys holds what two connections would, told apart by account_id."""
    alone = [loader(sandbox, key).sync().content() for key in (FIRST, SECOND)]
    both = loader(sandbox, FIRST, SECOND).sync()
    assert len({row["account_id"] for row in both.rows("account")}) == 2
    assert together(*alone) == both.content()
    both.sync()
    assert set(both.written) <= {"sync_report", "event"}  # the last hours' events are asked again
    assert together(*alone) == both.content()


def test_a_second_account_can_join_later(sandbox: Sandbox) -> None:
    """A key that is added later brings its whole history; the first account goes on as it was."""
    joined = loader(sandbox, FIRST).sync()
    joined.configuration = {**joined.configuration, "api_key": f"{FIRST},{SECOND}"}
    joined.sync()
    assert loader(sandbox, FIRST, SECOND).sync().content() == joined.content()


def test_killed_anywhere_both_resume(sandbox: Sandbox) -> None:
    """A checkpoint knows of each account only what was handed out before: nothing is lost."""
    whole = loader(sandbox, FIRST, SECOND).sync()
    killed = loader(sandbox, FIRST, SECOND)
    dice = random.Random(7)
    for _ in range(4):
        with pytest.raises(KilledError):
            killed.sync(die_after=dice.randrange(sum(whole.written.values()) // 5))
    killed.sync()
    assert whole.content() == killed.content()


def both_have_metrics(operation: Operation) -> bool:
    """Whether a checkpoint tells that the metrics of two accounts were listed wholly."""
    accounts = operation.state["accounts"] if isinstance(operation, Checkpoint) else {}
    metrics = [account["tables"].get("metric", {}) for account in accounts.values()]
    return sum(bool(one.get("listed_on")) for one in metrics) == 2


def test_a_sync_that_is_broken_off_leaves_no_thread(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even those that wait for an answer of Klaviyo's."""
    monkeypatch.setenv("KLAVIYO_BASE_URL", sandbox.url)
    monkeypatch.setattr("sync.ROWS_BETWEEN_CHECKPOINTS", 0)  # each is handed on
    sandbox.reset_requests()
    sandbox.fault("stall", path="/api/events", times=None)
    before = set(threading.enumerate())
    operations = sync.sync({"api_key": f"{FIRST},{SECOND}", "tables": "event"}, {})
    while not both_have_metrics(next(operations)):
        pass  # and events are next
    while sum(asked["path"] == "/api/events" for asked in sandbox.log()) < 2:
        time.sleep(0.05)  # until both accounts wait
    started = set(threading.enumerate()) - before
    operations.close()
    ended = time.monotonic() + 20  # a request's deadline is 60 seconds
    for thread in started:
        thread.join(timeout=max(ended - time.monotonic(), 0))
    assert started
    assert not set(threading.enumerate()) - before
    sandbox.clear_faults()


@pytest.mark.parametrize("keys", [(FIRST, WRONG), (WRONG, FIRST)], ids=["last", "first"])
def test_a_rejected_key_stops_its_own_account_only(sandbox: Sandbox, keys: tuple[str, str]) -> None:
    """The other account is whole, a warning tells which one is not, and the sync fails."""
    one_bad = loader(sandbox, *keys)
    with pytest.raises(AuthError, match=f"account {keys.index(WRONG) + 1} of 2: .* rejected"):
        one_bad.sync()
    assert loader(sandbox, FIRST).sync().content() == one_bad.content()
    one_bad.configuration = {**one_bad.configuration, "api_key": f"{FIRST},{SECOND}"}
    one_bad.sync()
    assert loader(sandbox, FIRST, SECOND).sync().content() == one_bad.content()


def test_a_real_run_says_which_key_was_rejected(sandbox: Sandbox, connector_project: Path) -> None:
    """`fivetran debug` keeps the good account's rows, names the bad one and exits with 1."""
    given = {"api_key": f"{FIRST},{WRONG}", "tables": TABLES}
    result = fivetran.debug(connector_project, given, env={"KLAVIYO_BASE_URL": sandbox.url})
    assert result.returncode == 1
    assert "account 2 of 2: Klaviyo rejected the API key" in result.stdout
    assert len(raw_tables.content(result.warehouse)["event"]) > 0
