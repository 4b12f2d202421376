"""Derives from the declarations: tables, sets of tables, scopes, and dependencies of streams."""

from collections.abc import Collection, Iterator
from urllib.parse import urlencode

from models import Table
from streams.catalog import ACCOUNTS, RECORD_STREAMS, RESULT_STREAMS, SYNC_ERROR, SYNC_REPORT
from streams.content import CONTENT_STREAMS
from streams.declarations import MembershipStream, ResourceStream, Stream
from streams.shop import SHOP_STREAMS
from streams.url_templates import ID_PLACEHOLDER, fill_filter

STREAMS: tuple[Stream, ...] = (
    *RECORD_STREAMS,
    *CONTENT_STREAMS,
    *SHOP_STREAMS,
    *RESULT_STREAMS,
)  # in the order of a sync
ALWAYS_SYNCED = (ACCOUNTS.table, SYNC_REPORT, SYNC_ERROR)
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        ACCOUNTS.table,
        *(table for stream in STREAMS for table in stream.tables),
        SYNC_REPORT,
        SYNC_ERROR,
    )
}
REPORTING = tuple(name for name, table in TABLES.items() if table.reporting)
# Words of the setting `tables` that choose several tables.
SETS: dict[str, tuple[str, ...]] = {
    "reporting": REPORTING,
    "catalog": tuple(table.name for stream in SHOP_STREAMS for table in stream.tables),
    "people": tuple(
        table.name
        for stream in STREAMS
        if stream.scope in ("profiles:read", "push-tokens:read")
        for table in stream.tables
    ),
    "all": tuple(TABLES),
}
# The account's own row is not among them: numbers that are kept need its name and time zone.
REFILLED = tuple(
    dict.fromkeys(table.name for stream in STREAMS if stream.is_refilled for table in stream.tables)
)
# Their rows name further listings.
PARENTS = frozenset(
    name
    for stream in STREAMS
    if isinstance(stream, ResourceStream | MembershipStream)
    for name in stream.requires
)
_BY_NAME = {stream.name: stream for stream in STREAMS}


def select_streams(tables: Collection[str]) -> list[Stream]:
    """The streams that fill any of `tables`, and those they need, in the order of a sync."""
    selected: set[str] = set()
    for stream in reversed(STREAMS):  # a stream needs only earlier ones
        if stream.name in selected or any(table.name in tables for table in stream.tables):
            selected |= {stream.name, *stream.requires, *stream.uses}
    return [stream for stream in STREAMS if stream.name in selected]


def find_resource(name: str) -> ResourceStream:
    """The listing of this name."""
    return next(
        stream for stream in STREAMS if isinstance(stream, ResourceStream) and stream.name == name
    )


def dependents(stream: Stream) -> list[Stream]:
    """The streams that cannot run without the records of this one."""
    return [other for other in STREAMS if stream.name in other.requires]


def required_tables() -> Iterator[tuple[str, str]]:
    """Pairs of a table and one that is synced too, because its rows name what to request."""
    for stream in STREAMS:
        if isinstance(stream, MembershipStream):
            for name in stream.requires:
                yield stream.table.name, _BY_NAME[name].table.name
        elif isinstance(stream, ResourceStream) and stream.parent is not None:
            yield stream.table.name, _BY_NAME[stream.parent].table.name


def scopes(*, is_optional: bool | None = None) -> dict[str, tuple[str, list[Table]]]:
    """Each scope, with one path and all tables that need it; None: optional ones and others."""
    found: dict[str, tuple[str, list[Table]]] = {}
    for stream in STREAMS:
        if is_optional not in (None, stream.is_optional):
            continue
        _, tables = found.setdefault(stream.scope, (_probe(stream), []))
        tables += stream.tables
    return found


def _probe(stream: Stream) -> str:
    """A path that shows whether a key has the stream's scope, with the filter that it demands."""
    partition = stream.partitions[0] if isinstance(stream, ResourceStream) else ""
    query = urlencode({"filter": fill_filter(partition, "0")})
    return f"{stream.path}?{query}" if ID_PLACEHOLDER in partition else stream.path
