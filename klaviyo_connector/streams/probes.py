"""Finds out which tables can be read, before they are truncated.

A table can be read if Klaviyo answers the first page of each path of its stream, requested in the
form in which the stream requests it: of one scope some paths may be answered and others refused.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from api import AuthError, GoneError, KlaviyoError
from streams.addresses import fill_filter, fill_path
from streams.context import AccountContext
from streams.declarations import MembershipStream, ResourceStream, Stream, WindowedStream
from streams.failures import Failures
from streams.memberships import BEFORE_KLAVIYO, member_listings, member_params
from streams.registry import select_streams
from streams.window_reader import TimeWindow
from streams.windowed import settled_time
from tables.jsonapi import Json

ATTEMPTS = 3  # of each request; a truncate can wait for the next sync
MAX_OWNERS = 3  # records that are tried: one may have been deleted since it was listed


class Request(NamedTuple):
    """The first request of a listing."""

    path: str
    params: Mapping[str, str]


def find_readable(context: AccountContext, tables: Collection[str]) -> set[str]:
    """Those of `tables` whose first pages Klaviyo answers.

    None of them while the key is rejected or Klaviyo is down: the sync then raises that error.
    """
    ids: dict[str, list[str]] = {}  # of the records on the first page, by stream
    readable, failures = set[str](), Failures()
    for stream in select_streams(tables):
        if not ids.keys() >= {*stream.requires}:
            continue
        try:
            ids[stream.name] = [
                id_
                for path in _paths(stream)
                for id_ in _read_first_ids(context, _first_requests(context, stream, path, ids))
            ]
        except AuthError:
            return set()
        except KlaviyoError as error:
            failures.record(error)
        else:
            failures.record(None)
            readable |= {table.name for table in stream.tables}
        if failures.should_abort:
            return set()
    return readable & {*tables}


def _paths(stream: Stream) -> tuple[str, ...]:
    """The paths of a stream, each of which a key may be refused."""
    others = stream.other_paths if isinstance(stream, ResourceStream) else ()
    return (stream.path, *others)


def _read_first_ids(context: AccountContext, requests: Iterator[Request]) -> list[str]:
    """The ids on the first page of the first listing that exists. No listing has no ids."""
    gone: GoneError | None = None
    for path, params in islice(requests, MAX_OWNERS):
        try:
            pages = context.session.pages(path, params, attempts=ATTEMPTS)
            records: list[Json] = next((page["data"] for page in pages if page["data"]), [])
        except GoneError as error:
            gone = error
        else:
            return [str(one.get("id")) for one in records if isinstance(one, dict)]
    if gone is not None:
        raise gone
    return []


def _first_requests(
    context: AccountContext, stream: Stream, path: str, ids: Mapping[str, list[str]]
) -> Iterator[Request]:
    """The first request of each listing at a path of a stream, as a first sync sends it."""
    if isinstance(stream, ResourceStream):
        partition = stream.partitions[0]
        for id_ in ids[stream.parent] if stream.parent else [""]:
            filtered = {"filter": fill_filter(partition, id_)} if partition else {}
            yield Request(fill_path(path, id_), {**stream.params, **filtered})
    elif isinstance(stream, MembershipStream):
        owners = [id_ for owner in stream.requires for id_ in ids[owner]]
        for listing in member_listings(stream, owners):
            # A suppression is a time that most people lack: Klaviyo sorts by it what has it.
            since = f"greater-or-equal({listing.cursor_field},{BEFORE_KLAVIYO})"
            filtered = {"filter": since} if listing.entries else {}
            yield Request(listing.path, {**member_params(listing), **filtered})
    elif isinstance(stream, WindowedStream):
        # No record that Klaviyo fails to return is near now, and any size is accepted.
        window = TimeWindow(settled_time(context), None)
        params = {"sort": stream.cursor_field, "page[size]": str(stream.page_sizes[-1])}
        params |= stream.params_for(context.settings.tables)
        yield Request(path, {**params, "filter": window.filter(stream)})
