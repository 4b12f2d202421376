"""Runs iterators side by side, each in a thread, for one reader."""

from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

T = TypeVar("T")


def side_by_side(sources: Sequence[Iterator[T]], threads: int) -> Iterator[T]:
    """The items of all sources as they come; those of one source keep their order.

    Each thread is at most two items ahead of the reader, so that memory stays flat. An error in a
    source is raised here. Then, and when the reader stops reading, every thread ends with its next
    item.
    """
    threads = min(threads, len(sources))
    if threads <= 1:
        for source in sources:
            yield from source
        return
    left: SimpleQueue[Iterator[T] | None] = SimpleQueue()
    made: SimpleQueue[tuple[T, ...] | BaseException] = SimpleQueue()
    room, over = Semaphore(threads), Event()

    def work() -> None:
        try:
            for source in iter(left.get, None):
                for item in source:
                    room.acquire()
                    if over.is_set():
                        return
                    made.put((item,))
            made.put(())
        except BaseException as error:  # noqa: BLE001 - raised again where it can be handled
            made.put(error)

    for one in (*sources, *[None] * threads):
        left.put(one)
    for _ in range(threads):
        Thread(target=work, daemon=True).start()  # a daemon does not keep the process alive
    try:
        yield from _read(made, room, threads)
    finally:
        over.set()
        room.release(threads)


def _read(
    made: "SimpleQueue[tuple[T, ...] | BaseException]", room: Semaphore, working: int
) -> Iterator[T]:
    while working:
        found = made.get()
        if isinstance(found, BaseException):
            raise found
        if found:
            room.release()
            yield found[0]
        else:
            working -= 1
