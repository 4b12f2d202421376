"""The sandbox's one truth: what reports say is what the visible events say, at every clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from klaviyo_sandbox.account import Account
from klaviyo_sandbox.clock import DAY, HOUR
from klaviyo_sandbox.reports import aggregates, report
from klaviyo_sandbox.reports.intervals import edges_of
from klaviyo_sandbox.simulation.event_table import OUTCOMES, WINDOWS
from tests.sandbox.accounts import (
    BLACK_FRIDAY,
    CAMPAIGN_GROUPS,
    COUNTED,
    EVERYTHING,
    FLOW_GROUPS,
    NOON,
    an_account,
    asked,
    metric_of,
)


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
        results = report.values(account, "campaign", **asked(account, group_by=CAMPAIGN_GROUPS[:3]))
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
        dates, series = report.series(account, "flow", interval="daily", **question)
        values = report.values(account, "flow", **question)
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
            report.values(account, "campaign", **question | window)
            for window in ({"end": middle}, {"start": middle}, {})
        ]
        first, second, whole = (sum(r["statistics"]["recipients"] for r in part) for part in parts)
        assert first > 0
        assert second > 0
        assert first + second == whole

    def test_rates_are_fractions_of_the_counts_beside_them(self, account: Account) -> None:
        """A rate is the documented ratio of counts, and nothing is rounded."""
        for result in report.values(
            account, "campaign", **asked(account, group_by=CAMPAIGN_GROUPS)
        ):
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
        results = report.values(account, "campaign", **question)
        assert results
        for result in results:
            assert result["groupings"]["send_channel"] == channel
            nulls = {name for name, value in result["statistics"].items() if value is None}
            assert missing <= nulls
            assert "delivered" not in nulls

    def test_variations_share_out_their_message(self, account: Account) -> None:
        """The versions of an A/B test add up to their message, and every other message has one."""
        split = report.values(account, "campaign", **asked(account, group_by=CAMPAIGN_GROUPS))
        whole = report.values(account, "campaign", **asked(account, group_by=CAMPAIGN_GROUPS[:3]))
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
            report.values(account, "campaign", **asked(account, group_by=(*CAMPAIGN_GROUPS, *more)))
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
        results = report.values(
            account,
            "form",
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
        _, series = report.series(
            account,
            "segment",
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
        dates, rows = aggregates.metric_aggregates(
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
        _, rows = aggregates.metric_aggregates(
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
        campaigns = report.values(account, "campaign", **asked(account, group_by=CAMPAIGN_GROUPS))
        flows = report.values(account, "flow", **asked(account, group_by=FLOW_GROUPS))
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
        codes = {account.company.code(name): name for name in WINDOWS}
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
            report.values(account, "campaign", **question)
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
        before = report.values(account, "campaign", **question)
        account.move_to(BLACK_FRIDAY + 30 * DAY)
        after = report.values(account, "campaign", **question)
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
        codes = [account.company.code(name) for name in OUTCOMES["delivered"].values()]
        received = np.isin(events.metric, codes)
        for number, content in enumerate(events.contents):
            sent = events.sent[received & (events.variation == number)]
            if content.campaign is not None and len(sent):
                statuses = {content.campaign.status(content.message, int(at)) for at in sent}  # type: ignore[arg-type]
                assert statuses == {"sending"}
