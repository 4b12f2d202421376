"""Keeps the requests to one endpoint within Klaviyo's rate limits, for all threads of an account.

Klaviyo counts an account's requests to each endpoint, whichever key sends them, in windows of a
second (burst), of a minute (steady) and, for reports, of a day. A response states the quota of
each window, but the rest of the second's alone; a 429 states only when to retry. Where Klaviyo's
minute begins is unknown, so no 60 seconds of ours, wherever they begin, exceed our share of it:

    sent      ||||||||| ......... none ......... ||||||||| ......... none .........
                   |<------- any 60 s: at most nine tenths ------>|

The day's quota outlives a sync: streams/quota.py keeps it in the state.
"""

from collections import deque
from dataclasses import dataclass, field

from api import RateLimitHeaders

RESERVED_SHARE = 0.1  # of each quota, for the account's other tools
DAY = 86_400.0  # seconds
MAX_PAUSE = 60.0  # seconds
FIRST_INTERVAL = 0.1  # seconds between two requests, until a response states the quotas
JITTER = 1.0  # seconds by which two requests may arrive closer than they are sent


@dataclass
class RateLimiter:
    """What one endpoint allows us now. Times are seconds of a monotonic clock."""

    interval: float = FIRST_INTERVAL  # seconds between two requests
    next_at: float = 0.0
    daily_quota: float | None = None  # from a response header
    _windows: dict[float, int] = field(default_factory=dict)  # seconds to our requests in them
    _sent_at: deque[float] = field(default_factory=deque)  # within the longest window
    _quotas: tuple[tuple[float, float], ...] = ()  # of the last response that has them

    def acquire(self, now: float) -> float:
        """Reserve a request and return 0, or return the seconds after which to try again."""
        longest = max(self._windows, default=0.0)
        while self._sent_at and self._sent_at[0] <= now - longest:
            self._sent_at.popleft()
        free_at = max(
            [self.next_at, *(self._find_next_slot(*window) for window in self._windows.items())]
        )
        if free_at > now:
            return free_at - now
        self._sent_at.append(now)
        self.next_at = now + self.interval
        return 0.0

    def _find_next_slot(self, seconds: float, requests: int) -> float:
        """The time at which a window allows one more request: its oldest request has left it."""
        position = len(self._sent_at) - requests
        return self._sent_at[position] + seconds if position >= 0 else 0.0

    def update_from_headers(self, headers: RateLimitHeaders, now: float) -> None:
        """Update the quotas from response headers; pause if the current window is used up."""
        if headers.quotas and headers.quotas != self._quotas:
            self._quotas = headers.quotas
            self._set_windows({seconds: quota for quota, seconds in headers.quotas if quota >= 1})
            self.next_at = max(self.next_at, now + self.interval)
        elif not self._quotas and self.interval == FIRST_INTERVAL:
            self.interval = self.next_at = 0.0  # no header: only a 429 slows requests
        if headers.remaining is not None and headers.remaining < 1:
            self.pause(max(headers.reset or 0.0, self.interval), now)

    def _set_windows(self, quotas: dict[float, float]) -> None:
        self.daily_quota = quotas.pop(DAY, None)
        if quotas:
            shortest = min(quotas)
            # Even spacing: two windows of Klaviyo's may lie in one of ours.
            self.interval = shortest / (quotas.pop(shortest) * (1 - RESERVED_SHARE))
        self._windows = {}
        for seconds, quota in quotas.items():
            reserved = int(quota * RESERVED_SHARE)
            self._windows[seconds + (0.0 if reserved else JITTER)] = int(quota) - reserved

    def pause(self, seconds: float, now: float) -> None:
        """Allow no request for `seconds`, at most a minute, after a 429."""
        self.next_at = max(self.next_at, now + min(seconds, MAX_PAUSE))
