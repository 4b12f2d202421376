"""The sandbox's people and events: cause before effect, whole, believable, the same each time."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.clock import DAY, HOUR
from klaviyo_sandbox.reports import aggregates, report
from klaviyo_sandbox.simulation.event_table import OUTCOMES
from klaviyo_sandbox.simulation.population import CHANNELS
from klaviyo_sandbox.simulation.segments import group_ids
from tests.sandbox.accounts import CAMPAIGN_GROUPS, NOON, an_account, asked


@pytest.fixture(name="account", scope="module")
def _account() -> Account:
    return an_account()


@pytest.fixture(name="documents", scope="module")
def _documents(account: Account) -> list[dict[str, Any]]:
    return account.events.documents(account.events.query(now=account.now))


class TestPeople:
    """Cause comes before effect in what people do."""

    def test_nobody_receives_a_message_without_consent(self, account: Account) -> None:
        """A message is sent after its recipient agrees to the channel and before leaving it."""
        events, people = account.events, account.people
        for number, channel in enumerate(CHANNELS):
            code = account.company.code(OUTCOMES["delivered"][channel])
            rows = np.flatnonzero((events.metric == code) & (events.variation >= 0))
            assert len(rows) > 0
            assert people.consents(number, events.person[rows], events.sent[rows]).all()

    def test_recipients_belong_to_the_audience(self, account: Account) -> None:
        """Each recipient was, when the message left, in the group it is counted under."""
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
        for group, person, joined, left in zip(*(c.tolist() for c in stays), strict=True):
            inside[group, person].append((joined, left))
        for row in np.flatnonzero(events.group >= 0)[::7].tolist():
            group, person = int(events.group[row]), int(events.person[row])
            at, audience = included[events.contents[events.variation[row]].message.id]
            assert groups[group] in audience
            assert any(joined <= at < left for joined, left in inside[group, person])

    def test_flows_stop_for_those_who_order(self, account: Account) -> None:
        """Nobody is reminded of a checkout after ordering from it."""
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
                    theirs = orders & (events.person == events.person[row])
                    assert not (theirs & (events.at > entered) & (events.at < entered + HOUR)).any()
                    checked += 1
        assert checked > 0

    def test_birthday_messages_come_on_birthdays(self, account: Account) -> None:
        """Whoever gets the birthday message has, by their profile, a birthday that day."""
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

    def test_segments_follow_from_what_people_did(self, account: Account) -> None:
        """Who ordered in the 30 days before midnight is a recent buyer, and nobody else is."""
        (segment,) = (s for s in account.company.segments if s.name == "Recent Buyers (30 days)")
        midnight = NOON - 12 * HOUR
        events = account.events
        recent = (events.at >= midnight - 30 * DAY) & (events.at < midnight)
        rows = np.flatnonzero(recent & (events.metric == account.company.code("Placed Order")))
        buyers = {account.people.ids[person] for person in events.person[rows]}
        assert {member["id"] for member in account.members(segment.id)} == buyers

    def test_members_come_in_the_order_they_joined(self, account: Account) -> None:
        """Members of a group are sorted by joined_group_at and as many as its profile_count."""
        for kind in ("list", "segment"):
            for group in account.resources(kind):
                members = account.members(group["id"])
                joined = [member["attributes"]["joined_group_at"] for member in members]
                assert joined == sorted(joined)
                assert len({member["id"] for member in members}) == len(members)
                assert group["attributes"]["profile_count"] == len(members)

    def test_whoever_left_is_suppressed(self, account: Account) -> None:
        """A profile whose e-mail consent ended says so, why, and that it gets no more."""
        reasons = Counter[str]()
        for profile in account.resources("profile"):
            marketing = profile["attributes"]["subscriptions"]["email"]["marketing"]
            gone = marketing["suppression"]
            assert marketing["can_receive_email_marketing"] == (not gone)
            reasons.update(one["reason"] for one in gone)
        assert reasons["UNSUBSCRIBE"] > 0
        assert reasons["HARD_BOUNCE"] > 0

    def test_whoever_left_a_list_is_suppressed_there(self, account: Account) -> None:
        """The lists that bar somebody's mail are e-mail lists that somebody is not in."""
        members = {
            group["id"]: {member["id"] for member in account.members(group["id"])}
            for group in account.resources("list")
        }
        barred = [
            (profile["id"], one["list_id"])
            for profile in account.resources("profile")
            for one in profile["attributes"]["subscriptions"]["email"]["marketing"][
                "list_suppressions"
            ]
        ]
        assert barred
        assert not any(person in members[group] for person, group in barred)


class TestSize:
    """An account is as large as it is asked to be, and the same each time."""

    @pytest.mark.parametrize("events", [8_000, 50_000])
    def test_has_exactly_the_events_asked_for(self, events: int) -> None:
        """At noon of the epoch day exactly as many events are visible as the flag says."""
        account = an_account(profiles=None, events=events)  # type: ignore[arg-type]
        assert account.events.visible(NOON) == events
        assert len(account.events.query(now=NOON)) == events

    def test_refuses_what_cannot_be(self) -> None:
        """More people and campaigns than the events allow for is an error that says so."""
        with pytest.raises(ValueError, match="350 profiles and 90 campaigns make"):
            an_account(events=1_000)

    def test_same_seed_same_story(self, account: Account) -> None:
        """The same arguments give the same events to the last property; another seed does not."""
        rows = np.arange(0, len(account.events), 97)
        assert an_account().events.documents(rows) == account.events.documents(rows)
        other = an_account(seed=8)
        assert other.events.documents(rows[:50]) != account.events.documents(rows[:50])


