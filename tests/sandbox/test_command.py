"""`python -m klaviyo_sandbox` reports errors in one line and applies its options."""

from __future__ import annotations

import socket
import subprocess
import sys
from datetime import date

import pytest

from klaviyo_sandbox.catalog.builder import build_company
from tests.sandbox_server import REPOSITORY, run_sandbox

SMALL = {"campaigns": 20, "profiles": 50}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command and wait for its end."""
    command = [sys.executable, "-m", "klaviyo_sandbox", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=REPOSITORY, timeout=60, check=False
    )


def test_wrong_argument_is_named(subtests: pytest.Subtests) -> None:
    """A wrong argument ends the command with a line that names it, without a traceback."""
    cases: list[tuple[tuple[str, ...], str]] = [
        (("--now", "yesterday"), "--now: 'yesterday' is not a time such as 2026-11-16T15:00:00Z"),
        (("--epoch", "2026-13-01"), "--epoch: '2026-13-01' is not a day such as 2026-11-16"),
        (("--events", "-1"), "--events: '-1' is not a whole number from 0 on"),
        (("--campaigns", "many"), "--campaigns: 'many' is not a whole number from 0 on"),
        (("--seed", "one"), "--seed: 'one' is not a whole number"),
        (("--fault", "flood"), "--fault"),
        (("--colour", "red"), "--colour"),
        (("--api-key", "junk"), "begin with pk_"),
        (("--api-key", "pk_a@one"), "'one' is not a whole number"),
        (("--timezone", "Europe"), "--timezone: 'Europe' is not a time zone such as Europe/Paris"),
        (("--revenue", "huge"), "--revenue"),
        (("--unengaged", "2"), "--unengaged: '2' is not a number from 0 to 1"),
        (("--now", "9999-12-30"), "out of range"),
        (("--port", "70000"), "70000"),
        (("--now", "2020-01-01", "--epoch", "2026-11-21"), "2020-01-01"),
    ]
    for arguments, named in cases:
        with subtests.test(arguments=arguments):
            ended = run("--port", "0", *arguments) if "--port" not in arguments else run(*arguments)
            assert ended.returncode != 0
            assert named in ended.stderr.splitlines()[-1]
            assert "Traceback" not in ended.stderr


def test_port_in_use_is_named() -> None:
    """A port in use is named, with the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ended = run("--port", str(port))
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert str(port) in line
    assert "--port" in line


def test_listens_on_loopback_only() -> None:
    """Only this machine can reach a sandbox."""
    with run_sandbox(**SMALL) as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
        port = int(sandbox.url.rpartition(":")[2])
        with socket.create_server(("127.0.0.2", port)):
            pass  # the same port is free on another address, so it is not taken on all


def test_flags_reach_the_server() -> None:
    """The options --seed, --epoch, --now, --timezone and --currency are those of the account."""
    options = {"now": "2026-06-01T00:00:00Z", "epoch": "2026-05-01", "seed": 3}
    options |= {"timezone": "Europe/Paris", "currency": "EUR"}
    with run_sandbox(**SMALL, **options) as sandbox:
        state = sandbox.admin()
        assert (state["now"], state["epoch"]) == ("2026-06-01T00:00:00+00:00", "2026-05-01")
        assert state["accounts"] == [build_company(3, date(2026, 5, 1), 20).account_id]
        (account,) = sandbox.all("/api/accounts")
        assert account["attributes"]["timezone"] == "Europe/Paris"
        assert account["attributes"]["preferred_currency"] == "EUR"


def test_settings_change_and_reset() -> None:
    """Reports follow the account's time zone and roles; a reset brings the first ones back."""
    with run_sandbox(**SMALL, now="2026-11-16T15:00:00Z", no_limits=True) as sandbox:

        def describe() -> list[object]:
            (account,) = sandbox.all("/api/accounts")
            mapped = sandbox.get("/api/mapped-metrics/revenue")["data"].get("relationships", {})
            frame = {"key": "yesterday"}
            series = sandbox.report("segment-series-report", statistics=["total_members"],
                                    timeframe=frame, interval="daily")  # fmt: skip
            attributes = account["attributes"]
            return [
                attributes["timezone"],
                attributes["preferred_currency"],
                mapped.get("metric", {}).get("data"),
                series["data"]["attributes"]["date_times"],
            ]

        first = describe()
        sandbox.change_settings(timezone="Australia/Sydney", currency="AUD")
        sandbox.map_metric("revenue", None)
        changed = describe()
        assert changed[:3] == ["Australia/Sydney", "AUD", None]
        assert changed[3] != first[3]
        sandbox.reset()
        assert describe() == first
