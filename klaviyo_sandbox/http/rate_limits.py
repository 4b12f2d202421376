"""Rate limits: fixed windows per endpoint of the account, as Klaviyo's guide describes them.

A burst window lasts a second and a steady one a minute of real time; a day is a day of the
account's own clock, in its own time zone. All keys of the account share the same windows.
Source: developers.klaviyo.com, "Rate limits, status codes, and errors".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from klaviyo_sandbox.api.errors import throttled
from klaviyo_sandbox.resources.declaration import Rate

BURST, STEADY = 1, 60


@dataclass
class RateWindow:
    """Requests counted since ``opened``; the first request after its end opens the next one."""

    seconds: int
    opened: float = float("-inf")
    count: int = 0

    def remaining(self, now: float, limit: int) -> int:
        """Return how many requests it still allows; restart it if it is over."""
        if now >= self.opened + self.seconds:
            self.opened, self.count = now, 0
        return limit - self.count

    def seconds_left(self, now: float) -> int:
        """Return the whole seconds until it is over."""
        return max(ceil(self.opened + self.seconds - now), 1)


@dataclass
class Usage:
    """The requests to one endpoint."""

    burst: RateWindow = field(default_factory=lambda: RateWindow(BURST))
    steady: RateWindow = field(default_factory=lambda: RateWindow(STEADY))
    day: str = ""
    requests_today: int = 0


class RateLimits:
    """Counts requests and refuses those over a limit; ``clock`` gives real seconds."""

    def __init__(self, timezone: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.zone = ZoneInfo(timezone)
        self.clock = clock
        self._usage: dict[tuple[str, Rate], Usage] = {}

    def acquire(self, path: str, rate: Rate, account_now: int) -> dict[str, str]:
        """Count a request and return its limit headers; ApiError 429 if it exceeds a limit."""
        usage, now = self._usage.setdefault((path, rate), Usage()), self.clock()
        local = datetime.fromtimestamp(account_now, self.zone)
        if usage.day != local.date().isoformat():
            usage.day, usage.requests_today = local.date().isoformat(), 0
        if rate.daily is not None and usage.requests_today >= rate.daily:
            raise throttled(_seconds_until_midnight(local))
        # A refused request counts for no window: waiting is always enough.
        for window, limit in ((usage.steady, rate.steady), (usage.burst, rate.burst)):
            if window.remaining(now, limit) <= 0:
                raise throttled(window.seconds_left(now))
        usage.requests_today += 1
        usage.burst.count += 1
        usage.steady.count += 1
        return {
            "ratelimit-limit": str(rate.steady),
            "ratelimit-remaining": str(usage.steady.remaining(now, rate.steady)),
            "ratelimit-reset": str(usage.steady.seconds_left(now)),
        }

    def reset(self) -> None:
        """Forget every request that was counted."""
        self._usage.clear()


def _seconds_until_midnight(local: datetime) -> int:
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return ceil(midnight.timestamp() - local.timestamp())
