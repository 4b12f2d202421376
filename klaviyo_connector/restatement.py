"""Which days of the past are due to be asked for again. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from streams import Schedule

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """Days of the account's calendar, both ends included."""

    start: date
    end: date
    whole: bool = field(default=False, compare=False)
    """Whether all that it cuts lies whole in a window beside it that is asked for too."""

    def covers(self, other: "Window") -> bool:
        """Whether all days of `other` are in this window."""
        return self.start <= other.start and other.end <= self.end


def due(
    schedule: Schedule, memory: dict[str, Any], today: date, first: date
) -> tuple[list[Window], dict[str, Any]]:
    """The windows to ask for, newest first, and the memory once they are all `pending`.

        first                          today-deep      today-hot   today
        |------- history: rarely ----------|--- daily ------|--hot---|

    `first` is the first day that can hold anything. What an earlier sync could not ask for, for
    lack of quota, is still in `memory["pending"]` and comes along, but for a report without
    history, whose newest window replaces the older ones.
    """
    since = today - (schedule.hot - 1) * DAY
    marks = {name: memory.get(name) for name in ("deep_on", "history_on", "history_from")}
    if marks["deep_on"] != today.isoformat():
        since = min(since, today - (schedule.deep - 1) * DAY)
        if marks["deep_on"] and schedule.history is not None:  # after a pause each day has its turn
            since = min(since, date.fromisoformat(marks["deep_on"]) - (schedule.deep - 2) * DAY)
        marks["deep_on"] = today.isoformat()
    if _history_due(schedule, marks, today, first):
        marks |= {"history_on": today.isoformat(), "history_from": first.isoformat()}
        since = min(since, first)
    wanted = list(_windows(max(since, first), today, schedule, complete=since <= first))
    known = pending(memory) if schedule.history is not None else []
    left = [window for window in known if not any(w.covers(window) for w in wanted)]
    wanted = [window for window in wanted if not any(w.covers(window) for w in left)] + left
    return wanted, remember(marks, wanted)


def pending(memory: dict[str, Any]) -> list[Window]:
    """The windows that are still to be asked for."""
    return [
        Window(date.fromisoformat(start), date.fromisoformat(end))
        for start, end in memory.get("pending", [])
    ]


def remember(memory: dict[str, Any], left: list[Window]) -> dict[str, Any]:
    """The memory with `left` as what is still to be asked for."""
    return {**memory, "pending": [[w.start.isoformat(), w.end.isoformat()] for w in left]}


def _history_due(schedule: Schedule, marks: dict[str, Any], today: date, first: date) -> bool:
    """Whether to ask for everything: for the first time, once more, or from an earlier start."""
    last = marks["history_on"]
    if schedule.history is None:
        return False
    if last is None or first.isoformat() < (marks["history_from"] or ""):
        return True
    return schedule.history > 0 and (today - date.fromisoformat(last)).days >= schedule.history


def _windows(first: date, last: date, schedule: Schedule, *, complete: bool) -> Iterator[Window]:
    """Windows of at most `span` days from `last` back to `first`; `complete`: to the very first."""
    end = last
    while end >= first:
        start = max(first, end - (schedule.span - 1) * DAY)
        yield Window(start, end, whole=complete or start > first)
        if start == first:
            return
        end = start + (schedule.overlap - 1) * DAY
