"""Follows the runs of streams, and shows them to operators as the configuration says."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

from simplyload.config import Configuration
from simplyload.engine import Event, Pipeline, RunResult
from simplyload.errors import ConfigurationError, SimplyLoadError
from simplyload.monitor.alerts import Alerts
from simplyload.monitor.endpoint import Health, serve
from simplyload.monitor.metrics import Textfile
from simplyload.monitor.status import Status
from simplyload.observe import Display
from simplyload.streams import open_log


class Monitor:
    """A display that keeps the status too, and passes it on after each run."""

    def __init__(self, display: Display, status: Status) -> None:
        self.status = status
        self.alerts: Alerts | None = None
        self.textfile: Textfile | None = None
        self._display = display

    def __call__(self, event: Event) -> None:
        """Pass on an event of a pipeline."""
        self.status(event)
        self._display(event)

    def end(self, result: RunResult, *, lag_seconds: float) -> None:
        """Pass on that a run is done."""
        self.status.end(result, lag_seconds=lag_seconds)
        self._display.end(result, lag_seconds=lag_seconds)

    def fail(self, stream: str, error: SimplyLoadError) -> None:
        """Pass on that a run failed."""
        self.status.fail(stream, error)
        self._display.fail(stream, error)

    def warn(self, stream: str, message: str) -> None:
        """Show what is wrong with the monitor itself, which fails no load."""
        self._display(Event(kind="warning", stream=stream, message=message))

    def after_run(self, pipeline: Pipeline) -> None:
        """Complete the status of a stream, and pass it on."""
        self.complete(pipeline.stream, pipeline.list_tables)

    def complete(self, stream: str, list_tables: Callable[[], Sequence[str]]) -> None:
        """Complete the status of a stream by its tables, where it lacks them, and pass it on."""
        if self.status.lacks_tables(stream):
            try:
                self.status.list_tables(stream, list_tables())
            except SimplyLoadError as error:
                self.warn(stream, f"The metrics lack its tables: {error}")
        self.publish(stream)

    def publish(self, stream: str) -> None:
        """Keep the status, write the file of metrics, and let alerts look."""
        self.status.save(stream)
        if self.alerts:
            self.alerts.wake()
        if self.textfile:
            try:
                self.textfile.write()
            except OSError as error:
                self.warn(stream, f"metrics.textfile cannot be written ({error.strerror})")


@contextmanager
def open_monitor(
    configuration: Configuration, names: Sequence[str], display: Display, *, stays: bool
) -> Iterator[Monitor]:
    """Show the runs of the block; on a port only where the process stays."""
    metrics, alerts = configuration.metrics, configuration.alerts
    log = open_log(configuration).store
    status = Status(names, log)
    monitor = Monitor(display, status)
    with ExitStack() as stack:
        if metrics.port is not None and stays:
            stack.enter_context(serve(metrics, Health(status, log, alerts.max_lag)))
        if alerts.webhook:
            monitor.alerts = stack.enter_context(closing(Alerts(alerts, status, monitor.warn)))
        if metrics.textfile:
            monitor.textfile = Textfile(metrics.textfile, configuration.sources, status)
        try:
            yield monitor
        except ConfigurationError as error:  # no stream has begun
            for name in names:
                status.fail(name, error)
                monitor.publish(name)
            raise
