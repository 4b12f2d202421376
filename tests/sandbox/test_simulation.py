"""The simulated people and events are causal, complete, believable and the same for a seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.clock import DAY, HOUR
from klaviyo_sandbox.reports import aggregates, report
from klaviyo_sandbox.simulation.event_table import BOT_CLICK, MACHINE_OPEN, STATISTIC_METRICS
from klaviyo_sandbox.simulation.population import CHANNELS
from klaviyo_sandbox.simulation.segments import group_ids
from tests.sandbox.simulated_account import CAMPAIGN_GROUPINGS, NOON, create_account, report_request


@pytest.fixture(name="account", scope="module")
def _account() -> Account:
    return create_account()


@pytest.fixture(name="documents", scope="module")
def _documents(account: Account) -> list[dict[str, Any]]:
    return account.events.documents(account.events.query(now=account.now))


class TestPeople:
    """In what people do, the cause comes before the effect."""

    @pytest.mark.slow
    def test_every_recipient_consents(self, account: Account) -> None:
        """A message is sent after its recipient consents to the channel and before consent ends."""
        events, people = account.events, account.people
        for number, channel in enumerate(CHANNELS):
            code = account.company.code(STATISTIC_METRICS["delivered"][channel])
            rows = np.flatnonzero((events.metric == code) & (events.variation >= 0))
            assert len(rows) > 0
            assert people.has_consent(number, events.person[rows], events.sent[rows]).all()

    def test_recipients_belong_to_the_audience(self, account: Account) -> None:
        """Each recipient is, when the message is sent, in the group that the event names."""
        events, stays = account.events, account.memberships
        included = {
            message.id: (message.send_at or 0, audience.included)
            for campaign in account.company.campaigns
            for audience in campaign.audiences
            for message in campaign.messages
            if message.audience_id == audience.id
        }
        groups = group_ids(account.company)
        inside: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for group, person, joined_at, left_at in zip(*(c.tolist() for c in stays), strict=True):
            inside[group, person].append((joined_at, left_at))
        for row in np.flatnonzero(events.group >= 0)[::7].tolist():
            group, person = int(events.group[row]), int(events.person[row])
            at, audience = included[events.contents[events.variation[row]].message.id]
            assert groups[group] in audience
            assert any(joined_at <= at < left_at for joined_at, left_at in inside[group, person])

    def test_flow_ends_with_an_order(self, account: Account) -> None:
        """No reminder of a checkout is sent after its order."""
        events = account.events
        (flow,) = (flow for flow in account.company.flows if flow.name == "Abandoned Checkout")
        orders = events.metric == account.company.code("Placed Order")
        checked = 0
        for number, content in enumerate(events.contents):
            if content.flow is flow and content.channel == "email":
                delivered = account.company.code("Received Email")
                rows = np.flatnonzero((events.variation == number) & (events.metric == delivered))
                for row in rows.tolist():
                    entered = events.sent[row] - content.message.delay  # type: ignore[union-attr]
                    own_orders = orders & (events.person == events.person[row])
                    assert not (
                        own_orders & (events.at > entered) & (events.at < entered + HOUR)
                    ).any()
                    checked += 1
        assert checked > 0

    def test_birthday_messages_come_on_birthdays(self, account: Account) -> None:
        """A birthday message is sent on the birthday in the recipient's profile."""
        events = account.events
        flows = [content.flow.name if content.flow else "" for content in events.contents]
        rows = np.flatnonzero(np.array(flows)[events.variation] == "Birthday")
        rows = rows[(events.variation[rows] >= 0) & (events.sent[rows] < NOON)]
        profiles = {profile["id"]: profile for profile in account.resources("profile")}
        assert len(rows) > 0
        for row in rows.tolist():
            properties = profiles[account.people.ids[events.person[row]]]["attributes"][
                "properties"
            ]
            assert (
                properties["Birthday"] == f"{datetime.fromtimestamp(events.sent[row], UTC):%m-%d}"
            )

    def test_segments_follow_from_events(self, account: Account) -> None:
        """The recent buyers are exactly the people who ordered in the 30 days before midnight."""
        (segment,) = (s for s in account.company.segments if s.name == "Recent Buyers (30 days)")
        midnight = NOON - 12 * HOUR
        events = account.events
        recent = (events.at >= midnight - 30 * DAY) & (events.at < midnight)
        rows = np.flatnonzero(recent & (events.metric == account.company.code("Placed Order")))
        buyers = {account.people.ids[person] for person in events.person[rows]}
        assert {member["id"] for member in account.members(segment.id)} == buyers

    def test_members_are_sorted_by_join_time(self, account: Account) -> None:
        """Members of a group are sorted by joined_group_at, and profile_count is their number."""
        for kind in ("list", "segment"):
            for group in account.resources(kind):
                members = account.members(group["id"])
                joined = [member["attributes"]["joined_group_at"] for member in members]
                assert joined == sorted(joined)
                assert len({member["id"] for member in members}) == len(members)
                assert group["attributes"]["profile_count"] == len(members)

    def test_ended_consent_is_a_suppression(self, account: Account) -> None:
        """A profile whose e-mail consent ended has a suppression with its reason."""
        reasons = Counter[str]()
        for profile in account.resources("profile"):
            marketing = profile["attributes"]["subscriptions"]["email"]["marketing"]
            suppressions = marketing["suppression"]
            assert marketing["can_receive_email_marketing"] == (not suppressions)
            reasons.update(suppression["reason"] for suppression in suppressions)
        assert reasons["UNSUBSCRIBE"] > 0
        assert reasons["HARD_BOUNCE"] > 0

    def test_left_list_is_a_list_suppression(self, account: Account) -> None:
        """A profile with a suppression of a list is not a member of that list."""
        members = {
            group["id"]: {member["id"] for member in account.members(group["id"])}
            for group in account.resources("list")
        }
        suppressed = [
            (profile["id"], suppression["list_id"])
            for profile in account.resources("profile")
            for suppression in profile["attributes"]["subscriptions"]["email"]["marketing"][
                "list_suppressions"
            ]
        ]
        assert suppressed
        assert not any(person in members[group] for person, group in suppressed)

    def test_a_share_of_people_is_unengaged(self) -> None:
        """They get emails, and neither open them themselves nor click."""
        account = create_account(unengaged=0.2)
        events, named = account.events, account.company.code
        reactions = [named(name) for name in ("Opened Email", "Clicked Email")]
        acts = np.isin(events.metric, reactions) & (events.flags & (MACHINE_OPEN | BOT_CLICK) == 0)
        active, mailed = (
            set(events.person[rows].tolist())
            for rows in (acts, events.metric == named("Received Email"))
        )
        unengaged = {person for person in mailed if person % 100 < 20}
        assert len(unengaged) > 0.1 * len(mailed)
        assert not unengaged & active


