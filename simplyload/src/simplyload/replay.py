"""Replay: a destination built from the change log alone, without the source."""

from collections.abc import Callable, Collection, Mapping, Sequence

from simplyload.destinations.destination import (
    KEPT_LOADS,
    Destination,
    Lease,
    Load,
    LoadResult,
    Staged,
    Stopped,
    check_schema,
)
from simplyload.errors import DestinationError, SimplyLoadError
from simplyload.gather import find_damaged, read_staged
from simplyload.log import ChangeLog, Entry


def replay(  # noqa: PLR0913 - what a replay is made of
    log: ChangeLog,
    stream: str,
    destination: Destination,
    *,
    schema: str = "",
    remove: bool = False,
    observer: Callable[[str, LoadResult], None] = lambda _load_id, _result: None,
) -> int:
    """Load every confirmed load that the destination lacks, in order; return their number.

    It goes on where it was interrupted. A destination that has other loads is refused. A table that
    stops has no more of the later loads: the destination names it.
    """
    with log.lock(stream):
        try:
            check_schema(destination, stream, schema or stream)
            entries = _list_missing(log, stream, destination)
            files = _find_files(log, entries)
            lease = destination.acquire(stream, log.read_newest_epoch(stream))
            stopped = {stop.table: stop for stop in destination.list_stopped(stream)}
            for entry in entries:
                load = Load(
                    load_id=entry.load_id,
                    stream=stream,
                    schema=schema or stream,
                    state=entry.state,
                    staged=_stage(log, stream, entry, files, stopped),
                    held=[*stopped.values()],
                    remove=remove,
                )
                result = _load(destination, lease, load)
                stopped |= {stop.table: stop for stop in result.stopped}
                log.clear(stream)
                observer(entry.load_id, result)
        finally:
            destination.close()
    return len(entries)


def _load(destination: Destination, lease: Lease, load: Load) -> LoadResult:
    """Load; where this fails for a damaged file, name it."""
    try:
        return destination.load(lease, load)
    except DestinationError:
        find_damaged(path for part in load.staged for path in part.files)
        raise


def _list_missing(log: ChangeLog, stream: str, destination: Destination) -> list[Entry]:
    has = destination.list_committed(stream) if destination.read_state(stream) is not None else []
    log.confirm_committed(stream, has)
    entries = log.history(stream)
    known = [entry.load_id for entry in entries]
    done = known.index(has[-1]) + 1 if has and has[-1] in known else 0
    first = max(done - len(has), 0)
    if known[first:done] != has or (first and len(has) < KEPT_LOADS):
        raise SimplyLoadError(
            f"The destination has loads of {stream} that are not those of the log's beginning: "
            "replay into an empty one."
        )
    return entries[done:]


def _find_files(log: ChangeLog, entries: Sequence[Entry]) -> set[str]:
    """Return the files to load: without those of an earlier key that a later copy replaces."""
    tables: dict[str, list[str]] = {}
    for entry in entries:
        for table, names in entry.files.items():
            tables.setdefault(table, []).extend(names)
    try:
        return {name for names in tables.values() for name in log.skip_replaced(names)}
    except FileNotFoundError as error:
        raise SimplyLoadError(
            f"The change log lacks {error.filename}, which retention may have deleted: the "
            "destination cannot be rebuilt from it, read the source again."
        ) from None


def _stage(
    log: ChangeLog,
    stream: str,
    entry: Entry,
    files: Collection[str],
    stopped: Mapping[str, Stopped],
) -> list[Staged]:
    parts = [
        [name for name in names if name in files]
        for table, names in entry.files.items()
        if table not in stopped
    ]
    return [read_staged(log.fetch(stream, names)) for names in parts if names]
