"""A destination that is wrong on purpose: the proof must notice it."""

import os
import signal
from dataclasses import dataclass, replace

from simplyload.destinations.destination import Destination, Lease, Load, LoadResult


@dataclass
class StateFirst:
    """Commits the state before the changes, as a loader without transactions might."""

    inner: Destination
    kill: bool = False  # right after the state

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def load(self, lease: Lease, load: Load) -> LoadResult:
        """Commit an empty load with the state, then the changes."""
        self.inner.load(lease, replace(load, load_id=f"{load.load_id}_state", staged=()))
        if self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.inner.load(lease, load)