class TestSize:
    """An account has the requested size, and is the same each time."""

    @pytest.mark.parametrize("events", [8_000, pytest.param(50_000, marks=pytest.mark.chaos)])
    def test_number_of_events_is_exact(self, events: int) -> None:
        """At noon of the epoch day the number of visible events is that of the option."""
        account = create_account(profiles=None, events=events)
        assert account.events.count_visible(NOON) == events
        assert len(account.events.query(now=NOON)) == events

    def test_refuses_impossible_sizes(self) -> None:
        """More people and campaigns than the events allow is an error that says so."""
        with pytest.raises(ValueError, match="350 profiles and 90 campaigns make"):
            create_account(events=1_000)

    @pytest.mark.slow
    def test_same_seed_gives_same_events(self, account: Account) -> None:
        """Equal arguments give equal events to the last property; another seed does not."""
        rows = np.arange(0, len(account.events), 97)
        assert create_account().events.documents(rows) == account.events.documents(rows)
        other = create_account(seed=8)
        assert other.events.documents(rows[:50]) != account.events.documents(rows[:50])


class TestEvents:
    """The event table is complete, sorted, and as odd as a real one."""

    def test_ids_identify_events(self, account: Account) -> None:
        """Ids are unique, and each leads to its event; an unknown one leads to none."""
        rows = account.events.query(now=NOON)
        ids = [document["id"] for document in account.events.documents(rows)]
        assert len(set(ids)) == len(ids)
        assert [account.events.find_row(id_) for id_ in ids] == rows.tolist()
        assert account.events.find_row("ffffffffffe") is None
        assert account.events.find_row("no id") is None

    def test_query_equals_a_scan(self, account: Account) -> None:
        """A query returns exactly the visible events that meet all its filters, by date."""
        events = account.events
        metric, person = account.company.metric("Opened Email"), int(events.person[5_000])
        since, before = NOON - 200 * DAY, NOON - 20 * DAY
        found = events.query(
            now=NOON,
            metric_id=metric.id,
            profile_id=account.people.ids[person],
            since=since,
            before=before,
        )
        code = account.company.code("Opened Email")
        expected = [
            row
            for row in range(len(events))
            if events.metric[row] == code
            and events.person[row] == person
            and since <= events.at[row] < before
            and events.seen[row] <= NOON
        ]
        assert found.tolist() == expected
        assert (np.diff(events.at) >= 0).all()

    def test_odd_events_exist(self, documents: list[Any]) -> None:
        """There are events without metric, profile or message, dated ahead, with odd dates."""
        found = Counter[str]()
        for document in documents:
            attributes, relationships = document["attributes"], document["relationships"]
            found["no metric"] += relationships["metric"]["data"] is None
            found["no profile"] += relationships["profile"]["data"] is None
            found["ahead"] += attributes["timestamp"] > NOON
            found["with a space"] += " " in attributes["datetime"]
            found["odd string"] += "note" in attributes["event_properties"]
            subject = "Recipient Email Address" in attributes["event_properties"]
            found["deleted campaign"] += (
                subject and "$message" not in attributes["event_properties"]
            )
        assert min(found.values()) > 0
        assert max(found.values()) < len(documents) / 100

    def test_some_events_are_late(self, account: Account) -> None:
        """A few events, none of a message, are shown hours to days after their date."""
        events = account.events
        late = events.seen - events.at > HOUR
        assert 0.0005 < late.mean() < 0.02
        assert (events.seen - events.at)[late].max() <= 6 * DAY
        assert (events.variation[late] == -1).all()

    def test_refunds_are_negative(self, account: Account) -> None:
        """Every refund has the negative value of its order."""
        events = account.events
        orders = events.metric == account.company.code("Placed Order")
        order_values = dict(zip(events.detail[orders].tolist(), events.value[orders], strict=True))
        refunds = np.flatnonzero(events.metric == account.company.code("Refunded Order"))
        assert len(refunds) > 0
        for row in refunds.tolist():
            assert events.value[row] == -order_values[int(events.detail[row])]


