"""A source whose process is killed in the middle of a read."""

import os
import signal
from collections.abc import Iterator

from examples.desk import Desk
from simplyload.changes import Batch, State


class Unlucky(Desk):
    """It takes its process with it after the first page."""

    def read(self, state: State) -> Iterator[Batch]:
        """Give a page, then die."""
        yield next(iter(super().read(state)))
        os.kill(os.getpid(), signal.SIGKILL)
