"""`make bench`: what our sync takes, beside the floor of fetching and parsing the same pages.

Each reader is a process of its own and reads the same sandbox account (readers/). CPU and wall
leave out its start and its imports. Absolute figures belong to the machine that is named; the
ratios are what to compare.
"""

import argparse
import csv
import os
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from scripts.command import command, positive_int
from tests.benchmarks import rivals
from tests.benchmarks.fewest import print_requests
from tests.benchmarks.measure import MB, NOW, Figures, measure, ours, print_table
from tests.sandbox_server import REPOSITORY, running_sandbox

LATENCY = 250  # ms a page
FLOOR_PAGES = 100  # one thread that waits for each page goes on at the same pace


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and leave the figures in a file."""
    options = _parser().parse_args(arguments)
    print(f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    measured = [one for events in options.events for one in _speed(events)]
    measured += _latency(options.events[-1])
    with running_sandbox(now="2026-11-16T15:00:00Z", no_limits=True) as sandbox:
        print_requests(sandbox)
    if options.rivals:
        measured += rivals.compare(options.events[0])
    _write(options.output, measured)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    sizes = [50_000, 1_000_000]
    parser.add_argument("--events", type=positive_int, nargs="+", default=sizes, metavar="N")
    parser.add_argument("--rivals", action="store_true", help="install and measure others too")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build" / "bench.csv")
    return parser


def _processor() -> str:
    """The processor's name; Python itself knows only its architecture."""
    listed = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", listed.read_text()) if listed.exists() else None
    return found[1] if found else platform.machine()


def _speed(events: int) -> list[Figures]:
    """The floors and ours, and whether our memory grows with the account."""
    account = f"{events:,} events"
    with running_sandbox(events=events, now=NOW, no_limits=True) as sandbox:
        figures = [
            measure(account, f"floor: requests + {parser}", "floor", "events", sandbox.url, parser)
            for parser in ("json", "orjson")
        ]
        figures += [ours(account, sandbox, concurrency) for concurrency in (1, 8)]
    print_table(figures)
    last = figures[-1]
    if last.early_peak:
        early, peak = last.early_peak / MB, last.peak / MB
        print(f"{last.reader}: {early:.0f} MB after 100,000 events, {peak:.0f} MB at the end\n")
    return figures


def _latency(events: int) -> list[Figures]:
    """Ours against one thread that waits for every page."""
    account = f"{events:,} events, {LATENCY} ms a page"
    name = f"floor: requests + orjson, {FLOOR_PAGES} pages"
    with running_sandbox(events=events, now=NOW, no_limits=True, latency_ms=LATENCY) as sandbox:
        pages = ("orjson", str(FLOOR_PAGES))
        floor = measure(account, name, "floor", "events", sandbox.url, *pages)
        figures = [floor, ours(account, sandbox, 16)]
    print_table(figures)
    return figures


def _write(path: Path, measured: Sequence[Figures]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        rows = csv.DictWriter(file, ["processor", *asdict(measured[0])])
        rows.writeheader()
        rows.writerows({"processor": _processor(), **asdict(one)} for one in measured)
    print(f"The figures: {path}")


if __name__ == "__main__":
    sys.exit(main())
