"""`make bench`: our sync against the floor of fetching and parsing the same pages, in one run.

CPU seconds are those of this process, all threads; the sandbox runs in its own. Absolute figures
belong to the machine that is named; the ratios are what to compare.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import orjson
import requests

sys.path.insert(0, str(Path(__file__).parents[2] / "klaviyo_connector"))

import sync
from models import Upsert
from streams import AGGREGATES, REPORTS, STREAMS

from tests.loader import Loader
from tests.sandbox_server import KEY, Sandbox, running_sandbox

NOW = "2026-11-16T15:00:00+00:00"
FIRST_PAGE = "/api/events?page%5Bsize%5D=1000&sort=datetime&include=attributions"


@dataclass(frozen=True)
class Timing:
    """What one way of reading all events took."""

    name: str
    rows: int
    wall: float
    cpu: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    events = parser.parse_args().events
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    with running_sandbox(events=events, now=NOW, no_limits=True) as sandbox:
        _speed(sandbox)
    with running_sandbox(now=NOW, no_limits=True) as sandbox:
        _requests(sandbox)


def _speed(sandbox: Sandbox) -> None:
    """Events per CPU second, ours last; every way reads the same events from the same server."""
    ways: list[tuple[str, Callable[[], int]]] = [
        ("sandbox alone (bytes, not parsed)", lambda: _raw(sandbox)),
        ("floor: requests + json", lambda: _floor(sandbox, json.loads)),
        ("floor: requests + orjson", lambda: _floor(sandbox, orjson.loads)),
        ("our sync, every column mapped", lambda: _ours(sandbox)),
    ]
    timings = [_timed(name, read) for name, read in ways]
    floor = timings[2].rows / timings[2].cpu
    print(f"{'reading all events':<36}    rows  wall s   CPU s  rows/CPU s  of floor")
    for one in timings:
        speed = one.rows / one.cpu
        print(
            f"{one.name:<36}{one.rows:>8,}{one.wall:>8.2f}{one.cpu:>8.2f}"
            f"{speed:>12,.0f}{speed / floor:>10.0%}"
        )
    served = timings[0].rows / timings[0].wall
    print(f"\nthe sandbox serves {served:,.0f} events a second at 1,000 a page\n")


def _timed(name: str, read: Callable[[], int]) -> Timing:
    read()
    wall, cpu = time.perf_counter(), time.process_time()
    rows = read()
    return Timing(name, rows, time.perf_counter() - wall, time.process_time() - cpu)


def _links(sandbox: Sandbox, fetch: Callable[[str], Any]) -> Iterator[Any]:
    """Every page of the event list."""
    path: str | None = FIRST_PAGE
    while path:
        page = fetch(path)
        yield page
        following = page["links"]["next"]
        path = following.removeprefix(sandbox.url) if following else None


def _floor(sandbox: Sandbox, parse: Callable[[bytes], Any]) -> int:
    session = requests.Session()
    session.headers.update(sandbox.headers)
    pages = _links(sandbox, lambda path: parse(session.get(sandbox.url + path).content))
    return sum(len(page["data"]) for page in pages)


def _raw(sandbox: Sandbox) -> int:
    """Pages as bytes; of each only what leads to the next and counts is looked at."""
    connection = HTTPConnection(urlsplit(sandbox.url).netloc)

    def fetch(path: str) -> Any:
        connection.request("GET", path, headers=sandbox.headers)
        return connection.getresponse().read()

    rows, path = 0, FIRST_PAGE
    while path:
        body = fetch(path)
        rows += body.count(b'"event_properties":')
        following = body.rpartition(b'"next":"')[2].partition(b'"')[0]
        path = following.decode().removeprefix(sandbox.url) if b"cursor" in following else ""
    return rows


def _ours(sandbox: Sandbox) -> int:
    configuration = {"api_key": KEY, "tables": "event,event_attribution"}
    with mock.patch.dict(os.environ, {"KLAVIYO_BASE_URL": sandbox.url}):
        operations = sync.sync(configuration, {})
        return sum(isinstance(one, Upsert) and one.table == "event" for one in operations)


def _requests(sandbox: Sandbox) -> None:
    """Requests of a first sync and of one that finds nothing new, against the fewest possible."""
    synced = Loader(sandbox.url, {"api_key": KEY}).sync()
    first = synced.requests
    synced.sync()
    print(f"{'requests of a sync':<36}{'ours':>9}{'fewest':>9}")
    print(f"{'first, all history':<36}{first:>9,}")
    print(f"{'nothing changed':<36}{synced.requests:>9,}{_fewest(sandbox):>9,}")


def _fewest(sandbox: Sandbox) -> int:
    """The fewest requests that can show an account to be unchanged, by Klaviyo's own rules.

    One for the account, one for each part of a listing that can be asked for changes alone, all
    pages of those that cannot, one for each report and one for each aggregated metric.
    """
    listings = sum(
        len(stream.partitions) if stream.cursor else len(list(sandbox.pages(stream.path)))
        for stream in STREAMS
    )
    names = {metric["attributes"]["name"] for metric in sandbox.all("/api/metrics")}
    aggregated = [len(names & set(aggregate.metrics)) or 1 for aggregate in AGGREGATES]
    return 1 + listings + len(REPORTS) + sum(aggregated)


if __name__ == "__main__":
    main()
