"""Iterators that run side by side."""

import threading
from collections.abc import Iterator

import pytest
from parallel import side_by_side

ENOUGH = 20  # seconds until a test gives up


def counting(name: str, length: int) -> Iterator[tuple[str, int]]:
    """A source whose items can be told apart."""
    for number in range(length):
        yield name, number


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_item_comes_once_and_in_its_source_s_order(threads: int) -> None:
    """However many threads there are, and more sources than those."""
    found = list(side_by_side([counting(name, 300) for name in "abc"], threads))
    assert len(found) == 900
    for name in "abc":
        assert [n for source, n in found if source == name] == list(range(300))


def test_sources_run_at_the_same_time() -> None:
    """Each waits for the other before its first item: one after the other would wait for ever."""
    meeting = threading.Barrier(2)

    def waiting() -> Iterator[int]:
        yield meeting.wait(ENOUGH)

    assert sorted(side_by_side([waiting(), waiting()], 2)) == [0, 1]


def test_an_error_reaches_the_reader_behind_what_came_before_it() -> None:
    """It is raised as it is, and the items before it are not lost."""

    def failing() -> Iterator[tuple[str, int]]:
        yield from counting("a", 3)
        raise ValueError("broken")

    reader = side_by_side([failing(), iter(())], 2)
    assert [next(reader) for _ in range(3)] == list(counting("a", 3))
    with pytest.raises(ValueError, match="broken"):
        next(reader)


def test_a_reader_that_stops_ends_the_threads() -> None:
    """However many items there would still be, and however full the queue is."""
    before = threading.active_count()
    reader = side_by_side([counting(name, 10**9) for name in "ab"], 2)
    next(reader)
    started = threading.enumerate()[before:]
    assert len(started) == 2
    reader.close()  # type: ignore[attr-defined]  # it is a generator
    for thread in started:
        thread.join(ENOUGH)
        assert not thread.is_alive()


def test_the_threads_do_not_run_far_ahead() -> None:
    """A slow reader is not flooded with pages: memory stays flat."""
    made: list[int] = []

    def noting() -> Iterator[int]:
        for number in range(500):
            made.append(number)
            yield number

    for read, _ in enumerate(side_by_side([noting(), noting()], 2), 1):
        assert len(made) <= read + 2 * 2
