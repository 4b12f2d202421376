"""Lets a stream rest whose source fails run after run."""

from dataclasses import dataclass
from datetime import timedelta

from simplyload.errors import SimplyLoadError, SourceError

FAILURES = 3
LONGEST_REST = timedelta(minutes=15)


@dataclass
class Breaker:
    """Doubles the interval with each failure of the source in a row, from the third on.

    Logins that fail again and again lock an account, and requests that fail use up its quota. It is
    the interval again after a run in which the source has answered.
    """

    every: timedelta
    failures: int = 0
    rests_until: float = 0.0

    def lets_run(self, now: float) -> bool:
        """Return whether the stream is tried at this time (of a monotonic clock)."""
        return now >= self.rests_until

    def record_run(self, error: SimplyLoadError | None, began: float) -> timedelta | None:
        """Count a run that began at a time; return the rest, where it is more than the interval."""
        self.failures = self.failures + 1 if isinstance(error, SourceError) else 0
        if self.failures < FAILURES:
            return None
        doubled = self.every * (1 << min(self.failures - FAILURES + 1, 20))
        rest = min(doubled, max(LONGEST_REST, self.every))
        self.rests_until = began + rest.total_seconds()
        return rest
