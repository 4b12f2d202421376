"""Sources that end in the middle of a read: by a kill, and by a bug."""

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


class Buggy(Desk):
    """Its code is wrong after the first page."""

    def read(self, state: State) -> Iterator[Batch]:
        """Give a page, then raise what is no error of a source."""
        yield next(iter(super().read(state)))
        raise ZeroDivisionError
