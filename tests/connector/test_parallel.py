"""Iterators that are read in parallel."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from parallel import read_in_parallel

JOIN_TIMEOUT = 20  # seconds until a test gives up


def numbered_items(name: str, length: int) -> Iterator[tuple[str, int]]:
    """A source whose items name it and are numbered."""
    for number in range(length):
        yield name, number


def take_in_turn(*sources: Iterator[Any]) -> Callable[[], Iterator[Any] | None]:
    """A function that returns each source once, then None."""
    waiting = list(reversed(sources))
    return lambda: waiting.pop() if waiting else None


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_item_arrives_once_in_the_order_of_its_source(threads: int) -> None:
    """For any number of threads, and for more sources than threads."""
    sources = (numbered_items(name, 300) for name in "abc")
    found = list(read_in_parallel(take_in_turn(*sources), threads))
    assert len(found) == 900
    for name in "abc":
        assert [number for source, number in found if source == name] == list(range(300))


def test_sources_run_at_the_same_time() -> None:
    """Each waits for the other before its first item: one after the other would wait for ever."""
    meeting = threading.Barrier(2)

    def wait_for_other() -> Iterator[int]:
        yield meeting.wait(JOIN_TIMEOUT)

    assert sorted(read_in_parallel(take_in_turn(wait_for_other(), wait_for_other()), 2)) == [0, 1]


def test_an_item_may_reveal_another_source() -> None:
    """`next_source` is called again after each item, so that a dense window can be cut."""
    revealed: list[Iterator[str]] = [iter(["first"])]
    found = []
    for item in read_in_parallel(lambda: revealed.pop() if revealed else None, 2):
        found.append(item)
        if item == "first":
            revealed.append(iter(["second"]))
    assert found == ["first", "second"]


def test_an_error_reaches_the_reader_after_the_items_before_it() -> None:
    """It is raised as it is, and the items before it are not lost."""

    def yield_then_fail() -> Iterator[tuple[str, int]]:
        yield from numbered_items("a", 3)
        raise ValueError("broken")

    reader = read_in_parallel(take_in_turn(yield_then_fail(), iter(())), 2)
    assert [next(reader) for _ in range(3)] == list(numbered_items("a", 3))
    with pytest.raises(ValueError, match="broken"):
        next(reader)


def test_a_reader_that_stops_ends_the_threads() -> None:
    """However many items there would still be, no thread goes on."""
    before = {*threading.enumerate()}
    reader = read_in_parallel(take_in_turn(*(numbered_items(name, 10**9) for name in "ab")), 2)
    next(reader)
    started = {*threading.enumerate()} - before
    assert len(started) == 2
    reader.close()  # type: ignore[attr-defined]  # it is a generator
    for thread in started:
        thread.join(JOIN_TIMEOUT)
        assert not thread.is_alive()


def test_a_reader_that_stops_does_not_wait_for_a_response() -> None:
    """A request in progress may take a minute; a sync that ends does not wait for it."""
    requested, answered = threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        requested.set()
        answered.wait(JOIN_TIMEOUT)
        yield 1

    reader = read_in_parallel(take_in_turn(iter([0]), slow()), 2)
    assert next(reader) == 0
    assert requested.wait(JOIN_TIMEOUT)
    timer = threading.Timer(JOIN_TIMEOUT / 4, answered.set)
    timer.start()
    reader.close()  # type: ignore[attr-defined]  # it is a generator
    assert not answered.is_set()
    answered.set()
    timer.cancel()


def test_a_source_is_one_item_ahead_of_the_reader() -> None:
    """A slow reader is not flooded with pages: memory stays flat."""
    made: list[int] = []

    def record_numbers() -> Iterator[int]:
        for number in range(500):
            made.append(number)
            yield number

    reader = read_in_parallel(take_in_turn(record_numbers(), record_numbers()), 2)
    for read, _ in enumerate(reader, 1):
        assert len(made) <= read + 2
