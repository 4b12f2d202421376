"""Counting: what the events make of messages, by the moment each recipient's message was sent.

All statistics of Klaviyo's campaign and flow reports follow from these counts. A statistic whose
metric a channel does not have (opens of a text, clicks of a push, spend of an e-mail) is null.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.simulation.event_table import OUTCOMES
from klaviyo_sandbox.simulation.population import Bools, Ints

Counts = npt.NDArray[Any]

# How Klaviyo calls the number of people behind a count; counted apart for each variation.
UNIQUES: Final = {
    "opens": "opens_unique",
    "clicks": "clicks_unique",
    "unsubscribes": "unsubscribe_uniques",
    "conversions": "conversion_uniques",
}
# Rates as fractions: numerator and denominator (Klaviyo's glossary, help.klaviyo.com).
RATES: Final = {
    "average_order_value": ("conversion_value", "conversions"),
    "bounce_rate": ("bounced", "recipients"),
    "bounced_or_failed_rate": ("bounced_or_failed", "recipients"),
    "click_rate": ("clicks_unique", "delivered"),
    "click_to_open_rate": ("clicks_unique", "opens_unique"),
    "conversion_rate": ("conversion_uniques", "delivered"),
    "delivery_rate": ("delivered", "recipients"),
    "failed_rate": ("failed", "recipients"),
    "open_rate": ("opens_unique", "delivered"),
    "revenue_per_recipient": ("conversion_value", "delivered"),
    "spam_complaint_rate": ("spam_complaints", "delivered"),
    "text_message_roi": ("conversion_value", "text_message_spend"),
    "unsubscribe_rate": ("unsubscribe_uniques", "delivered"),
}
OF_TEXTS: Final = frozenset(
    {"message_segment_count_sum", "text_message_credit_usage_amount", "text_message_spend"}
)
PRICE_PER_SEGMENT: Final = 0.0125  # dollars for a text within the United States, fees included


def exists(statistic: str, channel: Channel) -> bool:
    """Tell whether a statistic exists for messages of a channel."""
    if statistic in RATES:
        return all(exists(part, channel) for part in RATES[statistic])
    if statistic in OF_TEXTS:
        return channel == "sms"
    whole = {unique: total for total, unique in UNIQUES.items()}.get(statistic, statistic)
    return whole not in OUTCOMES or channel in OUTCOMES[whole]


def ratio(numerator: Counts, denominator: Counts) -> Counts:
    """Return the fractions, 0.0 where there is nothing to divide by."""
    return np.divide(numerator, denominator, out=np.zeros(len(denominator)), where=denominator != 0)


def distinct(cell: Ints, person: Ints, cells: int) -> Counts:
    """Return how many different people there are in each cell."""
    people = int(person.max(initial=0)) + 1
    return np.bincount(np.unique(cell * people + person) // people, minlength=cells)


class Grid:
    """Variations by groups by intervals of sending; counts are laid out by its cells.

    ``edges`` are the moments between which messages were sent, one more than intervals. There is
    one group unless ``by_group``; then there are "none", the lists and the segments.
    """

    def __init__(self, account: Account, edges: Ints, *, by_group: bool) -> None:
        company, self.events = account.company, account.events
        self.edges, self.by_group = edges, by_group
        groups = 1 + (len(company.lists) + len(company.segments)) * by_group
        self.shape = (len(self.events.contents), groups, len(edges) - 1)
        self.size = int(np.prod(self.shape))

    def cells(self, rows: Ints) -> Ints:
        """Return the cell of each of a message's events."""
        interval = np.searchsorted(self.edges, self.events.sent[rows], side="right") - 1
        group = (self.events.group[rows] + 1) * self.by_group
        place = (self.events.variation[rows], group, interval)
        return np.ravel_multi_index(place, self.shape).astype(np.int64)

    def holds(self) -> Bools:
        """Tell which events belong to messages sent between the edges."""
        sent, events = self.events.sent, self.events
        within: Bools = (sent >= self.edges[0]) & (sent < self.edges[-1]) & (events.variation >= 0)
        return within


def tally(account: Account, edges: Ints, metric_id: str, *, by_group: bool) -> dict[str, Counts]:
    """Return each count by variation, group and interval (three axes, in this order)."""
    grid = Grid(account, edges, by_group=by_group)
    sent, seen = grid.holds(), account.events.seen <= account.now
    counts = _outcomes(account, grid, np.flatnonzero(seen & sent))
    code = account.events.metric_codes[metric_id]
    orders = np.flatnonzero(seen & (account.events.touch >= 0) & (account.events.metric == code))
    counts |= _conversions(account, grid, orders[sent[account.events.touch[orders]]])
    return _derived(account, {name: count.reshape(grid.shape) for name, count in counts.items()})


def _outcomes(account: Account, grid: Grid, rows: Ints) -> dict[str, Counts]:
    """Count what became of messages, and how many people each thing happened to."""
    events, counts = account.events, {}
    cell, person, metric = grid.cells(rows), events.person[rows], events.metric[rows]
    for statistic, names in OUTCOMES.items():
        mine = np.isin(metric, [account.company.code(name) for name in names.values()])
        counts[statistic] = np.bincount(cell[mine], minlength=grid.size)
        if statistic in UNIQUES:
            counts[UNIQUES[statistic]] = distinct(cell[mine], person[mine], grid.size)
    return counts


def _conversions(account: Account, grid: Grid, orders: Ints) -> dict[str, Counts]:
    """Count conversions for the messages whose touches they are credited to."""
    events = account.events
    cell = grid.cells(events.touch[orders])
    return {
        "conversions": np.bincount(cell, minlength=grid.size),
        "conversion_uniques": distinct(cell, events.person[orders], grid.size),
        "conversion_value": np.bincount(cell, np.nan_to_num(events.value[orders]), grid.size),
    }


def _derived(account: Account, counts: dict[str, Counts]) -> dict[str, Counts]:
    """Add what follows from the counts."""
    parts = np.array([content.segments for content in account.events.contents])[:, None, None]
    tried = counts["bounced"] + counts["failed"]
    counts["bounced_or_failed"] = tried
    counts["recipients"] = counts["delivered"] + tried
    counts["message_segment_count_sum"] = parts * counts["recipients"]
    counts["text_message_credit_usage_amount"] = counts["message_segment_count_sum"]
    counts["text_message_spend"] = PRICE_PER_SEGMENT * counts["message_segment_count_sum"]
    return counts
