"""Replay: a destination built from the change log alone, without the source."""

from collections.abc import Callable
from pathlib import Path

from simplyload.destinations.destination import (
    KEPT_LOADS,
    Destination,
    Load,
    LoadResult,
    check_schema,
)
from simplyload.errors import SimplyLoadError
from simplyload.gather import read_staged
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
    """Load every confirmed load that the destination lacks, in order; give their number.

    It goes on where it was interrupted. A destination that has other loads is refused.
    """
    with log.lock(stream):
        try:
            check_schema(destination, stream, schema or stream)
            entries = _missing(log, stream, destination)
            lease = destination.acquire(stream, log.newest_epoch(stream))
            for entry in entries:
                load = _load(log, entry, stream, schema or stream, remove=remove)
                observer(entry.load_id, destination.load(lease, load))
        finally:
            destination.close()
    return len(entries)


def _missing(log: ChangeLog, stream: str, destination: Destination) -> list[Entry]:
    has = destination.committed(stream) if destination.read_state(stream) is not None else []
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


def _load(log: ChangeLog, entry: Entry, stream: str, schema: str, *, remove: bool) -> Load:
    files = [[log.root / name for name in names] for names in entry.files.values()]
    return Load(
        load_id=entry.load_id,
        stream=stream,
        schema=schema,
        state=entry.state,
        staged=[read_staged(_existing(log.root, paths)) for paths in files],
        remove=remove,
    )


def _existing(root: Path, paths: list[Path]) -> list[Path]:
    for path in paths:
        if not path.exists():
            raise SimplyLoadError(
                f"The change log lacks {path.relative_to(root)}, which retention may have deleted: "
                "the destination cannot be rebuilt from it, read the source again."
            )
    return paths
