"""`python -m scripts.fivetran_sync`: every way a sync can end, and its exit code."""

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from scripts import fivetran_api, fivetran_sync

API = fivetran_api.API
KEY = base64.b64encode(b"name:hush-hush").decode()
PATH = f"{API}/connections/first"
HOUR = "2026-11-20T{:02}:00:00.000000Z"
DONE, FAILED, USAGE, LATE, NOT_FOUND, NOT_READY = range(6)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture(name="clock", autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (fivetran_api, fivetran_sync):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture(name="fivetran")
def _fivetran(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    monkeypatch.setenv("FIVETRAN_API_KEY", KEY)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        listing(mock, "groups", [{"id": "group", "name": "Warehouse"}])
        listing(mock, "connections", [named("first", "klaviyo"), named("second", "shopify")])
        mock.post(f"{PATH}/sync", json={"code": "Success", "message": "Sync has been triggered"})
        yield mock


def listing(mock: responses.RequestsMock, path: str, items: Sequence[Any]) -> None:
    """Let a listing have these items, one to a page."""
    for number, item in enumerate(items):
        following = {"next_cursor": str(number + 1)} if number + 1 < len(items) else {}
        mock.get(f"{API}/{path}", json={"data": {"items": [item], **following}})


def named(id_: str, schema: str) -> dict[str, Any]:
    """A connection as a listing shows it."""
    status = {"setup_state": "connected", "sync_state": "scheduled"}
    return {"id": id_, "schema": schema, "service": "connector_sdk", "status": status}


def looks(mock: responses.RequestsMock, *changes: dict[str, Any]) -> None:
    """Let one look after the other find the connection so; the last one lasts."""
    for change in changes:
        mock.get(PATH, json={"data": connection(**change)})


def connection(**change: Any) -> dict[str, Any]:
    """A connection that last succeeded at 8 and last failed at 7 o'clock."""
    status: dict[str, Any] = {
        "setup_state": "connected",
        "sync_state": "scheduled",
        "rescheduled_for": None,
        "tasks": [],
    }
    whole: dict[str, Any] = {
        "succeeded_at": HOUR.format(8),
        "failed_at": HOUR.format(7),
        "paused": False,
        "schedule_type": "auto",
        "status": status,
    }
    for name, value in change.items():
        (status if name in status else whole)[name] = value
    return whole


SYNCING = {"sync_state": "syncing"}
SUCCEEDED = {"succeeded_at": HOUR.format(9)}


def run(*arguments: str) -> int:
    """Sync the connection `klaviyo`."""
    code: int = fivetran_sync.main(["--connection", "klaviyo", *arguments])
    return code


def triggers(mock: responses.RequestsMock) -> int:
    """How often a sync was asked for; never by force, which kills the one that runs."""
    asked = [call.request for call in mock.calls if call.request.method == "POST"]
    assert all(json.loads(request.body or "") == {"force": False} for request in asked)
    return len(asked)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What the command said last, which holds no secret; nor does the rest."""
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert not any(secret in out + err for secret in (KEY, "hush-hush"))
    return err.splitlines()[-1]


def test_a_sync_that_succeeds(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is asked for once, each state is told, and the exit code is 0 when it has ended."""
    looks(fivetran, {}, {}, SYNCING, SYNCING, SUCCEEDED)
    assert run("--group", "Warehouse") == DONE
    assert triggers(fivetran) == 1
    states = [line.split()[2] for line in capsys.readouterr().out.splitlines()[1:-1]]
    assert states == ["scheduled", "syncing", "scheduled"]


def test_the_key_goes_into_the_authorization_header(fivetran: responses.RequestsMock) -> None:
    """Every request carries it there, as Fivetran's API wants it."""
    looks(fivetran, {}, SUCCEEDED)
    assert run() == DONE
    headers = {call.request.headers["Authorization"] for call in fivetran.calls}
    assert headers == {f"Basic {KEY}"}


@pytest.mark.parametrize(
    "end",
    [
        {"failed_at": HOUR.format(9)},
        {"failed_at": HOUR.format(10), "succeeded_at": HOUR.format(9)},
        {"failed_at": HOUR.format(9), "sync_state": "rescheduled"},
    ],
    ids=["failed", "succeeded, then failed", "failed and to be tried again"],
)
def test_a_sync_that_fails(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str], end: dict[str, Any]
) -> None:
    """The exit code is 1, and Fivetran's reason is told."""
    looks(fivetran, {}, SYNCING, end | {"tasks": [{"code": "x", "message": "the key is void"}]})
    assert run() == FAILED
    assert last_line(capsys) == "The sync failed: the key is void"


def test_an_old_failure_is_not_this_one(fivetran: responses.RequestsMock) -> None:
    """A connection that failed before, even as its last act, can succeed now."""
    old = {"failed_at": HOUR.format(8), "succeeded_at": None}
    looks(fivetran, old, old, SUCCEEDED | {"failed_at": HOUR.format(8)})
    assert run() == DONE


def test_a_running_sync_is_joined(fivetran: responses.RequestsMock) -> None:
    """No second one is asked for."""
    looks(fivetran, SYNCING, SYNCING, SUCCEEDED)
    assert run() == DONE
    assert triggers(fivetran) == 0


@pytest.mark.parametrize(
    ("schedule", "asked"), [("auto", 1), ("manual", 2)], ids=["scheduled", "manual"]
)
def test_a_rescheduled_sync_is_waited_for(
    fivetran: responses.RequestsMock, schedule: str, asked: int
) -> None:
    """Where nothing but us would start it again, we do, once its time has come."""
    now = datetime.now(UTC)
    later = {"sync_state": "rescheduled", "rescheduled_for": (now + timedelta(1)).isoformat()}
    due = {"sync_state": "rescheduled", "rescheduled_for": (now - timedelta(1)).isoformat()}
    states = [{}, later, due, SYNCING, SUCCEEDED]
    looks(fivetran, *({"schedule_type": schedule} | state for state in states))
    assert run() == DONE
    assert triggers(fivetran) == asked


def test_a_sync_that_never_begins(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    """After five minutes in which nothing happened the exit code is 3."""
    looks(fivetran, {})
    assert run() == LATE
    assert "No sync began within 300 s" in last_line(capsys)
    assert clock.now < 400


def test_a_sync_that_does_not_end(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    """The exit code is 3 when the time is over; looks are apart, though not evenly."""
    looks(fivetran, {}, SYNCING)
    assert run("--timeout", "100", "--poll-interval", "10") == LATE
    assert "did not come within 100 s" in last_line(capsys)
    assert clock.now <= 100
    assert all(8 <= nap <= 12 for nap in clock.naps)
    assert len(set(clock.naps)) > 1


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ({"paused": True}, "The connection is paused"),
        ({"sync_state": "paused"}, "The connection is paused"),
        ({"setup_state": "incomplete"}, "set-up is incomplete"),
        ({"setup_state": "broken"}, "set-up is broken"),
    ],
)
def test_a_connection_that_waits_for_a_person(
    fivetran: responses.RequestsMock,
    capsys: pytest.CaptureFixture[str],
    state: dict[str, Any],
    line: str,
) -> None:
    """The exit code is 5, and nothing was asked for or un-paused behind that person's back."""
    looks(fivetran, state)
    assert run() == NOT_READY
    assert line in last_line(capsys)
    assert triggers(fivetran) == 0


def test_a_connection_paused_meanwhile(fivetran: responses.RequestsMock) -> None:
    """Nobody waits for a sync that will not come."""
    looks(fivetran, {}, SYNCING, {"paused": True})
    assert run() == NOT_READY


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({"Retry-After": "7"}, (7, 7)), ({}, (0.8, 1.2))],
    ids=["Retry-After", "of our own"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_for_the_moment(
    fivetran: responses.RequestsMock,
    clock: Clock,
    status: int,
    headers: dict[str, str],
    expected: tuple[float, float],
) -> None:
    """It is asked again after the time that Fivetran names, or about a second."""
    fivetran.get(PATH, status=status, headers=headers)
    looks(fivetran, {}, SUCCEEDED)
    assert run() == DONE
    assert expected[0] <= clock.naps[0] <= expected[1]


def test_a_network_that_fails_for_the_moment(fivetran: responses.RequestsMock) -> None:
    """A lost connection is as good as a refusal for the moment."""
    fivetran.get(PATH, body=requests.ConnectionError("reset"))
    looks(fivetran, {}, SUCCEEDED)
    assert run() == DONE


def test_a_machine_that_is_offline_is_told_so(
    fivetran: responses.RequestsMock, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever never had an answer gives up within a minute, not after two hours of waiting."""
    fivetran.replace(responses.GET, f"{API}/groups", body=requests.ConnectionError("no route"))
    assert fivetran_sync.main(["--list"]) == FAILED
    assert "Fivetran cannot be reached" in last_line(capsys)
    assert clock.now < 60


def test_a_network_that_fails_for_long_is_outwaited(fivetran: responses.RequestsMock) -> None:
    """A sync goes on in Fivetran meanwhile, so whoever was answered before goes on asking."""
    looks(fivetran, {})
    for _ in range(20):
        fivetran.get(PATH, body=requests.ConnectionError("reset"))
    looks(fivetran, SUCCEEDED)
    assert run() == DONE


def test_a_retry_after_beyond_the_deadline(
    fivetran: responses.RequestsMock, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever would wait too long stops at once."""
    fivetran.get(PATH, status=429, headers={"Retry-After": "9999"})
    assert run("--timeout", "60") == LATE
    assert clock.now == 0
    assert "Fivetran's answer to /connections/first" in last_line(capsys)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    """The exit code is 4, and the setting is named."""
    fivetran.replace(responses.GET, f"{API}/groups", status=status, json={"code": "AuthFailed"})
    assert run("--group", "Warehouse") == NOT_FOUND
    assert "FIVETRAN_API_KEY" in last_line(capsys)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--connector", "klavio"], "no connection 'klavio'"),
        (["--group", "Lager"], "no group 'Lager'"),
    ],
)
def test_a_name_that_is_unknown(
    fivetran: responses.RequestsMock,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    line: str,
) -> None:
    """The exit code is 4, and the name and the way to all names are told."""
    assert run(*options) == NOT_FOUND
    assert line in (said := last_line(capsys))
    assert "--list" in said
    assert triggers(fivetran) == 0


