"""What becomes of messages: bounces, opens, clicks, complaints and the visits they lead to."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.clock import DAY, HOUR, MINUTE
from klaviyo_sandbox.simulation.event_table import BOT, HARD, MACHINE, OUTCOMES, Content, Table
from klaviyo_sandbox.simulation.event_writer import Scribe
from klaviyo_sandbox.simulation.population import APPLE_CLIENTS, CHANNELS, MAILBOXES, People
from klaviyo_sandbox.simulation.schedule_queue import Diary


class Rates(NamedTuple):
    """How people take a channel's messages: parts of those before, and when they first react."""

    bounced: float = 0.0
    failed: float = 0.0
    opened: float = 0.0
    clicked: float = 0.0  # of those who opened, or of those who got it where nobody can tell
    left: float = 0.0  # of the same
    pause: int = 0  # the median wait before the first reaction, seconds
    patience: float = 1.0  # how widely that wait varies (sigma of its logarithm)


RATES: Final[dict[Channel, Rates]] = {
    "email": Rates(
        bounced=0.005,
        failed=0.0005,
        opened=0.21,
        clicked=0.068,
        left=0.010,
        pause=5 * HOUR,
        patience=1.5,
    ),
    "sms": Rates(failed=0.012, clicked=0.074, left=0.004, pause=12 * MINUTE, patience=1.2),
    "push": Rates(bounced=0.010, opened=0.055, pause=50 * MINUTE, patience=1.4),
    "whatsapp": Rates(opened=0.62, clicked=0.14, pause=40 * MINUTE, patience=1.4),
}
HARD_BOUNCES: Final = 0.25  # of all bounces
MACHINE_OPENS: Final = 0.55  # of what Apple Mail users receive is loaded by Apple's proxy
BOT_CLICKS: Final = 0.15  # of what arrives where a gateway follows links
COMPLAINTS: Final = 0.0002  # of e-mails received
OPENS_AGAIN: Final = 0.35  # further opens per opener
CLICKS_AGAIN: Final = 0.22  # further clicks per clicker
READING: Final = (MINUTE // 2, 0.9)  # pause and patience from opening to clicking
RETURNS: Final = 0.5  # of those who clicked come back to the shop on a later day


class Post:
    """Delivers messages; ``visits`` are the visits to the shop that these lead to, by day."""

    def __init__(
        self, people: People, messages: list[Content], scribe: Scribe, start: int, days: int
    ) -> None:
        self.people, self.scribe, self.rng = people, scribe, scribe.rng
        appeal = np.array([content.variation.appeal for content in messages])
        self.channel = np.array([CHANNELS.index(c.channel) for c in messages], np.int64)
        self.opening = appeal * [content.theme.opening for content in messages]
        self.clicking = appeal * [content.theme.clicking for content in messages]
        self.latest = np.zeros((len(CHANNELS), len(people)), np.int64)
        self.visits = Diary(start, days)

    def deliver(self, sends: Table) -> None:
        """Send messages to whoever of their recipients still consents."""
        channels = self.channel[sends["variation"]]
        for number in np.unique(channels).tolist():
            mine = sends[channels == number]
            consents = self.people.consents(number, mine["person"], mine["at"])
            self._send(CHANNELS[number], mine[consents])

    def _send(self, channel: Channel, sends: Table) -> None:
        """Write what becomes of a channel's messages, from bounce to complaint."""
        np.maximum.at(self.latest[CHANNELS.index(channel)], sends["person"], sends["sent"])
        fate, rates = self.rng.random(len(sends)), RATES[channel]
        bounced = fate < rates.bounced
        failed = ~bounced & (fate < rates.bounced + rates.failed)
        if rates.bounced:
            self._bounce(channel, sends[bounced])
        if rates.failed:
            failures = sends[failed]
            self.scribe.write(
                OUTCOMES["failed"][channel], failures, self.scribe.soon(failures, 1, 90)
            )
        arrived = sends[~bounced & ~failed]
        received = self.scribe.write(
            OUTCOMES["delivered"][channel], arrived, self.scribe.soon(arrived, 1, 40)
        )
        if channel == "email":
            self._machines(received)
            self._complain(received)
        readers = self._open(channel, received) if rates.opened else received
        self._click(channel, readers)
        if rates.left:
            self._leave(channel, self.scribe.some(readers, rates.left))

    def _bounce(self, channel: Channel, sends: Table) -> None:
        hard = self.rng.random(len(sends)) < HARD_BOUNCES
        name, at = OUTCOMES["bounced"][channel], self.scribe.soon(sends, 1, 120)
        self.scribe.write(name, sends[~hard], at[~hard])
        self._withdraw(channel, self.scribe.write(name, sends[hard], at[hard], HARD), "HARD_BOUNCE")

    def _machines(self, received: Table) -> None:
        """Write what no human does: Apple's proxy opens, corporate gateways click."""
        apple = received[self.people.client[received["person"]] < APPLE_CLIENTS]
        loaded = self.scribe.some(apple, MACHINE_OPENS)
        self.scribe.write("Opened Email", loaded, self.scribe.soon(loaded, 20, 1_200), MACHINE)
        scanning = np.array([box.scans_links for box in MAILBOXES])
        scanned = received[scanning[self.people.mailbox[received["person"]]]]
        followed = self.scribe.some(scanned, BOT_CLICKS)
        self.scribe.write("Clicked Email", followed, self.scribe.soon(followed, 1, 5), BOT)

    def _complain(self, received: Table) -> None:
        cross = self.scribe.some(received, COMPLAINTS)
        gone = self.scribe.write(
            "Marked Email as Spam", cross, self.scribe.soon(cross, MINUTE, DAY)
        )
        self._withdraw("email", gone, "SPAM_COMPLAINT")

    def _leave(self, channel: Channel, readers: Table) -> None:
        gone = self.scribe.write(
            OUTCOMES["unsubscribes"][channel], readers, self.scribe.soon(readers, 20, 900)
        )
        self._withdraw(channel, gone, "UNSUBSCRIBE")

    def _withdraw(self, channel: Channel, gone: Table, reason: str) -> None:
        """End the consent of those who are gone, after the last message already on its way."""
        number = CHANNELS.index(channel)
        at = np.maximum(gone["at"], self.latest[number, gone["person"]] + 1)
        self.people.withdraw(number, gone["person"], at, reason)

    def _open(self, channel: Channel, received: Table) -> Table:
        """Write everybody's first open and some further ones; return the first ones."""
        rates, name = RATES[channel], OUTCOMES["opens"][channel]
        keenness = self.people.engagement[received["person"]] * self.opening[received["variation"]]
        opened = self.scribe.some(received, np.minimum(rates.opened * keenness, 0.92))
        first = self.scribe.write(
            name, opened, self.scribe.later(opened, rates.pause, rates.patience)
        )
        again = np.repeat(first, self.rng.poisson(OPENS_AGAIN, len(first)))
        self.scribe.write(name, again, self.scribe.later(again, DAY, 1.2))
        return first

    def _click(self, channel: Channel, readers: Table) -> None:
        """Write the clicks, each of which leads into the shop."""
        rates = RATES[channel]
        if channel not in OUTCOMES["clicks"]:
            self._visit(readers)  # to open a push is to follow it
            return
        chance = rates.clicked * self.clicking[readers["variation"]]
        clicked = self.scribe.some(readers, np.minimum(chance, 0.9))
        wait = READING if rates.opened else (rates.pause, rates.patience)
        name = OUTCOMES["clicks"][channel]
        first = self.scribe.write(name, clicked, self.scribe.later(clicked, *wait))
        self._visit(first)
        again = np.repeat(first, self.rng.poisson(CLICKS_AGAIN, len(first)))
        self.scribe.write(name, again, self.scribe.later(again, HOUR, 1.5))

    def _visit(self, clicked: Table) -> None:
        """Lead into the shop, at once and in part once more within days."""
        self.visits.write(clicked)
        back = self.scribe.some(clicked, RETURNS)
        back["at"] = self.scribe.later(back, 36 * HOUR, 0.8)
        self.visits.write(back)
