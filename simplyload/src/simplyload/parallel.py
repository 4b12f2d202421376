"""Streams side by side, each in a process of its own: a slow or failing one keeps no other back.

A worker sends what its runs do over a pipe; this process shows it, keeps the metrics and sends the
alerts, as where streams run in turn. A worker whose parent is gone ends at a commit.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from threading import Event as Signal
from typing import TYPE_CHECKING, Any

from simplyload.config import Configuration
from simplyload.destinations.duckdb import DuckDBSettings
from simplyload.engine import Event, Pipeline, RunResult, end_at_commit
from simplyload.errors import ConfigurationError, SimplyLoadError
from simplyload.monitor.settings import AlertSettings, MetricsSettings
from simplyload.observe import Display
from simplyload.run import Outcome, ignore, is_monitored, open_monitor, run_in_turn
from simplyload.streams import list_modules

if TYPE_CHECKING:
    from simplyload.monitor.monitor import Monitor

Read = Callable[[], tuple[Configuration, list[str]]]  # it is sent to the workers
COMMAND = "simplyload.cli"  # which `read` is of
# Forked from one process that has imported what they need, workers share that time and memory.
# On macOS a fork is not safe once its own libraries are in use.
CONTEXT: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")


def run_parallel(read: Read, display: Display, every: timedelta | None = None) -> list[Outcome]:
    """Run each stream in a worker; without an interval once. Signals are passed on to them."""
    configuration, names = read()
    if isinstance(configuration.destination, DuckDBSettings):
        raise ConfigurationError(
            "--parallel: one process at a time writes a DuckDB file; leave it out, or load into"
            " another destination"
        )
    CONTEXT.set_forkserver_preload([COMMAND, *list_modules(configuration)])
    with ExitStack() as stack:
        monitor = open_monitor(configuration, names, display, stack, stays=every is not None)
        workers = [_Worker(name, read, every, monitor or display, monitor) for name in names]
        stack.enter_context(end_at_commit(*workers))
        threads = [threading.Thread(target=worker.follow) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return [worker.outcome for worker in workers]


class _Worker:
    """One stream's process as the parent sees it; what it sends is shown one at a time."""

    _showing = threading.Lock()

    def __init__(
        self,
        name: str,
        read: Read,
        every: timedelta | None,
        display: Display,
        monitor: "Monitor | None",
    ) -> None:
        self.outcome = Outcome(name)
        self._arguments = (read, name, every)
        self._every = every
        self._display = display
        self._monitor = monitor
        self._stopping = Signal()
        self._process: Any = None

    def stop(self) -> None:
        """Have the worker end at a commit."""
        self._stopping.set()
        if self._process is not None and self._process.is_alive():
            self._process.terminate()

    def follow(self) -> None:
        """Start the process and show what it sends until it ends.

        Where it should stay and did not, it is started again after the interval. Ctrl-C reaches
        every process of the command: this one passes it on, and a worker that still starts would
        show a traceback.
        """
        resource_tracker.ensure_running()  # where it starts, it unblocks signals
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # here, and in the worker
        while not self._stopping.is_set():
            self._run()
            if self._every is None or self._stopping.wait(self._every.total_seconds()):
                return

    def _run(self) -> None:
        ours, theirs = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(target=_work, args=(theirs, *self._arguments))
        self._process.start()
        theirs.close()
        if self._stopping.is_set():  # a signal came while it was started
            self._process.terminate()
        is_done = False
        with ours:
            while (message := _receive(ours)) is not None:
                is_done |= isinstance(message, Outcome)
                with self._showing:
                    self._show(message)
        self._process.join()
        if not is_done and not self._stopping.is_set():
            self._note_crash(self._process.exitcode)

    def _show(self, message: Any) -> None:
        if isinstance(message, Outcome):
            self.outcome.merge(message)
        elif isinstance(message, Event):
            self._display(message)
        elif isinstance(message, SimplyLoadError):
            self._display.fail(self.outcome.stream, message)
        elif isinstance(message, list):
            self._complete(message)
        else:
            result, seconds = message
            self._display.end(result, lag_seconds=seconds)

    def _complete(self, tables: list[str]) -> None:
        if self._monitor:
            self._monitor.complete(self.outcome.stream, lambda: tables)

    def _note_crash(self, code: int) -> None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        error = SimplyLoadError(
            f"its process ended unexpectedly ({how}); nothing after the last commit is loaded, and"
            " standard error has what it said"
        )
        self.outcome.error, self.outcome.exit_code = str(error), error.exit_code
        with self._showing:
            self._display.fail(self.outcome.stream, error)
            self._complete([])


def _receive(pipe: Connection) -> Any:
    """Return the next message; None where the worker has ended."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return None


# ---- the worker ----


class _Sender:
    """A display that sends everything to the parent."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._tables: list[str] = []

    def __call__(self, event: Event) -> None:
        """Send an event."""
        self.send(event)

    def end(self, result: RunResult, *, lag_seconds: float) -> None:
        """Send what a run did."""
        self.send((result, lag_seconds))

    def fail(self, stream: str, error: SimplyLoadError) -> None:  # noqa: ARG002 - there is one
        """Send why a run failed."""
        self.send(error)

    def after_run(self, pipeline: Pipeline) -> None:
        """Send the tables: the status is complete after each run."""
        if not self._tables:
            try:
                self._tables = pipeline.list_tables()
            except SimplyLoadError as error:
                message = f"The metrics lack its tables: {error}"
                self.send(Event(kind="warning", stream=pipeline.stream, message=message))
        self.send(self._tables)

    def send(self, message: Any) -> None:
        """Send a message; a parent that is gone hears none."""
        try:
            self._pipe.send(message)
        except OSError:
            os.kill(os.getpid(), signal.SIGTERM)


def _work(pipe: Connection, read: Read, name: str, every: timedelta | None) -> None:
    """Run one stream, in a process of its own."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    configuration, _ = read()
    shown_there = {"metrics": MetricsSettings(), "alerts": AlertSettings()}
    quiet = configuration.model_copy(update=shown_there)
    sender = _Sender(pipe)
    after_run = sender.after_run if is_monitored(configuration) else ignore
    with pipe:
        [outcome] = run_in_turn(quiet, [name], sender, every, after_run)
        sender.send(outcome)


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
