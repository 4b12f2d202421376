"""A listing in the order of a time, and how a window of it is read.

Where Klaviyo fails again and again, pages get smaller and windows shorter, until only the records
that no question can include are left out.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api import ContractError, TransientError
from asking import ATTEMPTS, Asking
from models import Json, Table, dig
from values import moment, written

SECOND = timedelta(seconds=1)
PAGES = 8  # a window should fill about so many; of one that would fill more, others read the rest
TRY_LARGER = 8  # windows read in small pages before a larger size is tried again
BEFORE_KLAVIYO = datetime(1990, 1, 1, tzinfo=UTC)  # events "must be after the year 1990" (OpenAPI)
NOTHING: Json = {"data": []}
_PAGE_SIZE = re.compile("page.?size", re.IGNORECASE)


@dataclass(frozen=True)
class Timeline:
    """A listing in the order of one of its times.

    `sizes` of a page, from the largest to one record. `hot` is asked for again by every sync,
    `cold` once a day. Not `inclusive`: Klaviyo has only greater-than for this time. `part` names
    a listing's memory where `condition`, a filter, tells several of them apart.
    """

    table: Table
    path: str
    cursor: str
    params: Mapping[str, str]
    sizes: tuple[int, ...]
    hot: timedelta = timedelta(hours=2)
    cold: timedelta = timedelta(days=7)
    inclusive: bool = True
    condition: str = ""
    part: str = ""


@dataclass(frozen=True)
class Window:
    """Records from `start` to before `end`; without an end also those dated ahead of the clock.

    Both are whole seconds: Klaviyo's filters know nothing finer.
    """

    start: datetime
    end: datetime | None

    def filter(self, timeline: Timeline) -> str:
        """The window as Klaviyo's filter."""
        name = timeline.cursor
        conditions = [timeline.condition] if timeline.condition else []
        if timeline.inclusive:
            conditions.append(f"greater-or-equal({name},{written(self.start)})")
        else:
            conditions.append(f"greater-than({name},{written(self.start - SECOND)})")
        if self.end is not None:
            conditions.append(f"less-than({name},{written(self.end)})")
        return ",".join(conditions)


@dataclass(frozen=True)
class Page:
    """Documents; once they are written all is whole from `start` to `end` (None: nothing is).

    `rest` is what a window too dense for one thread leaves to others. `unreadable` says why a
    record could not be had.
    """

    answer: Json
    start: datetime
    end: datetime | None
    rest: Window | None = None
    unreadable: str | None = None


@dataclass(frozen=True)
class Unread:
    """What is left of a window, and what Klaviyo answers to every question about it."""

    window: Window
    why: str


