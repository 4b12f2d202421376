"""The sandbox's one truth: what reports say is what the visible events say, at every clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from klaviyo_sandbox import reports
from klaviyo_sandbox.account import Account
from klaviyo_sandbox.company import DAY, HOUR
from klaviyo_sandbox.ledger import OUTCOMES, WINDOWS
from klaviyo_sandbox.segments import group_ids
from klaviyo_sandbox.tally import edges_of

EPOCH = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
BLACK_FRIDAY = int(datetime(2025, 11, 28, 20, tzinfo=UTC).timestamp())
EVERYTHING: dict[str, Any] = {"start": NOON - 401 * DAY, "end": NOON + 61 * DAY}
STATISTICS = (
    "recipients delivered bounced failed opens opens_unique clicks clicks_unique unsubscribes"
    " unsubscribe_uniques spam_complaints conversions conversion_uniques conversion_value open_rate"
    " click_rate revenue_per_recipient text_message_spend bounced_or_failed"
).split()
COUNTED = {name: statistic for statistic, names in OUTCOMES.items() for name in names.values()}
CAMPAIGN_GROUPS = ("campaign_id", "campaign_message_id", "send_channel", "variation")
FLOW_GROUPS = ("flow_id", "flow_message_id", "send_channel")


def an_account(now: int = NOON, **sizes: int) -> Account:
    """A small account around the epoch."""
    return Account(epoch=EPOCH, now=now, **{"campaigns": 90, "profiles": 350} | sizes)


@pytest.fixture(name="account", scope="module")
def _account() -> Account:
    return an_account()


@pytest.fixture(name="documents", scope="module")
def _documents(account: Account) -> list[dict[str, Any]]:
    """Every visible event, each with the ids it is credited to under ``credit``."""
    rows = account.events.query(now=account.now)
    documents = account.events.documents(rows)
    credits_ = {one["id"]: one["relationships"] for one in account.events.attributions(rows)}
    for document in documents:
        (attribution,) = document["relationships"]["attributions"]["data"] or [None]
        document["credit"] = attribution and {
            name: link["data"]["id"] for name, link in credits_[attribution["id"]].items()
        }
    return documents


@pytest.fixture(name="metric_names", scope="module")
def _metric_names(account: Account) -> dict[str | None, str]:
    return {metric.id: metric.name for metric in account.company.metrics} | {None: ""}


def metric_of(document: dict[str, Any], names: dict[str | None, str]) -> str:
    """The name of an event's metric, empty for none."""
    data = document["relationships"]["metric"]["data"]
    return names[data and data["id"]]


def asked(account: Account, metric: str = "Placed Order", **others: Any) -> dict[str, Any]:
    """A question about messages, everything of all time unless told otherwise."""
    return {
        "statistics": STATISTICS,
        "filters": (),
        "conversion_metric_id": account.company.metric(metric).id,
        **EVERYTHING,
        **others,
    }