class TestEdits:
    """Tests can change an account as its owner can."""

    @pytest.fixture(name="small")
    def _small(self) -> Account:
        return create_account(profiles=30, campaigns=10)

    def test_change_of_a_resource(self, small: Account) -> None:
        """An edit merges into the attributes and sets the resource's time of update."""
        campaign = small.resources("campaign")[0]
        small.set_clock(NOON + HOUR)
        small.edit("campaign", campaign["id"], {"definition": {"name": "New name"}})
        changed = small.resource("campaign", campaign["id"])
        assert changed is not None
        definition = campaign["attributes"]["definition"] | {"name": "New name"}
        assert changed["attributes"]["definition"] == definition
        assert changed["attributes"]["updated_at"] == "2026-11-20T13:00:00+00:00"

    def test_deletion_of_a_resource(self, small: Account) -> None:
        """A deleted resource is in no listing and no group."""
        member = small.members(small.company.lists[0].id)[0]["id"]
        small.edit("profile", member, None)
        assert small.resource("profile", member) is None
        assert member not in {m["id"] for m in small.members(small.company.lists[0].id)}

    def test_edit_of_an_unknown_resource(self, small: Account) -> None:
        """An edit of an unknown resource is an error that names it."""
        with pytest.raises(KeyError, match="no campaign nowhere"):
            small.edit("campaign", "nowhere", {})


@pytest.fixture(name="sums", scope="module")
def _sums() -> dict[str, Counter[str]]:
    account = create_account(campaigns=320, profiles=1_500)
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for result in report.values(
        account, "campaign", **report_request(account, group_by=CAMPAIGN_GROUPINGS)
    ):
        for name, value in result["statistics"].items():
            sums[result["groupings"]["send_channel"]][name] += value or 0
    return sums


class TestRates:
    """The account's rates are those of real stores."""

    @pytest.mark.slow
    def test_rates_are_those_of_stores(self, sums: dict[str, Counter[str]]) -> None:
        """A channel's rates over all campaigns are within the usual range of stores."""
        ranges = [
            ("email", "opens_unique", "delivered", 0.38, 0.48),
            ("email", "clicks_unique", "delivered", 0.012, 0.025),
            ("email", "conversion_uniques", "delivered", 0.001, 0.004),
            ("email", "unsubscribe_uniques", "delivered", 0.0015, 0.003),
            ("email", "spam_complaints", "delivered", 0.0001, 0.0003),
            ("email", "bounced", "recipients", 0.003, 0.008),
            ("sms", "clicks_unique", "delivered", 0.06, 0.10),
            ("email", "conversion_value", "conversions", 70, 90),
        ]
        rates = [
            (channel, name, sums[channel][name] / sums[channel][base], least, most)
            for channel, name, base, least, most in ranges
        ]
        offenders = [rate for rate in rates if not rate[3] <= rate[2] <= rate[4]]
        assert offenders == []

    @pytest.mark.slow
    def test_black_friday_doubles_orders(self) -> None:
        """The week of Black Friday has at least twice the orders of a usual week."""
        account = create_account(profiles=1_500)
        _, rows = aggregates.metric_aggregates(
            account,
            metric_id=account.company.metric("Placed Order").id,
            measurements=("count",),
            interval="week",
            by=(),
            since=int(datetime(2025, 10, 20, tzinfo=UTC).timestamp()),
            before=NOON - 4 * DAY,
            timezone="UTC",
            filters=(),
        )
        weeks = rows[0]["measurements"]["count"]
        assert weeks[5] == max(weeks)  # 24 to 30 November 2025
        assert weeks[5] > 2 * np.median(weeks)
