"""Reads one window of a listing in the order of a time, around unreadable records.

If requests for a page keep failing, pages shrink; if even single records fail, the window is
bisected to the second that has the unreadable record, and reading continues after it:

    1  pages of 1000     |#####|#####|#x         a page fails in every retry
    2  pages of 200, 20  |#####|#####|#|x        smaller pages from where the last one ended
    3  pages of 1                      |##x      the next record is unreadable
    4  bisect                            |  |x|  halves that are all but empty find its second
    5  both ends of that second          |#x#|   the records before and after it
    6  pages of 1000                         |#####|#####|
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from api import ContractError, TooLargeError, TransientError
from session import MAX_ATTEMPTS, KlaviyoSession
from streams.declarations import BEFORE_KLAVIYO, WindowedStream
from tables.converters import format_utc, to_utc_datetime
from tables.jsonapi import Json
from tables.typed_pages import typed_decoder, values_at

SECOND = timedelta(seconds=1)
PAGES_PER_WINDOW = 8  # a window with more pages is cut, so that other threads read the rest
WINDOWS_BETWEEN_LARGER_PAGES = 8  # in small pages, before a larger size is tried again
EMPTY_RESPONSE: Json = {"data": []}
_PAGE_SIZE = re.compile("page.?size", re.IGNORECASE)


@dataclass(frozen=True)
class TimeWindow:
    """Records from `start` to before `end`; without an end also those dated ahead of the clock.

    Both are whole seconds, the finest that Klaviyo's filters accept.
    """

    start: datetime
    end: datetime | None

    def filter(self, stream: WindowedStream) -> str:
        """The window as the `filter` parameter of a stream's listing."""
        name = stream.cursor_field
        conditions = [stream.condition] if stream.condition else []
        if stream.has_inclusive_filter:
            conditions.append(f"greater-or-equal({name},{format_utc(self.start)})")
        else:
            conditions.append(f"greater-than({name},{format_utc(self.start - SECOND)})")
        if self.end is not None:
            conditions.append(f"less-than({name},{format_utc(self.end)})")
        return ",".join(conditions)


@dataclass(frozen=True)
class WindowPage:
    """One response; once its rows are written, everything from `start` to `end` is read.

    Without an `end` nothing is complete yet. `rest` is the part of a dense window that other
    threads read. `unreadable` says why a record is missing.
    """

    response: Json
    start: datetime
    end: datetime | None
    rest: TimeWindow | None = None
    unreadable: str | None = None


@dataclass(frozen=True)
class UnreadableRange:
    """The part of a window in which every request fails, and the last error."""

    window: TimeWindow
    reason: str


