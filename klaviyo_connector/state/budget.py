"""Keeps the whole state within the size that Fivetran stores. Pure.

Beyond the budget, digests are blanked, those first that are least often compared. A row whose
digest is blank is written again by the next sync that reads it. Its key stays, so its deletion is
still noticed, and its recipients, so a part of a send still does not replace the whole.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from models import Checkpoint, Warning
from state.packing import MARK_LENGTH
from state.state import AccountSnapshot, ReportState, ResourceState, dump_checkpoint

FIVETRAN_LIMIT = 10_000_000  # bytes, as Fivetran documents it
MAX_STATE_SIZE = 9_500_000  # Fivetran may write the same JSON with other spaces
WARNING_SIZE = FIVETRAN_LIMIT * 8 // 10
BLANK = "A" * MARK_LENGTH
Kind = type[ReportState] | type[ResourceState]
Marks = dict[str, str]  # key or day to mark


@dataclass
class StateBudget:
    """The size of the last state, and the streams whose digests do not fit into it."""

    size: int = 0
    blanked: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, state: Any) -> "StateBudget":
        """The budget of a sync that begins with this state."""
        return cls(len(json.dumps(state)))

    def dump(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint as JSON, within the budget as far as digests can be blanked."""
        self.blanked = set()
        dumped = dump_checkpoint(checkpoint)
        self.size = len(json.dumps(dumped.state))
        for blank in STEPS:
            if self.size <= MAX_STATE_SIZE:
                break
            checkpoint = self._blank(checkpoint, blank)
            dumped = dump_checkpoint(checkpoint)
            self.size = len(json.dumps(dumped.state))
        return dumped

    def warnings(self) -> Iterator[Warning]:
        """A warning if the state is near the limit or digests were blanked to keep it there."""
        if not self.blanked and self.size < WARNING_SIZE:
            return
        message = f"the state has {self.size / 1e6:.1f} MB of the 10 MB that Fivetran stores"
        if self.blanked:
            names = ", ".join(sorted(self.blanked))
            message += f", with the digests of {names} left out: their rows are written again"
        yield Warning(f"{message}; choose fewer tables, or divide the accounts among connections")

    def _blank(self, checkpoint: Checkpoint, blank: Callable[[Any], Any]) -> Checkpoint:
        accounts = checkpoint.state["accounts"].items()
        changed = {id_: self._blank_account(account, blank) for id_, account in accounts}
        return Checkpoint({**checkpoint.state, "accounts": changed})

    def _blank_account(self, account: Any, blank: Callable[[Any], Any]) -> Any:
        """The account with blanked parts; one that this sync does not touch stays as it is."""
        if not isinstance(account, AccountSnapshot):
            return account
        parts = {name: _apply(blank, part) for name, part in account.parts.items()}
        self.blanked |= {name for name, part in parts.items() if part != account.parts[name]}
        return replace(account, parts=parts)


def _apply(blank: Callable[[Any], Any], part: Any) -> Any:
    """One part, or nested dictionaries of parts, with each part blanked."""
    if isinstance(part, dict):
        return {name: _apply(blank, inner) for name, inner in part.items()}
    return blank(part)


def _blank_days(part: Any, older_than: int) -> Any:
    """A report without the digests of days before its last ones."""
    if not isinstance(part, ReportState) or part.daily_lookback_on is None:
        return part
    first = (part.daily_lookback_on - timedelta(days=older_than)).isoformat()
    return _blank_where(part, ReportState, lambda day: "" < day < first)


def _blank_all(part: Any, kind: Kind) -> Any:
    return _blank_where(part, kind, lambda _: True)


def _blank_where(part: Any, kind: Kind, is_blanked: Callable[[str], bool]) -> Any:
    """A part of one kind with blank digests where the key or day is selected."""
    if not isinstance(part, kind):
        return part
    digests = {key: _blank_marks(marks, is_blanked) for key, marks in part.digests.items()}
    return part if digests == part.digests else msgspec.structs.replace(part, digests=digests)


def _blank_marks(marks: Marks, is_blanked: Callable[[str], bool]) -> Marks:
    return {
        key: BLANK + "".join(mark.partition(":")[1:]) if is_blanked(key) else mark
        for key, mark in marks.items()
    }


# Old days first: a report requests them rarely, so few rows are written again for the same space.
STEPS: Iterable[Callable[[Any], Any]] = (
    *(partial(_blank_days, older_than=days) for days in (270, 180, 90, 30)),
    partial(_blank_all, kind=ReportState),
    partial(_blank_all, kind=ResourceState),
)
