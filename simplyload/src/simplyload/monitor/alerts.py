"""Alerts: one message to a webhook when a problem begins, and one when it has ended."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from html import escape
from http import HTTPStatus
from threading import Event as Signal
from threading import Thread

import requests

from simplyload.monitor.settings import AlertSettings
from simplyload.monitor.status import Status

SECONDS_BETWEEN_CHECKS = 30.0
LONGEST_WAIT = 600.0
TIMEOUT = 5.0
LINES = 20


class Alerts:
    """A thread that reports when problems begin and end, so that no load waits for a webhook.

    The status holds the reported problems for the next process. A message that is not delivered
    is sent again, with growing waits.
    """

    def __init__(
        self, settings: AlertSettings, status: Status, warn: Callable[[str, str], None]
    ) -> None:
        assert settings.webhook is not None  # noqa: S101
        self._address = settings.webhook.get_secret_value()
        self._max_lag, self._status, self._warn = settings.max_lag, status, warn
        self._between = choose_interval(settings.max_lag)
        self._wait, self._not_before = self._between, 0.0
        self._wake, self._ends = Signal(), False
        self._thread = Thread(target=self._watch, name="alerts", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look at the status now: a run has ended."""
        self._wake.set()

    def close(self) -> None:
        """Look a last time, and end."""
        self._ends, self._not_before = True, 0.0
        self._wake.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ends:
            self._wake.wait(self._between)
            self._wake.clear()
            if time.monotonic() >= self._not_before:
                self._check()

    def _check(self) -> None:
        """Report of each stream what changed."""
        for name, stream in self._status.snapshot().items():
            problems = stream.problems(name, self._max_lag, time.time())
            lines = describe_changes(name, stream.reported, problems)
            if lines and self._deliver(name, lines):
                self._status.record_reported(name, problems)

    def _deliver(self, stream: str, lines: list[str]) -> bool:
        failure = post(self._address, "\n".join(lines))
        if not failure:
            self._wait, self._not_before = self._between, 0.0
            return True
        self._not_before = time.monotonic() + self._wait
        self._wait = min(2 * self._wait, LONGEST_WAIT)
        self._warn(stream, f"An alert is not delivered, and is sent again later: {failure}")
        return False


def choose_interval(max_lag: timedelta | None) -> float:
    """Return the seconds between two looks at a lag that grows while no run ends."""
    if max_lag is None:
        return SECONDS_BETWEEN_CHECKS
    return max(0.1, min(SECONDS_BETWEEN_CHECKS, max_lag.total_seconds() / 4))


def describe_changes(
    stream: str, reported: Mapping[str, str], problems: Mapping[str, str]
) -> list[str]:
    """Return a line for each problem that began or ended; another reason of it is no change."""
    lines = [f"simplyload: {text}" for key, text in problems.items() if key not in reported]
    resolved = [key for key in reported if key not in problems]
    lines += [f"simplyload: resolved: {_name(stream, key)}" for key in resolved]
    hidden = len(lines) - LINES
    return [*lines[:LINES], f"simplyload: {hidden} more"] if hidden > 0 else lines


def _name(stream: str, key: str) -> str:
    kind, _, table = key.partition(" ")
    ends = {
        "failed": "a run is complete again",
        "lag": "the destination is near its source again",
        "stopped": f"table {table} goes on",
    }
    return f"stream {stream}: {ends[kind]}"


def post(address: str, text: str) -> str:
    """Send a text as Slack, Mattermost and others take it; return why it failed, or nothing.

    The address is a secret, and an error of the library has it.
    """
    content = {"text": escape(text, quote=False)}
    try:
        answer = requests.post(address, json=content, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        return f"the webhook is not reached ({type(error).__name__})"
    accepted = HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES
    return "" if accepted else f"the webhook answers {answer.status_code}"
