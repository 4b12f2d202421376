"""Records deleted profiles in the state, so that reread.py reads their events again."""

from collections.abc import Iterator
from datetime import date

import msgspec

from models import Operation, Warning
from state.state import PendingReread
from streams.catalog import EVENT, EVENT_ATTRIBUTION
from streams.context import AccountContext

MAX_PENDING = 5_000  # profiles in the state, 60 bytes each


def record_deleted_profiles(
    context: AccountContext, profile_ids: list[str], found_on: date
) -> Iterator[Operation]:
    """Record profiles that Klaviyo last listed on some day, if events are synced or ever were.

    While no table of events is chosen, their events wait: they are read when one is again.
    """
    if not (context.wants(EVENT, EVENT_ATTRIBUTION) or context.state.has_events):
        return
    pending = context.state.reread.pending
    new = [profile_id for profile_id in profile_ids if profile_id not in pending]
    kept = new[: max(MAX_PENDING - len(pending), 0)]
    save_pending_rereads(
        context, {**pending, **dict.fromkeys(kept, PendingReread(found_on, context.today))}
    )
    if len(kept) < len(new):
        yield Warning(
            f"event: {len(new):,} people disappeared from Klaviyo; the events of"
            f" {len(new) - len(kept):,} of them are not read again: set reread_events_from to read"
            " all events since a date"
        )


def save_pending_rereads(context: AccountContext, pending: dict[str, PendingReread]) -> None:
    """Put the profiles whose events are read again into the state."""
    context.state.reread = msgspec.structs.replace(context.state.reread, pending=pending)
