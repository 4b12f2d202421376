"""A clock for tests: a wait takes no time, it moves the clock and is recorded."""

from collections.abc import Callable
from math import inf

from session import Clock

MOST_WAITS = 1_000  # a sync that waits more often than this would wait for ever


class FakeClock(Clock):
    """A clock that only `wait` moves. `on_wait` is called at each wait of any length."""

    def __init__(
        self, waits: list[float] | None = None, on_wait: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__()
        self.waits = [] if waits is None else waits  # seconds
        self.on_wait = on_wait

    def now(self) -> float:
        """The sum of all waits, in seconds."""
        return sum(self.waits)

    def wait(self, seconds: float) -> None:
        """Record a wait; like the real clock, raise once the sync is stopped."""
        super().wait(0)
        assert 0 <= seconds < inf
        assert len(self.waits) < MOST_WAITS, "the sync waits for ever"
        if seconds:
            self.waits.append(seconds)
            self.on_wait()
