"""How often an endpoint may be asked: Klaviyo's limits, kept to by all threads of an account.

Klaviyo counts an account's requests to each endpoint, whichever key asks, in fixed windows of a
second (burst) and of a minute (steady). An answer tells the limit of the minute, what is left of
it and when it ends; a 429 tells only when to come back; nothing tells the limit of the second.
"""

from dataclasses import dataclass
from math import inf

from api import Limits

# In every tier of Klaviyo's (2, 15, 60, 150, 750 or 3,500 a minute) a second allows a twentieth of
# the minute's, and at least one.
SECONDS_OF_A_MINUTE = 20
OTHERS = 0.1  # of each limit is left to the account's other tools
MINUTE = 60.0


@dataclass
class Allowance:
    """What one endpoint allows us. Times are seconds of a clock that only goes forward."""

    limit: float = inf  # requests a minute
    left: float = inf  # of them
    ends: float = 0.0  # the minute
    apart: float = 0.1  # seconds between two requests, until an answer tells more
    free_at: float = 0.0

    def take(self, now: float) -> float:
        """Take a request and return 0, or the seconds after which to try again."""
        if now >= self.ends:
            self.left, self.ends = self.limit, now + MINUTE
        wait = (self.free_at if self.left >= 1 else max(self.free_at, self.ends)) - now
        if wait > 0:
            return wait
        self.left -= 1
        self.free_at = now + self.apart
        return 0.0

    def learn(self, limits: Limits, now: float) -> None:
        """Correct our count by Klaviyo's, in which others are counted too."""
        told = limits.limit if limits.limit and limits.limit >= 1 else None
        if told is not None:
            self.limit = told - _others(told)
            self.apart = 1 / (max(told / SECONDS_OF_A_MINUTE, 1.0) * (1 - OTHERS))
            self.free_at = max(self.free_at, now + self.apart)
        elif self.limit == inf:
            self.apart = self.free_at = 0.0
        if limits.remaining is not None and limits.reset is not None:
            ends = now + min(limits.reset, MINUTE)
            if ends > self.ends + MINUTE / 2:  # a minute that began before ours did
                self.left = inf
            self.left = min(self.left, limits.remaining - _others(told or 0.0))
            self.ends = ends

    def close(self, seconds: float, now: float) -> None:
        """Take nothing for some seconds, a minute at most: Klaviyo said so."""
        self.left, self.ends = 0.0, now + min(seconds, MINUTE)


def _others(limit: float) -> float:
    return limit * OTHERS // 1
