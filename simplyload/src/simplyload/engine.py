"""The engine: gathers a source's changes, loads them, and acknowledges them after the commit.

A run reads from the state that the destination holds. It takes the lease with its first load, so a
run without changes sends no statement. If the destination's state then differs from the one that
the run read from, another run was faster: the gathered changes are discarded and read again.
"""

import math
import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from simplyload.changes import Batch, Rejected, State
from simplyload.destinations.destination import (
    Destination,
    Lease,
    Load,
    LoadResult,
    Staged,
    Stopped,
    check_schema,
)
from simplyload.errors import (
    ConfigurationError,
    GivenUpError,
    LogError,
    SimplyLoadError,
    SourceError,
    TableStoppedError,
)
from simplyload.gather import Gathering, read_staged
from simplyload.log import ChangeLog, name_load
from simplyload.sources.source import Source

# A file that no load names is perhaps still being written by a run that was overtaken.
ORPHAN_AGE = timedelta(days=1)
# A load of wide rows ends before `max_changes`: the destination's memory is bounded too.
LOAD_BYTES = 128 << 20
# A column may have a value in every row that the destination cannot hold.
REJECTED_SHOWN = 5  # cells of a column, for each load
# systemd signals a parent and its workers, which get the signal of their parent too.
ECHO_SECONDS = 1.0
# Python reads no number of more than 4,300 digits from text.
_LARGEST = 10**1000


