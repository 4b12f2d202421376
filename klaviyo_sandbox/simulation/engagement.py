"""The engagement of people with the company, simulated one day after another.

Each day newcomers join lists, segments are refreshed, messages are sent to people who consent,
people open, click and unsubscribe at their own pace, visit the store, fill baskets and order.
Their actions trigger flows, whose messages are due later. No step looks ahead, so no one receives
a message after unsubscribing.

People created before the start have a past (orders, opens) that segments count and that is not in
the events.
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
from klaviyo_sandbox.simulation.delivery import MessageDelivery
from klaviyo_sandbox.simulation.event_table import (
    Rows,
    concatenate,
    create_rows,
    message_contents,
    person_time_key,
)
from klaviyo_sandbox.simulation.event_writer import EventWriter
from klaviyo_sandbox.simulation.population import NEVER, Bools, Ints, People
from klaviyo_sandbox.simulation.schedule_queue import ScheduleQueue
from klaviyo_sandbox.simulation.seasonality import day_factor, draw_times_of_day
from klaviyo_sandbox.simulation.segments import ActivityCounts, Memberships, SegmentIndex
from klaviyo_sandbox.simulation.storefront import BASKET_SIZE, Storefront

DAILY_VISITS: Final = 0.016  # of a person with average interest
CONSENT_METRICS: Final = ("Subscribed to Email Marketing", "Subscribed to Text Messaging Marketing")


class Engagement(NamedTuple):
    """The result of a simulation: unsorted events, baskets of up to three products, memberships."""

    events: Rows
    baskets: Ints
    memberships: Memberships


class EngagementSimulator:
    """Simulates ``people`` of ``company`` over ``days`` days from ``start``."""

    def __init__(
        self, company: Company, people: People, start: int, days: int, rng: np.random.Generator
    ) -> None:
        self.company, self.people, self.rng = company, people, rng
        self.start, self.days = start, days
        self.contents = message_contents(company)
        self.numbers = {content.variation.id: n for n, content in enumerate(self.contents)}
        self.writer = EventWriter(company, start, days, rng)
        self.storefront = Storefront(company.products, self.contents, self.writer)
        self.delivery = MessageDelivery(people, self.contents, self.writer, start, days)
        self.sends = ScheduleQueue(start, days)
        self.segments = SegmentIndex(company, people)
        self.activity = ActivityCounts(self.writer.segment_events, people)
        self.activity.add_past("Received Email", 5.0, 10 * DAY, start, rng)
        self.activity.add_past("Opened Email", 2.0, 70 * DAY, start, rng)
        self.activity.add_past("Placed Order", 0.5, 200 * DAY, start, rng)
        # When each person last entered each flow; "never" is far enough from overflow to subtract.
        self.flow_entries = np.full((len(company.flows), len(people)), -NEVER // 2)

    def run(self) -> Engagement:
        """Simulate every day and return the result."""
        campaign_sends = self._group_sends_by_day()
        for day in range(self.days):
            self._simulate_day(day, campaign_sends.get(day, []))
        baskets = np.concatenate([np.empty((0, BASKET_SIZE), np.int64), *self.storefront.baskets])
        return Engagement(concatenate(self.writer.events), baskets, self.segments.memberships())

    def _simulate_day(
        self, day: int, campaign_sends: list[tuple[Campaign, CampaignMessage]]
    ) -> None:
        midnight = self.start + day * DAY
        self.writer.todays_events = {}
        # Segments count what happened before this midnight, so they read yesterday's events.
        if day:
            for metric, queue in self.writer.segment_events.items():
                self.activity.add(metric, queue.pop(day - 1))
        self.segments.refresh(self.activity, midnight)
        self._join_lists(midnight)
        for campaign, message in campaign_sends:
            self._schedule_campaign(campaign, message)
        visits = concatenate([self._draw_visits(midnight), self.delivery.visits.pop(day)])
        # Twice, because actions trigger messages, and those messages visits, on the same day.
        for _ in range(2):
            self.storefront.simulate_visits(visits)
            self._enter_flows(midnight)
            sends = self.sends.pop(day)
            self.delivery.deliver(sends[~self._has_left_flow(sends)])
            visits = self.delivery.visits.pop(day)
        self.storefront.simulate_visits(visits)
        self._enter_flows(midnight)

    def _group_sends_by_day(self) -> dict[int, list[tuple[Campaign, CampaignMessage]]]:
        by_day: dict[int, list[tuple[Campaign, CampaignMessage]]] = {}
        for campaign in self.company.campaigns:
            for message in campaign.messages:
                if campaign.is_sent and message.send_at is not None:
                    day = (message.send_at - self.start) // DAY
                    by_day.setdefault(day, []).append((campaign, message))
        return by_day

    def _schedule_campaign(self, campaign: Campaign, message: CampaignMessage) -> None:
        """Schedule a campaign's message to its audience, with a drawn variation per person."""
        (audience,) = (a for a in campaign.audiences if a.id == message.audience_id)
        moment = message.send_at or 0
        group = self.segments.select_recipients(audience.included, audience.excluded, moment)
        people = np.flatnonzero(group >= 0)
        people = people[self.rng.random(len(people)) < message.recipient_percentage / 100]
        # A send by local time reaches each zone at the same hour of its own clock.
        lag = self.people.lag[people] if message.strategy == "local_timezone" else 0
        at = moment + lag + self.rng.integers(0, STATIC_SEND, len(people))
        self._schedule_sends(message, people, at, group[people])

    def _schedule_sends(
        self, message: CampaignMessage | FlowMessage, people: Ints, at: Ints, group: Ints | int = -1
    ) -> None:
        # The variations of a message are neighbours in message_contents(), so a drawn offset from
        # the first one names the variation.
        rows = create_rows(people, at)
        first = self.numbers[message.variations[0].id]
        shares = np.cumsum([variation.share for variation in message.variations])
        drawn = np.searchsorted(shares, self.rng.random(len(rows)) * shares[-1], side="right")
        rows["at"] += np.array([variation.delay for variation in message.variations])[drawn]
        rows["variation"], rows["sent"], rows["group"] = first + drawn, rows["at"], group
        rows["detail"] = self.storefront.draw_products(len(rows))  # the product that a click shows
        self.sends.push(rows)

    def _has_left_flow(self, sends: Rows) -> Bools:
        """Return which sends are too late: the person has the exit event after entering the flow.

        A person's exits and the bounds of the time in the flow are person_time_key numbers, so
        two binary searches count the exits in between.
        """
        has_left = np.zeros(len(sends), bool)
        for number in np.unique(sends["variation"]).tolist():
            content = self.contents[number]
            if content.flow is None or content.flow.exit_metric is None:
                continue
            selected = sends["variation"] == number
            at, person = sends["at"][selected], sends["person"][selected]
            exits = np.sort(self.writer.flow_exits[content.flow.exit_metric])
            until_send = np.searchsorted(exits, person_time_key(person, at), side="right")
            entered = person_time_key(person, at - content.message.delay)
            has_left[selected] = until_send > np.searchsorted(exits, entered, side="right")
        return has_left

    def _join_lists(self, midnight: int) -> None:
        """Record today's list subscriptions, the consents they give and the forms behind them."""
        joined = self.people.joined_at
        group, person = np.nonzero((joined >= midnight) & (joined < midnight + DAY))
        rows = create_rows(person, joined[group, person])
        rows["detail"] = group
        self.writer.write("Subscribed to List", rows, rows["at"])
        for channel, metric in enumerate(CONSENT_METRICS):
            agreed = self.people.consented_at[channel, person]
            is_first = agreed == rows["at"]
            self.writer.write(metric, rows[is_first], agreed[is_first])
        created = self.people.created
        new = np.flatnonzero((created >= midnight) & (created < midnight + DAY))
        new = new[self.people.form_version[new] >= 0]
        forms = create_rows(new, created[new])
        forms["detail"] = self.people.form_version[new]
        self.writer.write("Viewed Form", forms, forms["at"])
        self.writer.write("Submitted Form", forms, forms["at"] + 10)

    def _draw_visits(self, midnight: int) -> Rows:
        """Return today's visits of people who come to the store without a message."""
        rate = DAILY_VISITS * day_factor(midnight) * self.people.interest
        exists = self.people.created < midnight
        person = np.flatnonzero((self.rng.random(len(rate)) < rate) & exists)
        return create_rows(person, midnight + draw_times_of_day(len(person), self.rng))

    def _enter_flows(self, midnight: int) -> None:
        """Let people into the flows that today's events trigger, then forget these events."""
        for number, flow in enumerate(self.company.flows):
            if flow.live_from is None:
                continue
            rows = self._find_triggers(flow, midnight)
            if not len(rows):
                continue
            archived = NEVER if flow.archived_at is None else flow.archived_at
            rows = rows[(rows["at"] >= flow.live_from) & (rows["at"] < archived)]
            # A person enters a flow at most once a day: by the first event that triggers it.
            _, firsts = np.unique(rows["person"], return_index=True)
            rows = rows[firsts]
            pause = NEVER // 4 if flow.reentry_days is None else flow.reentry_days * DAY
            rows = rows[rows["at"] - self.flow_entries[number, rows["person"]] >= pause]
            self.flow_entries[number, rows["person"]] = rows["at"]
            for message in flow.messages:
                self._schedule_sends(message, rows["person"], rows["at"] + message.delay)
        self.writer.todays_events = {}

    def _find_triggers(self, flow: Flow, midnight: int) -> Rows:
        """Return today's events that trigger the flow."""
        if flow.trigger_type == "Date Based":
            today = datetime.fromtimestamp(midnight, UTC)
            person = np.flatnonzero(self.people.birthday == today.timetuple().tm_yday - 1)
            return create_rows(person, np.full(len(person), midnight + 14 * HOUR))
        if flow.trigger_type == "Metric":
            return concatenate(self.writer.todays_events.get(flow.trigger, []))
        rows = concatenate(self.writer.todays_events.get("Subscribed to List", []))
        ids = [group.id for group in self.company.lists]
        triggers: Rows = rows[rows["detail"] == ids.index(flow.trigger)]
        return triggers
