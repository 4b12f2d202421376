"""Reads iterators in parallel for one reader: the only place that starts threads for requests."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def read_in_parallel(next_source: Callable[[], Iterator[T] | None], threads: int) -> Iterator[T]:
    """The items of all sources as they arrive; those of one source keep their order.

    `next_source` returns the next iterator to read, or None while there is none. It is called from
    the reader's thread whenever one of `threads` is free, so it may depend on earlier items. Each
    source is one item ahead of the reader, so that memory stays flat. An error in a source is
    raised here. When the reader stops, every thread ends with its current item.

        reader    item 1 of A   item 1 of B   item 2 of A ...
        thread 1  A: 2 ........ A: 3 .....
        thread 2                B: 2 ................
    """
    pool = ThreadPoolExecutor(threads)
    running: dict[Future[tuple[T, ...]], Iterator[T]] = {}
    finished: SimpleQueue[Future[tuple[T, ...]]] = SimpleQueue()

    def advance(source: Iterator[T]) -> None:
        future = pool.submit(_next_item, source)
        running[future] = source
        future.add_done_callback(finished.put)

    try:
        while True:
            while len(running) < threads and (source := next_source()) is not None:
                advance(source)
            if not running:
                return
            future = finished.get()
            source = running.pop(future)
            for item in future.result():
                advance(source)  # the next item is fetched while this one is used
                yield item
    finally:
        # Waiting would let a closed sync hang until the deadline of each request.
        pool.shutdown(wait=False, cancel_futures=True)


def _next_item(source: Iterator[T]) -> tuple[T, ...]:
    """The next item of a source in a tuple, or an empty tuple at its end."""
    for item in source:
        return (item,)
    return ()
