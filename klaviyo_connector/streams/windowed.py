"""Syncs a long listing by windows of time, read in parallel and written page by page.

    low_watermark - lookback   low_watermark                        now - 10 s
    |-------- read again -----------|== covered ==|   |== covered ==|----|- dated ahead ->
                                                  gaps

Klaviyo's listings are eventually consistent: most records appear within seconds, some after hours,
a few after days (Estuary measured 110 minutes, then over 4 days, and settled on 7). So every sync
reads the last hours again, and one sync a day the last week.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from api import TransientError
from models import Operation, Warning
from parallel import read_in_parallel
from state.digests import digest
from state.state import TimeSpan, WindowedState
from streams.context import AccountContext
from streams.declarations import BEFORE_KLAVIYO, WindowedStream
from streams.window_reader import (
    PAGES_PER_WINDOW,
    TimeWindow,
    WindowPage,
    WindowReader,
    floor_to_second,
    require_unthrottled,
)
from streams.writer import RowWriter
from tables.converters import format_utc, to_utc_datetime
from tables.jsonapi import Json, get_path

BOUND_DELAY = timedelta(seconds=10)  # Klaviyo refuses bounds within seconds of now (airbyte#34998)
MIN_LENGTH = timedelta(seconds=10)  # of a window
FIRST_LENGTH = timedelta(days=1)  # a guess, which the first page corrects
MAX_LENGTH = timedelta(days=60)


class RecordSink(Protocol):
    """What a windowed stream does with its records and its state."""

    def write_page(self, page: Json) -> Iterator[Operation]:
        """The rows of a page's records."""
        ...

    def save_state(self, state: WindowedState) -> Operation:
        """Put the coverage of the stream into the account's state; returns a checkpoint."""
        ...


def sync_windowed(
    context: AccountContext,
    writer: RowWriter,
    stream: WindowedStream,
    state: WindowedState,
    sink: RecordSink,
) -> Iterator[Operation]:
    """Write the records since the last sync, and again those of the lookback before it.

    Each page has a checkpoint: if the sync ends early, the next one requests only the pages in
    progress again.
    """
    until = latest_bound(context)
    coverage = Coverage.load(context, stream, state, until)
    reader = WindowReader(context.session, stream, until)
    for page in _read_pages(context, reader, coverage, stream.page_sizes[0]):
        writer.log_progress(f"{stream.table.name} from {page.start:%Y-%m-%d %H:%M}")
        yield from sink.write_page(page.response)
        if page.unreadable is not None:
            yield from _report_unreadable(writer, stream, page)
        coverage.add(page.start, page.end)
        yield sink.save_state(coverage.dump())
    # Every gap is read, so nothing is open between the watermark and the end of this sync.
    coverage.add(coverage.low_watermark, until)
    yield sink.save_state(coverage.dump())


def latest_bound(context: AccountContext) -> datetime:
    """The latest bound that Klaviyo accepts."""
    return floor_to_second(context.now) - BOUND_DELAY


def _report_unreadable(
    writer: RowWriter, stream: WindowedStream, page: WindowPage
) -> Iterator[Operation]:
    """Report the second that has a record which Klaviyo fails to return, and the error."""
    name, time = stream.table.name, format_utc(page.start)
    when = "of" if page.start != page.end else "later than"
    reason = f"a record {when} {time} ({stream.cursor_field}) cannot be read: {page.unreadable}"
    yield writer.reject(
        stream.table, {"id": digest([name, stream.state_key, time]), "reason": reason}
    )
    yield Warning(f"{name}: {reason}; if there are several, those between them are missing too")


def _read_pages(
    context: AccountContext, reader: WindowReader, coverage: "Coverage", page_size: int
) -> Iterator[WindowPage]:
    """Every page of every gap, in the order of arrival."""
    threads = context.settings.concurrency
    planner = WindowPlanner(coverage, page_size, threads)

    def take_window() -> Iterator[WindowPage] | None:
        return reader.read_window(planner.take_window()) if planner.has_windows() else None

    for page in read_in_parallel(take_window, threads):
        planner.learn_from(page)
        yield page


class WindowPlanner:
    """Cuts the gaps into windows of about the same number of records, the oldest first.

    Towards the end windows get shorter, down to one page, so that all threads finish together.
    """

    def __init__(self, coverage: "Coverage", page_size: int, threads: int) -> None:
        self._gaps, self._until = coverage.gaps(), coverage.until
        self._rows, self._threads = PAGES_PER_WINDOW * page_size, threads
        self._length = FIRST_LENGTH

    def has_windows(self) -> bool:
        """Whether anything is left to plan."""
        return bool(self._gaps)

    def take_window(self) -> TimeWindow:
        """The next window to read."""
        spans = ((gap.end or self._until) - gap.start for gap in self._gaps)
        # A window longer than a thread's share of what is left would be the last one to finish.
        fair_share = sum(spans, timedelta()) / self._threads
        gap = self._gaps.popleft()
        length = max(min(self._length, fair_share), self._length / PAGES_PER_WINDOW)
        cut = floor_to_second(gap.start + length)
        if cut >= (gap.end or self._until):
            return gap
        self._gaps.appendleft(TimeWindow(cut, gap.end))
        return TimeWindow(gap.start, cut)

    def learn_from(self, page: WindowPage) -> None:
        """Adjust the length of windows to the wanted number of records."""
        if page.rest is not None:
            self._gaps.appendleft(page.rest)
        if page.end is not None and page.end > page.start:
            records = max(len(page.response["data"]), 1)
            fitting = (page.end - page.start) * (self._rows / records)
            # One page may be of a quiet night or of a large send, so it changes little at once.
            length = min(max(fitting, self._length / 4), self._length * 4)
            self._length = min(max(length, MIN_LENGTH), MAX_LENGTH)


