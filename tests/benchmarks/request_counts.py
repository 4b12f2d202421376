"""Counts the requests of a sync, and the fewest that can show an account to be unchanged.

The sync that finds nothing new is a process of its own, whose time is printed too.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.measure import MB, Figures, measure
from tests.sandbox_server import KEY, REPOSITORY, Sandbox

sys.path.insert(0, str(REPOSITORY / "klaviyo_connector"))

from streams import STREAMS
from streams.declarations import AggregateStream, PeriodStream, ReportStream, ResourceStream
from tests.loader import Loader


def print_request_counts(sandbox: Sandbox) -> Figures:
    """Print the requests of a first sync, and requests and time of one that finds nothing new."""
    connection = Loader(sandbox.url, {"api_key": KEY}).sync()
    first = connection.requests
    sandbox.reset_requests()
    unchanged = _measure_unchanged(sandbox, connection)
    requests = len(sandbox.log())
    print(f"{'requests of a sync':<40}{'ours':>9}{'fewest':>9}")
    print(f"{'first, all history':<40}{first:>9,}")
    print(f"{'nothing changed':<40}{requests:>9,}{_count_fewest(sandbox):>9,}")
    print(
        f"The latter took {unchanged.wall:.2f} s, of which {unchanged.cpu:.2f} s of CPU, and"
        f" {unchanged.start:.2f} s of CPU before it to start Python and import;"
        f" {unchanged.peak / MB:.0f} MB.\n"
    )
    return unchanged


def _measure_unchanged(sandbox: Sandbox, connection: Loader) -> Figures:
    """What a sync takes that goes on from the state of the last one."""
    with TemporaryDirectory() as folder:
        state = Path(folder, "state.json")
        state.write_text(json.dumps(connection.state))
        return measure("no change", "our sync", "ours", "changes", sandbox.url, str(state))


def _count_fewest(sandbox: Sandbox) -> int:
    """The fewest requests that can show an account to be unchanged, by Klaviyo's own rules.

    One for the account, one for each part of a listing with a filter on changes, all
    pages of those without, one for each report and one for each aggregated metric. Some listings
    and the report of periods are requested once a day.
    """
    listings = sum(
        len(stream.partitions) if stream.cursor_field else len(list(sandbox.pages(stream.path)))
        for stream in STREAMS
        if isinstance(stream, ResourceStream)
        and not stream.is_daily
        and any(table.reporting for table in stream.tables)
    )
    names = {metric["attributes"]["name"] for metric in sandbox.all("/api/metrics")}
    reports = [stream for stream in STREAMS if isinstance(stream, ReportStream)]
    hourly = sum(not isinstance(stream, PeriodStream) for stream in reports)
    aggregates = [stream for stream in STREAMS if isinstance(stream, AggregateStream)]
    return (
        1
        + listings
        + hourly
        + sum(len(names & set(aggregate.metrics)) or 1 for aggregate in aggregates)
    )
