"""Reads a listing by windows of time: side by side, and written page by page as they come.

    watermark - lookback      watermark                        now - 10 s
    |---------- again ------------|== done ==|      |== done ==|----|-- dated ahead -->

Klaviyo's listings are eventually consistent: most records show within seconds, some hours later, a
few after days (Estuary measured 110 minutes, then over 4 days, and settled on 7). So every sync
asks for the last hours again, and one sync a day for the last week.
"""

import re
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue

from account import Account, recalling
from api import ContractError, TransientError
from asking import ATTEMPTS, Asking
from models import Json, Operation, Table, Warning, dig, digest, resolved
from streams import SYNC_ERROR
from values import moment, written

SECOND = timedelta(seconds=1)
SETTLED = timedelta(seconds=10)  # Klaviyo refuses bounds within seconds of now
SHORTEST, FIRST, LONGEST = timedelta(seconds=10), timedelta(days=1), timedelta(days=60)
PAGES = 8  # the length of windows is steered towards this many pages
TRY_LARGER = 8  # windows read in small pages before a larger size is tried again
_PAGE_SIZE = re.compile("page.?size", re.IGNORECASE)
BEFORE_KLAVIYO = datetime(2000, 1, 1, tzinfo=UTC)  # it accepts no event before


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
    """Records from `start` to before `end`; without an end also those dated ahead of the clock."""

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


NOTHING: Json = {"data": []}


def sync_timeline(
    account: Account, timeline: Timeline, store: Callable[[Json], Iterator[Operation]]
) -> Iterator[Operation]:
    """Write what happened since the last sync, and again what lies a lookback before it.

    `store` makes the rows of one document. Whatever ends the sync, each page that was written is
    remembered, and at most the pages being read are asked for again.
    """
    until = account.now - SETTLED
    progress = Progress.recall(account, timeline, until)
    reader = Reader(account.asking, timeline, until)
    for page in _side_by_side(account, reader, progress):
        account.tell(f"{timeline.table.name} from {page.start:%Y-%m-%d %H:%M}")
        for document in resolved(page.answer):
            yield from store(document)
        if page.unreadable is not None:
            yield from _refuse(account, timeline, page)
        progress.add(page.start, page.end)
        _remember(account, timeline, progress.memory)
        yield account.memory.checkpoint()
    progress.add(progress.low, until)
    _remember(account, timeline, progress.memory)
    yield account.memory.checkpoint()


def _refuse(account: Account, timeline: Timeline, page: Page) -> Iterator[Operation]:
    """Say which second lacks a record that Klaviyo does not deliver, and why."""
    name, time = timeline.table.name, written(page.start)
    when = "of" if page.start != page.end else "later than"
    reason = f"a record {when} {time} ({timeline.cursor}) cannot be had: {page.unreadable}"
    account.refused[name] += 1
    mark = digest([name, timeline.part, time])
    error = {"id": mark, "sync_id": account.sync_id, "table_name": name, "reason": reason}
    yield from account.store(SYNC_ERROR, error)
    yield Warning(f"{name}: {reason}; its other records were read")


def _remember(account: Account, timeline: Timeline, memory: Json) -> None:
    name = timeline.table.name
    known = account.memory.tables.get(name, {})
    account.memory.tables[name] = {**known, timeline.part: memory}


def _side_by_side(account: Account, reader: "Reader", progress: "Progress") -> Iterator[Page]:
    """Every page of every window, as they come; only this thread hands them on."""
    threads = account.settings.concurrency
    plan = Plan(progress, reader.timeline.sizes[0], threads)
    reading: dict[Future[Page | None], Iterator[Page]] = {}
    turned: SimpleQueue[Future[Page | None]] = SimpleQueue()
    pool = ThreadPoolExecutor(threads)

    def turn(pages: Iterator[Page]) -> None:
        future = pool.submit(next, pages, None)
        reading[future] = pages
        future.add_done_callback(turned.put)

    try:
        while reading or plan.stretches:
            while plan.stretches and len(reading) < threads:
                turn(reader.pages(plan.window()))
            future = turned.get()
            pages, page = reading.pop(future), future.result()
            if page is not None:
                turn(pages)  # the next page is fetched while this one is written
                plan.learn(page)
                yield page
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class Plan:
    """What is still to be read, the oldest first, cut into windows of about the same size.

    Towards the end they get shorter, down to a page, so that all threads finish together.
    """

    def __init__(self, progress: "Progress", page: int, threads: int) -> None:
        self.stretches, self.until = progress.gaps(), progress.until
        self.rows, self.threads, self.length = PAGES * page, threads, FIRST

    def window(self) -> Window:
        """The next window to read."""
        spans = ((one.end or self.until) - one.start for one in self.stretches)
        fair = sum(spans, timedelta()) / self.threads
        stretch = self.stretches.popleft()
        cut = stretch.start + max(min(self.length, fair), self.length / PAGES)
        if cut >= (stretch.end or self.until):
            return stretch
        self.stretches.appendleft(Window(cut, stretch.end))
        return Window(stretch.start, cut)

    def learn(self, page: Page) -> None:
        """Steer the length towards windows of `rows`; take back what a window left."""
        if page.rest is not None:
            self.stretches.appendleft(page.rest)
        if page.end is not None and page.end > page.start:
            fitting = (page.end - page.start) * (self.rows / max(len(page.answer["data"]), 1))
            length = min(max(fitting, self.length / 4), self.length * 4)
            self.length = min(max(length, SHORTEST), LONGEST)


