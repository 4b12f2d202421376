"""The ledger: the one table in which everything that ever happens is written.

A row is one event. Rows are sorted by the moment the event is dated (``at``), so a row's number
never changes while the clock moves; ``seen`` says when Klaviyo first shows it. Events of a
message carry its variation and the moment it was sent; all others carry neither, but may be
credited to one of a message's events by Klaviyo's attribution windows.
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

Table = npt.NDArray[np.void]
EVENT: Final = np.dtype(
    [
        ("at", "i8"),
        ("seen", "i8"),
        ("metric", "i2"),  # position in the company's metrics, -1 for one that is gone
        ("person", "i4"),  # -1 for none
        ("variation", "i4"),  # position in contents(), -1 for none
        ("group", "i2"),  # the list or segment by which a campaign found the person, -1 for none
        ("sent", "i8"),
        ("value", "f8"),
        # Position of a product (clicks, views), basket (checkouts, orders, refunds), list
        # (subscriptions) or form version (submissions).
        ("detail", "i4"),
        ("mark", "u1"),
    ]
)
# The bits of ``mark``: opened by a machine, clicked by a bot, bounced for good, dated with a
# space, carrying an odd string.
MACHINE, BOT, HARD, SPACED, ODD = 1, 2, 4, 8, 16

# Which metric's events make which statistic, by channel. A text cannot be seen opened.
OUTCOMES: Final[dict[str, dict[Channel, str]]] = {
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
        "sms": "Unsubscribed from Text Message Marketing",
    },
    "spam_complaints": {"email": "Marked Email as Spam"},
}

OF_MESSAGES: Final = frozenset(name for names in OUTCOMES.values() for name in names.values())

# How long after which touch an order is credited to its message: Klaviyo's defaults for accounts
# made since 9 October 2024 (help.klaviyo.com, "Understanding attribution").
WINDOWS: Final[dict[str, int]] = {
    "Opened Email": 5 * DAY,
    "Clicked Email": 5 * DAY,
    "Clicked Text Message": 5 * DAY,
    "Clicked WhatsApp": 5 * DAY,
    "Opened Push": 24 * HOUR,
    "Received Text Message": 12 * HOUR,
    "Opened WhatsApp": 12 * HOUR,
}
ON_TIME: Final = 60  # an event Klaviyo learns of later than this is late, and no touch


def blank(person: Ints, at: Ints) -> Table:
    """Return a row per person and moment that belongs to no metric and no message."""
    rows = np.zeros(len(person), EVENT)
    rows["person"], rows["at"] = person, at
    rows["metric"] = rows["variation"] = rows["group"] = -1
    rows["value"] = np.nan
    return rows


def join(parts: Iterable[Table]) -> Table:
    """Return the rows of all parts (np.concatenate compares field by field, ten times slower)."""
    parts = list(parts)
    rows = np.empty(sum(map(len, parts)), EVENT)
    place = 0
    for part in parts:
        rows[place : place + len(part)] = part
        place += len(part)
    return rows


class Content(NamedTuple):
    """One variation of a message with everything it belongs to; a campaign's or a flow's."""

    channel: Channel
    theme: Theme
    variation: Variation
    message: CampaignMessage | FlowMessage
    campaign: Campaign | None
    flow: Flow | None

    @property
    def public_id(self) -> str:
        """What events call the message: the id of the campaign, or of the flow's message."""
        return self.message.id if self.campaign is None else self.campaign.id

    @property
    def segments(self) -> int:
        """In how many parts a text travels; 0 on other channels."""
        if self.channel != "sms":
            return 0
        # A part of a long text holds 153 characters of the GSM alphabet or 67 of UCS-2.
        return -(-len(self.variation.body) // (153 if self.variation.body.isascii() else 67))


def contents(company: Company) -> list[Content]:
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


def credit(company: Company, table: Table) -> Ints:
    """Return for each row the row of the touch it is credited to, -1 for none.

    The most recent touch of the same person strictly before the event wins, as long as the event
    falls in that touch's own window and Klaviyo knew of the touch by then. Opens by machines,
    clicks by bots and touches that came to light late do not count; a message's own events and
    events dated ahead are never credited.
    """
    touch = np.full(len(table), -1, np.int64)
    wanted = (table["variation"] < 0) & (table["person"] >= 0) & (table["at"] <= table["seen"])
    wanted &= ~np.isin(table["metric"], [-1, *map(company.code, OF_MESSAGES)])
    events = np.flatnonzero(wanted)
    order = by_person(table["person"], table["at"])
    for window in sorted(set(WINDOWS.values())):
        names = [name for name, length in WINDOWS.items() if length == window]
        touches = np.flatnonzero(_is_touch(company, table, names))
        touches = touches[np.argsort(order[touches], kind="stable")]
        if not len(touches):
            continue
        place = np.searchsorted(order[touches], order[events]) - 1
        last = touches[place]
        fits = (place >= 0) & (table["person"][last] == table["person"][events])
        fits &= table["at"][events] - table["at"][last] <= window
        fits &= table["seen"][last] <= table["seen"][events]
        # Row numbers ascend with time, so the greater one is the more recent touch.
        touch[events] = np.maximum(touch[events], np.where(fits, last, -1))
    return touch


def by_person(person: Ints, at: Ints) -> Ints:
    """Return numbers that sort by person and then by time."""
    return np.asarray(person, np.int64) << 34 | at


def _is_touch(company: Company, table: Table, names: list[str]) -> Bools:
    people_did = (table["mark"] & (MACHINE | BOT)) == 0
    in_time = table["seen"] - table["at"] <= ON_TIME
    is_message = table["variation"] >= 0
    is_kind = np.isin(table["metric"], [company.code(name) for name in names])
    found: Bools = is_kind & people_did & in_time & is_message
    return found