@dataclass
class Coverage:
    """Which times of a stream are read: everything before `low_watermark`, and spans beyond it.

    `reaches_back` means that this sync reads the daily lookback.
    """

    low_watermark: datetime
    until: datetime
    lookback: timedelta
    reaches_back: bool
    previous: WindowedState
    covered: list[tuple[datetime, datetime]]

    @classmethod
    def load(
        cls,
        context: AccountContext,
        stream: WindowedStream,
        state: WindowedState,
        until: datetime,
    ) -> "Coverage":
        """The coverage of the last sync, complete or not, minus the lookback that is due."""
        state = _apply_start_date(state, context.settings.start_date)
        begin = context.start_of_day(state.start_date) if state.start_date else None
        start, reaches_back = _lookback_start(context, stream, state)
        start = start or begin or _fetch_first_record_time(context, stream)
        start = floor_to_second(min(max(start, begin or start), until))
        return cls(
            low_watermark=start.astimezone(UTC),
            until=until,
            lookback=stream.daily_lookback,
            reaches_back=reaches_back,
            previous=state,
            covered=[(span.start, span.end) for span in state.covered],
        )

    def add(self, start: datetime, end: datetime | None) -> None:
        """Record that everything between two times is written."""
        if end is not None:
            self.covered = sorted([*self.covered, (start, end)])
        while self.covered and self.covered[0][0] <= self.low_watermark:
            self.low_watermark = max(self.low_watermark, self.covered.pop(0)[1])

    def gaps(self) -> deque[TimeWindow]:
        """The windows that are not read yet; the last one has no end."""
        gaps, start = deque[TimeWindow](), self.low_watermark
        for covered_from, covered_to in sorted(self.covered):
            if start < covered_from:
                gaps.append(TimeWindow(start, covered_from))
            start = max(start, covered_to)
        # A filter by a time near now is a 400 (airbyte#34998): the last window has no upper bound.
        gaps.append(TimeWindow(start, None))
        return gaps

    def dump(self) -> WindowedState:
        """The state from which the next sync resumes if this one ends here.

        Spans within the lookback are left out: a record that appears late in them would be missed.
        """
        low, previous = self.low_watermark, self.previous
        daily = previous.daily_lookback_until
        if self.reaches_back:
            daily = max(low, daily or low)
        lookback_start = self.until - self.lookback
        return WindowedState(
            start_date=previous.start_date,
            low_watermark=max(low, previous.low_watermark or low),
            daily_lookback_until=daily,
            covered=tuple(
                TimeSpan(start, min(end, lookback_start))
                for start, end in self.covered
                if start < lookback_start
            ),
        )


def _apply_start_date(state: WindowedState, start_date: date | None) -> WindowedState:
    """The state with the start of the history; an empty one if the history must start earlier."""
    if state.low_watermark is None:
        return WindowedState(start_date=start_date)
    if state.start_date is not None and (start_date is None or start_date < state.start_date):
        return WindowedState(start_date=start_date)
    return state


def _lookback_start(
    context: AccountContext, stream: WindowedStream, state: WindowedState
) -> tuple[datetime | None, bool]:
    """Where reading starts (None: at the first record), and whether that is the daily lookback.

    The daily lookback starts its length before the end of the last one, not before the latest
    watermark, which may be a day younger.
    """
    if state.low_watermark is None:
        return None, True
    daily = state.daily_lookback_until
    if daily and context.clamp_to_now(daily).astimezone(context.zone).date() == context.today:
        return context.clamp_to_now(state.low_watermark) - stream.lookback, False
    return context.clamp_to_now(daily or state.low_watermark) - stream.daily_lookback, True


def _fetch_first_record_time(context: AccountContext, stream: WindowedStream) -> datetime:
    """The time of the account's first record, where the history begins."""
    params = {"sort": stream.cursor_field, "page[size]": "1"}
    if stream.condition:
        params["filter"] = stream.condition
    try:
        pages = context.session.pages(stream.path, params)
        records = next((page["data"] for page in pages if page["data"]), None)
    except TransientError as error:
        require_unthrottled(error)
        return BEFORE_KLAVIYO  # the first record itself may be the one that Klaviyo cannot return
    if records is None:  # an empty page is not the end of a listing: only the last page is
        return context.now - stream.daily_lookback
    first = to_utc_datetime(get_path(records, ("0", "attributes", stream.cursor_field)))
    return max(datetime.fromisoformat(first), BEFORE_KLAVIYO) if first else BEFORE_KLAVIYO
