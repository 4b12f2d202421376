"""Reads a listing by windows of time: side by side, and written page by page as they come.

    watermark - lookback      watermark                        now - 10 s
    |---------- again ------------|== done ==|      |== done ==|----|-- dated ahead -->

Klaviyo's listings are eventually consistent: most records show within seconds, some hours later, a
few after days (Estuary measured 110 minutes, then over 4 days, and settled on 7). So every sync
asks for the last hours again, and one sync a day for the last week.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from queue import SimpleQueue

from account import Account, recalling
from api import TransientError
from models import Json, Operation, Warning, dig, digest, resolved
from streams import SYNC_ERROR
from timeline import (
    BEFORE_KLAVIYO,
    PAGES,
    Page,
    Reader,
    Timeline,
    Window,
    floor,
    unless_throttled,
)
from values import moment, written

SETTLED = timedelta(seconds=10)  # Klaviyo refuses bounds within seconds of now
SHORTEST, FIRST, LONGEST = timedelta(seconds=10), timedelta(days=1), timedelta(days=60)


def sync_timeline(
    account: Account, timeline: Timeline, store: Callable[[Json], Iterator[Operation]]
) -> Iterator[Operation]:
    """Write what happened since the last sync, and again what lies a lookback before it.

    `store` makes the rows of one document. Whatever ends the sync, each page that was written is
    remembered, and at most the pages being read are asked for again.
    """
    until = floor(account.now) - SETTLED
    progress = Progress.recall(account, timeline, until)
    reader = Reader(account.asking, timeline, until)
    for page in _side_by_side(account, reader, progress):
        account.tell(f"{timeline.table.name} from {page.start:%Y-%m-%d %H:%M}")
        for document in resolved(page.answer):
            yield from store(document)
        if page.unreadable is not None:
            yield from _refuse(account, timeline, page)
        progress.add(page.start, page.end)
        account.memory.remember(timeline.table.name, {timeline.part: progress.memory})
        yield account.memory.checkpoint()
    progress.add(progress.low, until)
    account.memory.remember(timeline.table.name, {timeline.part: progress.memory})
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
    yield Warning(f"{name}: {reason}; if there are several, those between them are missing too")


def _side_by_side(account: Account, reader: Reader, progress: "Progress") -> Iterator[Page]:
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
        cut = floor(stretch.start + max(min(self.length, fair), self.length / PAGES))
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
            begin = account.midnight(date.fromisoformat(start_date)) if start_date else None
            if not watermark:
                since = begin or _first(account, timeline)
            elif cold and account.back(cold).astimezone(account.zone).date() == account.today:
                since, reaches_back = account.back(watermark) - timeline.hot, False
            else:
                since = account.back(cold or watermark) - timeline.cold
            done = [(read(start), read(end)) for start, end in memory.get("done", [])]
        since = floor(min(max(since, begin or since), until))
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
    memory = account.memory.of(timeline.table.name).get(timeline.part, {})
    with recalling(timeline.table.name):
        known = memory.get("start_date", start)
        return (known, memory) if known <= start else (start, {})


def _first(account: Account, timeline: Timeline) -> datetime:
    """Where history begins: with the account's first record."""
    params = {"sort": timeline.cursor, "page[size]": "1"}
    if timeline.condition:
        params["filter"] = timeline.condition
    try:
        pages = account.asking.pages(timeline.path, params)
        found = next((page["data"] for page in pages if page["data"]), None)
    except TransientError as error:
        unless_throttled(error)
        return BEFORE_KLAVIYO  # that record alone may be what Klaviyo does not deliver
    if found is None:  # an empty page is not the end: the last one is
        return account.now - timeline.cold
    first = moment(dig(found, ("0", "attributes", timeline.cursor)))
    return datetime.fromisoformat(first) if first else BEFORE_KLAVIYO
