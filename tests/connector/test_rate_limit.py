"""Klaviyo's limits are used and never overrun: against the sandbox's own counter of requests.

The headers are those of live answers, recorded on 2026-09-04.
"""

import heapq
import itertools
import random
from collections.abc import Iterator

import pytest

import api
from api import RateLimitHeaders
from klaviyo_sandbox.api.errors import ApiError
from klaviyo_sandbox.http.rate_limits import RateLimits as ServerLimits
from klaviyo_sandbox.resources.declaration import XL, XS, L, M, Rate, S
from rate_limit import RateLimiter

MINUTES = 10
NOON = 1_795_262_400


class SimulatedEndpoint:
    """An endpoint with a rate limit, on the simulated time of a test."""

    def __init__(self, rate: Rate) -> None:
        self.rate, self.now = rate, 0.0
        self._limits = ServerLimits(lambda: self.now)
        self.accepted = self.throttled = 0
        self.least_remaining = float(rate.steady)  # of a minute's requests, at any time

    def request(self, arrives: float) -> RateLimitHeaders | float:
        """The headers of a response, or the Retry-After of a throttled one."""
        self.now = arrives
        try:
            headers = self._limits.acquire("/api/x", self.rate, NOON)
        except ApiError as error:
            self.throttled += 1
            return float(error.headers["retry-after"])
        self.accepted += 1
        minute = self._limits.usage("/api/x", self.rate).steady
        self.least_remaining = min(self.least_remaining, self.rate.steady - minute.count)
        return RateLimitHeaders(
            api.parse_quotas(headers["ratelimit-limit"]),
            float(headers["ratelimit-remaining"]),
            float(headers["ratelimit-reset"]),
        )


def simulate(
    endpoint: SimulatedEndpoint, *tools: tuple[RateLimiter, int], latency: float = 0.1
) -> None:
    """Let the threads of several tools send requests; packets take up to half of `latency`."""
    dice, ticket = random.Random(5), itertools.count()
    waiting: list[tuple[float, int, Iterator[float]]] = []

    def thread(limiter: RateLimiter) -> Iterator[float]:
        """Send requests for ever; yields when to go on."""
        now = 0.0
        while True:
            while wait := limiter.acquire(now):
                yield (now := now + wait)
            yield (now := now + dice.uniform(0, latency / 2))
            response = endpoint.request(now)
            yield (now := now + dice.uniform(0, latency / 2))
            if isinstance(response, RateLimitHeaders):
                limiter.update_from_headers(response, now)
            else:
                limiter.pause(response, now)
                yield (now := now + response)

    for limiter, threads in tools:
        for _ in range(threads):
            heapq.heappush(waiting, (0.0, next(ticket), thread(limiter)))
    while waiting[0][0] < MINUTES * 60:
        _, number, client = heapq.heappop(waiting)
        heapq.heappush(waiting, (next(client), number, client))


class FixedPaceLimiter(RateLimiter):
    """That of another tool, which sends at its own pace."""

    def update_from_headers(self, headers: RateLimitHeaders, now: float) -> None:
        """Ignore the headers."""


def limiter_that_knows(endpoint: SimulatedEndpoint) -> RateLimiter:
    """A limiter that has seen the headers of one response."""
    limiter = RateLimiter()
    assert limiter.acquire(0.0) == 0
    response = endpoint.request(0.0)
    assert isinstance(response, RateLimitHeaders)
    limiter.update_from_headers(response, 0.0)
    return limiter


def test_limits_are_used_and_never_overrun(subtests: pytest.Subtests) -> None:
    """No 429 from a server that counts well, at over 80 % of what it allows."""
    for rate, threads in itertools.product((XS, S, M, L, XL), (1, 8, 32)):
        with subtests.test(rate=rate, threads=threads):
            endpoint = SimulatedEndpoint(rate)
            simulate(endpoint, (limiter_that_knows(endpoint), threads))
            assert endpoint.throttled == 0
            possible = min(rate.steady * MINUTES, threads * MINUTES * 60 / 0.1)
            assert endpoint.accepted >= 0.8 * possible


