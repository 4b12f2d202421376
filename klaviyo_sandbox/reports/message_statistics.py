"""The statistics of messages, counted from events by the send date of each recipient's message.

All statistics of Klaviyo's campaign and flow reports follow from these counts. A statistic whose
metric a channel does not have (opens of a text, clicks of a push, spend of an e-mail) is 0.0.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.simulation.event_table import STATISTIC_METRICS
from klaviyo_sandbox.simulation.population import Bools, Ints

Counts = npt.NDArray[Any]

# Klaviyo's name for the number of people behind a count; each variation counts them separately.
UNIQUES: Final = {
    "opens": "opens_unique",
    "clicks": "clicks_unique",
    "unsubscribes": "unsubscribe_uniques",
    "conversions": "conversion_uniques",
}
# "Total opens and clicks for flows are counted as unique totals" (help.klaviyo.com 115005085427).
UNIQUE_IN_FLOWS: Final = ("opens", "clicks")
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
PRICE_PER_SEGMENT: Final = 0.0125  # dollars for a text within the United States, fees included


def divide(numerator: Counts, denominator: Counts) -> Counts:
    """Return the fractions, 0.0 where the denominator is zero."""
    return np.divide(numerator, denominator, out=np.zeros(len(denominator)), where=denominator != 0)


def count_distinct(cell: Ints, person: Ints, cells: int) -> Counts:
    """Return the number of different people in each cell."""
    # One number per pair of cell and person: unique pairs, then pairs per cell.
    people = int(person.max(initial=0)) + 1
    return np.bincount(np.unique(cell * people + person) // people, minlength=cells)


class Grid:
    """Cells of variation by group by send interval; counts are laid out by cell.

    ``edges`` are the bounds of the intervals, one more than there are intervals. There is one
    group unless ``by_group``; then there are "none", the lists and the segments.
    """

    def __init__(self, account: Account, edges: Ints, *, by_group: bool) -> None:
        company, self.events = account.company, account.events
        self.edges, self.by_group = edges, by_group
        groups = 1 + (len(company.lists) + len(company.segments)) * by_group
        self.shape = (len(self.events.contents), groups, len(edges) - 1)
        self.size = int(np.prod(self.shape))

    def cells(self, rows: Ints) -> Ints:
        """Return the cell of each of the rows, which are events of messages."""
        interval = np.searchsorted(self.edges, self.events.sent[rows], side="right") - 1
        group = (self.events.group[rows] + 1) * self.by_group  # -1 is "none", at position 0
        position = (self.events.variation[rows], group, interval)
        return np.ravel_multi_index(position, self.shape).astype(np.int64)

    def is_within(self) -> Bools:
        """Return which events belong to messages sent between the edges."""
        sent, events = self.events.sent, self.events
        within: Bools = (sent >= self.edges[0]) & (sent < self.edges[-1]) & (events.variation >= 0)
        return within


def count_messages(
    account: Account, edges: Ints, metric_id: str, *, by_group: bool
) -> dict[str, Counts]:
    """Return each count by variation, group and interval (three axes, in this order)."""
    grid = Grid(account, edges, by_group=by_group)
    within, visible = grid.is_within(), account.events.seen <= account.now
    counts = _count_outcomes(account, grid, np.flatnonzero(visible & within))
    events = account.events
    is_conversion = (events.touch >= 0) & (events.metric == events.metric_codes[metric_id])
    conversions = np.flatnonzero(visible & is_conversion)
    # A conversion counts at the send date of the message that it is attributed to.
    counts |= _count_conversions(account, grid, conversions[within[events.touch[conversions]]])
    return _derive_counts(
        account, {name: count.reshape(grid.shape) for name, count in counts.items()}
    )


def _count_outcomes(account: Account, grid: Grid, rows: Ints) -> dict[str, Counts]:
    """Count what happened to messages, and how many people each thing happened to."""
    events, counts = account.events, {}
    cell, person, metric = grid.cells(rows), events.person[rows], events.metric[rows]
    is_flow = np.array([content.flow is not None for content in events.contents])
    is_of_flow = np.repeat(is_flow, grid.size // len(is_flow))
    for statistic, names in STATISTIC_METRICS.items():
        selected = np.isin(metric, [account.company.code(name) for name in names.values()])
        counts[statistic] = np.bincount(cell[selected], minlength=grid.size)
        if statistic in UNIQUES:
            uniques = count_distinct(cell[selected], person[selected], grid.size)
            counts[UNIQUES[statistic]] = uniques
            if statistic in UNIQUE_IN_FLOWS:
                counts[statistic] = np.where(is_of_flow, uniques, counts[statistic])
    return counts


def _count_conversions(account: Account, grid: Grid, rows: Ints) -> dict[str, Counts]:
    """Count conversions for the messages that they are attributed to."""
    events = account.events
    cell = grid.cells(events.touch[rows])
    return {
        "conversions": np.bincount(cell, minlength=grid.size),
        "conversion_uniques": count_distinct(cell, events.person[rows], grid.size),
        "conversion_value": np.bincount(cell, np.nan_to_num(events.value[rows]), grid.size),
    }


def _derive_counts(account: Account, counts: dict[str, Counts]) -> dict[str, Counts]:
    """Add the counts that follow from others."""
    segments = np.array([content.segments for content in account.events.contents])[:, None, None]
    undelivered = counts["bounced"] + counts["failed"]
    counts["bounced_or_failed"] = undelivered
    counts["recipients"] = counts["delivered"] + undelivered
    counts["message_segment_count_sum"] = segments * counts["recipients"]
    counts["text_message_credit_usage_amount"] = counts["message_segment_count_sum"]
    counts["text_message_spend"] = PRICE_PER_SEGMENT * counts["message_segment_count_sum"]
    return counts
