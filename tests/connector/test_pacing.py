"""The sandbox refuses nothing that the connector sends, by headers as recorded live (E1).

The sandbox and the connector share a clock that only waits move, so minutes take no time.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import uvicorn

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.http.app import App
from klaviyo_sandbox.http.exchange import Protocol
from klaviyo_sandbox.http.rate_limits import RateLimits
from klaviyo_sandbox.resources.declaration import REPORT, XL, XS, L, M, Rate, S
from session import Clock, KlaviyoSession
from tests.loader import Loader
from tests.sandbox_server import KEY

NOW = datetime(2026, 11, 16, 15, tzinfo=UTC)
MINUTE = 60.0


class SharedClock(Clock):
    """A clock that every wait of every thread moves."""

    elapsed = 0.0
    lock = threading.Lock()

    def now(self) -> float:
        """The sum of all waits, in seconds."""
        return SharedClock.elapsed

    def wait(self, seconds: float) -> None:
        """Move the clock."""
        super().wait(0)
        with SharedClock.lock:
            SharedClock.elapsed += seconds


class RecordedLimits(RateLimits):
    """The sandbox's limits, which also record when each request came."""

    def __init__(self) -> None:
        super().__init__(lambda: SharedClock.elapsed)
        self.arrivals: dict[tuple[str, Rate], list[float]] = {}

    def acquire(self, path: str, rate: Rate, account_now: int) -> dict[str, str]:
        """Record the request, then accept or refuse it."""
        self.arrivals.setdefault((path, rate), []).append(self.clock())
        return super().acquire(path, rate, account_now)


class LimitedServer:
    """A sandbox with Klaviyo's limits in a thread of this process."""

    def __init__(self) -> None:
        account = Account(
            seed=5, epoch=NOW.date(), now=int(NOW.timestamp()), campaigns=25, profiles=120
        )
        self.app, self.limits = App({5: account}), RecordedLimits()
        self.app.tenants[5].rate_limits = self.limits
        config = uvicorn.Config(
            self.app,
            port=0,
            http=Protocol,
            lifespan="off",
            log_level="warning",
            access_log=False,
            date_header=False,  # the app sends the account's clock
            server_header=False,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve()))

    def start(self) -> str:
        """Serve; returns the address."""
        self.thread.start()
        while not self.server.started:
            self.thread.join(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """Stop serving."""
        self.server.should_exit = True
        self.thread.join()

    def statuses(self) -> set[int]:
        """The statuses of all answers so far, without 0, that of one on its way."""
        return {entry["status"] for entry in self.app.request_log} - {0}


@pytest.fixture(scope="module", name="server_and_url")
def _server_and_url() -> Iterator[tuple[LimitedServer, str]]:
    """A limited sandbox and its address."""
    server = LimitedServer()
    yield server, server.start()
    server.stop()


@pytest.fixture(name="limited_server")
def _limited_server(
    server_and_url: tuple[LimitedServer, str], monkeypatch: pytest.MonkeyPatch
) -> LimitedServer:
    """The limited sandbox, a day after the last test; the connector's waits take no time."""
    server, url = server_and_url
    monkeypatch.setattr("session.Clock", SharedClock)
    monkeypatch.setenv("KLAVIYO_BASE_URL", url)
    server.app.tenants[5].reset()
    server.app.request_log.clear()
    server.limits.arrivals.clear()
    SharedClock.elapsed += 1_000.0
    return server


def busiest_minute(times: list[float]) -> int:
    """The most requests in any 60 seconds."""
    return max(sum(start <= time < start + MINUTE for time in times) for start in times)


@pytest.mark.parametrize(
    ("path", "rate", "requests"),
    [
        ("/api/accounts", XS, 40),
        ("/api/tags", S, 80),
        ("/api/campaigns", M, 200),
        ("/api/lists", L, 900),
    ],
)
def test_nine_tenths_of_a_minute_are_used_and_nothing_is_refused(
    limited_server: LimitedServer, path: str, rate: Rate, requests: int
) -> None:
    """No 60 seconds have more of our requests than nine tenths of the quota; none gets a 429."""
    session = KlaviyoSession(KEY)
    for _ in range(requests):
        session.get(path)
    assert limited_server.statuses() == {200}
    times = limited_server.limits.arrivals[path, rate]
    assert len(times) == requests
    assert 0.8 * rate.steady <= busiest_minute(times) <= 0.9 * rate.steady + 0.5
    burst = rate.burst * 0.9
    assert min(later - earlier for earlier, later in pairwise(times[1:])) >= 1 / burst - 1e-6


def test_a_report_is_requested_twice_a_minute(limited_server: LimitedServer) -> None:
    """Its quotas are 1 a second, 2 a minute and 225 in 86,400 seconds; all three are learnt."""
    session = KlaviyoSession(KEY)
    path = "/api/segment-values-reports"
    timeframe = {"key": "last_7_days"}
    attributes: dict[str, Any] = {"statistics": ["total_members"], "timeframe": timeframe}
    body = {"type": "segment-values-report", "attributes": attributes}
    for _ in range(10):
        assert list(session.report(path, body))
    assert limited_server.statuses() == {200}
    assert busiest_minute(limited_server.limits.arrivals[path, REPORT]) <= 2
    assert session.daily_quota(path) == 225


def test_the_sandbox_refuses_a_client_that_does_not_pace(
    limited_server: LimitedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The measure is real: without the limiter the same requests get a 429."""
    monkeypatch.setattr("rate_limit.RateLimiter.acquire", lambda _self, _now: 0.0)
    session = KlaviyoSession(KEY)
    for _ in range(200):
        session.get("/api/campaigns")
    assert limited_server.statuses() == {200, 429}


@pytest.mark.slow
def test_a_whole_sync_is_never_refused(limited_server: LimitedServer) -> None:
    """A first sync of all tables, with eight threads, stays within all quotas.

    Guarantee 4 of the README. By a real clock it cannot be exact: a busy machine delivers a request
    later than it was sent, and closer to the next.
    """
    settings = {"api_key": KEY, "tables": "all", "concurrency": "8"}
    Loader(os.environ["KLAVIYO_BASE_URL"], settings).sync()
    assert limited_server.statuses() == {200}
    for (path, rate), times in limited_server.limits.arrivals.items():
        allowed = rate.steady - int(rate.steady * 0.1)
        assert busiest_minute(times) <= allowed, path
    assert {XL, L, M, S, REPORT} <= {rate for _, rate in limited_server.limits.arrivals}
    bursts = [
        len(times) / rate.burst for (_, rate), times in limited_server.limits.arrivals.items()
    ]
    assert max(bursts) > 10
