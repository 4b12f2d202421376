"""Reading in parts: nothing twice, nothing left out, less at once where it is too much."""

import threading
import time

import pytest

from simplyload.errors import SourceError
from simplyload.sources.patterns import fetch_parallel, read_by_id, read_by_time
from simplyload.sources.web import TooMuchError


def test_a_page_that_is_too_much_is_asked_for_by_halves() -> None:
    """Each row comes once, in the order of ids; after the large ones pages grow again."""
    sizes: list[int] = []

    def fetch(after: int, size: int) -> list[int]:
        rows = [*range(after + 1, 101)][:size]
        if sum(row in range(20, 30) for row in rows) > 2:
            raise TooMuchError("too large")
        sizes.append(size)
        return rows

    pages = [*read_by_id(fetch, 0, 16, id_of=lambda row: row)]
    assert [row for page in pages for row in page] == [*range(1, 101)]
    assert 1 <= min(sizes) <= 2
    assert max(sizes[-3:]) == 16


def test_one_row_that_is_too_much_is_an_error() -> None:
    """A page of one row, and a span of one second, are not halved for ever."""

    def fetch(*_: int) -> list[int]:
        raise TooMuchError("too large")

    with pytest.raises(TooMuchError):
        next(read_by_id(fetch, 0, 16, id_of=lambda row: row))
    with pytest.raises(TooMuchError):
        next(read_by_time(fetch, 0, 100, 60))


def test_spans_of_time_meet_and_shrink_where_much_happened() -> None:
    """Every second is read once, also those of a busy minute; the last span ends at the end."""
    spans: list[tuple[int, int]] = []

    def fetch(begin: int, end: int) -> range:
        if end - begin > 4 and begin < 70 and end > 60:
            raise TooMuchError("too many")
        spans.append((begin, end))
        return range(begin, end)

    found = [*read_by_time(fetch, 3, 1000, 60)]
    assert [second for _, seconds in found for second in seconds] == [*range(3, 1000)]
    assert found[-1][0] == 1000
    assert max(end - begin for begin, end in spans) == 60


def test_accounts_are_fetched_side_by_side_and_come_in_their_order() -> None:
    """Four at a time and no more; an error comes at its place, after what was before it."""
    lock, running, most = threading.Lock(), 0, 0

    def fetch(key: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02 if key % 3 else 0.04)
        with lock:
            running -= 1
        if key == 9:
            raise SourceError("account 9 is closed")
        return key * key

    assert [*fetch_parallel(fetch, range(8), 4)] == [(key, key * key) for key in range(8)]
    assert most == 4
    got: list[int] = []
    fetched = fetch_parallel(fetch, range(12), 4)
    with pytest.raises(SourceError, match="account 9"):
        got.extend(key for key, _ in fetched)
    assert got == [*range(9)]
