"""What people do, told a day at a time from the first day of the history to the last written one.

Every day newcomers join lists, segments are drawn anew, messages go out to whoever consents,
people open, click and leave in their own time, visit the shop, fill baskets and order; and what
they do sets off flows, whose messages are due later. Nothing looks ahead, so nobody receives a
message after leaving.

People who came before the history bring a past (orders, opens) that segments know of and that no
event tells.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.model import (
    STATIC_SEND,
    Campaign,
    CampaignMessage,
    Company,
    Flow,
    FlowMessage,
)
from klaviyo_sandbox.clock import DAY, HOUR
from klaviyo_sandbox.simulation.delivery import Post
from klaviyo_sandbox.simulation.event_table import Table, blank, by_person, contents, join
from klaviyo_sandbox.simulation.event_writer import Scribe
from klaviyo_sandbox.simulation.population import NEVER, Bools, Ints, People
from klaviyo_sandbox.simulation.schedule_queue import Diary, season, time_of_day
from klaviyo_sandbox.simulation.segments import Memberships, Past, Segments
from klaviyo_sandbox.simulation.storefront import BASKET, Shop

VISITS: Final = 0.016  # visits a day of somebody with the usual interest
CONSENTS: Final = ("Subscribed to Email Marketing", "Subscribed to Text Message Marketing")


class Story(NamedTuple):
    """Everything that was written: events in no order, baskets of up to three products, groups."""

    rows: Table
    baskets: Ints
    memberships: Memberships


class Behaviour:
    """Tells the story of ``people`` in ``company`` over ``days`` days from ``start``."""

    def __init__(
        self, company: Company, people: People, start: int, days: int, rng: np.random.Generator
    ) -> None:
        self.company, self.people, self.rng = company, people, rng
        self.start, self.days = start, days
        self.contents = contents(company)
        self.numbers = {content.variation.id: n for n, content in enumerate(self.contents)}
        self.scribe = Scribe(company, start, days, rng)
        self.shop = Shop(company.products, self.contents, self.scribe)
        self.post = Post(people, self.contents, self.scribe, start, days)
        self.sends = Diary(start, days)
        self.segments = Segments(company, people)
        self.past = Past(self.scribe.news, people)
        self.past.bring("Received Email", 5.0, 10 * DAY, start, rng)
        self.past.bring("Opened Email", 2.0, 70 * DAY, start, rng)
        self.past.bring("Placed Order", 0.5, 200 * DAY, start, rng)
        self.entered = np.full((len(company.flows), len(people)), -NEVER // 2)

    def tell(self) -> Story:
        """Live every day and return what was written."""
        outgoing = self._outgoing()
        for day in range(self.days):
            self._live(day, outgoing.get(day, []))
        baskets = np.concatenate([np.empty((0, BASKET), np.int64), *self.shop.baskets])
        return Story(join(self.scribe.written), baskets, self.segments.memberships())

    def _live(self, day: int, outgoing: list[tuple[Campaign, CampaignMessage]]) -> None:
        midnight = self.start + day * DAY
        self.scribe.today = {}
        if day:
            for name, diary in self.scribe.news.items():
                self.past.note(name, diary.read(day - 1))
        self.segments.draw(self.past, midnight)
        self._join(midnight)
        for campaign, message in outgoing:
            self._send_campaign(campaign, message)
        visits = join([self._wander(midnight), self.post.visits.read(day)])
        # Twice, since what people do on a day sets off messages, and those visits, the same day.
        for _ in range(2):
            self.shop.receive(visits)
            self._take_in(midnight)
            sends = self.sends.read(day)
            self.post.deliver(sends[~self._has_left_flow(sends)])
            visits = self.post.visits.read(day)
        self.shop.receive(visits)
        self._take_in(midnight)

    def _outgoing(self) -> dict[int, list[tuple[Campaign, CampaignMessage]]]:
        """Return the campaign messages that go out, by day."""
        outgoing: dict[int, list[tuple[Campaign, CampaignMessage]]] = {}
        for campaign in self.company.campaigns:
            for message in campaign.messages:
                if campaign.goes_out and message.send_at is not None:
                    day = (message.send_at - self.start) // DAY
                    outgoing.setdefault(day, []).append((campaign, message))
        return outgoing

    def _send_campaign(self, campaign: Campaign, message: CampaignMessage) -> None:
        """Address a campaign's message to its audience, each person's variation drawn."""
        (audience,) = (a for a in campaign.audiences if a.id == message.audience_id)
        moment = message.send_at or 0
        group = self.segments.find(audience.included, audience.excluded, moment)
        people = np.flatnonzero(group >= 0)
        people = people[self.rng.random(len(people)) < message.recipient_percentage / 100]
        # A send by local time reaches each zone at the same hour of its own clock.
        lag = self.people.lag[people] if message.spread > STATIC_SEND else 0
        at = moment + lag + self.rng.integers(0, STATIC_SEND, len(people))
        self._address(message, people, at, group[people])

    def _address(
        self, message: CampaignMessage | FlowMessage, people: Ints, at: Ints, group: Ints | int = -1
    ) -> None:
        rows = blank(people, at)
        first = self.numbers[message.variations[0].id]
        shares = np.cumsum([variation.share for variation in message.variations])
        drawn = np.searchsorted(shares, self.rng.random(len(rows)) * shares[-1], side="right")
        rows["variation"], rows["sent"], rows["group"] = first + drawn, at, group
        rows["detail"] = self.shop.draw_products(len(rows))
        self.sends.write(rows)

    def _has_left_flow(self, sends: Table) -> Bools:
        """Tell which sends are too late: the person did what ends the flow, after entering it."""
        left = np.zeros(len(sends), bool)
        for number in np.unique(sends["variation"]).tolist():
            content = self.contents[number]
            if content.flow is None or content.flow.exit_metric is None:
                continue
            mine = sends["variation"] == number
            at, person = sends["at"][mine], sends["person"][mine]
            done = np.sort(self.scribe.done[content.flow.exit_metric])
            before = np.searchsorted(done, by_person(person, at), side="right")
            entered = by_person(person, at - content.message.delay)
            left[mine] = before > np.searchsorted(done, entered, side="right")
        return left

    def _join(self, midnight: int) -> None:
        """Write who joins lists today, by which form, and consents by that."""
        joined = self.people.joined
        group, person = np.nonzero((joined >= midnight) & (joined < midnight + DAY))
        rows = blank(person, joined[group, person])
        rows["detail"] = group
        self.scribe.write("Subscribed to List", rows, rows["at"])
        for channel, name in enumerate(CONSENTS):
            agreed = self.people.agreed[channel, person]
            self.scribe.write(name, rows[agreed == rows["at"]], agreed[agreed == rows["at"]])
        created = self.people.created
        new = np.flatnonzero((created >= midnight) & (created < midnight + DAY))
        new = new[self.people.form_version[new] >= 0]
        forms = blank(new, created[new])
        forms["detail"] = self.people.form_version[new]
        self.scribe.write("Viewed Form", forms, forms["at"])
        self.scribe.write("Submitted Form", forms, forms["at"] + 10)

    def _wander(self, midnight: int) -> Table:
        """Return the visits of people who come to the shop by themselves today."""
        rate = VISITS * season(midnight) * self.people.interest
        here = self.people.created < midnight
        person = np.flatnonzero((self.rng.random(len(rate)) < rate) & here)
        return blank(person, midnight + time_of_day(len(person), self.rng))

    def _take_in(self, midnight: int) -> None:
        """Let into the flows whom today's events set them off for, and forget those events."""
        for number, flow in enumerate(self.company.flows):
            if flow.live_from is None:
                continue
            rows = self._triggers(flow, midnight)
            if not len(rows):
                continue
            archived = NEVER if flow.archived_at is None else flow.archived_at
            rows = rows[(rows["at"] >= flow.live_from) & (rows["at"] < archived)]
            _, firsts = np.unique(rows["person"], return_index=True)
            rows = rows[firsts]
            rest = NEVER // 4 if flow.reentry_days is None else flow.reentry_days * DAY
            rows = rows[rows["at"] - self.entered[number, rows["person"]] >= rest]
            self.entered[number, rows["person"]] = rows["at"]
            for message in flow.messages:
                self._address(message, rows["person"], rows["at"] + message.delay)
        self.scribe.today = {}

    def _triggers(self, flow: Flow, midnight: int) -> Table:
        """Return today's events that set the flow off."""
        if flow.trigger_type == "Date Based":
            today = datetime.fromtimestamp(midnight, UTC)
            person = np.flatnonzero(self.people.birthday == today.timetuple().tm_yday - 1)
            return blank(person, np.full(len(person), midnight + 14 * HOUR))
        if flow.trigger_type == "Metric":
            return join(self.scribe.today.get(flow.trigger, []))
        rows = join(self.scribe.today.get("Subscribed to List", []))
        ids = [group.id for group in self.company.lists]
        found: Table = rows[rows["detail"] == ids.index(flow.trigger)]
        return found
