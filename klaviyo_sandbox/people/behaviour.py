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

from klaviyo_sandbox.clock import DAY, HOUR, MINUTE
from klaviyo_sandbox.company.model import (
    STATIC_SEND,
    Campaign,
    CampaignMessage,
    Company,
    Flow,
    FlowMessage,
)
from klaviyo_sandbox.company.plan import Channel
from klaviyo_sandbox.people.diary import Diary, season, time_of_day
from klaviyo_sandbox.people.ledger import (
    BOT,
    HARD,
    MACHINE,
    OUTCOMES,
    Content,
    Table,
    blank,
    by_person,
    contents,
    join,
)
from klaviyo_sandbox.people.population import (
    APPLE_CLIENTS,
    CHANNELS,
    MAILBOXES,
    NEVER,
    Bools,
    Floats,
    Ints,
    People,
)
from klaviyo_sandbox.people.segments import Memberships, Past, Segments


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
REACTS_WITHIN: Final = 45 * DAY

RETURNS: Final = 0.5  # of those who clicked come back to the shop on a later day
VISITS: Final = 0.016  # visits a day of somebody with the usual interest
VIEWS: Final = 0.75  # of visits look at a product
CHECKS_OUT: Final = 0.10  # of visits that look at a product
EAGERNESS: Final[dict[Channel, float]] = {"email": 2.0, "sms": 0.7, "push": 0.9, "whatsapp": 0.9}
ORDERS: Final = 0.5  # of checkouts
REFUNDS: Final = 0.025  # of orders
BASKET: Final = 3  # the most products in one basket
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
        self.codes = {metric.name: code for code, metric in enumerate(company.metrics)}
        self._read_messages(contents(company))
        self._price_products()
        self.written: list[Table] = []
        self.baskets: list[Ints] = []
        self.basket_count = 0
        self.today: dict[str, list[Table]] = {}
        self.sends, self.clicks = Diary(start, days), Diary(start, days)
        self.segments = Segments(company, people)
        asked = {c.metric for segment in company.segments for c in segment.conditions}
        self.news = {name: Diary(start, days) for name in sorted(asked)}
        self.past = Past(asked, people)
        self.past.bring("Received Email", 5.0, 10 * DAY, start, rng)
        self.past.bring("Opened Email", 2.0, 70 * DAY, start, rng)
        self.past.bring("Placed Order", 0.5, 200 * DAY, start, rng)
        exits = {flow.exit_metric for flow in company.flows if flow.exit_metric is not None}
        self.latest = np.zeros((len(CHANNELS), len(people)), np.int64)
        self.done = {name: np.empty(0, np.int64) for name in sorted(exits)}
        self.entered = np.full((len(company.flows), len(people)), -NEVER // 2)

    def _read_messages(self, messages: list[Content]) -> None:
        """Lay out what decides how people take each variation."""
        self.contents = messages
        self.numbers = {content.variation.id: n for n, content in enumerate(messages)}
        self.channel = np.array([CHANNELS.index(c.channel) for c in messages], np.int64)
        appeal = np.array([c.variation.appeal for c in messages])
        self.opening = appeal * [c.theme.opening for c in messages]
        self.clicking = appeal * [c.theme.clicking for c in messages]
        self.buying = np.array([c.theme.buying * EAGERNESS[c.channel] for c in messages])

    def _price_products(self) -> None:
        popularity = np.array([product.popularity for product in self.company.products])
        self.popularity = np.cumsum(popularity / popularity.sum())
        self.prices = np.array([product.price for product in self.company.products])

    def tell(self) -> Story:
        """Live every day and return what was written."""
        outgoing = self._outgoing()
        for day in range(self.days):
            self._live(day, outgoing.get(day, []))
        baskets = np.concatenate([np.empty((0, BASKET), np.int64), *self.baskets])
        return Story(join(self.written), baskets, self.segments.memberships())

    def _live(self, day: int, outgoing: list[tuple[Campaign, CampaignMessage]]) -> None:
        midnight = self.start + day * DAY
        self.today = {}
        if day:
            for name, diary in self.news.items():
                self.past.note(name, diary.read(day - 1))
        self.segments.draw(self.past, midnight)
        self._join(midnight)
        for campaign, message in outgoing:
            self._send_campaign(campaign, message)
        visits = join([self._wander(midnight), self.clicks.read(day)])
        # Twice, since what people do on a day sets off messages, and those visits, the same day.
        for _ in range(2):
            self._shop(visits)
            self._take_in(midnight)
            self._deliver(self.sends.read(day))
            visits = self.clicks.read(day)
        self._shop(visits)
        self._take_in(midnight)

    def _write(self, metric: str, rows: Table, at: Ints, mark: int = 0) -> Table:
        """Write an event of ``metric`` for each of the rows it follows from; return the events."""
        events = rows.copy()
        events["metric"], events["at"] = self.codes[metric], at
        events["mark"] |= np.uint8(mark)
        self.written.append(events)
        self.today.setdefault(metric, []).append(events)
        if metric in self.news:
            self.news[metric].write(events)
        if metric in self.done:
            self.done[metric] = np.append(self.done[metric], by_person(events["person"], at))
        return events

    def _some(self, rows: Table, chance: Floats | float) -> Table:
        return rows[self.rng.random(len(rows)) < chance]

    def _soon(self, rows: Table, least: int, most: int) -> Ints:
        """Return moments from ``least`` to ``most`` seconds after each row."""
        at: Ints = rows["at"] + self.rng.integers(least, most, len(rows))
        return at

    def _later(self, rows: Table, pause: int, patience: float) -> Ints:
        """Return moments after each row, half of them within ``pause``, with a long tail."""
        waits = pause * np.exp(patience * self.rng.standard_normal(len(rows)))
        at: Ints = rows["at"] + np.clip(waits, 5, REACTS_WITHIN).astype(np.int64)
        return at

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
        rows["detail"] = self._products(len(rows))
        self.sends.write(rows)

    def _deliver(self, sends: Table) -> None:
        """Send what is due to whoever still consents and has not done what ends the flow."""
        sends = sends[~self._has_left_flow(sends)]
        channels = self.channel[sends["variation"]]
        for number in np.unique(channels).tolist():
            mine = sends[channels == number]
            consents = self.people.consents(number, mine["person"], mine["at"])
            self._send(CHANNELS[number], mine[consents])

    def _has_left_flow(self, sends: Table) -> Bools:
        """Tell which sends are too late: the person did what ends the flow, after entering it."""
        left = np.zeros(len(sends), bool)
        for number in np.unique(sends["variation"]).tolist():
            content = self.contents[number]
            if content.flow is None or content.flow.exit_metric is None:
                continue
            mine = sends["variation"] == number
            at, person = sends["at"][mine], sends["person"][mine]
            done = np.sort(self.done[content.flow.exit_metric])
            before = np.searchsorted(done, by_person(person, at), side="right")
            entered = by_person(person, at - content.message.delay)
            left[mine] = before > np.searchsorted(done, entered, side="right")
        return left

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
            self._write(OUTCOMES["failed"][channel], failures, self._soon(failures, 1, 90))
        arrived = sends[~bounced & ~failed]
        received = self._write(OUTCOMES["delivered"][channel], arrived, self._soon(arrived, 1, 40))
        if channel == "email":
            self._machines(received)
            self._complain(received)
        readers = self._open(channel, received) if rates.opened else received
        self._click(channel, readers)
        if rates.left:
            self._leave(channel, self._some(readers, rates.left))

    def _bounce(self, channel: Channel, sends: Table) -> None:
        hard = self.rng.random(len(sends)) < HARD_BOUNCES
        name, at = OUTCOMES["bounced"][channel], self._soon(sends, 1, 120)
        self._write(name, sends[~hard], at[~hard])
        self._withdraw(channel, self._write(name, sends[hard], at[hard], HARD), "HARD_BOUNCE")

    def _machines(self, received: Table) -> None:
        """Write what no human does: Apple's proxy opens, corporate gateways click."""
        apple = received[self.people.client[received["person"]] < APPLE_CLIENTS]
        loaded = self._some(apple, MACHINE_OPENS)
        self._write("Opened Email", loaded, self._soon(loaded, 20, 1_200), MACHINE)
        scanning = np.array([box.scans_links for box in MAILBOXES])
        scanned = received[scanning[self.people.mailbox[received["person"]]]]
        followed = self._some(scanned, BOT_CLICKS)
        self._write("Clicked Email", followed, self._soon(followed, 1, 5), BOT)

    def _complain(self, received: Table) -> None:
        cross = self._some(received, COMPLAINTS)
        gone = self._write("Marked Email as Spam", cross, self._soon(cross, MINUTE, DAY))
        self._withdraw("email", gone, "SPAM_COMPLAINT")

    def _leave(self, channel: Channel, readers: Table) -> None:
        gone = self._write(OUTCOMES["unsubscribes"][channel], readers, self._soon(readers, 20, 900))
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
        opened = self._some(received, np.minimum(rates.opened * keenness, 0.92))
        first = self._write(name, opened, self._later(opened, rates.pause, rates.patience))
        again = np.repeat(first, self.rng.poisson(OPENS_AGAIN, len(first)))
        self._write(name, again, self._later(again, DAY, 1.2))
        return first

    def _click(self, channel: Channel, readers: Table) -> None:
        """Write the clicks, each of which leads into the shop."""
        rates = RATES[channel]
        if channel not in OUTCOMES["clicks"]:
            self._visit(readers)  # to open a push is to follow it
            return
        chance = rates.clicked * self.clicking[readers["variation"]]
        clicked = self._some(readers, np.minimum(chance, 0.9))
        wait = READING if rates.opened else (rates.pause, rates.patience)
        name = OUTCOMES["clicks"][channel]
        first = self._write(name, clicked, self._later(clicked, *wait))
        self._visit(first)
        again = np.repeat(first, self.rng.poisson(CLICKS_AGAIN, len(first)))
        self._write(name, again, self._later(again, HOUR, 1.5))

    def _visit(self, clicked: Table) -> None:
        """Lead into the shop, at once and in part once more within days."""
        self.clicks.write(clicked)
        back = self._some(clicked, RETURNS)
        back["at"] = self._later(back, 36 * HOUR, 0.8)
        self.clicks.write(back)

    def _join(self, midnight: int) -> None:
        """Write who joins lists today, by which form, and consents by that."""
        joined = self.people.joined
        group, person = np.nonzero((joined >= midnight) & (joined < midnight + DAY))
        rows = blank(person, joined[group, person])
        rows["detail"] = group
        self._write("Subscribed to List", rows, rows["at"])
        for channel, name in enumerate(CONSENTS):
            agreed = self.people.agreed[channel, person]
            self._write(name, rows[agreed == rows["at"]], agreed[agreed == rows["at"]])
        created = self.people.created
        new = np.flatnonzero((created >= midnight) & (created < midnight + DAY))
        new = new[self.people.form_version[new] >= 0]
        forms = blank(new, created[new])
        forms["detail"] = self.people.form_version[new]
        self._write("Viewed Form", forms, forms["at"])
        self._write("Submitted Form", forms, forms["at"] + 10)

    def _wander(self, midnight: int) -> Table:
        """Return the visits of people who come to the shop by themselves today."""
        rate = VISITS * season(midnight) * self.people.interest
        here = self.people.created < midnight
        person = np.flatnonzero((self.rng.random(len(rate)) < rate) & here)
        return blank(person, midnight + time_of_day(len(person), self.rng))

    def _shop(self, visits: Table) -> None:
        """Write what visitors do: look, fill a basket, check out, order, send back."""
        if not len(visits):
            return
        clicked = visits["variation"] >= 0
        eager = np.where(clicked, self.buying[visits["variation"]], 1.0)
        arrivals = blank(visits["person"], visits["at"])
        self._write("Active on Site", arrivals, self._soon(arrivals, 2, 20))
        looks = self.rng.random(len(arrivals)) < VIEWS
        looking, eager = arrivals[looks], eager[looks]
        seen = np.repeat(looking, 1 + self.rng.poisson(1.0, len(looking)))
        seen["detail"] = self._products(len(seen))
        self._write("Viewed Product", seen, self._soon(seen, 20, 6 * MINUTE))
        buys = self.rng.random(len(looking)) < np.minimum(CHECKS_OUT * eager, 0.9)
        self._check_out(looking[buys])

    def _check_out(self, visits: Table) -> None:
        carts, baskets = self._fill_baskets(visits)
        self._write("Added to Cart", carts, self._soon(carts, 6 * MINUTE, 8 * MINUTE))
        checkouts = self._write("Started Checkout", carts, self._soon(carts, 8 * MINUTE, HOUR // 4))
        orders = self.rng.random(len(checkouts)) < ORDERS
        self._order(checkouts[orders], baskets[orders])

    def _order(self, checkouts: Table, baskets: Ints) -> None:
        orders = self._write("Placed Order", checkouts, self._soon(checkouts, MINUTE, 10 * MINUTE))
        order, place = np.nonzero(baskets >= 0)
        lines = orders[order]
        lines["detail"] = baskets[order, place]
        lines["value"] = self.prices[lines["detail"]]
        self._write("Ordered Product", lines, lines["at"])
        points = orders.copy()
        points["value"] = np.floor(orders["value"])
        self._write("Earned Loyalty Points", points, self._soon(points, 2, MINUTE))
        returned = self._some(orders, REFUNDS)
        returned["value"] *= -1
        self._write("Refunded Order", returned, self._soon(returned, 3 * DAY, 20 * DAY))

    def _products(self, count: int) -> Ints:
        """Draw products, the popular ones more often."""
        drawn = np.searchsorted(self.popularity, self.rng.random(count), side="right")
        return np.minimum(drawn, len(self.prices) - 1)

    def _fill_baskets(self, visits: Table) -> tuple[Table, Ints]:
        """Give each visit a new basket of one to three products, and its value."""
        products = self._products(BASKET * len(visits)).reshape(-1, BASKET)
        size = 1 + self.rng.binomial(BASKET - 1, 0.55, len(visits))
        products[np.arange(BASKET) >= size[:, None]] = -1
        carts = visits.copy()
        carts["detail"] = self.basket_count + np.arange(len(carts))
        carts["value"] = np.where(products >= 0, self.prices[products], 0.0).sum(axis=1).round(2)
        self.baskets.append(products)
        self.basket_count += len(products)
        return carts, products

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
        self.today = {}

    def _triggers(self, flow: Flow, midnight: int) -> Table:
        """Return today's events that set the flow off."""
        if flow.trigger_type == "Date Based":
            today = datetime.fromtimestamp(midnight, UTC)
            person = np.flatnonzero(self.people.birthday == today.timetuple().tm_yday - 1)
            return blank(person, np.full(len(person), midnight + 14 * HOUR))
        if flow.trigger_type == "Metric":
            return join(self.today.get(flow.trigger, []))
        rows = join(self.today.get("Subscribed to List", []))
        ids = [group.id for group in self.company.lists]
        found: Table = rows[rows["detail"] == ids.index(flow.trigger)]
        return found
