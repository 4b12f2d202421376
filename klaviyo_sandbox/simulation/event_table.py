"""The event table: the one array of everything that ever happens, a row per event.

Rows are sorted by the date of the event (``at``), so a row's number never changes while the clock
moves; ``seen`` is when Klaviyo first shows the event. Events of a message carry its variation and
send time. All others carry neither, but Klaviyo's attribution may credit them to a touch: one of
the events of a message.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from klaviyo_sandbox.catalog.copy import Theme
from klaviyo_sandbox.catalog.model import (
    Campaign,
    CampaignMessage,
    Company,
    Flow,
    FlowMessage,
    Variation,
)
from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.clock import DAY, HOUR
from klaviyo_sandbox.simulation.population import Bools, Ints

Rows = npt.NDArray[np.void]
EVENT_DTYPE: Final = np.dtype(
    [
        ("at", "i8"),
        ("seen", "i8"),
        ("metric", "i2"),  # position in the company's metrics, -1 for a deleted one
        ("person", "i4"),  # -1 for none
        ("variation", "i4"),  # position in message_contents(), -1 for none
        ("group", "i2"),  # the list or segment that selected the person for a campaign, or -1
        ("sent", "i8"),
        ("value", "f8"),
        # Position of a product (clicks, views), basket (checkouts, orders, refunds), list
        # (subscriptions) or form version (submissions).
        ("detail", "i4"),
        ("flags", "u1"),
    ]
)
# The bits of ``flags``.
MACHINE_OPEN, BOT_CLICK, HARD_BOUNCE, SPACE_IN_DATE, ODD_STRING = 1, 2, 4, 8, 16

# The metric whose events count as a statistic, by channel. Opens of a text cannot be observed.
STATISTIC_METRICS: Final[dict[str, dict[Channel, str]]] = {
    "delivered": {
        "email": "Received Email",
        "sms": "Received Text Message",
        "push": "Received Push",
        "whatsapp": "Received WhatsApp",
    },
    "bounced": {"email": "Bounced Email", "push": "Bounced Push"},
    "failed": {"email": "Dropped Email", "sms": "Failed to Deliver Text Message"},
    "opens": {"email": "Opened Email", "push": "Opened Push", "whatsapp": "Opened WhatsApp"},
    "clicks": {
        "email": "Clicked Email",
        "sms": "Clicked Text Message",
        "whatsapp": "Clicked WhatsApp",
    },
    "unsubscribes": {
        "email": "Unsubscribed from Email Marketing",
        "sms": "Unsubscribed from Text Messaging Marketing",
    },
    "spam_complaints": {"email": "Marked Email as Spam"},
}

MESSAGE_METRICS: Final = frozenset(
    name for names in STATISTIC_METRICS.values() for name in names.values()
)

# How long after a touch an order is attributed to its message: Klaviyo's defaults for accounts
# created since 9 October 2024 (help.klaviyo.com, "Understanding attribution").
ATTRIBUTION_WINDOWS: Final[dict[str, int]] = {
    "Opened Email": 5 * DAY,
    "Clicked Email": 5 * DAY,
    "Clicked Text Message": 5 * DAY,
    "Clicked WhatsApp": 5 * DAY,
    "Opened Push": 24 * HOUR,
    "Received Text Message": 12 * HOUR,
    "Opened WhatsApp": 12 * HOUR,
}
MAX_TOUCH_DELAY: Final = 60  # seconds: an event that Klaviyo shows later than this is no touch


def create_rows(person: Ints, at: Ints) -> Rows:
    """Return a row per person and moment, with no metric and no message."""
    rows = np.zeros(len(person), EVENT_DTYPE)
    rows["person"], rows["at"] = person, at
    rows["metric"] = rows["variation"] = rows["group"] = -1
    rows["value"] = np.nan
    return rows


def concatenate(parts: Iterable[Rows]) -> Rows:
    """Return the rows of all parts (np.concatenate compares field by field, ten times slower)."""
    parts = list(parts)
    rows = np.empty(sum(map(len, parts)), EVENT_DTYPE)
    start = 0
    for part in parts:
        rows[start : start + len(part)] = part
        start += len(part)
    return rows


class Content(NamedTuple):
    """One variation of a message, with its message and its campaign or flow."""

    channel: Channel
    theme: Theme
    variation: Variation
    message: CampaignMessage | FlowMessage
    campaign: Campaign | None
    flow: Flow | None

    @property
    def public_id(self) -> str:
        """The ``$message`` of events: the id of the campaign, or of the flow's message."""
        return self.message.id if self.campaign is None else self.campaign.id

    @property
    def segments(self) -> int:
        """The number of parts in which a text is sent; 0 on other channels."""
        if self.channel != "sms":
            return 0
        # A part of a long text holds 153 characters of the GSM alphabet or 67 of UCS-2 (3GPP TS
        # 23.040, section 9.2.3.24.1).
        return -(-len(self.variation.body) // (153 if self.variation.body.isascii() else 67))


def message_contents(company: Company) -> list[Content]:
    """Return every variation of every message, the campaigns' before the flows'."""
    of_campaigns = [
        Content(message.channel, campaign.theme, variation, message, campaign, None)
        for campaign in company.campaigns
        for message in campaign.messages
        for variation in message.variations
    ]
    of_flows = [
        Content(message.channel, message.theme, variation, message, None, flow)
        for flow in company.flows
        for message in flow.messages
        for variation in message.variations
    ]
    return of_campaigns + of_flows


def attribute_touches(company: Company, table: Rows) -> Ints:
    """Return for each row the row of the touch it is attributed to, -1 for none.

    The most recent touch of the same person strictly before the event wins, as long as the event
    is within that touch's own window and Klaviyo had shown the touch by then. Opens by machines,
    clicks by bots and touches shown late do not count; events of messages and events dated ahead
    are never attributed.

        Received Text  |<----- 12 h ----->|
        Opened Email       |<-------------- 5 days -------------->|
        Placed Order             A            B                       C
                       A and B: the open, the most recent touch; C: none
    """
    touch = np.full(len(table), -1, np.int64)
    eligible = (table["variation"] < 0) & (table["person"] >= 0) & (table["at"] <= table["seen"])
    eligible &= ~np.isin(table["metric"], [-1, *map(company.code, MESSAGE_METRICS)])
    events = np.flatnonzero(eligible)
    order = person_time_key(table["person"], table["at"])
    for window in sorted(set(ATTRIBUTION_WINDOWS.values())):
        names = [name for name, length in ATTRIBUTION_WINDOWS.items() if length == window]
        touches = np.flatnonzero(_is_touch(company, table, names))
        touches = touches[np.argsort(order[touches], kind="stable")]
        if not len(touches):
            continue
        # The touch just before each event in (person, time) order; it may be of another person,
        # or, at position -1, wrap around to the last touch.
        position = np.searchsorted(order[touches], order[events]) - 1
        last = touches[position]
        fits = (position >= 0) & _is_within(table, last, events, window)
        # Row numbers ascend with time, so the greater one is the more recent touch.
        touch[events] = np.maximum(touch[events], np.where(fits, last, -1))
    return touch


def _is_within(table: Rows, touches: Ints, events: Ints, window: int) -> Bools:
    """Return whether each touch is of its event's person, within the window and shown by then."""
    fits: Bools = table["person"][touches] == table["person"][events]
    fits &= table["at"][events] - table["at"][touches] <= window
    fits &= table["seen"][touches] <= table["seen"][events]
    return fits


def person_time_key(person: Ints, at: Ints) -> Ints:
    """Return numbers that sort by person and then by time (epoch seconds fit into 34 bits)."""
    return np.asarray(person, np.int64) << 34 | at


def _is_touch(company: Company, table: Rows, names: list[str]) -> Bools:
    by_a_person = (table["flags"] & (MACHINE_OPEN | BOT_CLICK)) == 0
    in_time = table["seen"] - table["at"] <= MAX_TOUCH_DELAY
    has_message = table["variation"] >= 0
    has_metric = np.isin(table["metric"], [company.code(name) for name in names])
    is_touch: Bools = has_metric & by_a_person & in_time & has_message
    return is_touch