class TestEvents:
    """The event list is whole, in order, and as odd as the real one."""

    def test_ids_lead_back_to_their_events(self, account: Account) -> None:
        """Ids are unique, and each finds its event; an unknown one finds none."""
        rows = account.events.query(now=NOON)
        ids = [document["id"] for document in account.events.documents(rows)]
        assert len(set(ids)) == len(ids)
        assert [account.events.row(id_) for id_ in ids] == rows.tolist()
        assert account.events.row("ffffffffffe") is None
        assert account.events.row("no id") is None

    def test_filters_find_what_a_scan_finds(self, account: Account) -> None:
        """A query returns exactly the visible events that meet all its bounds, by date."""
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

    def test_holds_the_oddities_of_real_accounts(self, documents: list[Any]) -> None:
        """There are events without metric, profile or message, dated ahead, with odd dates."""
        found = Counter[str]()
        for document in documents:
            attributes, relationships = document["attributes"], document["relationships"]
            found["no metric"] += relationships["metric"]["data"] is None
            found["no profile"] += relationships["profile"]["data"] is None
            found["ahead"] += attributes["timestamp"] > NOON
            found["with a space"] += " " in attributes["datetime"]
            found["oddly worded"] += "note" in attributes["event_properties"]
            subject = "Recipient Email Address" in attributes["event_properties"]
            found["deleted campaign"] += (
                subject and "$message" not in attributes["event_properties"]
            )
        assert min(found.values()) > 0
        assert max(found.values()) < len(documents) / 100

    def test_some_come_to_light_late(self, account: Account) -> None:
        """A few events are shown hours to days after their date, none of them a message's."""
        events = account.events
        late = events.seen - events.at > HOUR
        assert 0.0005 < late.mean() < 0.02
        assert (events.seen - events.at)[late].max() <= 6 * DAY
        assert (events.variation[late] == -1).all()

    def test_refunds_are_negative(self, account: Account) -> None:
        """Every refund takes back the value of an order placed days before."""
        events = account.events
        orders = events.metric == account.company.code("Placed Order")
        placed = dict(zip(events.detail[orders].tolist(), events.value[orders], strict=True))
        refunds = np.flatnonzero(events.metric == account.company.code("Refunded Order"))
        assert len(refunds) > 0
        for row in refunds.tolist():
            assert events.value[row] == -placed[int(events.detail[row])]


class TestEdits:
    """Tests can change an account as its owner would."""

    @pytest.fixture(name="small")
    def _small(self) -> Account:
        return an_account(profiles=30, campaigns=10)

    def test_change_a_resource_as_of_now(self, small: Account) -> None:
        """An edit merges into the attributes and moves the resource's own time of update."""
        campaign = small.resources("campaign")[0]
        small.move_to(NOON + HOUR)
        small.edit("campaign", campaign["id"], {"definition": {"name": "New name"}})
        changed = small.resource("campaign", campaign["id"])
        assert changed is not None
        definition = campaign["attributes"]["definition"] | {"name": "New name"}
        assert changed["attributes"]["definition"] == definition
        assert changed["attributes"]["updated_at"] == "2026-11-20T13:00:00+00:00"

    def test_delete_a_resource(self, small: Account) -> None:
        """What is deleted is in no list of resources or members any more."""
        member = small.members(small.company.lists[0].id)[0]["id"]
        small.edit("profile", member, None)
        assert small.resource("profile", member) is None
        assert member not in {m["id"] for m in small.members(small.company.lists[0].id)}

    def test_of_nothing_is_an_error(self, small: Account) -> None:
        """Editing what does not exist is an error that names it."""
        with pytest.raises(KeyError, match="no campaign nowhere"):
            small.edit("campaign", "nowhere", {})


@pytest.fixture(name="sums", scope="module")
def _sums() -> dict[str, Counter[str]]:
    account = an_account(campaigns=320, profiles=1_500)
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for result in report.values(account, "campaign", **asked(account, group_by=CAMPAIGN_GROUPS)):
        for name, value in result["statistics"].items():
            sums[result["groupings"]["send_channel"]][name] += value or 0
    return sums


class TestBelief:
    """A marketer who looks at the dashboard should not laugh."""

    @pytest.mark.parametrize(
        ("channel", "part", "whole", "believable"),
        [
            ("email", "opens_unique", "delivered", (0.38, 0.48)),
            ("email", "clicks_unique", "delivered", (0.012, 0.025)),
            ("email", "conversion_uniques", "delivered", (0.001, 0.004)),
            ("email", "unsubscribe_uniques", "delivered", (0.0015, 0.003)),
            ("email", "spam_complaints", "delivered", (0.0001, 0.0003)),
            ("email", "bounced", "recipients", (0.003, 0.008)),
            ("sms", "clicks_unique", "delivered", (0.06, 0.10)),
            ("email", "conversion_value", "conversions", (70, 90)),
        ],
    )
    def test_rates_are_those_of_shops(
        self,
        sums: dict[str, Counter[str]],
        channel: str,
        part: str,
        whole: str,
        believable: tuple[float, float],
    ) -> None:
        """A channel's rate over all campaigns lies where such shops' rates lie."""
        least, most = believable
        assert least <= sums[channel][part] / sums[channel][whole] <= most

    def test_black_friday_stands_out(self) -> None:
        """The week of Black Friday brings at least twice the orders of a usual week."""
        account = an_account(profiles=1_500)
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
