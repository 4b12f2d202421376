"""Keeps the requests to one endpoint within Klaviyo's rate limits, for all threads of an account.

Klaviyo counts an account's requests to each endpoint, whichever key sends them, in fixed windows of
a second (burst) and of a minute (steady). A response has the limit of the minute, the remaining
requests and the time to its reset; a 429 has only Retry-After; no header has the limit of the
second.
"""

from dataclasses import dataclass
from math import inf

from api import RateLimitHeaders

# In each of Klaviyo's tiers (2, 15, 60, 150, 750 or 3,500 a minute) a second allows a twentieth of
# the minute's requests, and at least one.
SECONDS_WORTH_OF_A_MINUTE = 20
RESERVED_SHARE = 0.1  # of each limit, for the account's other tools
MINUTE = 60.0


@dataclass
class RateLimiter:
    """The requests that one endpoint allows now. Times are seconds of a monotonic clock."""

    limit: float = inf  # requests a minute
    remaining: float = inf  # of them
    resets_at: float = 0.0
    interval: float = 0.1  # seconds between two requests, until the first response
    next_at: float = 0.0

    def acquire(self, now: float) -> float:
        """Reserve a request and return 0, or return the seconds after which to try again."""
        if now >= self.resets_at:
            self.remaining, self.resets_at = self.limit, now + MINUTE
        free_at = self.next_at if self.remaining >= 1 else max(self.next_at, self.resets_at)
        if free_at > now:
            return free_at - now
        self.remaining -= 1
        self.next_at = now + self.interval
        return 0.0

    def update_from_headers(self, headers: RateLimitHeaders, now: float) -> None:
        """Correct our count by Klaviyo's, which includes the account's other tools."""
        limit = headers.limit if headers.limit and headers.limit >= 1 else None
        if limit is not None:
            self.limit = limit - _reserved(limit)
            burst = max(limit / SECONDS_WORTH_OF_A_MINUTE, 1.0)
            self.interval = 1 / (burst * (1 - RESERVED_SHARE))
            self.next_at = max(self.next_at, now + self.interval)
        elif self.limit == inf:
            self.interval = self.next_at = 0.0
        if headers.remaining is not None and headers.reset is not None:
            resets_at = now + min(headers.reset, MINUTE)
            if resets_at > self.resets_at + MINUTE / 2:  # a later minute than the one we count
                self.remaining = inf
            self.remaining = min(self.remaining, headers.remaining - _reserved(limit or 0.0))
            self.resets_at = resets_at

    def pause(self, seconds: float, now: float) -> None:
        """Allow no request for the seconds of a 429, at most a minute."""
        self.remaining, self.resets_at = 0.0, now + min(seconds, MINUTE)


def _reserved(limit: float) -> float:
    return limit * RESERVED_SHARE // 1
