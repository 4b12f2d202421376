"""Rate limits: fixed windows per endpoint of the account, and the headers that tell them.

A burst window lasts a second and a steady one a minute of real time; a report's day is 86,400
seconds of the account's own clock. All keys of the account share the same windows. The headers are
as recorded live on 2026-09-04 (nickdnk/klaviyo-php-sdk 56d38b2, tests/fixtures/responses):
``RateLimit-Limit: 1, 1;w=1, 2;w=60, 225;w=86400``; remaining and reset speak of the second.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from klaviyo_sandbox.api.errors import too_many_requests
from klaviyo_sandbox.resources.declaration import Rate

BURST, STEADY, DAY = 1, 60, 86_400  # seconds


@dataclass
class RateWindow:
    """Requests counted since ``opened``; the first request after its end opens the next one."""

    seconds: int
    opened: float = float("-inf")
    count: int = 0

    def requests_left(self, now: float, limit: int) -> int:
        """Return how many requests it still allows, or the next one if it is over."""
        return limit - (0 if self._is_over(now) else self.count)

    def add(self, now: float) -> None:
        """Count a request; open the next window if this one is over."""
        if self._is_over(now):
            self.opened, self.count = now, 0
        self.count += 1

    def _is_over(self, now: float) -> bool:
        return now >= self.opened + self.seconds

    def seconds_left(self, now: float) -> int:
        """Return the whole seconds until it is over."""
        return max(ceil(self.opened + self.seconds - now), 1)


@dataclass
class Usage:
    """The requests to one endpoint."""

    burst: RateWindow = field(default_factory=lambda: RateWindow(BURST))
    steady: RateWindow = field(default_factory=lambda: RateWindow(STEADY))
    daily: RateWindow = field(default_factory=lambda: RateWindow(DAY))


class RateLimits:
    """Counts requests and refuses those over a limit; ``clock`` gives real seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._usage = defaultdict[tuple[str, Rate], Usage](Usage)

    def usage(self, path: str, rate: Rate) -> Usage:
        """Return the counted requests to one endpoint at one rate."""
        return self._usage[path, rate]

    def acquire(self, path: str, rate: Rate, account_now: int) -> dict[str, str]:
        """Count a request and return its limit headers; ApiError 429 if it exceeds a limit."""
        usage, now = self.usage(path, rate), self.clock()
        if rate.daily is not None and usage.daily.requests_left(account_now, rate.daily) <= 0:
            raise too_many_requests(usage.daily.seconds_left(account_now))
        # A refused request counts for no window: waiting is always enough.
        for window, limit in ((usage.steady, rate.steady), (usage.burst, rate.burst)):
            if window.requests_left(now, limit) <= 0:
                raise too_many_requests(window.seconds_left(now))
        usage.daily.add(account_now)
        usage.burst.add(now)
        usage.steady.add(now)
        return {
            "ratelimit-limit": _format_quotas(rate),
            "ratelimit-remaining": str(usage.burst.requests_left(now, rate.burst)),
            "ratelimit-reset": "0",
        }

    def reset(self) -> None:
        """Forget every request that was counted."""
        self._usage.clear()


def _format_quotas(rate: Rate) -> str:
    daily = f", {rate.daily};w={DAY}" if rate.daily is not None else ""
    return f"{rate.burst}, {rate.burst};w={BURST}, {rate.steady};w={STEADY}{daily}"
