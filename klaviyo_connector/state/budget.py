"""Keeps the whole state within the size that Fivetran stores. Pure.

Beyond the budget, digests are blanked, those first that are least often compared. A row whose
digest is blank is written again by the next sync that reads it. Its key stays, so its deletion is
still noticed, and its recipients, so a part of a send still does not replace the whole.

Where even the keys do not fit, the listed table with the most rows is no longer tracked: the state
forgets its rows, and each full listing writes them all.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import msgspec

from models import Checkpoint, Warning
from state.packing import DIGEST_LENGTH
from state.state import AccountSnapshot, ReportState, ResourceState, dump_checkpoint

FIVETRAN_LIMIT = 10_000_000  # bytes, as Fivetran documents it
MAX_STATE_SIZE = 9_500_000  # Fivetran may write the same JSON with other spaces
WARNING_SIZE = FIVETRAN_LIMIT * 8 // 10
BLANK = "A" * DIGEST_LENGTH
Kind = type[ReportState] | type[ResourceState]
Digests = dict[str, str]  # by key or day


class TrackedTable(NamedTuple):
    """The rows of one table in the state of one account's stream."""

    account: str
    stream: str
    table: str


@dataclass
class StateBudget:
    """The size of the last state, and what does not fit into it.

    `parents` are the tables whose rows name further listings, so they are always tracked. A state
    grows during a sync: what does not fit once is left out of every later checkpoint.
    """

    size: int = 0
    parents: Collection[str] = ()
    blanked: set[str] = field(default_factory=set)
    untracked: set[TrackedTable] = field(default_factory=set)
    _steps: int = 0  # of STEPS, that are needed

    @classmethod
    def load(cls, state: Any, parents: Collection[str] = ()) -> "StateBudget":
        """The budget of a sync that begins with this state."""
        return cls(len(json.dumps(state)), parents)

    def dump(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint as JSON, within the budget as far as anything can be left out."""
        self.blanked = set()
        for table in self.untracked:
            checkpoint = self._stop_tracking(checkpoint, table)
        for blank in STEPS[: self._steps]:
            checkpoint = self._blank_checkpoint(checkpoint, blank)
        dumped = self._dump_and_measure(checkpoint)
        while self.size > MAX_STATE_SIZE and self._steps < len(STEPS):
            checkpoint = self._blank_checkpoint(checkpoint, STEPS[self._steps])
            self._steps += 1
            dumped = self._dump_and_measure(checkpoint)
        while self.size > FIVETRAN_LIMIT and (largest := self._find_largest(checkpoint)):
            self.untracked.add(largest)
            checkpoint = self._stop_tracking(checkpoint, largest)
            dumped = self._dump_and_measure(checkpoint)
        return dumped

    def _dump_and_measure(self, checkpoint: Checkpoint) -> Checkpoint:
        dumped = dump_checkpoint(checkpoint)
        self.size = len(json.dumps(dumped.state))
        return dumped

    def warnings(self) -> Iterator[Warning]:
        """A warning if the state is near the limit, or something is left out to keep it there."""
        if not self.blanked and not self.untracked and self.size < WARNING_SIZE:
            return
        message = f"the state has {self.size / 1e6:.1f} MB of the 10 MB that Fivetran stores"
        forgotten = {key.table for key in self.untracked}
        for what, names in (("digests", self.blanked - forgotten), ("rows", forgotten)):
            if names:
                listed = ", ".join(sorted(names))
                message += f", with the {what} of {listed} left out: their rows are written again"
        yield Warning(f"{message}; choose fewer tables, or divide the accounts among connections")

    def _find_largest(self, checkpoint: Checkpoint) -> TrackedTable | None:
        """The listed table with the most rows, of those that may stay untracked."""
        sizes = {
            TrackedTable(account, stream, table): len(rows)
            for account, snapshot in checkpoint.state["accounts"].items()
            if isinstance(snapshot, AccountSnapshot)
            for stream, part in snapshot.parts.items()
            if isinstance(part, ResourceState)
            for table, rows in part.digests.items()
            if rows and table not in self.parents
        }
        return max(sizes, key=lambda name: sizes[name]) if sizes else None

    def _stop_tracking(self, checkpoint: Checkpoint, tracked: TrackedTable) -> Checkpoint:
        """The checkpoint without the rows of one table."""
        accounts = checkpoint.state["accounts"]
        account = accounts.get(tracked.account)
        if not isinstance(account, AccountSnapshot):
            return checkpoint
        part = account.parts[tracked.stream].stop_tracking(tracked.table)
        changed = replace(account, parts={**account.parts, tracked.stream: part})
        return Checkpoint({**checkpoint.state, "accounts": {**accounts, tracked.account: changed}})

    def _blank_checkpoint(self, checkpoint: Checkpoint, blank: Callable[[Any], Any]) -> Checkpoint:
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
    digests = {key: _blank_digests(digest, is_blanked) for key, digest in part.digests.items()}
    return part if digests == part.digests else msgspec.structs.replace(part, digests=digests)


def _blank_digests(digests: Digests, is_blanked: Callable[[str], bool]) -> Digests:
    return {
        key: BLANK + "".join(digest.partition(":")[1:]) if is_blanked(key) else digest
        for key, digest in digests.items()
    }


# Old days first: a report requests them rarely, so few rows are written again for the same space.
STEPS: Sequence[Callable[[Any], Any]] = (
    *(partial(_blank_days, older_than=days) for days in (270, 180, 90, 30)),
    partial(_blank_all, kind=ReportState),
    partial(_blank_all, kind=ResourceState),
)