class TestReports:
    """Reports equal what a reader can count in the event list."""

    def test_campaigns_are_what_their_events_say(
        self, account: Account, documents: list[Any], metric_names: dict[str | None, str]
    ) -> None:
        """Each campaign's counts equal those read from the event list by a reader's own means."""
        expected: dict[str, Counter[str]] = defaultdict(Counter)
        people = set()
        for document in documents:
            properties = document["attributes"]["event_properties"]
            metric = metric_of(document, metric_names)
            if "Campaign Name" in properties and metric in COUNTED:
                campaign, statistic = properties["$message"], COUNTED[metric]
                expected[campaign][statistic] += 1
                people.add(
                    (campaign, statistic, document["relationships"]["profile"]["data"]["id"])
                )
            if metric == "Placed Order" and "campaign" in (document["credit"] or {}):
                campaign = document["credit"]["campaign"]
                expected[campaign]["conversions"] += 1
                expected[campaign]["conversion_value"] += properties["$value"]
        for campaign, statistic, _ in people:
            expected[campaign][f"{statistic} of people"] += 1
        results = reports.campaign_values(account, **asked(account, group_by=CAMPAIGN_GROUPS[:3]))
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for result in results:
            for name, value in result["statistics"].items():
                found[result["groupings"]["campaign_id"]][name] += value or 0
        assert expected.keys() == found.keys()
        simple = {c.id for c in account.company.campaigns if len(c.messages) == 1}
        for campaign, counts in expected.items():
            for statistic in ("delivered", "opens", "clicks", "conversions", "bounced"):
                assert counts[statistic] == found[campaign][statistic]
            assert counts["conversion_value"] == pytest.approx(found[campaign]["conversion_value"])
            if campaign in simple:  # Klaviyo's events do not tell a campaign's messages apart
                assert counts["opens of people"] == found[campaign]["opens_unique"]
                assert counts["clicks of people"] == found[campaign]["clicks_unique"]

    def test_a_day_of_a_flow_is_a_part_of_the_whole(self, account: Account) -> None:
        """Daily figures of flow messages add up to the figures of the whole window."""
        window: dict[str, Any] = {"start": NOON - 59 * DAY, "end": NOON}
        question = asked(account, group_by=FLOW_GROUPS, **window)
        dates, series = reports.flow_series(account, interval="daily", **question)
        values = reports.flow_values(account, **question)
        assert [r["groupings"] for r in series] == [r["groupings"] for r in values]
        assert len(dates) == 60
        for by_day, whole in zip(series, values, strict=True):
            for name in ("recipients", "delivered", "opens", "clicks", "conversion_value"):
                days, sum_ = by_day["statistics"][name], whole["statistics"][name]
                assert (days is None) == (sum_ is None)
                assert days is None or sum(days) == pytest.approx(sum_)

    def test_windows_of_sends_do_not_overlap(self, account: Account) -> None:
        """Two neighbouring windows hold what one over both holds, each send once."""
        middle = NOON - 100 * DAY
        question = asked(account, group_by=CAMPAIGN_GROUPS)
        parts = [
            reports.campaign_values(account, **question | window)
            for window in ({"end": middle}, {"start": middle}, {})
        ]
        first, second, whole = (sum(r["statistics"]["recipients"] for r in part) for part in parts)
        assert first > 0
        assert second > 0
        assert first + second == whole

    def test_rates_are_fractions_of_the_counts_beside_them(self, account: Account) -> None:
        """A rate is the documented ratio of counts, and nothing is rounded."""
        for result in reports.campaign_values(account, **asked(account, group_by=CAMPAIGN_GROUPS)):
            counts = result["statistics"]
            if result["groupings"]["send_channel"] == "email" and counts["delivered"]:
                assert counts["open_rate"] == counts["opens_unique"] / counts["delivered"]
                assert counts["click_rate"] == counts["clicks_unique"] / counts["delivered"]
            assert counts["recipients"] == counts["delivered"] + counts["bounced_or_failed"]

    @pytest.mark.parametrize(
        ("channel", "missing"),
        [
            ("email", {"text_message_spend"}),
            ("sms", {"opens", "open_rate", "opens_unique", "spam_complaints", "bounced"}),
            ("push-notification", {"clicks", "click_rate", "unsubscribes", "text_message_spend"}),
            ("whatsapp", {"spam_complaints", "bounced", "failed", "text_message_spend"}),
        ],
    )
    def test_what_a_channel_does_not_have_is_null(
        self, account: Account, channel: str, missing: set[str]
    ) -> None:
        """A statistic whose events a channel cannot have is null, never nought."""
        question = asked(account, group_by=CAMPAIGN_GROUPS)
        question["filters"] = [("equals", "send_channel", channel)]
        results = reports.campaign_values(account, **question)
        assert results
        for result in results:
            assert result["groupings"]["send_channel"] == channel
            nulls = {name for name, value in result["statistics"].items() if value is None}
            assert missing <= nulls
            assert "delivered" not in nulls

    def test_variations_share_out_their_message(self, account: Account) -> None:
        """The versions of an A/B test add up to their message, and every other message has one."""
        split = reports.campaign_values(account, **asked(account, group_by=CAMPAIGN_GROUPS))
        whole = reports.campaign_values(account, **asked(account, group_by=CAMPAIGN_GROUPS[:3]))
        counts, versions = Counter[str](), Counter[str]()
        for result in split:
            message = result["groupings"]["campaign_message_id"]
            assert result["groupings"]["variation"] is not None
            counts[message] += result["statistics"]["opens_unique"] or 0
            versions[message] += 1
        for result in whole:
            message = result["groupings"]["campaign_message_id"]
            assert counts[message] == (result["statistics"]["opens_unique"] or 0)
        known = {m.id: len(m.variations) for c in account.company.campaigns for m in c.messages}
        assert versions == {message: known[message] for message in versions}
        assert max(versions.values()) > 1

    def test_tags_and_groups_split_what_they_should(self, account: Account) -> None:
        """Grouping by audience keeps every recipient once; every tagged campaign shows its tags."""
        one, by_group, by_tag = (
            reports.campaign_values(account, **asked(account, group_by=(*CAMPAIGN_GROUPS, *more)))
            for more in ((), ("group", "group_name"), ("tag_id", "tag_name"))
        )
        recipients = [sum(r["statistics"]["recipients"] for r in each) for each in (one, by_group)]
        assert recipients[0] == recipients[1]
        assert len(by_group) > len(one)
        tags = {tag.id: tag.name for tag in account.company.tags}
        for result in by_tag:
            groupings = result["groupings"]
            assert tags.get(groupings["tag_id"]) == groupings["tag_name"]

    def test_form_submissions_are_the_events(
        self, account: Account, documents: list[Any], metric_names: dict[str | None, str]
    ) -> None:
        """A form's submits are its Submitted Form events, and its views are more than these."""
        submitted = Counter(
            document["attributes"]["event_properties"]["form_id"]
            for document in documents
            if metric_of(document, metric_names) == "Submitted Form"
        )
        results = reports.form_values(
            account,
            statistics=("submits", "viewed_form", "submit_rate"),
            group_by=("form_id",),
            filters=(),
            **EVERYTHING,
        )
        assert submitted == {r["groupings"]["form_id"]: r["statistics"]["submits"] for r in results}
        for result in results:
            counts = result["statistics"]
            assert counts["viewed_form"] > counts["submits"]
            assert counts["submit_rate"] == counts["submits"] / counts["viewed_form"]

    def test_segments_end_the_window_with_their_members(self, account: Account) -> None:
        """A segment's total is the number of its members, and its changes lead there."""
        names = ("total_members", "members_added", "members_removed", "net_members_changed")
        _, series = reports.segment_series(
            account,
            statistics=names,
            interval="daily",
            filters=(),
            start=NOON - 30 * DAY,
            end=NOON + 1,
        )
        for result in series:
            totals, net = (
                result["statistics"][n] for n in ("total_members", "net_members_changed")
            )
            members = account.members(result["groupings"]["segment_id"])
            assert totals[-1] == len(members)
            assert [after - before for before, after in pairwise(totals)] == net[1:]


