"""The sandbox counts requests as Klaviyo does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from klaviyo_sandbox.api.errors import ApiError
from klaviyo_sandbox.http.rate_limits import Limits
from klaviyo_sandbox.resources.declaration import REPORT, L, M, Rate
from tests.sandbox_server import running_sandbox

NOON = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
HOUR = 3_600


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the present second."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at some moment."""
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> Limits:
    """The limits of an account in New York, that nothing was asked of."""
    return Limits("America/New_York", clock)


def ask(limits: Limits, rate: Rate, path: str = "/api/x", now: int = NOON) -> str | None:
    """Ask once; the seconds to wait if it is refused."""
    try:
        limits.count(path, rate, now)
    except ApiError as error:
        return f"{error.headers['retry-after']} s" if error.status == 429 else repr(error)
    return None


def test_burst_is_a_second(limits: Limits, clock: Clock) -> None:
    """So many requests in one second, then none until it is over."""
    assert [ask(limits, M) for _ in range(11)] == [None] * 10 + ["1 s"]
    clock.now += 1
    assert ask(limits, M) is None


def test_steady_is_a_minute(limits: Limits, clock: Clock) -> None:
    """So many requests in one minute, and the wait is what is left of it."""
    for _ in range(15):
        assert [ask(limits, M) for _ in range(10)] == [None] * 10
        clock.now += 1
    assert ask(limits, M) == "45 s"
    clock.now += 44.5
    assert ask(limits, M) == "1 s"
    clock.now += 0.5
    assert ask(limits, M) is None


def test_headers_tell_the_steady_window(limits: Limits, clock: Clock) -> None:
    """Limit, remaining and reset are those of the minute."""
    limits.count("/api/x", M, NOON)
    clock.now += 20
    headers = limits.count("/api/x", M, NOON)
    assert headers == {
        "ratelimit-limit": "150",
        "ratelimit-remaining": "148",
        "ratelimit-reset": "40",
    }


def test_endpoints_and_their_rates_have_windows_of_their_own(limits: Limits) -> None:
    """What is asked of one endpoint, or of its slower form, is not counted for another."""
    assert [ask(limits, M) for _ in range(11)][-1] == "1 s"
    assert ask(limits, M, "/api/y") is None
    assert ask(limits, L) is None


def test_a_day_is_the_account_s(limits: Limits, clock: Clock) -> None:
    """The 226th report of a day waits for midnight in the account's time zone, on its clock."""
    for _ in range(225):
        assert ask(limits, REPORT) is None
        clock.now += 60
    assert ask(limits, REPORT) == f"{17 * HOUR} s"  # noon in London is 07:00 in New York
    assert ask(limits, REPORT, now=NOON + 16 * HOUR) == f"{HOUR} s"
    assert ask(limits, REPORT, now=NOON + 17 * HOUR) is None


def test_a_refused_request_is_not_counted(limits: Limits, clock: Clock) -> None:
    """Asking on while throttled does not make it last longer."""
    assert [ask(limits, REPORT) for _ in range(400)][1:] == ["1 s"] * 399
    clock.now += 1
    assert ask(limits, REPORT) is None


def test_throttled_answers_over_http() -> None:
    """Over HTTP a 429 carries Retry-After and no other limit; other answers carry the limits."""
    with running_sandbox(campaigns=20, profiles=50) as sandbox:
        answers = [sandbox.ask("GET", "/api/accounts") for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200, 429}
        for answer in answers:
            limit = [name for name in answer.headers if name.lower().startswith("ratelimit")]
            throttled = answer.status_code == 429
            assert ("retry-after" in answer.headers, len(limit)) == (throttled, 3 * (not throttled))
        refused = next(answer for answer in answers if answer.status_code == 429)
        (error,) = refused.json()["errors"]
        assert error["code"] == "throttled"
        assert f"available in {refused.headers['retry-after']} seconds" in error["detail"]
        wrong = sandbox.ask("GET", "/api/tags?colour=red")
        assert (wrong.status_code, wrong.headers["ratelimit-limit"]) == (400, "60")
