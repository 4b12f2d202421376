"""Finds out which tables can be read, before they are truncated, by a trial of their first sync.

The trial runs the streams as a sync does, so it sends the same requests and fails where the sync
would. Only each listing ends with its first records:

    sync     lists  |--page 1--|--page 2--| ...   members of L1, L2, L3, L4, ...
    trial    lists  |L1 L2 L3|                    members of L1, L2, L3, the first page of each

Its rows and its state are dropped.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from api import AuthError, Decode, KlaviyoError
from models import Operation
from session import KlaviyoSession
from state.state import AccountState
from streams.context import AccountContext
from streams.declarations import Stream
from streams.failures import Failures
from streams.registry import select_streams
from streams.writer import RowWriter

Run = Callable[[AccountContext, RowWriter, Stream], Iterator[Operation]]  # of one stream
PROBE_ATTEMPTS = 3  # of each request; a truncate can wait for the next sync
MAX_RECORDS = 3  # of a listing, whose own paths are tried


class ProbeSession(KlaviyoSession):
    """A session that ends each listing after its first records; it shares pace and threads."""

    def __init__(self, session: KlaviyoSession) -> None:
        self.__dict__ = session.__dict__

    def pages(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        attempts: int = PROBE_ATTEMPTS,
        decode: Decode | None = None,
    ) -> Iterator[Any]:
        """The pages up to the first one that has records."""
        for page in super().pages(
            path, params, attempts=min(attempts, PROBE_ATTEMPTS), decode=decode
        ):
            page.update(data=page["data"][:MAX_RECORDS], links={})
            yield page
            if page["data"]:
                return


def find_readable_tables(context: AccountContext, tables: Collection[str], run: Run) -> set[str]:
    """The tables, of those given, whose streams succeed in a trial run. `run` runs one stream.

    None of them while the key is rejected or Klaviyo is down: the sync then raises that error.
    """
    trial, failures = _prepare_probe(context), Failures()
    streams = select_streams(tables)
    looked_up = {name for stream in streams for name in stream.uses}
    readable: list[Stream] = []
    for stream in streams:
        if not {*stream.requires} <= {stream.name for stream in readable}:
            continue
        # What another stream looks up, such as a metric by its name, may be on any page.
        is_whole = stream.name in looked_up
        trial.session = context.session if is_whole else ProbeSession(context.session)
        try:
            deque(run(trial, RowWriter(trial), stream), maxlen=0)
        except AuthError:
            return set()
        except KlaviyoError as error:
            failures.record(error)
        else:
            failures.record(None)
            readable.append(stream)
        if failures.should_abort:
            return set()
    return {table.name for stream in readable for table in stream.tables} & {*tables}


def _prepare_probe(context: AccountContext) -> AccountContext:
    """The account as a first sync knows it, and of windows of time the last day alone."""
    yesterday = context.today - timedelta(days=1)
    settings = replace(context.settings, start_date=yesterday, concurrency=1)
    state = AccountState(context.id)
    return AccountContext(
        context.session, settings, state, context.document, context.sync_id, context.now
    )