class TestAggregates:
    """Metric aggregates count the same events by their own dates."""

    @pytest.mark.parametrize(
        ("metric", "dimension"),
        [
            ("Opened Email", "Inbox Provider"),
            ("Received Email", "$message"),
            ("Clicked Email", "Bot Click"),
            ("Clicked Email", "URL"),
            ("Bounced Email", "Bounce Type"),
            ("Submitted Form", "form_id"),
            ("Subscribed to List", "List"),
        ],
    )
    def test_count_what_the_events_say(
        self,
        account: Account,
        documents: list[Any],
        metric_names: dict[str | None, str],
        metric: str,
        dimension: str,
    ) -> None:
        """A row's count a day is the number of listed events dated that day that say the same."""
        zone = ZoneInfo("America/Los_Angeles")
        expected: Counter[tuple[str, str]] = Counter()
        people = set()
        for document in documents:
            at = document["attributes"]["timestamp"]
            if metric_of(document, metric_names) == metric and at >= NOON - 100 * DAY:
                day = datetime.fromtimestamp(at, zone).date().isoformat()
                said = str(document["attributes"]["event_properties"].get(dimension, ""))
                expected[day, said] += 1
                people.add((day, said, document["relationships"]["profile"]["data"]["id"]))
        dates, rows = reports.metric_aggregates(
            account,
            metric_id=account.company.metric(metric).id,
            measurements=("count", "unique"),
            interval="day",
            by=(dimension,),
            since=NOON - 100 * DAY,
            before=NOON + DAY,
            timezone=zone.key,
            filters=(),
        )
        found = {
            (day[:10], row["dimensions"][0]): count
            for row in rows
            for day, count in zip(dates, row["measurements"]["count"], strict=True)
            if count
        }
        assert expected == found
        assert sum(sum(row["measurements"]["unique"]) for row in rows) == len(people)

    def test_credit_orders_as_the_reports_do(self, account: Account) -> None:
        """Orders by attributed message, over all time, equal the campaigns' and flows' orders."""
        _, rows = reports.metric_aggregates(
            account,
            metric_id=account.company.metric("Placed Order").id,
            measurements=("count", "sum_value"),
            interval="month",
            by=("$attributed_message", "$attributed_flow"),
            since=EVERYTHING["start"],
            before=EVERYTHING["end"],
            timezone="UTC",
            filters=(),
        )
        credited = [row["measurements"] for row in rows if row["dimensions"][0]]
        campaigns = reports.campaign_values(account, **asked(account, group_by=CAMPAIGN_GROUPS))
        flows = reports.flow_values(account, **asked(account, group_by=FLOW_GROUPS))
        for measurement, statistic in (("count", "conversions"), ("sum_value", "conversion_value")):
            by_event_date = sum(sum(row[measurement]) for row in credited)
            by_send_date = sum(r["statistics"][statistic] for r in (*campaigns, *flows))
            assert by_event_date == pytest.approx(by_send_date)
            assert by_send_date > 0

    def test_days_follow_the_clocks_of_the_zone(self) -> None:
        """The day on which clocks go back has 25 hours, the one on which they go forward 23."""
        zone = ZoneInfo("America/New_York")
        start, end = (int(datetime(2026, m, 1, tzinfo=zone).timestamp()) for m in (3, 12))
        days = np.diff(edges_of(start, end, "day", zone))
        hours = np.diff(edges_of(start, start + 10 * DAY, "hour", zone))
        assert Counter((days // HOUR).tolist()) == {24: 273, 23: 1, 25: 1}
        assert set(hours.tolist()) == {HOUR}


class TestAttribution:
    """Conversions belong to messages by Klaviyo's windows."""

    def test_an_order_belongs_to_the_last_touch_in_its_window(self, account: Account) -> None:
        """Every order is credited to the latest eligible touch of its person, or to none."""
        events = account.events
        codes = {account.company.metrics.index(account.company.metric(n)): n for n in WINDOWS}
        touches: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for row in np.flatnonzero(events.variation >= 0).tolist():
            metric = int(events.metric[row])
            if metric in codes and not events.mark[row] & 3:
                touches[int(events.person[row])].append(
                    (int(events.at[row]), row, WINDOWS[codes[metric]])
                )
        order = account.company.metric("Placed Order")
        rows = events.query(now=NOON + 60 * DAY, metric_id=order.id)
        for row in rows.tolist():
            at, seen = int(events.at[row]), int(events.seen[row])
            eligible = [
                touch
                for when, touch, window in touches[int(events.person[row])]
                if when < at <= when + window and events.seen[touch] <= seen
            ]
            assert max(eligible, default=-1) == events.touch[row]
        assert 0.3 < np.mean(events.touch[rows] >= 0) < 0.8


class TestClock:
    """The clock decides what is visible, and nothing else."""

    def test_moving_the_clock_equals_starting_later(self) -> None:
        """An account moved on by ten days shows what one started ten days later shows."""
        moved, later = an_account(), an_account(NOON + 10 * DAY)
        moved.resources("profile")
        moved.move_to(NOON + 10 * DAY)
        for kind in ("profile", "campaign-message", "segment"):
            assert moved.resources(kind) == later.resources(kind)
        questions = [asked(account, group_by=CAMPAIGN_GROUPS) for account in (moved, later)]
        first, second = (
            reports.campaign_values(account, **question)
            for account, question in zip((moved, later), questions, strict=True)
        )
        assert first == second
        rows = [account.events.query(now=account.now) for account in (moved, later)]
        assert rows[0].tolist() == rows[1].tolist()
        assert moved.events.documents(rows[0][-500:]) == later.events.documents(rows[1][-500:])

    def test_restates_campaigns_sent_before(self) -> None:
        """As days go by, old campaigns gain opens and orders, and their deliveries stay."""
        account = an_account(BLACK_FRIDAY, campaigns=320, profiles=1_000)
        question = asked(account, group_by=CAMPAIGN_GROUPS, end=BLACK_FRIDAY)
        before = reports.campaign_values(account, **question)
        account.move_to(BLACK_FRIDAY + 30 * DAY)
        after = reports.campaign_values(account, **question)
        assert [r["groupings"] for r in before] == [r["groupings"] for r in after]
        grown: Counter[str] = Counter()
        for old, new in zip(before, after, strict=True):
            assert old["statistics"]["delivered"] == new["statistics"]["delivered"]
            for name in ("opens", "opens_unique", "clicks", "conversions", "conversion_value"):
                assert (old["statistics"][name] or 0) <= (new["statistics"][name] or 0)
                grown[name] += (new["statistics"][name] or 0) - (old["statistics"][name] or 0)
        assert grown["opens_unique"] > 0
        assert grown["conversion_value"] > 0

    def test_never_goes_back(self) -> None:
        """Turning the clock back is refused, and leaves it where it was."""
        account = an_account(profiles=20, campaigns=5)
        with pytest.raises(ValueError, match="cannot go back"):
            account.move_to(NOON - 1)
        assert account.now == NOON

    def test_stays_within_what_is_written(self) -> None:
        """A clock before the history or after the written future is refused, not left empty."""
        account = an_account(profiles=20, campaigns=5)
        with pytest.raises(ValueError, match="runs only from 2025-10-16"):
            account.move_to(NOON + 61 * DAY)
        with pytest.raises(ValueError, match="runs only from 2025-10-16"):
            an_account(NOON - 401 * DAY)
        assert account.now == NOON

    def test_messages_go_out_while_they_are_being_sent(self, account: Account) -> None:
        """Nothing is received before its campaign's send begins or after it is said to be sent."""
        events = account.events
        received = np.isin(events.metric, events.codes(set(OUTCOMES["delivered"].values())))
        for number, content in enumerate(events.contents):
            sent = events.sent[received & (events.variation == number)]
            if content.campaign is not None and len(sent):
                statuses = {content.campaign.status(content.message, int(at)) for at in sent}  # type: ignore[arg-type]
                assert statuses == {"sending"}


class TestPeople:
    """Cause comes before effect in what people do."""

    def test_nobody_receives_a_message_without_consent(self, account: Account) -> None:
        """A message is sent after its recipient agrees to the channel and before leaving it."""
        events, people = account.events, account.people
        for number, channel in enumerate(("email", "sms", "push", "whatsapp")):
            codes = events.codes({OUTCOMES["delivered"][channel]})  # type: ignore[index]
            rows = np.flatnonzero(np.isin(events.metric, codes) & (events.variation >= 0))
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
        orders = events.metric == events.codes({"Placed Order"})[0]
        checked = 0
        for number, content in enumerate(events.contents):
            if content.flow is flow and content.channel == "email":
                delivered = events.codes({"Received Email"})[0]
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
        rows = np.flatnonzero(recent & (events.metric == events.codes({"Placed Order"})[0]))
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
        code = events.codes({"Opened Email"})[0]
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
        orders = events.metric == events.codes({"Placed Order"})[0]
        placed = dict(zip(events.detail[orders].tolist(), events.value[orders], strict=True))
        refunds = np.flatnonzero(events.metric == events.codes({"Refunded Order"})[0])
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
    for result in reports.campaign_values(account, **asked(account, group_by=CAMPAIGN_GROUPS)):
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
        _, rows = reports.metric_aggregates(
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