class PipelineSettings(BaseModel):
    """The section `pipeline` of the configuration."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    # Larger loads cost no less, smaller ones more: bench/notes.md.
    max_changes: int = Field(default=50_000, ge=1, le=250_000)
    max_seconds: float = Field(default=60, gt=0)
    schema_changes: Literal["evolve", "freeze"] = Field(default="evolve", alias="schema")
    deletes: Literal["mark", "remove"] = "mark"
    max_value_bytes: int | None = Field(default=None, ge=1)


Kind = Literal[
    "gathered", "loaded", "warning", "rejected", "stopped", "reread", "measured", "postponed"
]
Step = Literal["read", "log", "stage", "merge"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """What an observer hears of a run: a terminal, a log of JSON lines, or a metric.

    `measured` has what was used since the one before: seconds by step, bytes of the change log.
    `postponed` is between runs, and has the seconds until the next.
    """

    kind: Kind
    stream: str
    table: str = ""
    rows: int = 0
    load_id: str = ""
    message: str = ""
    bytes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)


Observer = Callable[[Event], None]


@dataclass(kw_only=True)
class RunResult:
    """What a run did: changes read, rows of the fold written by table, tables that wait."""

    stream: str
    loads: int = 0
    changes: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    warnings: list[str] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """Return 0, or 1 while a table waits for a remedy."""
        return TableStoppedError.exit_code if self.stopped else 0


class Pipeline:
    """One stream from its source into the destination, over the change log."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a pipeline is made of
        self,
        stream: str,
        source: Source,
        destination: Destination,
        log: ChangeLog,
        settings: PipelineSettings | None = None,
        observer: Observer | None = None,
        *,
        schema: str = "",
    ) -> None:
        self.stream = stream
        self.schema = schema or stream
        self._source = source
        self._destination = destination
        self._log = log
        self._settings = settings or PipelineSettings()
        self._observer = observer or (lambda _: None)
        self._committed: State | None = None  # what the destination holds, once it is known
        self._state: State = {}  # from where the source is read next
        self._lease: Lease | None = None
        self._previous: str | None = None
        self._stopped: dict[str, Stopped] = {}
        self._waiting: dict[str, str] = {}  # what the source does not bring to the present
        self._keep = False  # the next commit is made also where no row changed
        self._reported: set[str] = set()
        self._stopping: float | None = None  # since when
        self._hurries = False
        self._number = 0
        self._removed: list[str] = []
        self._seconds: dict[str, float] = {}  # by step, until they are reported
        self._result = RunResult(stream=stream)

    def list_tables(self) -> list[str]:
        """List the tables that the source has for this stream."""
        return [table.name for table in self._source.tables()]

    def stop(self) -> None:
        """End the run at a commit: what is complete is loaded, the rest is read again next time.

        The second time a load that takes long is rolled back too, after its present statement.
        """
        now = time.monotonic()
        self._stopping = self._stopping or now
        self._hurries |= now - self._stopping > ECHO_SECONDS

    @property
    def stopped_tables(self) -> dict[str, str]:
        """What is not brought to the present, by table, as far as it is known."""
        return self._waiting | {name: stop.message for name, stop in self._stopped.items()}

    def run_once(self) -> RunResult:
        """Read what is new, load it, and return what was done; tables that wait are tried again."""
        self._result = RunResult(stream=self.stream)
        with suppress(GivenUpError), self._session():
            if self._committed is None:
                self._settle()
            self._keep = bool(self._stopped)
            while not self._read_all():
                self._notify("reread", message="The destination changed since its last load.")
                self._settle()
        self._result.stopped = self.stopped_tables
        self._result.interrupted = self._stopping is not None
        return self._result

    def backfill(self, table: str, since: str | None = None) -> None:
        """Commit a state from which the next run reads a table again. Its rows stay until then."""
        with self._session():
            self._check_schema()
            self._take_lease()
            state = self._source.backfill(self._read_known_state(), table, since)
            again = [name for name in self._stopped if f".{table}".endswith(f".{name}")]
            self._commit((), state, again=again if since is None else ())

    def reset(self) -> None:
        """Commit a state from which the next run reads everything again; no row is removed.

        The stream goes on in the schema that the configuration has.
        """
        with self._session():
            self._check_schema(moves=True)
            self._take_lease()
            absent = self._destination.find_absent(self.stream, self.schema)
            state = self._source.reset(self._read_known_state())
            self._commit((), state, again=[*self._stopped], absent=absent)

    def clean(self, keep_days: int | None = None, *, dry_run: bool = False) -> list[str]:
        """Remove what dead runs left, and the log's files older than `keep_days`; name them.

        The log keeps what is unconfirmed and what a stopped table has not had. A dry run takes no
        lease and changes nothing; it names files alone.
        """
        with self._session():
            if dry_run:
                removed, stopped = self._find_leftovers()
            else:
                self._take_lease()
                removed, stopped = self._removed, [*self._stopped.values()]
            since = {stop.table: stop.since for stop in stopped}
            before = datetime.now(UTC) - ORPHAN_AGE
            return [
                *removed,
                *self._log.expire(self.stream, keep_days, since, dry_run=dry_run),
                *self._log.drop_orphans(self.stream, before, dry_run=dry_run),
                *self._destination.drop_orphans(self.stream, before, dry_run=dry_run),
            ]

    def _find_leftovers(self) -> tuple[list[str], list[Stopped]]:
        """Return the files that a dead run left, and the stopped tables, without the lease."""
        if self._destination.read_state(self.stream) is None:
            return self._log.find_uncommitted(self.stream, ()), []
        committed = self._destination.list_committed(self.stream)
        return (
            self._log.find_uncommitted(self.stream, committed),
            self._destination.list_stopped(self.stream),
        )

    @contextmanager
    def _session(self) -> Iterator[None]:
        """Hold the stream on this machine; afterwards hold no lease and no connection."""
        failed = True
        with self._log.lock(self.stream):
            try:
                yield
            except OSError as error:
                raise LogError(
                    f"The change log in {self._log.store.address} cannot be written: {error}. "
                    "Nothing of this load is kept; make room, then run again."
                ) from error
            else:
                failed = False
            finally:
                # After a failure only the destination knows what is committed.
                self._committed = None if failed else self._committed
                self._lease = None
                self._destination.close()
                self._log.clear(self.stream)
                self._measure()

    def _check_schema(self, *, moves: bool = False) -> None:
        check_schema(self._destination, self.stream, self.schema, moves=moves)

    def _settle(self) -> None:
        """Read the state; commit one that copies dropped tables and columns again."""
        self._check_schema()
        if self._committed is None:
            self._state = self._read_known_state()
        absent = self._find_absent()
        if not absent:
            return
        if self._lease is None:
            self._take_lease()
        state = self._committed or {}
        for name, columns in absent.items():
            state, warning = self._plan_again(state, name, columns)
            self._warn(warning)
        self._commit((), state, absent=absent)

    def _find_absent(self) -> dict[str, Sequence[str]]:
        """Find the source's tables that were dropped in the destination, or lost columns there.

        The result has the lost columns of a table, none for a table that was dropped.
        """
        absent = self._destination.find_absent(self.stream, self.schema) if self._committed else {}
        tables = {table.name: table for table in self._source.tables()} if absent else {}
        found = {
            name: [column for column in columns if column in tables[name].schema.names]
            for name, columns in absent.items()
            if name in tables
        }
        return {name: lost for name, lost in found.items() if lost or not absent[name]}

    def _plan_again(self, state: State, table: str, columns: Sequence[str]) -> tuple[State, str]:
        """Return a state that copies a table again, and what to say of it."""
        lost = f"{table}: column {', '.join(columns)}" if columns else table
        absent, again = f"{lost} is absent from the destination", "the table" if columns else "it"
        try:
            state = self._source.backfill(state, table, None)
        except ConfigurationError as error:  # a table that the source does not keep
            return state, f"{absent}, and only its later rows arrive: {error}"
        return state, f"{absent}, where it was before: {again} is copied again."

    def _read_known_state(self) -> State:
        state = self._destination.read_state(self.stream)
        if state is None:
            self._destination.check()  # before the source makes a slot, or reads for nothing
        if state is not None and self._log.has_pending(self.stream):
            # Before the source learns of the state: a replay without this load would lose it.
            self._log.confirm_committed(self.stream, self._destination.list_committed(self.stream))
        stopped = self._destination.list_stopped(self.stream) if state is not None else []
        self._stopped = {stop.table: stop for stop in stopped}
        self._committed = state or {}
        return self._committed

    def _read_all(self) -> bool:
        """Read and load until the source is caught up; False when another run was faster.

        If a source fails between two units of work, the run fails after loading what it yielded:
        otherwise a source that fails late in every run would never load anything.
        """
        gathering, complete = self._gather(), True
        waiting, self._waiting = self._waiting, {}
        started = time.monotonic()
        failures: list[SourceError] = []
        for batch in self._read_until_failure(failures):
            self._take(gathering, batch)
            complete = batch.state is not None
            if batch.state is not None:
                self._state = batch.state
                full = gathering.rows >= self._settings.max_changes or gathering.bytes > LOAD_BYTES
                if full or time.monotonic() - started > self._settings.max_seconds:
                    if not self._load(gathering):
                        return False
                    gathering, started = self._gather(), time.monotonic()
            if self._stopping is not None:
                break
        if not complete and self._stopping is None and not failures:
            raise SourceError(f"The source of {self.stream} ended in the middle of a unit of work.")
        if complete and not self._load(gathering):
            return False
        if failures:
            self._waiting = waiting | self._waiting  # the read may have ended before it said so
            raise failures[0]
        if not complete:
            self._committed = None
        return True

    def _read_until_failure(self, failures: list[SourceError]) -> Iterator[Batch]:
        try:
            batches = self._source.read(self._state)
            while (batch := self._read_batch(batches)) is not None:
                yield batch
        except SourceError as error:
            failures.append(error)

    def _read_batch(self, batches: Iterator[Batch]) -> Batch | None:
        with self._time_step("read"):
            return next(batches, None)

    def _gather(self) -> Gathering:
        limits = self._destination.limits
        lengths = [limits.max_value_bytes, self._settings.max_value_bytes]
        longest = min((length for length in lengths if length is not None), default=None)
        return self._log.gather(self.stream, replace(limits, max_value_bytes=longest))

    def _take(self, gathering: Gathering, batch: Batch) -> None:
        for changes in batch.changes:
            with self._time_step("log"):
                gathering.add(changes)
            self._notify("gathered", table=changes.table.name, rows=changes.rows.num_rows)
        gathering.rejected.extend(batch.rejected)
        for warning in batch.warnings:
            self._warn(warning)
        for waiting in batch.waiting:
            self._waiting[waiting.table] = waiting.message
            if waiting.message not in self._reported:
                self._notify("stopped", table=waiting.table, message=waiting.message)
            self._reported.add(waiting.message)
        self._keep |= batch.keep

    def _warn(self, warning: str) -> None:
        self._result.warnings.append(warning)
        self._notify("warning", message=warning)

    def _load(self, gathering: Gathering) -> bool:
        """Commit what is gathered, if anything; False when another run was faster."""
        if not gathering.rows and not gathering.rejected and not self._keep:
            return True
        if self._lease is None and (not self._take_lease() or self._find_absent()):
            return False
        with self._time_step("log"):
            staged = gathering.finish()
        self._commit(staged, self._state, gathering.rejected)
        self._result.changes += gathering.rows
        return True

    def _take_lease(self) -> bool:
        """Take the lease and settle what a dead run left; False when the state is another one."""
        above = self._log.read_newest_epoch(self.stream)
        self._lease, self._number = self._destination.acquire(self.stream, above), 0
        committed = self._destination.list_committed(self.stream)
        self._previous = committed[-1] if committed else None
        self._removed = self._log.reconcile(self.stream, committed)
        self._removed += self._destination.drop_leftovers(self.stream)
        known = self._committed
        if self._read_known_state() == known:
            return True
        self._state = self._committed or {}
        return False

    def _commit(
        self,
        staged: Sequence[Staged],
        state: State,
        rejected: Sequence[Rejected] = (),
        *,
        again: Collection[str] = (),
        absent: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Load what is staged; the tables `again` are read whole from this state on.

        So are those that are `absent`, or lack columns; a stop of theirs has nothing to wait for.
        """
        assert self._lease is not None  # noqa: S101
        _check_state(self.stream, state)
        absent = absent or {}
        for name in absent:
            self._stopped.pop(name, None)
        self._number += 1
        load_id = name_load(self._lease.epoch, self._number)
        with self._time_step("log"):
            published = self._log.publish(self.stream, load_id, self._previous, state, staged)
        size = sum(path.stat().st_size for part in published for path in part.files)
        parts, held = self._prepend_missed(published)
        load = Load(
            load_id=load_id,
            stream=self.stream,
            schema=self.schema,
            state=state,
            staged=parts,
            rejected=rejected,
            held=[_restart(stop, load_id) if stop.table in again else stop for stop in held],
            forgotten=[name for name, columns in absent.items() if not columns],
            refilled=[name for name, columns in absent.items() if columns],
            freeze=self._settings.schema_changes == "freeze",
            remove=self._settings.deletes == "remove",
            is_given_up=lambda: self._hurries,
        )
        result = self._load_and_confirm(self._lease, load)
        self._measure(load_id, size)
        self._report(load, result)

    def _load_and_confirm(self, lease: Lease, load: Load) -> LoadResult:
        """Load into the destination, then confirm the load in the log and at the source."""
        with self._time_step("merge"):
            result = self._destination.load(lease, load)
        self._add_seconds("stage", result.stage_seconds)
        self._add_seconds("merge", -result.stage_seconds)
        with self._time_step("log"):
            self._log.confirm(self.stream, load.load_id)
        self._source.ack(load.state)
        self._previous, self._committed, self._state = load.load_id, load.state, load.state
        self._keep = False
        return result

    def _prepend_missed(self, staged: Sequence[Staged]) -> tuple[list[Staged], list[Stopped]]:
        """Put the changes that a stopped table missed before its new ones; return what is held.

        A table is held where the log lacks what it missed, until a backfill has begun and its copy
        is complete. The first load since a stop has files of the table, a backfill has none.
        """
        parts, held = {part.table.name: part for part in staged}, []
        for stop in self._stopped.values():
            new = parts.pop(stop.table, None)
            try:
                missed = self._log.read(self.stream, stop.table, stop.since, self._previous)
            except SimplyLoadError as error:
                held.append(replace(stop, message=str(error)))
                continue
            files = [*missed, *(new.files if new else ())]
            part = read_staged(files) if files else None
            is_history = bool(missed) and missed[0].name.startswith(stop.since)
            if part and (is_history or part.truncated is not None):
                parts[stop.table] = part
            else:
                held.append(stop)
        return list(parts.values()), held

    def _report(self, load: Load, result: LoadResult) -> None:
        self._result.loads += 1
        self._result.rejected += len(load.rejected)
        for name, rows in result.rows.items():
            self._result.rows[name] = self._result.rows.get(name, 0) + rows
            self._stopped.pop(name, None)
            self._notify("loaded", table=name, rows=rows, load_id=load.load_id)
        self._report_rejected(load, result)
        for stop in (*load.held, *result.stopped):
            self._stopped[stop.table] = stop
            self._notify("stopped", table=stop.table, message=stop.message)

    def _report_rejected(self, load: Load, result: LoadResult) -> None:
        """Report some cells of each column, then how many more there are, and where all are."""
        columns: dict[tuple[str, str], list[Rejected]] = {}
        for refused in load.rejected:
            columns.setdefault((refused.table, refused.column), []).append(refused)
        for (table, column), cells in columns.items():
            for refused in cells[:REJECTED_SHOWN]:
                message = f"{refused.key}: column {column}: {refused.reason}"
                self._notify("rejected", table=table, rows=1, message=message)
            if more := len(cells[REJECTED_SHOWN:]):
                message = f"column {column}: {more:,} more cells; all are in {result.rejected_in}"
                self._notify("rejected", table=table, rows=more, message=message)

    @contextmanager
    def _time_step(self, step: Step) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._add_seconds(step, time.monotonic() - began)

    def _add_seconds(self, step: Step, seconds: float) -> None:
        self._seconds[step] = self._seconds.get(step, 0.0) + seconds

    def _measure(self, load_id: str = "", size: int = 0) -> None:
        """Report what was used since the last report: by a load, or by a run without one."""
        seconds, self._seconds = self._seconds, {}
        self._observer(
            Event(kind="measured", stream=self.stream, load_id=load_id, bytes=size, seconds=seconds)
        )

    def _notify(
        self, kind: Kind, *, table: str = "", rows: int = 0, load_id: str = "", message: str = ""
    ) -> None:
        self._observer(
            Event(
                kind=kind,
                stream=self.stream,
                table=table,
                rows=rows,
                load_id=load_id,
                message=message,
            )
        )


def _check_state(stream: str, state: State) -> None:
    """Raise SourceError where JSON, which a destination keeps, would not give the state again."""
    if not isinstance(state, dict):
        raise SourceError(
            f"The source of {stream} gives a position that is no JSON object: state is a"
            f" {type(state).__name__}. Give a dict; nothing of this load is kept."
        )
    for path, what in _find_no_json(state, "state"):
        raise SourceError(
            f"The source of {stream} gives a position that is no JSON: {path} is {what}."
            " Write it as text or as a number; nothing of this load is kept, and the next run reads"
            " it again."
        )


def _find_no_json(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield what is no JSON: its path, and what it is."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"the key {key!r} of {path}", f"a {type(key).__name__}"
            yield from _find_no_json(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _find_no_json(item, f"{path}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, str(value)
    elif isinstance(value, int) and abs(value) >= _LARGEST:
        yield path, "a number of more than 1,000 digits"
    elif not isinstance(value, str | int | float | None):
        yield path, f"a {type(value).__name__}"


def _restart(stop: Stopped, load_id: str) -> Stopped:
    """Return the stop of a table that is read again: what it missed before is not needed."""
    message = f"{stop.table} waits for its new copy: the next `simplyload sync` goes on with it."
    return replace(stop, since=load_id, message=message)


class Stoppable(Protocol):
    """A pipeline, or what waits between its runs."""

    def stop(self) -> None:
        """End at the next point where nothing is lost."""


@contextmanager
def end_at_commit(*pipelines: Stoppable) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the pipelines at a commit while the block runs (exit code 0).

    Of one that does not end, a second signal rolls back the load.

    Outside of the main thread signals are the caller's: Python lets no other thread handle them.
    """
    if current_thread() is not main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for pipeline in pipelines:
            pipeline.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
