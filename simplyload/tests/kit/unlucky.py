"""Sources with a fault of their own: a kill or a bug in the middle of a read, a wrong position."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

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


class Exact(Desk):
    """Its position holds a number as a database gives it."""

    def read(self, state: State) -> Iterator[Batch]:
        """Give pages whose position is no JSON."""
        for batch in super().read(state):
            yield replace(batch, state={**(batch.state or {}), "top": [{"at": Decimal("1.5")}]})
