"""Klaviyo's limits are kept to, and used: against the sandbox's own counting of requests."""

import heapq
import itertools
import random
from collections.abc import Iterator

import pytest

from api import RateLimitHeaders
from klaviyo_sandbox.api.endpoints import XL, XS, L, M, Rate, S
from klaviyo_sandbox.api.errors import ApiError
from klaviyo_sandbox.door.limits import Limits as Server
from rate_limit import RateLimiter

MINUTES = 10
NOON = 1_795_262_400


class Klaviyo:
    """An endpoint of some rate, on the simulated time of a test."""

    def __init__(self, rate: Rate) -> None:
        self.rate, self.now = rate, 0.0
        self._server = Server("UTC", lambda: self.now)
        self.answered = self.refused = 0
        self.least_left = float(rate.steady)  # of a minute's requests, at any time

    def ask(self, arrives: float) -> RateLimitHeaders | float:
        """The limits that an answer tells, or the Retry-After of a refusal."""
        self.now = arrives
        try:
            headers = self._server.count("/api/x", self.rate, NOON)
        except ApiError as error:
            self.refused += 1
            return float(error.headers["retry-after"])
        self.answered += 1
        said = RateLimitHeaders(*(float(headers[f"ratelimit-{name}"]) for name in NAMES))
        self.least_left = min(self.least_left, said.remaining or 0.0)
        return said


NAMES = "limit", "remaining", "reset"


def run(klaviyo: Klaviyo, *tools: tuple[RateLimiter, int], latency: float = 0.1) -> None:
    """Let threads of several tools ask for some minutes; packets take up to `latency`."""
    dice, ticket = random.Random(5), itertools.count()
    waiting: list[tuple[float, int, Iterator[float]]] = []

    def thread(limiter: RateLimiter) -> Iterator[float]:
        """Ask again and again; yields when to go on."""
        now = 0.0
        while True:
            while wait := limiter.acquire(now):
                yield (now := now + wait)
            yield (now := now + dice.uniform(0, latency / 2))
            said = klaviyo.ask(now)
            yield (now := now + dice.uniform(0, latency / 2))
            if isinstance(said, RateLimitHeaders):
                limiter.update_from_headers(said, now)
            else:
                limiter.pause(said, now)
                yield (now := now + said)

    for limiter, threads in tools:
        for _ in range(threads):
            heapq.heappush(waiting, (0.0, next(ticket), thread(limiter)))
    while waiting[0][0] < MINUTES * 60:
        _, number, one = heapq.heappop(waiting)
        heapq.heappush(waiting, (next(one), number, one))


class Heedless(RateLimiter):
    """Another tool's, which asks at its own pace."""

    def update_from_headers(self, headers: RateLimitHeaders, now: float) -> None:
        """Learn nothing."""


def acquainted(klaviyo: Klaviyo) -> RateLimiter:
    """An limiter that one answer has told the limits."""
    limiter, said = RateLimiter(), klaviyo.ask(0.0)
    assert isinstance(said, RateLimitHeaders)
    limiter.update_from_headers(said, 0.0)
    return limiter


@pytest.mark.parametrize("threads", [1, 8, 32])
@pytest.mark.parametrize("rate", [XS, S, M, L, XL], ids=["XS", "S", "M", "L", "XL"])
def test_limits_are_used_and_never_overrun(rate: Rate, threads: int) -> None:
    """H3: no 429 of a server that counts well, at over 80 % of what it allows."""
    klaviyo = Klaviyo(rate)
    run(klaviyo, (acquainted(klaviyo), threads))
    assert klaviyo.refused == 0
    possible = min(rate.steady * MINUTES, threads * MINUTES * 60 / 0.1)
    assert klaviyo.answered >= 0.8 * possible


@pytest.mark.parametrize("rate", [M, L, XL], ids=["M", "L", "XL"])
def test_nine_tenths_are_asked_and_no_more(rate: Rate) -> None:
    """A tenth of every minute is left to the account's other tools, whose keys share the limit."""
    klaviyo = Klaviyo(rate)
    run(klaviyo, (acquainted(klaviyo), 32))
    assert klaviyo.least_left == rate.steady / 10


@pytest.mark.parametrize("rate", [M, L, XL], ids=["M", "L", "XL"])
def test_other_tools_find_something_left(rate: Rate) -> None:
    """Nobody is refused by our doing, though another tool asks and heeds no limit."""
    klaviyo = Klaviyo(rate)
    other = Heedless(interval=60 / (rate.steady * 0.05))
    run(klaviyo, (acquainted(klaviyo), 8), (other, 1))
    assert klaviyo.refused == 0
    assert klaviyo.answered >= 0.8 * rate.steady * MINUTES


def test_a_refusal_holds_for_every_thread() -> None:
    """Retry-After is an answer to all threads; they do not each find out for themselves."""
    klaviyo, ours = Klaviyo(M), RateLimiter()
    for _ in range(M.burst + 1):
        said = klaviyo.ask(0.0)
    assert isinstance(said, float)
    ours.pause(said, 0.0)
    run(klaviyo, (ours, 8))
    assert klaviyo.refused == 1


@pytest.mark.parametrize("limit", [0.0, -15.0])
def test_no_limit_that_is_told_stops_us_for_ever(limit: float) -> None:
    """A limit of nothing a minute is no limit: what is left of the minute still counts."""
    limiter = RateLimiter()
    limiter.update_from_headers(RateLimitHeaders(limit=limit, remaining=0, reset=30), 0.0)
    assert 0 < limiter.acquire(0.0) <= 30
    assert limiter.acquire(30.0) == 0
