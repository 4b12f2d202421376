"""The metrics, in Prometheus' text format: on a port, or in a file for node_exporter."""

import fcntl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from simplyload.engine import Step
from simplyload.monitor.status import Counts, Status, StreamStatus
from simplyload.store import write_atomically

PARTS = ("source", "destination", "log", "configuration", "another_run", "other")
STEPS: tuple[Step, ...] = get_args(Step)
NO_LABEL = ""
Samples = dict[tuple[str, ...], float]  # by name, stream, and the other label's value, if any


@dataclass(frozen=True, kw_only=True)
class Family:
    """A metric: its name without `simplyload_` and unit, what it says, its label."""

    name: str
    help: str
    label: str = ""

    @property
    def labels(self) -> list[str]:
        """Return the names of its labels."""
        return ["stream", self.label] if self.label else ["stream"]


# Of the same name in a stream's counts.
COUNTERS = (
    Family(name="changes", help="Changes read from the source.", label="table"),
    Family(name="rows", help="Rows written to the destination.", label="table"),
    Family(name="rejected_rows", help="Rows that cannot be held.", label="table"),
    Family(name="loads", help="Loads committed."),
    Family(name="log_bytes", help="Bytes of Parquet written to the change log."),
    Family(name="step_seconds", help="Time by step: read, log, stage, merge.", label="step"),
    Family(name="errors", help="Runs that failed, by the part at fault.", label="part"),
)


@dataclass(frozen=True, kw_only=True)
class Gauge(Family):
    """A metric that goes up and down, and how it follows from the status at a time."""

    values: Callable[[StreamStatus, float], Mapping[str, float | None]]


GAUGES = (
    Gauge(
        name="lag_seconds",
        help="Age of what the destination holds; before the first success of the wait for it.",
        values=lambda stream, now: {"": stream.lag(now)},
    ),
    Gauge(
        name="last_success_timestamp_seconds",
        help="Begin of the last complete run: the destination holds what the source was then.",
        values=lambda stream, _: {"": stream.last_success},
    ),
    Gauge(
        name="consecutive_failures",
        help="Runs that failed since the last complete one.",
        values=lambda stream, _: {"": stream.failures},
    ),
    Gauge(
        name="next_try_timestamp_seconds",
        help="When a source that failed several times is tried again; absent otherwise.",
        values=lambda stream, _: {"": stream.next_try},
    ),
    Gauge(
        name="table_last_success_timestamp_seconds",
        help="As last_success, of a table: a stopped one keeps its time.",
        label="table",
        values=lambda stream, _: {
            name: table.last_success for name, table in stream.tables.items()
        },
    ),
    Gauge(
        name="table_lag_seconds",
        help="As lag_seconds, of a table: that of a stopped one grows.",
        label="table",
        values=lambda stream, now: {
            name: table.lag(now, stream.since) for name, table in stream.tables.items()
        },
    ),
    Gauge(
        name="table_stopped",
        help="Whether a table waits for a remedy (1) or not (0).",
        label="table",
        values=lambda stream, _: {
            name: bool(table.stopped) for name, table in stream.tables.items()
        },
    ),
)


def count(streams: Mapping[str, StreamStatus]) -> Samples:
    """Return the counters of this process from 0 on: a first value is no increase to Prometheus."""
    return {
        (metric, stream, label): value
        for stream, status in streams.items()
        for (metric, label), value in (_zero_counts(status) | status.counts).items()
    }


def _zero_counts(status: StreamStatus) -> Counts:
    known: dict[str, Iterable[str]] = {"table": status.tables, "part": PARTS, "step": STEPS}
    return {
        (counter.name, label): 0.0
        for counter in COUNTERS
        for label in known.get(counter.label, [NO_LABEL])
    }


def gauge(streams: Mapping[str, StreamStatus]) -> Samples:
    """Return the gauges as they are now; what is not known yet is left out."""
    now = time.time()
    return {
        (metric.name, stream, label): value
        for stream, status in streams.items()
        for metric in GAUGES
        for label, value in metric.values(status, now).items()
        if value is not None
    }


def describe(samples: Samples) -> Iterator[Metric]:
    """Return samples as Prometheus' families, every family once."""
    for family, kind in [
        *((family, CounterMetricFamily) for family in COUNTERS),
        *((family, GaugeMetricFamily) for family in GAUGES),
    ]:
        metric = kind(f"simplyload_{family.name}", family.help, labels=family.labels)
        for (name, *labels), value in sorted(samples.items()):
            if name == family.name:
                metric.add_metric(labels[: len(family.labels)], value)
        yield metric


class StatusCollector(Collector):
    """Gives the metrics of a status, at each scrape."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterable[Metric]:
        """Return every metric."""
        streams = self._status.snapshot()
        return describe(count(streams) | gauge(streams))


class Textfile:
    """A file of metrics for node_exporter, which several processes may share.

    Its counters go on where earlier processes ended, else Prometheus would take each run for a
    restart and miss the smaller ones. The streams of other processes stay.
    """

    def __init__(self, path: Path, configured: Collection[str], status: Status) -> None:
        self._path, self._configured, self._status = path, configured, status
        self._written: Samples = {}

    def write(self) -> None:
        """Add what is counted since the last time, and replace the gauges, in one step."""
        streams = self._status.snapshot()
        counted = count(streams)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            samples = self._read(streams)
            for key, value in counted.items():
                samples[key] = samples.get(key, 0.0) + value - self._written.get(key, 0.0)
            write_atomically(self._path, render(samples | gauge(streams)))
        self._written = counted

    def _read(self, streams: Collection[str]) -> Samples:
        """Return what of the file stays: all counters, and the gauges of other streams."""
        counters = {counter.name for counter in COUNTERS}
        return {
            key: value
            for key, value in parse(self._path).items()
            if key[1] in self._configured and (key[0] in counters or key[1] not in streams)
        }


class _Samples(Collector):
    """Gives samples that are there already."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def collect(self) -> Iterable[Metric]:
        """Return every metric."""
        return describe(self._samples)


def render(samples: Samples) -> bytes:
    """Return samples in the text format."""
    registry = CollectorRegistry()
    registry.register(_Samples(samples))
    return generate_latest(registry)


def parse(path: Path) -> Samples:
    """Read a file of the text format. A missing or unreadable file has no sample."""
    try:
        families = list(text_string_to_metric_families(path.read_text()))
    except (OSError, ValueError):
        return {}
    return {
        (
            family.name.removeprefix("simplyload_"),
            sample.labels.pop("stream", ""),
            next(iter(sample.labels.values()), ""),
        ): sample.value
        for family in families
        for sample in family.samples
    }
