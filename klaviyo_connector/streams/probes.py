"""Finds out which tables can be read, before they are truncated."""

from collections.abc import Collection

from api import AuthError, GoneError, KlaviyoError, RefusedError
from streams.context import AccountContext
from streams.declarations import Stream
from streams.failures import Failures
from streams.registry import dependents, scopes, select_streams

ATTEMPTS = 3  # of each request; a truncate can wait for the next sync


def find_unreadable(context: AccountContext, tables: Collection[str]) -> set[str]:
    """Those of `tables` whose scope the key lacks, or whose listing Klaviyo does not answer.

    One request for each scope.
    """
    unreadable, failures = set[str](), Failures()
    selected = select_streams(tables)
    for scope, (path, _) in scopes().items():
        streams = [one for one in selected if one.scope == scope]
        if not streams:
            continue
        error = _probe(context, path)
        failures.record(error)
        if failures.should_abort:
            return set(tables)
        if error is not None:
            unreadable |= _tables_of(streams)
    return unreadable & set(tables)


def _probe(context: AccountContext, path: str) -> KlaviyoError | None:
    """Why a listing cannot be read, or None; a refusal of this one request is an answer."""
    try:
        next(context.session.pages(path, {}, attempts=ATTEMPTS))
    except AuthError:
        raise
    except (GoneError, RefusedError):
        return None
    except KlaviyoError as error:
        return error
    return None


def _tables_of(streams: Collection[Stream]) -> set[str]:
    """The tables of some streams, and of those that require them."""
    affected = [other for one in streams for other in (one, *dependents(one))]
    return {table.name for one in affected for table in one.tables}
