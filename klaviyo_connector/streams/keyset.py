"""Reads a listing that is longer than one cursor of Klaviyo's lasts.

Klaviyo cuts a cursor off near page 1,850, with a page of its firewall and whatever the pace (seen
live at 183,000, 191,700 and 184,700 people). So after each 1,000 pages a new cursor starts at the
times of the last page, which is read again:

    cursor 1   |-- 1,000 pages --|
    cursor 2                    |-- 1,000 pages --|
    cursor 3                                     |----- end
    reverse                                      times | no times ---|

Filters by a time leave out records without it. A last cursor lists them from the other end.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from tables.converters import format_utc, to_utc_datetime
from tables.jsonapi import Json, get_path

MAX_CURSOR_PAGES = 1_000
SECOND = timedelta(seconds=1)  # filters compare whole seconds, and several records share one


def read_by_keyset(
    read_pages: Callable[[Mapping[str, str]], Iterator[Json]],
    params: Mapping[str, str],
    comparison: str,
    since: str | None = None,
) -> Iterator[Json]:
    """Each page of a listing in the order of `sort`, a time; one record may be on two pages.

    `read_pages` returns the pages of one cursor, given its parameters. `comparison` is the operator
    that the listing's filter on that time allows, `since` its first bound. A listing without a
    first bound also has the records without that time.
    """
    bound, name = since, params["sort"]
    while True:
        condition = {"filter": f"{comparison}({name},{bound})"} if bound else {}
        pages = read_pages({**params, **condition})
        following = yield from _read_cursor(pages, name, bound or "")
        if following is None:
            break
        bound = following
    if since is None and bound is not None:
        yield from _read_untimed(read_pages({**params, "sort": f"-{name}"}), name)


def _read_untimed(pages: Iterable[Json], name: str) -> Iterator[Json]:
    """The pages of a listing, in reverse order, up to the first one whose records all have a time.

    In the order of a time, records without it are at the end: if Klaviyo listed them first, the
    first cursor has shown them.
    """
    for page in pages:
        yield page
        if page["data"] and all(_times(record, name) for record in page["data"]):
            return


def _read_cursor(pages: Iterable[Json], name: str, bound: str) -> Generator[Json, None, str | None]:
    """The pages of one cursor; returns the bound of the next one, or None at the end.

    Where more pages than a cursor should have share one second, the cursor goes on.
    """
    for number, page in enumerate(pages, 1):
        yield page
        # A bound that does not advance would read the same pages for ever.
        if number >= MAX_CURSOR_PAGES and page["links"].get("next"):
            following = _earliest_time(page, name)
            if following is not None and following > bound:
                return following
    return None


def _earliest_time(page: Json, name: str) -> str | None:
    """A second before the earliest time at a dotted name in a page's records."""
    times = [time for record in page["data"] for time in _times(record, name)]
    return format_utc(datetime.fromisoformat(min(times)) - SECOND) if times else None


def _times(record: Json, name: str) -> list[str]:
    """The times at a dotted name of a record's attributes."""
    texts = _values(record, f"attributes.{name}")
    return [time for time in map(to_utc_datetime, texts) if time is not None]


def _values(record: Json, name: str) -> list[Json]:
    """The values at a dotted name; several where it leads through a list."""
    found = [record]
    for step in name.split("."):
        below = [get_path(parent, (step,)) for parent in found]
        found = [
            item for value in below for item in (value if isinstance(value, list) else [value])
        ]
    return found
