"""Runs streams one after another, once or at an interval, until a signal ends them at a commit."""

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event as Signal
from typing import TYPE_CHECKING, Any

from simplyload.breaker import Breaker
from simplyload.config import Configuration, schema_of
from simplyload.engine import Event, Pipeline, RunResult, end_at_commit
from simplyload.errors import LimitError, SimplyLoadError
from simplyload.monitor.settings import MetricsSettings
from simplyload.observe import Display
from simplyload.streams import open_destination, open_log, open_source

if TYPE_CHECKING:
    from simplyload.monitor.monitor import Monitor


@dataclass
class Outcome:
    """What the runs of a stream did together; the exit code is that of the last one."""

    stream: str
    loads: int = 0
    changes: int = 0
    rejected: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    lag_seconds: float | None = None
    error: str = ""
    exit_code: int = 0

    def add(self, result: RunResult, seconds: float) -> None:
        """Add a run and its seconds; what the source had at its begin is loaded."""
        lag = None if result.interrupted else round(seconds, 3)
        self.merge(
            Outcome(
                stream=self.stream,
                loads=result.loads,
                changes=result.changes,
                rejected=result.rejected,
                rows=result.rows,
                stopped=result.stopped,
                lag_seconds=lag,
                exit_code=result.exit_code,
            )
        )

    def merge(self, later: "Outcome") -> None:
        """Add what later runs did."""
        self.loads += later.loads
        self.changes += later.changes
        self.rejected += later.rejected
        for table, rows in later.rows.items():
            self.rows[table] = self.rows.get(table, 0) + rows
        self.stopped, self.lag_seconds = later.stopped, later.lag_seconds
        self.error, self.exit_code = later.error, later.exit_code

    def as_row(self) -> dict[str, Any]:
        """Return the line that a command prints."""
        return {
            "stream": self.stream,
            "loads": self.loads,
            "changes": self.changes,
            "rows": sum(self.rows.values()),
            "rejected": self.rejected,
            "stopped": self.stopped,
            "lag_seconds": self.lag_seconds,
            "error": self.error,
        }


class Pause:
    """Waits between runs; a signal ends the wait."""

    def __init__(self) -> None:
        self._signal = Signal()

    @property
    def is_over(self) -> bool:
        """Whether a signal asked to end."""
        return self._signal.is_set()

    def stop(self) -> None:
        """End the wait, and every later one."""
        self._signal.set()

    def wait(self, every: timedelta, began: float) -> None:
        """Wait until the interval since the begin of the last runs is over."""
        self._signal.wait(max(0.0, began + every.total_seconds() - time.monotonic()))


def run_streams(
    configuration: Configuration,
    names: Sequence[str],
    display: Display,
    every: timedelta | None = None,
) -> list[Outcome]:
    """Run each stream; without an interval once. A stream that fails does not stop the others.

    At an interval a failed run is tried again with the next one: a source may be away for a while.
    One that fails again and again rests.
    """
    with ExitStack() as stack:
        monitor = open_monitor(configuration, names, display, stack, stays=every is not None)
        after_run = monitor.after_run if monitor else ignore
        return run_in_turn(configuration, names, monitor or display, every, after_run)


def run_in_turn(
    configuration: Configuration,
    names: Sequence[str],
    display: Display,
    every: timedelta | None,
    after_run: Callable[[Pipeline], None],
) -> list[Outcome]:
    """Run one stream after the other in this process, and then each again."""
    outcomes = {name: Outcome(name) for name in names}
    breakers = {name: Breaker(every or timedelta()) for name in names}
    pause = Pause()
    with ExitStack() as stack:
        pipelines = list(open_pipelines(configuration, names, display, stack))
        stack.enter_context(end_at_commit(*pipelines, pause))
        while not pause.is_over:
            began = time.monotonic()
            for pipeline in pipelines:
                breaker = breakers[pipeline.stream]
                if pause.is_over or not breaker.lets_run(began):
                    continue
                with _finish_with(pipeline, after_run):
                    error = run_pipeline(pipeline, outcomes[pipeline.stream], display)
                    if rest := every and breaker.record_run(error, began):
                        _show_rest(rest, pipeline.stream, display)
            if every is None:
                break
            pause.wait(every, began)
    return list(outcomes.values())


def ignore(_pipeline: Pipeline) -> None:
    """Follow no run."""


def is_monitored(configuration: Configuration) -> bool:
    """Return whether the configuration asks for metrics or alerts."""
    return configuration.metrics != MetricsSettings() or bool(configuration.alerts.webhook)


def open_monitor(
    configuration: Configuration,
    names: Sequence[str],
    display: Display,
    stack: ExitStack,
    *,
    stays: bool,
) -> "Monitor | None":
    """Return what follows the runs, if the configuration asks for it."""
    if not is_monitored(configuration):
        return None
    from simplyload.monitor.monitor import open_monitor  # noqa: PLC0415 - 0.2 s for who needs it

    return stack.enter_context(open_monitor(configuration, names, display, stays=stays))


def _show_rest(rest: timedelta, stream: str, display: Display) -> None:
    message = f"Its source failed several times in a row: it is tried again in {rest}."
    seconds = {"wait": rest.total_seconds()}
    display(Event(kind="postponed", stream=stream, message=message, seconds=seconds))


@contextmanager
def _finish_with(pipeline: Pipeline, after_run: Callable[[Pipeline], None]) -> Iterator[None]:
    try:
        yield
    finally:
        after_run(pipeline)


def open_pipelines(
    configuration: Configuration, names: Sequence[str], display: Display, stack: ExitStack
) -> Iterator[Pipeline]:
    """Build the pipelines of streams; the stack closes what they open."""
    destination = stack.enter_context(closing(open_destination(configuration)))
    log = open_log(configuration)
    for name in names:
        settings = configuration.sources[name]
        source = stack.enter_context(closing(open_source(settings, name)))
        schema = schema_of(settings, name)
        yield Pipeline(
            name, source, destination, log, configuration.pipeline, display, schema=schema
        )


def run_pipeline(pipeline: Pipeline, outcome: Outcome, display: Display) -> SimplyLoadError | None:
    """Run a stream once; its failure is part of the outcome, and given.

    A bug is one too, of a source of the user's own for instance: it keeps no other stream back.
    """
    began = time.monotonic()
    try:
        result = pipeline.run_once()
    except SimplyLoadError as error:
        return _note_failure(error, pipeline, outcome, display)
    except Exception as bug:  # noqa: BLE001 - as above
        traceback.print_exc()
        failure = SimplyLoadError(f"{type(bug).__name__}: standard error has the traceback")
        return _note_failure(failure, pipeline, outcome, display)
    seconds = time.monotonic() - began
    outcome.add(result, seconds)
    if not result.interrupted:
        display.end(result, lag_seconds=seconds)
    return None


def _note_failure(
    error: SimplyLoadError, pipeline: Pipeline, outcome: Outcome, display: Display
) -> SimplyLoadError:
    outcome.error, outcome.exit_code = str(error), error.exit_code
    # A used up limit goes on by itself; tables that are stopped do not.
    if isinstance(error, LimitError) and pipeline.stopped_tables:
        outcome.stopped, outcome.exit_code = pipeline.stopped_tables, SimplyLoadError.exit_code
    display.fail(pipeline.stream, error)
    return error
