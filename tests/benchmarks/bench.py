"""`make bench`: what our sync takes, beside the floor of fetching and parsing the same pages.

Each reader (readers/) is a process of its own and reads the same sandbox account. CPU and wall time
do not include its start and its imports. Absolute figures depend on the machine that is named:
compare the ratios.
"""

import argparse
import csv
import os
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from klaviyo_sandbox.api.reader import MAX_CACHED_EVENTS
from scripts.command import command, positive_int
from tests.benchmarks import rivals
from tests.benchmarks.measure import MB, NOW, Figures, measure, measure_ours, print_table
from tests.benchmarks.request_counts import print_request_counts
from tests.sandbox_server import REPOSITORY, Sandbox, run_sandbox

LATENCY = 250  # ms a page
THREADS = 16  # of our reader, at that latency
# Of the floors; the first is what a program without a library for JSON pays.
CLIENTS = (("requests", "json"), ("requests", "orjson"), ("http.client", "msgspec"))
FLOOR_PAGES = 100  # the pace of one thread that waits for each page does not change
# Of each reader: single runs of a second differ by a third on a machine that others share.
ROUNDS = 5
ROWS_OF_ROUNDS = 1_000_000  # of larger accounts one round


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and leave the figures in a file."""
    options = _parser().parse_args(arguments)
    print(f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    parts = {
        "events": lambda: [row for events in options.events for row in _measure_events(events)],
        "people": lambda: _measure_people(options.people),
        "latency": lambda: _measure_latency(options.events[-1]),
        "requests": lambda: _count_requests(options.campaigns),
    }
    figures = [row for part in options.only or parts for row in parts[part]()]
    if options.rivals:
        figures += rivals.compare(options.events[0])
    _write(options.output, figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    sizes = [50_000, 1_000_000]
    parser.add_argument("--events", type=positive_int, nargs="+", default=sizes, metavar="N")
    parser.add_argument("--people", type=positive_int, default=20_000, metavar="N")
    parser.add_argument(
        "--campaigns",
        type=positive_int,
        metavar="N",
        help="of the account whose requests are counted",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=["events", "people", "latency", "requests"],
        help="the parts to measure; default: all, in this order",
    )
    parser.add_argument("--rivals", action="store_true", help="also install and measure others")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build" / "bench.csv")
    return parser


def _processor() -> str:
    """The processor's name; Python itself knows only its architecture."""
    listed = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", listed.read_text()) if listed.exists() else None
    return found[1] if found else platform.machine()


def _measure_events(events: int) -> list[Figures]:
    """The floors and our reader, and whether its memory grows with the account."""
    with run_sandbox(events=events, now=NOW, no_limits=True, gzip=True) as sandbox:
        rounds = max(1, min(ROUNDS, ROWS_OF_ROUNDS // events))
        figures = _measure_listing(f"{events:,} events", sandbox, "events", rounds)
    last = figures[-1]
    if last.early_peak:
        early, peak = last.early_peak / MB, last.peak / MB
        print(f"{last.reader}: {early:.0f} MB after 100,000 events, {peak:.0f} MB at the end\n")
    return figures


def _measure_people(people: int) -> list[Figures]:
    """The floors and our reader of profiles, and of the members of lists and segments."""
    account = {"profiles": people, "campaigns": 2}
    with run_sandbox(**account, now=NOW, no_limits=True, gzip=True) as sandbox:
        return [
            row
            for listing in ("profiles", "members")
            for row in _measure_listing(f"{listing} of {people:,} people", sandbox, listing, ROUNDS)
        ]


def _measure_listing(account: str, sandbox: Sandbox, listing: str, rounds: int) -> list[Figures]:
    """The floors of a listing, and our reader with one thread and with eight.

    Each round runs all of them in turn; of each reader the round with the least CPU time counts.
    """
    readers = [
        *(partial(_measure_floor, account, sandbox, listing, *client) for client in CLIENTS),
        *(partial(measure_ours, account, sandbox, threads, listing) for threads in (1, 8)),
    ]
    runs = [[read() for read in readers] for _ in range(rounds)]
    figures = [min(of_one, key=lambda row: row.cpu) for of_one in zip(*runs, strict=True)]
    print_table(figures)
    _print_ratios(figures)
    return figures


def _measure_floor(
    account: str, sandbox: Sandbox, listing: str, client: str, parser: str
) -> Figures:
    return measure(account, f"floor: {client} + {parser}", "floor", listing, sandbox.url, parser)


def _print_ratios(figures: Sequence[Figures]) -> None:
    """Print what share of the rows of the last two floors each of our readers reaches."""
    floors = [row for row in figures if row.reader.startswith("floor")][-2:]
    for ours in (row for row in figures if row.reader.startswith("our")):
        rate = ours.rows / ours.cpu
        shares = (f"{rate * floor.cpu / floor.rows:.2f} of {floor.reader}" for floor in floors)
        print(f"{ours.reader}: {', '.join(shares)}")
    print()


def _measure_latency(events: int) -> list[Figures]:
    """Our reader against one thread that waits for every page.

    A sync before, which is not shown, lets the sandbox make each event once: it serves them from
    its cache fast enough for 16 threads.
    """
    events = min(events, MAX_CACHED_EVENTS)
    account = f"{events:,} events, {LATENCY} ms a page"
    name = f"floor: requests + orjson, {FLOOR_PAGES} pages"
    options = {"now": NOW, "no_limits": True, "gzip": True, "latency_ms": LATENCY}
    with run_sandbox(events=events, **options) as sandbox:
        pages = ("orjson", str(FLOOR_PAGES))
        floor = measure(account, name, "floor", "events", sandbox.url, *pages)
        measure_ours(account, sandbox, THREADS)
        figures = [floor, measure_ours(account, sandbox, THREADS)]
    print_table(figures)
    return figures


def _count_requests(campaigns: int | None) -> list[Figures]:
    """The requests of a sync, and the time of one that finds nothing to do."""
    now = "2026-11-16T15:00:00Z"
    with run_sandbox(now=now, campaigns=campaigns, no_limits=True) as sandbox:
        return [print_request_counts(sandbox)]


def _write(path: Path, figures: Sequence[Figures]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        rows = csv.DictWriter(file, ["processor", *asdict(figures[0])])
        rows.writeheader()
        rows.writerows({"processor": _processor(), **asdict(row)} for row in figures)
    print(f"The figures: {path}")


if __name__ == "__main__":
    sys.exit(main())
