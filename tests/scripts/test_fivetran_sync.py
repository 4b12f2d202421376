"""`python -m scripts.fivetran_sync`: every outcome of a sync, and its exit code."""

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
SUCCESS, FAILURE, USAGE, DEADLINE, NOT_FOUND, NOT_READY = range(6)  # exit codes


class Clock:
    """A clock that advances only in `sleep`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture(name="clock", autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that both modules use in place of `time`."""
    clock = Clock()
    for module in (fivetran_api, fivetran_sync):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture(name="fivetran")
def _fivetran(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    """Fivetran's API with one group and the connections `klaviyo` and `shopify`."""
    monkeypatch.setenv("FIVETRAN_API_KEY", KEY)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        add_listing(mock, "groups", [{"id": "group", "name": "Warehouse"}])
        connections = [
            listed_connection("first", "klaviyo"),
            listed_connection("second", "shopify"),
        ]
        add_listing(mock, "connections", connections)
        mock.post(f"{PATH}/sync", json={"code": "Success", "message": "Sync has been triggered"})
        yield mock


def add_listing(mock: responses.RequestsMock, path: str, items: Sequence[Any]) -> None:
    """Add a listing of these items, with one item per page."""
    for number, item in enumerate(items):
        cursor = {"next_cursor": str(number + 1)} if number + 1 < len(items) else {}
        mock.get(f"{API}/{path}", json={"data": {"items": [item], **cursor}})


def listed_connection(id_: str, schema: str) -> dict[str, Any]:
    """A connection as a listing has it."""
    status = {"setup_state": "connected", "sync_state": "scheduled"}
    return {"id": id_, "schema": schema, "service": "connector_sdk", "status": status}


def add_polls(mock: responses.RequestsMock, *changes: dict[str, Any]) -> None:
    """Add the responses to successive polls of the connection; the last one repeats."""
    for change in changes:
        mock.get(PATH, json={"data": connection(**change)})


def connection(**change: Any) -> dict[str, Any]:
    """A connection with its last success at 8:00 and its last failure at 7:00."""
    status: dict[str, Any] = {
        "setup_state": "connected",
        "sync_state": "scheduled",
        "rescheduled_for": None,
        "tasks": [],
    }
    document: dict[str, Any] = {
        "succeeded_at": HOUR.format(8),
        "failed_at": HOUR.format(7),
        "paused": False,
        "schedule_type": "auto",
        "status": status,
    }
    for name, value in change.items():
        (status if name in status else document)[name] = value
    return document


SYNCING = {"sync_state": "syncing"}
SUCCEEDED = {"succeeded_at": HOUR.format(9)}


def run(*arguments: str) -> int:
    """Run the command for the connection `klaviyo`; return its exit code."""
    code: int = fivetran_sync.main(["--connection", "klaviyo", *arguments])
    return code


def count_triggers(mock: responses.RequestsMock) -> int:
    """Count the triggered syncs; none may have `force`, which ends a running sync."""
    requests_ = [call.request for call in mock.calls if call.request.method == "POST"]
    assert all(json.loads(request.body or "") == {"force": False} for request in requests_)
    return len(requests_)


def read_last_line(capsys: pytest.CaptureFixture[str]) -> str:
    """Read the last line of stderr; assert that no output has a secret or a traceback."""
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert not any(secret in out + err for secret in (KEY, "hush-hush"))
    return err.splitlines()[-1]


def test_successful_sync(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sync is triggered once, every change of its state is printed, and success exits with 0."""
    add_polls(fivetran, {}, {}, SYNCING, SYNCING, SUCCEEDED)
    assert run("--group", "Warehouse") == SUCCESS
    assert count_triggers(fivetran) == 1
    states = [line.split()[2] for line in capsys.readouterr().out.splitlines()[1:-1]]
    assert states == ["scheduled", "syncing", "scheduled"]


def test_key_is_sent_in_the_authorization_header(fivetran: responses.RequestsMock) -> None:
    """Every request has the key in its Authorization header, as HTTP basic authentication."""
    add_polls(fivetran, {}, SUCCEEDED)
    assert run() == SUCCESS
    headers = {call.request.headers["Authorization"] for call in fivetran.calls}
    assert headers == {f"Basic {KEY}"}


@pytest.mark.parametrize(
    "poll",
    [
        {"failed_at": HOUR.format(9)},
        {"failed_at": HOUR.format(10), "succeeded_at": HOUR.format(9)},
        {"failed_at": HOUR.format(9), "sync_state": "rescheduled"},
    ],
    ids=["failed", "succeeded, then failed", "failed and rescheduled"],
)
def test_failed_sync(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str], poll: dict[str, Any]
) -> None:
    """A failed sync exits with 1 and prints Fivetran's reason."""
    add_polls(
        fivetran, {}, SYNCING, poll | {"tasks": [{"code": "x", "message": "the key is void"}]}
    )
    assert run() == FAILURE
    assert read_last_line(capsys) == "The sync failed: the key is void"


def test_earlier_failure_is_ignored(fivetran: responses.RequestsMock) -> None:
    """A failure from before the sync, even the latest event, does not fail this sync."""
    old = {"failed_at": HOUR.format(8), "succeeded_at": None}
    add_polls(fivetran, old, old, SUCCEEDED | {"failed_at": HOUR.format(8)})
    assert run() == SUCCESS


def test_running_sync_is_joined(fivetran: responses.RequestsMock) -> None:
    """While a sync runs no second one is triggered."""
    add_polls(fivetran, SYNCING, SYNCING, SUCCEEDED)
    assert run() == SUCCESS
    assert count_triggers(fivetran) == 0


@pytest.mark.parametrize(
    ("schedule", "triggers"), [("auto", 1), ("manual", 2)], ids=["scheduled", "manual"]
)
def test_rescheduled_sync(fivetran: responses.RequestsMock, schedule: str, triggers: int) -> None:
    """A rescheduled sync is awaited; on a manual schedule it is triggered again once it is due."""
    now = datetime.now(UTC)
    later = {"sync_state": "rescheduled", "rescheduled_for": (now + timedelta(1)).isoformat()}
    due = {"sync_state": "rescheduled", "rescheduled_for": (now - timedelta(1)).isoformat()}
    states = [{}, later, due, SYNCING, SUCCEEDED]
    add_polls(fivetran, *({"schedule_type": schedule} | state for state in states))
    assert run() == SUCCESS
    assert count_triggers(fivetran) == triggers


def test_sync_that_never_begins(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    """A sync that does not begin within five minutes exits with 3."""
    add_polls(fivetran, {})
    assert run() == DEADLINE
    assert "No sync began within 300 s" in read_last_line(capsys)
    assert clock.now < 400


def test_sync_that_does_not_end(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    """After --timeout the command exits with 3; the intervals between polls have jitter."""
    add_polls(fivetran, {}, SYNCING)
    assert run("--timeout", "100", "--poll-interval", "10") == DEADLINE
    assert "did not come within 100 s" in read_last_line(capsys)
    assert clock.now <= 100
    assert all(8 <= pause <= 12 for pause in clock.pauses)
    assert len(set(clock.pauses)) > 1


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ({"paused": True}, "The connection is paused"),
        ({"sync_state": "paused"}, "The connection is paused"),
        ({"setup_state": "incomplete"}, "set-up is incomplete"),
        ({"setup_state": "broken"}, "set-up is broken"),
    ],
)
def test_connection_that_waits_for_a_person(
    fivetran: responses.RequestsMock,
    capsys: pytest.CaptureFixture[str],
    state: dict[str, Any],
    line: str,
) -> None:
    """A paused or unfinished connection exits with 5, and is neither triggered nor enabled."""
    add_polls(fivetran, state)
    assert run() == NOT_READY
    assert line in read_last_line(capsys)
    assert count_triggers(fivetran) == 0


def test_connection_paused_during_the_sync(fivetran: responses.RequestsMock) -> None:
    """A connection that is paused during the sync exits with 5 instead of waiting on."""
    add_polls(fivetran, {}, SYNCING, {"paused": True})
    assert run() == NOT_READY


@pytest.mark.parametrize(
    ("headers", "pause"),
    [({"Retry-After": "7"}, (7, 7)), ({}, (0.8, 1.2))],
    ids=["Retry-After", "backoff"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retryable_status(
    fivetran: responses.RequestsMock,
    clock: Clock,
    status: int,
    headers: dict[str, str],
    pause: tuple[float, float],
) -> None:
    """A retryable status is retried after Retry-After, or after about one second without it."""
    fivetran.get(PATH, status=status, headers=headers)
    add_polls(fivetran, {}, SUCCEEDED)
    assert run() == SUCCESS
    assert pause[0] <= clock.pauses[0] <= pause[1]


def test_network_error_is_retried(fivetran: responses.RequestsMock) -> None:
    """A network error is retried like a retryable status."""
    fivetran.get(PATH, body=requests.ConnectionError("reset"))
    add_polls(fivetran, {}, SUCCEEDED)
    assert run() == SUCCESS


def test_offline_machine(
    fivetran: responses.RequestsMock, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without any response the command exits with 1 within a minute, not after two hours."""
    fivetran.replace(responses.GET, f"{API}/groups", body=requests.ConnectionError("no route"))
    assert fivetran_sync.main(["--list"]) == FAILURE
    assert "Fivetran cannot be reached" in read_last_line(capsys)
    assert clock.now < 60


def test_long_network_outage_is_retried(fivetran: responses.RequestsMock) -> None:
    """After a first response network errors are retried, since the sync continues in Fivetran."""
    add_polls(fivetran, {})
    for _ in range(20):
        fivetran.get(PATH, body=requests.ConnectionError("reset"))
    add_polls(fivetran, SUCCEEDED)
    assert run() == SUCCESS


def test_retry_after_beyond_the_deadline(
    fivetran: responses.RequestsMock, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Retry-After that exceeds the deadline exits with 3 at once."""
    fivetran.get(PATH, status=429, headers={"Retry-After": "9999"})
    assert run("--timeout", "60") == DEADLINE
    assert clock.now == 0
    assert "Fivetran's answer to /connections/first" in read_last_line(capsys)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_key(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    """A refused API key exits with 4 and names the setting."""
    fivetran.replace(responses.GET, f"{API}/groups", status=status, json={"code": "AuthFailed"})
    assert run("--group", "Warehouse") == NOT_FOUND
    assert "FIVETRAN_API_KEY" in read_last_line(capsys)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--connector", "klavio"], "no connection 'klavio'"),
        (["--group", "Lager"], "no group 'Lager'"),
    ],
)
def test_unknown_name(
    fivetran: responses.RequestsMock,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    line: str,
) -> None:
    """An unknown connection or group exits with 4, and the message has the name and --list."""
    assert run(*options) == NOT_FOUND
    assert line in (error := read_last_line(capsys))
    assert "--list" in error
    assert count_triggers(fivetran) == 0


def test_ambiguous_name(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that two connections have exits with 2 and asks for --group."""
    two = {"data": {"items": [listed_connection(id_, "klaviyo") for id_ in ("first", "third")]}}
    fivetran.replace(responses.GET, f"{API}/connections", json=two)
    assert run() == USAGE
    assert "add --group" in read_last_line(capsys)


def test_unexpected_status(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any other error status exits with 1 and is printed."""
    fivetran.get(PATH, status=409, json={"code": "Conflict"})
    assert run() == FAILURE
    assert "409" in read_last_line(capsys)


def test_dry_run_sends_no_request(
    fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run prints what would be done and sends no request."""
    assert run("--dry-run") == SUCCESS
    assert len(fivetran.calls) == 0
    assert "Would sync klaviyo" in capsys.readouterr().out


def test_list(fivetran: responses.RequestsMock, capsys: pytest.CaptureFixture[str]) -> None:
    """Every group and connection of every page is printed with its id."""
    assert fivetran_sync.main(["--list"]) == SUCCESS
    out = capsys.readouterr().out
    assert all(part in out for part in ("Warehouse (group)", "klaviyo (first)", "shopify (second)"))
    assert count_triggers(fivetran) == 0


def test_all_settings_are_validated_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """One line names every missing setting and where it can be set."""
    assert fivetran_sync.main([]) == USAGE
    line = read_last_line(capsys)
    assert all(part in line for part in ("FIVETRAN_API_KEY", "FIVETRAN_CONNECTION", ".env"))


@pytest.mark.parametrize("key", ["hush-hush", "bmFtZQ==", KEY + "!"])
def test_malformed_key_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    """The message states the form of the key and never its value."""
    monkeypatch.setenv("FIVETRAN_API_KEY", key)
    assert run() == USAGE
    assert "FIVETRAN_API_KEY: it must be base64 of key:secret" in read_last_line(capsys)


def test_precedence_of_settings(
    fivetran: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """The command line overrides the environment, which overrides .env."""
    (tmp_path / ".env").write_text("FIVETRAN_CONNECTION=file\nFIVETRAN_TIMEOUT=77\n")
    assert fivetran_sync.main(["--dry-run"]) == SUCCESS
    monkeypatch.setenv("FIVETRAN_CONNECTION", "environment")
    assert fivetran_sync.main(["--dry-run"]) == SUCCESS
    assert fivetran_sync.main(["--dry-run", "--connection", "line"]) == SUCCESS
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == ["file", "environment", "line"]
    assert all("77 s" in line for line in lines)
    assert len(fivetran.calls) == 0
