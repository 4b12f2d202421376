"""Nobody waits in a test: time leaps ahead instead, and the leaps are noted."""

from math import inf

from session import Clock


class UnhurriedClock(Clock):
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def now(self) -> float:
        """All that would have been waited."""
        return sum(self.waits)

    def wait(self, seconds: float) -> None:
        """Let time pass; as the real one, refuse what is no time and end when stopped."""
        super().wait(0)
        assert 0 <= seconds < inf
        assert len(self.waits) < 1_000, "asked for ever"
        if seconds:
            self.waits.append(seconds)
