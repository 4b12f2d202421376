"""Ways to read what an API gives only in parts: by id, by time, or of many accounts at once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

from simplyload.sources.web import TooMuchError

Key = TypeVar("Key")
Found = TypeVar("Found")


def read_by_id(
    fetch: Callable[[Any, int], Sequence[Found]],
    after: Any,
    size: int,
    id_of: Callable[[Found], Any],
) -> Iterator[Sequence[Found]]:
    """Yield pages after an id, up to an empty one; a page that is too much is asked for by halves.

    `fetch(after, size)` gives the next rows in the order of their ids. Later pages grow again.
    """
    most = size
    while True:
        try:
            page = fetch(after, size)
        except TooMuchError:
            if size == 1:
                raise
            size //= 2
            continue
        if not page:
            return
        yield page
        after, size = id_of(page[-1]), min(most, size * 2)


def read_by_time(
    fetch: Callable[[int, int], Found], begin: int, end: int, span: int
) -> Iterator[tuple[int, Found]]:
    """Yield what was there from a second on, by spans that meet, each with its end.

    `fetch(begin, end)` gives what is in [begin, end). A span that is too much is halved; later ones
    grow again. The end of a span is where a later read goes on.
    """
    most = span
    while begin < end:
        until = min(end, begin + span)
        try:
            found = fetch(begin, until)
        except TooMuchError:
            if until - begin == 1:
                raise
            span = (until - begin) // 2
            continue
        yield until, found
        begin, span = until, min(most, span * 2)


def fetch_parallel(
    fetch: Callable[[Key], Found], keys: Iterable[Key], workers: int
) -> Iterator[tuple[Key, Found]]:
    """Yield what is fetched of each key, in their order; each worker has one under way.

    An error is raised at its key, so that the position before it is right.
    """
    rest = iter(keys)
    with ThreadPoolExecutor(workers) as pool:
        running = deque((key, pool.submit(fetch, key)) for key in islice(rest, workers))
        while running:
            key, done = running.popleft()
            found = done.result()
            running.extend((next_key, pool.submit(fetch, next_key)) for next_key in islice(rest, 1))
            yield key, found