@dataclass
class Progress:
    """How far a timeline was read: wholly up to `low`, and in the spans `done` beyond it.

    `watermark` is as far as any sync read wholly, `cold` as far as one that reached back did.
    """

    low: datetime
    until: datetime
    lookback: timedelta
    start_date: str
    watermark: str
    cold: str
    reaches_back: bool
    done: list[tuple[datetime, datetime]]

    @classmethod
    def recall(cls, account: Account, timeline: Timeline, until: datetime) -> "Progress":
        """Where the last sync, whole or not, left off; reaches back for what showed up late."""
        start_date, memory = _memory(account, timeline)
        watermark, cold, reaches_back = memory.get("watermark", ""), memory.get("cold", ""), True
        read = datetime.fromisoformat
        with recalling(timeline.table.name):
            begin = _midnight(account, start_date) if start_date else None
            if not watermark:
                since = begin or _first(account, timeline)
            elif cold and account.back(cold).astimezone(account.zone).date() == account.today:
                since, reaches_back = account.back(watermark) - timeline.hot, False
            else:
                since = account.back(cold or watermark) - timeline.cold
            done = [(read(start), read(end)) for start, end in memory.get("done", [])]
        since = min(max(since, begin or since), until)
        return cls(since, until, timeline.cold, start_date, watermark, cold, reaches_back, done)

    def add(self, start: datetime, end: datetime | None) -> None:
        """Note that all between two times was written."""
        if end is not None:
            self.done = sorted([*self.done, (start, end)])
        while self.done and self.done[0][0] <= self.low:
            self.low = max(self.low, self.done.pop(0)[1])

    def gaps(self) -> deque[Window]:
        """What is to be read; the last stretch has no end."""
        gaps, start = deque[Window](), self.low
        for done_from, done_to in sorted(self.done):
            if start < done_from:
                gaps.append(Window(start, done_from))
            start = max(start, done_to)
        gaps.append(Window(start, None))
        return gaps

    @property
    def memory(self) -> Json:
        """What the next sync needs to know, should this one end here.

        Spans within the lookback are not remembered: what shows up late in them is asked for.
        """
        low, settled = written(self.low), self.until - self.lookback
        ahead = [(start, min(end, settled)) for start, end in self.done if start < settled]
        return {
            "start_date": self.start_date,
            "watermark": max(low, self.watermark),
            "cold": max(low, self.cold) if self.reaches_back else self.cold,
            "done": [[written(start), written(end)] for start, end in ahead],
        }


def _memory(account: Account, timeline: Timeline) -> tuple[str, Json]:
    """The date history begins with, and the memory of the last sync unless it began later."""
    start = str(account.settings.start_date or "")
    memory = account.memory.tables.get(timeline.table.name, {}).get(timeline.part, {})
    known = memory.get("start_date", start)
    return (known, memory) if known <= start else (start, {})


def _midnight(account: Account, day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=account.zone)


def _first(account: Account, timeline: Timeline) -> datetime:
    """Where history begins: with the account's first record."""
    params = {"sort": timeline.cursor, "page[size]": "1"}
    if timeline.condition:
        params["filter"] = timeline.condition
    try:
        found = account.asking.get(timeline.path, params)["data"]
    except TransientError as error:
        _unless_throttled(error)
        return BEFORE_KLAVIYO  # that record alone may be what Klaviyo does not deliver
    first = moment(dig(found, ("0", "attributes", timeline.cursor)))
    return datetime.fromisoformat(first) if first else account.now - timeline.cold


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
                why = _unless_throttled(error)
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
            middle = max(_floor(start + (end - start) / 2), _floor(start) + SECOND)
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
            _unless_throttled(error)
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
        """The pages of a window in one size; of a window too dense for one thread, the first."""
        timeline, start, end = self.timeline, window.start, window.end or self.until
        params = {"sort": order + timeline.cursor, "page[size]": str(size)}
        params |= {**timeline.params, "filter": window.filter(timeline)}
        divisible, sorted_ = size == timeline.sizes[self.works], not order
        for answer in self.asking.pages(timeline.path, params, attempts=attempts):
            if not answer["links"].get("next"):
                yield Page(answer, start, end)
                return
            reached = self._reached(answer, start, end) if sorted_ else None
            sorted_ = reached is not None
            if divisible and reached and start < reached < start + (end - start) / PAGES:
                yield Page(answer, start, reached, rest=Window(reached, window.end))
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
        return max(start, min(_floor(datetime.fromisoformat(last)), end))


def _unless_throttled(error: TransientError) -> str:
    """Why a page could not be had; a smaller one would be throttled just the same."""
    if error.throttled:
        raise error
    return str(error)


def _floor(time: datetime) -> datetime:
    return time.replace(microsecond=0)