class Reader:
    """Reads windows of one timeline, around what Klaviyo cannot deliver. Shared by threads."""

    def __init__(self, asking: Asking, timeline: Timeline, until: datetime) -> None:
        self.asking, self.timeline, self.until = asking, timeline, until
        self.works = 0  # the position in `sizes` of the largest page that is known to work
        self.windows = 0

    def pages(self, window: Window) -> Iterator[Page]:
        """Every page of a window, and a note for each second of which a record is missing."""
        self.windows += 1
        larger = self.works > 0 and self.windows % TRY_LARGER == 0
        unread = yield from self._ever_smaller(window, self.works - larger, ATTEMPTS)
        while unread is not None:
            self._check_that_klaviyo_answers()
            second = yield from self._narrowed(unread.window)
            yield from self._around(second)
            if second.end is None:
                return
            behind = Window(second.end, window.end)
            unread = yield from self._ever_smaller(behind, self.works, attempts=2)

    def _ever_smaller(
        self, window: Window, first: int, attempts: int, order: str = ""
    ) -> Generator[Page, None, Unread | None]:
        """The pages of a window, smaller ones where Klaviyo fails; returns what is left then."""
        sizes, why = self.timeline.sizes, ""
        for position in range(first, len(sizes)):
            patience = attempts if position == self.works else 1
            try:
                for page in self._listed(window, sizes[position], patience, order):
                    yield page
                    window = Window(page.end or window.start, window.end)
            except TransientError as error:
                why = unless_throttled(error)
            except ContractError as error:
                if position == len(sizes) - 1 or not _PAGE_SIZE.search(str(error)):
                    raise
            else:
                self.works = min(position, len(sizes) - 2)  # one by one is for emergencies
                return None
        return Unread(window, why)

    def _narrowed(self, window: Window) -> Generator[Page, None, Window]:
        """The second of the first record that could not be had, found by halving.

        All before that record was read: a half that does not hold it is all but empty.
        """
        start, end = window.start, window.end or self.until
        if window.end is None and (yield from self._delivered(Window(start, end))):
            return Window(end, None)  # it is dated ahead of Klaviyo's clock
        while end - start > SECOND:
            middle = floor(start + (end - start) / 2)
            if (yield from self._delivered(Window(start, middle))):
                start = middle
            else:
                end = middle
        return Window(start, end)

    def _delivered(self, window: Window) -> Generator[Page, None, bool]:
        """Whether every record of a window can be had, one after the other."""
        try:
            yield from self._listed(window, size=1, attempts=1)
        except TransientError as error:
            unless_throttled(error)
            return False
        return True

    def _around(self, second: Window) -> Iterator[Page]:
        """The records of one second, before and behind those that cannot be had."""
        end = second.end or self.until
        if (yield from self._ever_smaller(second, self.works, attempts=2)) is None:
            return
        unread = yield from self._ever_smaller(second, self.works, attempts=2, order="-")
        if unread is not None:
            self._check_that_klaviyo_answers()
            yield Page(NOTHING, second.start, end, unreadable=unread.why)

    def _check_that_klaviyo_answers(self) -> None:
        """Raise what Klaviyo answers when even a question about no record at all fails."""
        nothing = Window(BEFORE_KLAVIYO, BEFORE_KLAVIYO + SECOND)
        for _ in self._listed(nothing, size=1, attempts=3):
            pass

    def _listed(self, window: Window, size: int, attempts: int, order: str = "") -> Iterator[Page]:
        """The pages of a window in one size; of one too dense for one thread, about the first.

        Where to cut is told by the order of its records, but what belongs to either part by a
        filter: Klaviyo's order is not to be relied on (estuary df0ed1d4f).
        """
        timeline, start, end = self.timeline, window.start, window.end or self.until
        params = {"sort": order + timeline.cursor, "page[size]": str(size)}
        params |= {**timeline.params, "filter": window.filter(timeline)}
        divisible, sorted_ = size == timeline.sizes[self.works], not order
        sparse = start + (end - start) / PAGES  # a page should reach so far
        for answer in self.asking.pages(timeline.path, params, attempts=attempts):
            if not answer["links"].get("next"):
                yield Page(answer, start, end)
                return
            reached = self._reached(answer, start, end) if sorted_ else None
            sorted_ = reached is not None
            if divisible and reached and start == window.start < reached < sparse:
                yield from self._listed(Window(start, reached), size, attempts)
                yield Page(NOTHING, reached, None, rest=Window(reached, window.end))
                return
            yield Page(answer, start, reached)
            start = reached or start

    def _reached(self, answer: Json, start: datetime, end: datetime) -> datetime | None:
        """The second up to which a sorted page is whole; None if it is not sorted."""
        path = ("attributes", self.timeline.cursor)
        times = [str(dig(one, path)) for one in answer["data"]]  # of a page, all written alike
        if not times:
            return start
        first, last = moment(times[0]), moment(times[-1])
        in_order = times == sorted(times) and (first or "") >= written(start - SECOND)
        if last is None or not in_order:
            return None
        return max(start, min(floor(datetime.fromisoformat(last)), end))


def unless_throttled(error: TransientError) -> str:
    """Why a page could not be had; a smaller one would be throttled just the same."""
    if error.throttled:
        raise error
    return str(error)


def floor(time: datetime) -> datetime:
    """The whole second in which a time lies."""
    return time.replace(microsecond=0)
