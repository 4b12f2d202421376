"""Counts the requests of a sync, and the fewest that can show an account to be unchanged."""

import sys

from tests.sandbox_server import KEY, REPOSITORY, Sandbox

sys.path.insert(0, str(REPOSITORY / "klaviyo_connector"))

from streams import STREAMS
from streams.declarations import AggregateStream, PeriodStream, ReportStream, ResourceStream
from tests.loader import Loader


def print_request_counts(sandbox: Sandbox) -> None:
    """Print the requests of a first sync and of one that finds nothing new."""
    connection = Loader(sandbox.url, {"api_key": KEY}).sync()
    first = connection.requests
    connection.sync()
    print(f"{'requests of a sync':<40}{'ours':>9}{'fewest':>9}")
    print(f"{'first, all history':<40}{first:>9,}")
    print(f"{'nothing changed':<40}{connection.requests:>9,}{_count_fewest(sandbox):>9,}\n")


def _count_fewest(sandbox: Sandbox) -> int:
    """The fewest requests that can show an account to be unchanged, by Klaviyo's own rules.

    One for the account, one for each part of a listing with a filter on changes, all
    pages of those without, one for each report and one for each aggregated metric. Some listings
    and the report of periods are requested once a day.
    """
    listings = sum(
        len(one.partitions) if one.cursor_field else len(list(sandbox.pages(one.path)))
        for one in STREAMS
        if isinstance(one, ResourceStream)
        and not one.is_daily
        and any(table.reporting for table in one.tables)
    )
    names = {metric["attributes"]["name"] for metric in sandbox.all("/api/metrics")}
    reports = [stream for stream in STREAMS if isinstance(stream, ReportStream)]
    hourly = sum(not isinstance(stream, PeriodStream) for stream in reports)
    aggregates = [stream for stream in STREAMS if isinstance(stream, AggregateStream)]
    return 1 + listings + hourly + sum(len(names & set(one.metrics)) or 1 for one in aggregates)
