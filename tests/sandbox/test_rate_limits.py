"""The sandbox limits requests as Klaviyo does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from klaviyo_sandbox.api.errors import ApiError
from klaviyo_sandbox.http.rate_limits import RateLimits
from klaviyo_sandbox.resources.declaration import REPORT, L, M, Rate
from tests.sandbox_server import run_sandbox

NOON = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
HOUR = 3_600


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the current second."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at some second."""
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> RateLimits:
    """The unused limits of an account."""
    return RateLimits(clock)


def acquire(limits: RateLimits, rate: Rate, path: str = "/api/x", now: int = NOON) -> str | None:
    """Count one request; return the seconds to wait if it is refused."""
    try:
        limits.acquire(path, rate, now)
    except ApiError as error:
        return f"{error.headers['retry-after']} s" if error.status == 429 else repr(error)
    return None


def test_burst_is_a_second(limits: RateLimits, clock: Clock) -> None:
    """The burst limit holds for one second."""
    assert [acquire(limits, M) for _ in range(11)] == [None] * 10 + ["1 s"]
    clock.now += 1
    assert acquire(limits, M) is None


def test_steady_is_a_minute(limits: RateLimits, clock: Clock) -> None:
    """The steady limit holds for one minute, and Retry-After is the rest of it."""
    for _ in range(15):
        assert [acquire(limits, M) for _ in range(10)] == [None] * 10
        clock.now += 1
    assert acquire(limits, M) == "45 s"
    clock.now += 44.5
    assert acquire(limits, M) == "1 s"
    clock.now += 0.5
    assert acquire(limits, M) is None


@pytest.mark.parametrize(
    ("rate", "quotas", "remaining"),
    [(M, "10, 10;w=1, 150;w=60", "9"), (REPORT, "1, 1;w=1, 2;w=60, 225;w=86400", "0")],
    ids=["listing", "report"],
)
def test_headers_are_as_recorded_live(
    limits: RateLimits, rate: Rate, quotas: str, remaining: str
) -> None:
    """The limit names every window; remaining and reset describe the second (recording E1)."""
    assert limits.acquire("/api/x", rate, NOON) == {
        "ratelimit-limit": quotas,
        "ratelimit-remaining": remaining,
        "ratelimit-reset": "0",
    }


def test_endpoints_and_rates_have_separate_windows(limits: RateLimits) -> None:
    """A request to one endpoint, or at its slower rate, does not count for another."""
    assert [acquire(limits, M) for _ in range(11)][-1] == "1 s"
    assert acquire(limits, M, "/api/y") is None
    assert acquire(limits, L) is None


def test_daily_quota_is_a_window_of_a_day(limits: RateLimits, clock: Clock) -> None:
    """The 226th report waits until 24 hours after the first one, on the account's clock."""
    for _ in range(225):
        assert acquire(limits, REPORT) is None
        clock.now += 60
    assert acquire(limits, REPORT) == f"{24 * HOUR} s"
    assert acquire(limits, REPORT, now=NOON + 23 * HOUR) == f"{HOUR} s"
    assert acquire(limits, REPORT, now=NOON + 24 * HOUR) is None


def test_refused_requests_do_not_count(limits: RateLimits, clock: Clock) -> None:
    """Requests while throttled do not extend the throttling."""
    assert [acquire(limits, REPORT) for _ in range(400)][1:] == ["1 s"] * 399
    clock.now += 1
    assert acquire(limits, REPORT) is None


def test_throttled_responses_over_http() -> None:
    """Over HTTP a 429 carries Retry-After and no other limit; other responses carry the limits."""
    with run_sandbox(campaigns=20, profiles=50) as sandbox:
        responses = [sandbox.request("GET", "/api/accounts") for _ in range(20)]
        assert {response.status_code for response in responses} == {200, 429}
        for response in responses:
            limit = [name for name in response.headers if name.lower().startswith("ratelimit")]
            throttled = response.status_code == 429
            assert ("retry-after" in response.headers, len(limit)) == (
                throttled,
                3 * (not throttled),
            )
        refused = next(response for response in responses if response.status_code == 429)
        (error,) = refused.json()["errors"]
        assert error["code"] == "throttled"
        assert f"available in {refused.headers['retry-after']} second" in error["detail"]
        wrong = sandbox.request("GET", "/api/tags?colour=red")
        assert (wrong.status_code, wrong.headers["ratelimit-limit"]) == (400, "3, 3;w=1, 60;w=60")


def test_reset_forgets_counted_requests() -> None:
    """After a reset a limited account accepts requests at once."""
    with run_sandbox(campaigns=20, profiles=50) as sandbox:
        path = "/api/campaigns"
        assert 429 in {sandbox.request("GET", path).status_code for _ in range(30)}
        sandbox.reset()
        assert sandbox.request("GET", path).status_code == 200
