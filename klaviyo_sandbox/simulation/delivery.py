"""The delivery of messages: bounces, opens, clicks, complaints and the visits that follow."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.clock import DAY, HOUR, MINUTE
from klaviyo_sandbox.simulation.event_table import (
    BOT_CLICK,
    HARD_BOUNCE,
    MACHINE_OPEN,
    STATISTIC_METRICS,
    Content,
    Rows,
)
from klaviyo_sandbox.simulation.event_writer import EventWriter
from klaviyo_sandbox.simulation.population import APPLE_CLIENTS, CHANNELS, MAILBOXES, People
from klaviyo_sandbox.simulation.schedule_queue import ScheduleQueue


class ChannelRates(NamedTuple):
    """How people react to a channel's messages: shares of the stage before, and when."""

    bounced: float = 0.0
    failed: float = 0.0
    opened: float = 0.0
    clicked: float = 0.0  # of those who opened, or of recipients where opens are not observed
    unsubscribed: float = 0.0  # of the same
    median: int = 0  # seconds until the first reaction
    sigma: float = 1.0  # of the logarithm of that time


RATES: Final[dict[Channel, ChannelRates]] = {
    "email": ChannelRates(
        bounced=0.005,
        failed=0.0005,
        opened=0.21,
        clicked=0.068,
        unsubscribed=0.010,
        median=5 * HOUR,
        sigma=1.5,
    ),
    "sms": ChannelRates(
        failed=0.012, clicked=0.074, unsubscribed=0.004, median=12 * MINUTE, sigma=1.2
    ),
    "push": ChannelRates(bounced=0.010, opened=0.055, median=50 * MINUTE, sigma=1.4),
    "whatsapp": ChannelRates(opened=0.62, clicked=0.14, median=40 * MINUTE, sigma=1.4),
}
HARD_BOUNCE_SHARE: Final = 0.25  # of all bounces
MACHINE_OPEN_SHARE: Final = 0.55  # of e-mails to Apple Mail users, loaded by Apple's proxy
BOT_CLICK_SHARE: Final = 0.15  # of e-mails to a gateway that follows links
COMPLAINT_SHARE: Final = 0.0002  # of e-mails received
FURTHER_OPENS: Final = 0.35  # per opener
FURTHER_CLICKS: Final = 0.22  # per clicker
READING_TIME: Final = (MINUTE // 2, 0.9)  # median and sigma from opening to clicking
RETURN_SHARE: Final = 0.5  # of those who clicked visit the store again on a later day


class MessageDelivery:
    """Delivers messages; ``visits`` are the resulting visits to the store, by day."""

    def __init__(
        self, people: People, contents: list[Content], writer: EventWriter, start: int, days: int
    ) -> None:
        self.people, self.writer, self.rng = people, writer, writer.rng
        appeal = np.array([content.variation.appeal for content in contents])
        self.channel = np.array([CHANNELS.index(c.channel) for c in contents], np.int64)
        self.open_factor = appeal * [content.theme.open_factor for content in contents]
        self.click_factor = appeal * [content.theme.click_factor for content in contents]
        self.last_sent = np.zeros((len(CHANNELS), len(people)), np.int64)
        self.visits = ScheduleQueue(start, days)

    def deliver(self, sends: Rows) -> None:
        """Send messages to those of their recipients who still consent."""
        channels = self.channel[sends["variation"]]
        for number in np.unique(channels).tolist():
            on_channel = sends[channels == number]
            consents = self.people.has_consent(number, on_channel["person"], on_channel["at"])
            self._send(CHANNELS[number], on_channel[consents])

    def _send(self, channel: Channel, sends: Rows) -> None:
        """Record the results of a channel's messages, from bounce to complaint."""
        np.maximum.at(self.last_sent[CHANNELS.index(channel)], sends["person"], sends["sent"])
        # One draw per send decides between bounce, failure and delivery, so they are exclusive.
        fate, rates = self.rng.random(len(sends)), RATES[channel]
        bounced = fate < rates.bounced
        failed = ~bounced & (fate < rates.bounced + rates.failed)
        if rates.bounced:
            self._bounce(channel, sends[bounced])
        if rates.failed:
            self._write_soon(STATISTIC_METRICS["failed"][channel], sends[failed], 1, 90)
        delivered = sends[~bounced & ~failed]
        received = self._write_soon(STATISTIC_METRICS["delivered"][channel], delivered, 1, 40)
        if channel == "email":
            self._simulate_machines(received)
            self._complain(received)
        readers = self._open(channel, received) if rates.opened else received
        self._click(channel, readers)
        if rates.unsubscribed:
            self._unsubscribe(channel, self.writer.sample(readers, rates.unsubscribed))

    def _write_soon(
        self, metric: str, rows: Rows, minimum: int, maximum: int, flags: int = 0
    ) -> Rows:
        return self.writer.write(
            metric, rows, self.writer.draw_times(rows, minimum, maximum), flags
        )

    def _bounce(self, channel: Channel, sends: Rows) -> None:
        is_hard = self.rng.random(len(sends)) < HARD_BOUNCE_SHARE
        metric, at = STATISTIC_METRICS["bounced"][channel], self.writer.draw_times(sends, 1, 120)
        self.writer.write(metric, sends[~is_hard], at[~is_hard])
        hard = self.writer.write(metric, sends[is_hard], at[is_hard], HARD_BOUNCE)
        self._withdraw_consent(channel, hard, "HARD_BOUNCE")

    def _simulate_machines(self, received: Rows) -> None:
        """Record opens by Apple's proxy and clicks by corporate gateways."""
        apple = received[self.people.client[received["person"]] < APPLE_CLIENTS]
        opened = self.writer.sample(apple, MACHINE_OPEN_SHARE)
        self._write_soon("Opened Email", opened, 20, 1_200, MACHINE_OPEN)
        scans_links = np.array([box.scans_links for box in MAILBOXES])
        scanned = received[scans_links[self.people.mailbox[received["person"]]]]
        clicked = self.writer.sample(scanned, BOT_CLICK_SHARE)
        self._write_soon("Clicked Email", clicked, 1, 5, BOT_CLICK)

    def _complain(self, received: Rows) -> None:
        complaints = self.writer.sample(received, COMPLAINT_SHARE)
        written = self._write_soon("Marked Email as Spam", complaints, MINUTE, DAY)
        self._withdraw_consent("email", written, "SPAM_COMPLAINT")

    def _unsubscribe(self, channel: Channel, readers: Rows) -> None:
        written = self._write_soon(STATISTIC_METRICS["unsubscribes"][channel], readers, 20, 900)
        self._withdraw_consent(channel, written, "UNSUBSCRIBE")

    def _withdraw_consent(self, channel: Channel, events: Rows, reason: str) -> None:
        """End the consent of the events' people, after the last message that is already sent.

        A message of the same day may be delivered with a later time than the unsubscription that
        is drawn here, and no one may receive a message after it.
        """
        number = CHANNELS.index(channel)
        at = np.maximum(events["at"], self.last_sent[number, events["person"]] + 1)
        self.people.withdraw_consent(number, events["person"], at, reason)

    def _open(self, channel: Channel, received: Rows) -> Rows:
        """Record first and further opens; return the first ones."""
        rates, metric = RATES[channel], STATISTIC_METRICS["opens"][channel]
        interest = (
            self.people.engagement[received["person"]] * self.open_factor[received["variation"]]
        )
        opened = self.writer.sample(received, np.minimum(rates.opened * interest, 0.92))
        at = self.writer.draw_reaction_times(opened, rates.median, rates.sigma)
        first = self.writer.write(metric, opened, at)
        further = np.repeat(first, self.rng.poisson(FURTHER_OPENS, len(first)))
        self.writer.write(metric, further, self.writer.draw_reaction_times(further, DAY, 1.2))
        return first

    def _click(self, channel: Channel, readers: Rows) -> None:
        """Record the clicks, each of which leads to a visit."""
        rates = RATES[channel]
        if channel not in STATISTIC_METRICS["clicks"]:
            self._schedule_visits(readers)  # to open a push is to follow it
            return
        chance = rates.clicked * self.click_factor[readers["variation"]]
        clicked = self.writer.sample(readers, np.minimum(chance, 0.9))
        wait = READING_TIME if rates.opened else (rates.median, rates.sigma)
        metric = STATISTIC_METRICS["clicks"][channel]
        at = self.writer.draw_reaction_times(clicked, *wait)
        first = self.writer.write(metric, clicked, at)
        self._schedule_visits(first)
        further = np.repeat(first, self.rng.poisson(FURTHER_CLICKS, len(first)))
        self.writer.write(metric, further, self.writer.draw_reaction_times(further, HOUR, 1.5))

    def _schedule_visits(self, clicked: Rows) -> None:
        """Schedule a visit at once, and for some people another one within days."""
        self.visits.push(clicked)
        returning = self.writer.sample(clicked, RETURN_SHARE)
        returning["at"] = self.writer.draw_reaction_times(returning, 36 * HOUR, 0.8)
        self.visits.push(returning)