def test_a_name_that_two_connections_have(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    """The wrong one is not guessed."""
    two = {"data": {"items": [named("first", "klaviyo"), named("third", "klaviyo")]}}
    fivetran.replace(responses.GET, f"{API}/connections", json=two)
    assert run() == USAGE
    assert "add --group" in last_line(capsys)


def test_an_answer_that_nobody_expects(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is shown, and the exit code is 1."""
    fivetran.get(PATH, status=409, json={"code": "Conflict"})
    assert run() == FAILED
    assert "409" in last_line(capsys)


def test_a_dry_run_asks_nothing(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what would be done."""
    assert run("--dry-run") == DONE
    assert len(fivetran.calls) == 0
    assert "Would sync klaviyo" in capsys.readouterr().out


def test_the_list(fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str]) -> None:
    """Every group and connection is listed with its id, on every page."""
    assert fivetran_sync.main(["--list"]) == DONE
    out = capsys.readouterr().out
    assert all(part in out for part in ("Warehouse (group)", "klaviyo (first)", "shopify (second)"))
    assert triggers(fivetran) == 0


def test_missing_settings_are_named_together(capsys: pytest.CaptureFixture[str]) -> None:
    """One run tells all that is missing, and where it may be set."""
    assert fivetran_sync.main([]) == USAGE
    line = last_line(capsys)
    assert all(part in line for part in ("FIVETRAN_API_KEY", "FIVETRAN_CONNECTION", ".env"))


@pytest.mark.parametrize("key", ["hush-hush", "bmFtZQ==", KEY + "!"])
def test_a_malformed_key_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    """The message says what the key should be, not what it is."""
    monkeypatch.setenv("FIVETRAN_API_KEY", key)
    assert run() == USAGE
    assert "FIVETRAN_API_KEY: it must be base64 of key:secret" in last_line(capsys)


def test_the_command_line_comes_before_the_environment_and_that_before_the_file(
    fivetran: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Of three settings each is taken from the first place that has it."""
    (tmp_path / ".env").write_text("FIVETRAN_CONNECTION=file\nFIVETRAN_TIMEOUT=77\n")
    assert fivetran_sync.main(["--dry-run"]) == DONE
    monkeypatch.setenv("FIVETRAN_CONNECTION", "environment")
    assert fivetran_sync.main(["--dry-run"]) == DONE
    assert fivetran_sync.main(["--dry-run", "--connection", "line"]) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == ["file", "environment", "line"]
    assert all("77 s" in line for line in lines)
    assert len(fivetran.calls) == 0
