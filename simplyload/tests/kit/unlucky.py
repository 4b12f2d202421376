"""Sources with a fault of their own: a kill or a bug in the middle of a read, a wrong position."""

import math
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from examples.desk import Desk, DeskSettings
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


class WrongSettings(DeskSettings):
    """Which wrong value the position holds."""

    wrong: str = "decimal"


class Exact(Desk):
    """Its position holds a number as a database gives it, or another that JSON does not keep."""

    Settings = WrongSettings
    wrong: ClassVar[dict[str, Any]] = {
        "decimal": Decimal("1.5"),
        "nan": math.nan,
        "infinity": -math.inf,
        "long": -(10**5000),
    }

    def read(self, state: State) -> Iterator[Batch]:
        """Give pages whose position is no JSON."""
        assert isinstance(self.settings, WrongSettings)
        wrong = self.wrong[self.settings.wrong]
        for batch in super().read(state):
            yield replace(batch, state={**(batch.state or {}), "top": [{"at": wrong}]})


class Listed(Desk):
    """Its position is a list."""

    def read(self, state: State) -> Iterator[Batch]:
        """Give pages whose position is no object."""
        for batch in super().read(state):
            yield replace(batch, state=[1])  # type: ignore[arg-type]