class WindowReader:
    """Reads windows of one stream. Threads share it, and with it the page size that works."""

    def __init__(self, session: KlaviyoSession, stream: WindowedStream, until: datetime) -> None:
        self._session, self._stream, self._until = session, stream, until
        self._decode = typed_decoder(stream.table, stream.related)
        self._working_size = 0  # position in `page_sizes` of the largest size known to work
        self._windows_read = 0

    def read_window(self, window: TimeWindow) -> Iterator[WindowPage]:
        """Every page of a window, and an empty one per second with an unreadable record.

        Raises TransientError if Klaviyo answers no request at all: then no record is the cause.
        """
        self._windows_read += 1
        tries_larger = self._windows_read % WINDOWS_BETWEEN_LARGER_PAGES == 0
        first_size = self._working_size - (self._working_size > 0 and tries_larger)
        unread = yield from self._read_with_shrinking_pages(window, first_size, MAX_ATTEMPTS)
        while unread is not None:
            self._check_that_klaviyo_answers()
            second = yield from self._bisect_unreadable(unread.window)
            yield from self._read_both_ends(second)
            if second.end is None:
                return
            behind = TimeWindow(second.end, window.end)
            unread = yield from self._read_with_shrinking_pages(
                behind, self._working_size, attempts=2
            )

    def _read_with_shrinking_pages(
        self, window: TimeWindow, first_size: int, attempts: int, order: str = ""
    ) -> Generator[WindowPage, None, UnreadableRange | None]:
        """The pages of a window; returns the unread rest if even single records fail."""
        sizes, reason = self._stream.page_sizes, ""
        for position in range(first_size, len(sizes)):
            # Only the size that worked so far is retried; any other one is a trial.
            attempts_here = attempts if position == self._working_size else 1
            try:
                for page in self._request_pages(window, sizes[position], attempts_here, order):
                    yield page
                    window = TimeWindow(page.end or window.start, window.end)
            except TransientError as error:
                reason = require_unthrottled(error)
            except ContractError as error:
                if position == len(sizes) - 1 or not _is_about_page_size(error):
                    raise
            else:
                # Single records are for emergencies: the next window begins with more.
                self._working_size = min(position, len(sizes) - 2)
                return None
        return UnreadableRange(window, reason)

    def _bisect_unreadable(self, window: TimeWindow) -> Generator[WindowPage, None, TimeWindow]:
        """The second of the first unreadable record.

        Everything before that record is read, so a half without it is all but empty.
        """
        start, end = window.start, window.end or self._until
        if window.end is None and (yield from self._is_readable(TimeWindow(start, end))):
            return TimeWindow(end, None)  # the record is dated ahead of Klaviyo's clock
        # The longest window, 60 days, is 5 million seconds: 23 halvings.
        while end - start > SECOND:
            middle = floor_to_second(start + (end - start) / 2)
            if (yield from self._is_readable(TimeWindow(start, middle))):
                start = middle
            else:
                end = middle
        return TimeWindow(start, end)

    def _is_readable(self, window: TimeWindow) -> Generator[WindowPage, None, bool]:
        """Read a window record by record; returns whether this succeeds."""
        try:
            yield from self._request_pages(window, size=1, attempts=1)
        except TransientError as error:
            require_unthrottled(error)
            return False
        return True

    def _read_both_ends(self, second: TimeWindow) -> Iterator[WindowPage]:
        """The records of one second from its start and, in reverse order, from its end.

        Records between two unreadable ones of the same second cannot be read.
        """
        end, size = second.end or self._until, self._working_size
        if (yield from self._read_with_shrinking_pages(second, size, attempts=2)) is None:
            return  # Klaviyo returns the record after all
        size = self._working_size
        unread = yield from self._read_with_shrinking_pages(second, size, attempts=2, order="-")
        if unread is not None:
            self._check_that_klaviyo_answers()
            yield WindowPage(EMPTY_RESPONSE, second.start, end, unreadable=unread.reason)

    def _check_that_klaviyo_answers(self) -> None:
        """Raise TransientError if even a request that matches no record fails."""
        no_record = TimeWindow(BEFORE_KLAVIYO, BEFORE_KLAVIYO + SECOND)
        for _ in self._request_pages(no_record, size=1, attempts=3):
            pass

    def _request_pages(
        self, window: TimeWindow, size: int, attempts: int, order: str = ""
    ) -> Iterator[WindowPage]:
        """The pages of a window in one size; for a window too dense for one thread, its first part.

        The last time of a page shows where to cut a dense window, but a filter separates the two
        parts: Klaviyo's order alone is not reliable (estuary df0ed1d4f).

            sparse   |------page------|  the first page reaches an eighth of the window or more
            dense    |-page-|            it does not: read up to here, leave the rest to others
        """
        stream, start, end = self._stream, window.start, window.end or self._until
        params = {"sort": order + stream.cursor_field, "page[size]": str(size)}
        params |= {**stream.params, "filter": window.filter(stream)}
        may_cut = size == stream.page_sizes[self._working_size]
        is_sorted = not order
        fair_share = start + (end - start) / PAGES_PER_WINDOW
        pages = self._session.pages(stream.path, params, attempts=attempts, decode=self._decode)
        for response in pages:
            if not response["links"].get("next"):
                yield WindowPage(response, start, end)
                return
            complete_until = self._completeness_bound(response, start, end) if is_sorted else None
            is_sorted = complete_until is not None
            is_first = start == window.start
            if may_cut and complete_until and is_first and start < complete_until < fair_share:
                yield from self._request_pages(TimeWindow(start, complete_until), size, attempts)
                rest = TimeWindow(complete_until, window.end)
                yield WindowPage(EMPTY_RESPONSE, complete_until, None, rest=rest)
                return
            yield WindowPage(response, start, complete_until)
            start = complete_until or start

    def _completeness_bound(
        self, response: Json, start: datetime, end: datetime
    ) -> datetime | None:
        """The second before which a sorted page has every record; None if it is not sorted."""
        # All times of one page have the same format, so their texts sort like the times.
        times = [*map(str, values_at(response, ("attributes", self._stream.cursor_field)))]
        if not times:
            return start
        first, last = to_utc_datetime(times[0]), to_utc_datetime(times[-1])
        is_sorted = times == sorted(times) and (first or "") >= format_utc(start - SECOND)
        if last is None or not is_sorted:
            return None
        # The last second of a page may continue on the next one.
        return max(start, min(floor_to_second(datetime.fromisoformat(last)), end))


def _is_about_page_size(error: ContractError) -> bool:
    """Whether a smaller page may succeed: an older revision may refuse the largest size."""
    return isinstance(error, TooLargeError) or _PAGE_SIZE.search(str(error)) is not None


def require_unthrottled(error: TransientError) -> str:
    """The reason of a failed request; raises where a smaller page would be throttled too."""
    if error.throttled:
        raise error
    return str(error)


def floor_to_second(time: datetime) -> datetime:
    """A time without its fraction of a second."""
    return time.replace(microsecond=0)
