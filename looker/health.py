"""The verdict on an account's data, in the words of the dashboard's page and of the digest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Literal, NamedTuple

# What is compared, by the raw table that it is about.
UNITS: Mapping[str, str] = {"event_attribution": "messages", "event": "daily counts of events"}
EXPLANATION = (
    "Messages: the orders that single events credit to a campaign message, against Klaviyo's report"
    " of it, 30 days after the send. Daily counts of events: those of one metric on one day,"
    " against Klaviyo's own count, 8 days later."
)
# Every engine runs it. Messages come before daily counts.
ROWS = """
    select account_id, table_name, last_synced_on, rows_compared, rows_different, rows_refused
    from {health}
    order by account_id, table_name desc
"""


class Row(NamedTuple):
    """A row of `klaviyo__data_health`."""

    account_id: str
    table: str
    synced_on: date
    compared: int | None
    different: int | None
    refused: int | None


@dataclass(frozen=True)
class Verdict:
    """Whether an account's data are complete and equal Klaviyo's own counts, as sentences."""

    text: str
    tone: Literal["good", "bad", "neither"]


def build_verdicts(rows: Iterable[tuple[Any, ...]]) -> dict[str, Verdict]:
    """The verdict on each account, by its id, from what `ROWS` selects."""
    accounts = groupby((Row(*row) for row in rows), key=lambda row: row.account_id)
    return {account: _build_verdict(list(tables)) for account, tables in accounts}


def _build_verdict(rows: Sequence[Row]) -> Verdict:
    last_day = rows[0].synced_on - timedelta(days=1)  # the day of a sync is not over
    complete = f"Complete to {last_day:%-d %B %Y}"
    different = " and ".join(_count(row) for row in rows if row.different)
    equal = " and ".join(_count(row) for row in rows if row.compared and not row.different)
    refused = sum(row.refused or 0 for row in rows)
    if different:
        text = f"{complete}. Differs from Klaviyo on {different}."
        text += f" Equals Klaviyo on {equal}." if equal else ""
    elif equal:
        text = f"{complete}, equals Klaviyo on {equal}."
    else:
        text = f"{complete}. Not compared with Klaviyo yet: that takes the table event and 8 days."
    if refused:
        text += f" Records that could not be stored: {refused:,.0f}; sync_error has the reasons."
    return Verdict(text, "bad" if different or refused else "good" if equal else "neither")


def _count(row: Row) -> str:
    """How many rows of a table equal Klaviyo's; of one with differences, how many differ."""
    unit = UNITS.get(row.table, f"rows of {row.table}")
    if row.different:
        return f"{row.different:,.0f} of {row.compared:,.0f} {unit} ({row.table})"
    return f"{row.compared:,.0f} of {row.compared:,.0f} {unit}"