@pytest.mark.parametrize("rate", [M, L, XL], ids=["M", "L", "XL"])
def test_a_tenth_of_every_minute_is_reserved(rate: Rate) -> None:
    """The account's other tools, whose keys share the limit, find a tenth of it unused.

    Klaviyo's minute begins at another time than ours, and packets overtake one another.
    """
    endpoint = SimulatedEndpoint(rate)
    simulate(endpoint, (limiter_that_knows(endpoint), 32))
    assert 0.09 * rate.steady <= endpoint.least_remaining <= 0.11 * rate.steady


@pytest.mark.parametrize("rate", [M, L, XL], ids=["M", "L", "XL"])
def test_a_tool_beside_us_is_not_throttled(rate: Rate) -> None:
    """No request is throttled, though another tool sends at its own pace."""
    endpoint = SimulatedEndpoint(rate)
    other = FixedPaceLimiter(interval=60 / (rate.steady * 0.05))
    simulate(endpoint, (limiter_that_knows(endpoint), 8), (other, 1))
    assert endpoint.throttled == 0
    assert endpoint.accepted >= 0.8 * rate.steady * MINUTES


def test_a_pause_holds_for_every_thread() -> None:
    """A Retry-After pauses all threads; they do not each run into a 429."""
    endpoint, limiter = SimulatedEndpoint(M), RateLimiter()
    for _ in range(M.burst + 1):
        response = endpoint.request(0.0)
    assert isinstance(response, float)
    limiter.pause(response, 0.0)
    simulate(endpoint, (limiter, 8))
    assert endpoint.throttled == 1


@pytest.mark.parametrize(("remaining", "wait"), [(0, 30.0), (1, 0.1)])
def test_a_window_is_waited_for_once_it_has_no_request_left(remaining: int, wait: float) -> None:
    """The last request of a window is sent at the usual pace."""
    limiter = RateLimiter()
    limiter.update_from_headers(RateLimitHeaders(((10.0, 1.0),), remaining, reset=30), 0.0)
    assert limiter.acquire(0.0) == pytest.approx(wait, rel=0.2)


@pytest.mark.parametrize("limit", [0.0, -15.0])
def test_a_senseless_limit_does_not_stop_us_for_ever(limit: float) -> None:
    """A quota of nothing is no quota: a window that is used up is still waited for."""
    limiter = RateLimiter()
    limiter.update_from_headers(RateLimitHeaders(((limit, 60.0),), remaining=0, reset=30), 0.0)
    assert 0 < limiter.acquire(0.0) <= 30
    assert limiter.acquire(30.0) == 0


def test_a_response_without_headers_keeps_the_known_limit() -> None:
    """A 503 of a proxy tells no limit; the one of the last response still holds."""
    limiter = RateLimiter()
    quotas = ((1.0, 1.0), (2.0, 60.0), (225.0, 86_400.0))
    limiter.update_from_headers(RateLimitHeaders(quotas, 1, 0), 0.0)
    known = limiter.interval, limiter.daily_quota
    limiter.update_from_headers(RateLimitHeaders(), 1.0)
    assert (limiter.interval, limiter.daily_quota) == known


def test_a_plain_limit_is_the_seconds() -> None:
    """A number without windows is the quota of the window that remaining and reset describe."""
    assert api.parse_quotas("10") == ((10.0, 1.0),)


def test_a_response_without_headers_does_not_end_a_pause() -> None:
    """Responses of other threads that arrive after a 429 tell nothing, and the pause goes on."""
    limiter = RateLimiter()
    limiter.update_from_headers(RateLimitHeaders(), 0.0)
    limiter.pause(30.0, 0.0)
    limiter.update_from_headers(RateLimitHeaders(), 1.0)
    assert limiter.acquire(2.0) == 28.0


def test_a_limit_without_a_reserve_leaves_room_for_late_packets() -> None:
    """Two requests a minute of which none is reserved: the third follows after 61 seconds."""
    limiter = RateLimiter()
    limiter.update_from_headers(RateLimitHeaders(((1, 1), (2, 60), (225, 86_400))), 0.0)
    assert limiter.daily_quota == 225
    now, sent = 0.0, list[float]()
    while len(sent) < 3:
        wait = limiter.acquire(now)
        sent += [] if wait else [now]
        now += wait
    assert sent[2] - sent[0] == pytest.approx(61)
