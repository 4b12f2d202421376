"""Reports and metric aggregates equal the visible events, at every clock."""

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
from klaviyo_sandbox.reports.intervals import interval_edges
from klaviyo_sandbox.simulation.event_table import ATTRIBUTION_WINDOWS, STATISTIC_METRICS
from tests.sandbox.simulated_account import (
    ALL_TIME,
    BLACK_FRIDAY,
    CAMPAIGN_GROUPINGS,
    FLOW_GROUPINGS,
    METRIC_STATISTICS,
    NOON,
    create_account,
    metric_name,
    report_request,
)


@pytest.fixture(name="account", scope="module")
def _account() -> Account:
    return create_account()


@pytest.fixture(name="documents", scope="module")
def _documents(account: Account) -> list[dict[str, Any]]:
    """Every visible event, with the ids of its attribution under ``credit``."""
    rows = account.events.query(now=account.now)
    documents = account.events.documents(rows)
    credits_ = {
        attribution["id"]: attribution["relationships"]
        for attribution in account.events.attributions(rows)
    }
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
    """Reports equal counts of the listed events."""

    def test_campaign_counts_equal_the_events(
        self, account: Account, documents: list[Any], metric_names: dict[str | None, str]
    ) -> None:
        """Each campaign's counts equal an independent count of the listed events."""
        expected: dict[str, Counter[str]] = defaultdict(Counter)
        people = set()
        for document in documents:
            properties = document["attributes"]["event_properties"]
            metric = metric_name(document, metric_names)
            if "Campaign Name" in properties and metric in METRIC_STATISTICS:
                campaign, statistic = properties["$message"], METRIC_STATISTICS[metric]
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
        results = report.values(
            account, "campaign", **report_request(account, group_by=CAMPAIGN_GROUPINGS[:3])
        )
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
            if campaign in simple:  # Klaviyo's events do not name the message of a campaign
                assert counts["opens of people"] == found[campaign]["opens_unique"]
                assert counts["clicks of people"] == found[campaign]["clicks_unique"]

    def test_daily_series_adds_up_to_the_values(self, account: Account) -> None:
        """The daily counts of flow messages add up to those of the whole window."""
        window: dict[str, Any] = {"start": NOON - 59 * DAY, "end": NOON}
        request = report_request(account, group_by=FLOW_GROUPINGS, **window)
        dates, series = report.series(account, "flow", interval="daily", **request)
        values = report.values(account, "flow", **request)
        assert [r["groupings"] for r in series] == [r["groupings"] for r in values]
        assert len(dates) == 60
        for by_day, whole in zip(series, values, strict=True):
            for name in ("recipients", "delivered", "conversions", "conversion_value"):
                days, sum_ = by_day["statistics"][name], whole["statistics"][name]
                assert (days is None) == (sum_ is None)
                assert days is None or sum(days) == pytest.approx(sum_)

    def test_people_of_a_range_are_fewer_than_people_by_day(self, account: Account) -> None:
        """A person who opens one flow message sent on two days counts once in the range."""
        request = report_request(account, group_by=FLOW_GROUPINGS, start=NOON - 59 * DAY, end=NOON)
        _, series = report.series(account, "flow", interval="daily", **request)
        values = report.values(account, "flow", **request)
        surplus = Counter[str]()
        for by_day, whole in zip(series, values, strict=True):
            for name in ("opens_unique", "clicks_unique", "conversion_uniques"):
                people = whole["statistics"][name] or 0
                people_by_day = sum(by_day["statistics"][name] or [])
                assert people <= people_by_day
                surplus[name] += people_by_day - people
        assert surplus["opens_unique"] > 0

    def test_total_opens_and_clicks_of_flows_count_people(self, account: Account) -> None:
        """A flow's total opens and clicks are those of people; a campaign's count each one."""
        campaigns, flows = (
            report.values(
                account, subject, **report_request(account, group_by=groupings, **ALL_TIME)
            )
            for subject, groupings in (("campaign", CAMPAIGN_GROUPINGS), ("flow", FLOW_GROUPINGS))
        )
        for result in flows:
            counts = result["statistics"]
            assert counts["opens"] == counts["opens_unique"]
            assert counts["clicks"] == counts["clicks_unique"]
        for total, unique in (("opens", "opens_unique"), ("clicks", "clicks_unique")):
            assert any(
                (r["statistics"][total] or 0) > (r["statistics"][unique] or 0) for r in campaigns
            )

    def test_windows_do_not_overlap(self, account: Account) -> None:
        """Two adjacent windows together count each send of the whole window once."""
        middle = NOON - 100 * DAY
        request = report_request(account, group_by=CAMPAIGN_GROUPINGS)
        parts = [
            report.values(account, "campaign", **request | window)
            for window in ({"end": middle}, {"start": middle}, {})
        ]
        first, second, whole = (sum(r["statistics"]["recipients"] for r in part) for part in parts)
        assert first > 0
        assert second > 0
        assert first + second == whole

    def test_rates_are_fractions_of_the_counts(self, account: Account) -> None:
        """A rate is the documented ratio of counts, without rounding."""
        for result in report.values(
            account, "campaign", **report_request(account, group_by=CAMPAIGN_GROUPINGS)
        ):
            counts = result["statistics"]
            if result["groupings"]["send_channel"] == "email" and counts["delivered"]:
                assert counts["open_rate"] == counts["opens_unique"] / counts["delivered"]
                assert counts["click_rate"] == counts["clicks_unique"] / counts["delivered"]
            assert counts["recipients"] == counts["delivered"] + counts["bounced_or_failed"]

    def test_statistics_are_floats_and_those_that_a_channel_lacks_are_zero(
        self, account: Account
    ) -> None:
        """A statistic whose events a channel cannot have is 0.0, not null; counts are floats."""
        lacking = {
            "email": {"text_message_spend"},
            "sms": {"opens", "open_rate", "opens_unique", "spam_complaints", "bounced"},
            "push-notification": {"clicks", "click_rate", "unsubscribes", "text_message_spend"},
            "whatsapp": {"spam_complaints", "bounced", "failed", "text_message_spend"},
        }
        for channel, missing in lacking.items():
            request = report_request(account, group_by=CAMPAIGN_GROUPINGS)
            request["filters"] = [("equals", "send_channel", channel)]
            results = report.values(account, "campaign", **request)
            assert results, channel
            for result in results:
                assert result["groupings"]["send_channel"] == channel
                statistics = result["statistics"]
                assert {type(value) for value in statistics.values()} == {float}
                assert {statistics[name] for name in missing} == {0.0}, channel
                assert statistics["recipients"] > 0, channel

    def test_variations_add_up_to_their_message(self, account: Account) -> None:
        """The variations of an A/B test add up to their message, and other messages have one."""
        split = report.values(
            account, "campaign", **report_request(account, group_by=CAMPAIGN_GROUPINGS)
        )
        whole = report.values(
            account, "campaign", **report_request(account, group_by=CAMPAIGN_GROUPINGS[:3])
        )
        counts, variations = Counter[str](), Counter[str]()
        for result in split:
            message = result["groupings"]["campaign_message_id"]
            assert result["groupings"]["variation"] is not None
            counts[message] += result["statistics"]["opens_unique"] or 0
            variations[message] += 1
        for result in whole:
            message = result["groupings"]["campaign_message_id"]
            assert counts[message] == (result["statistics"]["opens_unique"] or 0)
        expected = {
            (campaign.id if len(campaign.messages) == 1 else message.id): len(message.variations)
            for campaign in account.company.campaigns
            for message in campaign.messages
        }
        assert variations == {message: expected[message] for message in variations}
        assert max(variations.values()) > 1

    def test_a_campaigns_only_message_has_the_campaigns_id(self, account: Account) -> None:
        """Campaign reports name the only message of a campaign by the campaign's id, or its own."""
        request = report_request(account, group_by=CAMPAIGN_GROUPINGS)
        own_ids = create_account(own_message_ids=True)
        answered, own = (
            [result["groupings"] for result in report.values(source, "campaign", **request)]
            for source in (account, own_ids)
        )
        sizes = {campaign.id: len(campaign.messages) for campaign in account.company.campaigns}
        messages = {
            message.id for campaign in account.company.campaigns for message in campaign.messages
        }
        by_campaign = {
            sizes[row["campaign_id"]] == 1
            for row in answered
            if row["campaign_message_id"] == row["campaign_id"]
        }

        assert by_campaign == {True}
        assert {row["campaign_message_id"] for row in own} <= messages
        assert all(
            row["campaign_message_id"] in messages
            for row in answered
            if sizes[row["campaign_id"]] > 1
        )
        assert len(answered) == len(own)

    def test_groups_split_recipients_and_tags_do_not(self, account: Account) -> None:
        """Groups by audience count every recipient once; groups by tag name the campaign's tags."""
        one, by_group, by_tag = (
            report.values(
                account,
                "campaign",
                **report_request(account, group_by=(*CAMPAIGN_GROUPINGS, *more)),
            )
            for more in ((), ("group", "group_name"), ("tag_id", "tag_name"))
        )
        recipients = [
            sum(r["statistics"]["recipients"] for r in results) for results in (one, by_group)
        ]
        assert recipients[0] == recipients[1]
        assert len(by_group) > len(one)
        tags = {tag.id: tag.name for tag in account.company.tags}
        for result in by_tag:
            groupings = result["groupings"]
            assert tags.get(groupings["tag_id"]) == groupings["tag_name"]

    def test_form_submits_equal_the_events(
        self, account: Account, documents: list[Any], metric_names: dict[str | None, str]
    ) -> None:
        """A form's submits equal its Submitted Form events, and its views are more."""
        submitted = Counter(
            document["attributes"]["event_properties"]["form_id"]
            for document in documents
            if metric_name(document, metric_names) == "Submitted Form"
        )
        results = report.values(
            account,
            "form",
            statistics=("submits", "viewed_form", "submit_rate"),
            group_by=("form_id",),
            filters=(),
            **ALL_TIME,
        )
        assert submitted == {r["groupings"]["form_id"]: r["statistics"]["submits"] for r in results}
        for result in results:
            counts = result["statistics"]
            assert counts["viewed_form"] > counts["submits"]
            assert counts["submit_rate"] == counts["submits"] / counts["viewed_form"]

    def test_segment_totals_equal_the_members(self, account: Account) -> None:
        """A segment's last total is the number of its members, and the net changes lead to it."""
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

    def test_counts_equal_the_events(
        self,
        account: Account,
        documents: list[Any],
        metric_names: dict[str | None, str],
        subtests: pytest.Subtests,
    ) -> None:
        """A row's daily count is the number of listed events of that day and dimension."""
        cases = [
            ("Opened Email", "Inbox Provider"),
            ("Received Email", "$message"),
            ("Clicked Email", "Bot Click"),
            ("Clicked Email", "URL"),
            ("Bounced Email", "Bounce Type"),
            ("Submitted Form", "form_id"),
            ("Subscribed to List", "List"),
        ]
        for metric, dimension in cases:
            with subtests.test(metric=metric, dimension=dimension):
                zone = ZoneInfo("America/Los_Angeles")
                expected: Counter[tuple[str, str]] = Counter()
                people = set()
                for document in documents:
                    at = document["attributes"]["timestamp"]
                    if metric_name(document, metric_names) == metric and at >= NOON - 100 * DAY:
                        day = datetime.fromtimestamp(at, zone).date().isoformat()
                        value = str(document["attributes"]["event_properties"].get(dimension, ""))
                        expected[day, value] += 1
                        people.add((day, value, document["relationships"]["profile"]["data"]["id"]))
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

    def test_attributed_orders_equal_the_reports(self, account: Account) -> None:
        """Orders by attributed message, over all time, equal the conversions of the reports."""
        _, rows = aggregates.metric_aggregates(
            account,
            metric_id=account.company.metric("Placed Order").id,
            measurements=("count", "sum_value"),
            interval="month",
            by=("$attributed_message", "$attributed_flow"),
            since=ALL_TIME["start"],
            before=ALL_TIME["end"],
            timezone="UTC",
            filters=(),
        )
        attributed = [row["measurements"] for row in rows if row["dimensions"][0]]
        campaigns = report.values(
            account, "campaign", **report_request(account, group_by=CAMPAIGN_GROUPINGS)
        )
        flows = report.values(account, "flow", **report_request(account, group_by=FLOW_GROUPINGS))
        for measurement, statistic in (("count", "conversions"), ("sum_value", "conversion_value")):
            by_event_date = sum(sum(row[measurement]) for row in attributed)
            by_send_date = sum(r["statistics"][statistic] for r in (*campaigns, *flows))
            assert by_event_date == pytest.approx(by_send_date)
            assert by_send_date > 0

    def test_days_follow_daylight_saving_time(self) -> None:
        """A day has 25 hours when clocks go back, and 23 when they go forward."""
        zone = ZoneInfo("America/New_York")
        start, end = (int(datetime(2026, m, 1, tzinfo=zone).timestamp()) for m in (3, 12))
        days = np.diff(interval_edges(start, end, "day", zone))
        hours = np.diff(interval_edges(start, start + 10 * DAY, "hour", zone))
        assert Counter((days // HOUR).tolist()) == {24: 273, 23: 1, 25: 1}
        assert set(hours.tolist()) == {HOUR}


class TestAttribution:
    """Conversions are attributed by Klaviyo's windows."""

    def test_order_belongs_to_the_last_touch_in_its_window(self, account: Account) -> None:
        """Every order is attributed to the latest eligible touch of its person, or to none."""
        events = account.events
        codes = {account.company.code(name): name for name in ATTRIBUTION_WINDOWS}
        touches: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for row in np.flatnonzero(events.variation >= 0).tolist():
            metric = int(events.metric[row])
            if metric in codes and not events.flags[row] & 3:
                touches[int(events.person[row])].append(
                    (int(events.at[row]), row, ATTRIBUTION_WINDOWS[codes[metric]])
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
    """The clock only decides what is visible."""

    def test_moving_the_clock_equals_starting_later(self) -> None:
        """An account whose clock moves by ten days equals one started ten days later."""
        moved, later = create_account(), create_account(NOON + 10 * DAY)
        moved.resources("profile")
        moved.set_clock(NOON + 10 * DAY)
        for kind in ("profile", "campaign-message", "segment"):
            assert moved.resources(kind) == later.resources(kind)
        requests_ = [
            report_request(account, group_by=CAMPAIGN_GROUPINGS) for account in (moved, later)
        ]
        first, second = (
            report.values(account, "campaign", **request)
            for account, request in zip((moved, later), requests_, strict=True)
        )
        assert first == second
        rows = [account.events.query(now=account.now) for account in (moved, later)]
        assert rows[0].tolist() == rows[1].tolist()
        assert moved.events.documents(rows[0][-500:]) == later.events.documents(rows[1][-500:])

    def test_reports_are_restated(self) -> None:
        """As days pass, old campaigns gain opens and orders, and keep their deliveries."""
        account = create_account(BLACK_FRIDAY, campaigns=320, profiles=1_000)
        request = report_request(account, group_by=CAMPAIGN_GROUPINGS, end=BLACK_FRIDAY)
        before = report.values(account, "campaign", **request)
        account.set_clock(BLACK_FRIDAY + 30 * DAY)
        after = report.values(account, "campaign", **request)
        assert [r["groupings"] for r in before] == [r["groupings"] for r in after]
        grown: Counter[str] = Counter()
        for old, new in zip(before, after, strict=True):
            assert old["statistics"]["delivered"] == new["statistics"]["delivered"]
            for name in ("opens", "opens_unique", "clicks", "conversions", "conversion_value"):
                assert (old["statistics"][name] or 0) <= (new["statistics"][name] or 0)
                grown[name] += (new["statistics"][name] or 0) - (old["statistics"][name] or 0)
        assert grown["opens_unique"] > 0
        assert grown["conversion_value"] > 0

    def test_clock_never_goes_back(self) -> None:
        """Turning the clock back is refused and changes nothing."""
        account = create_account(profiles=20, campaigns=5)
        with pytest.raises(ValueError, match="cannot go back"):
            account.set_clock(NOON - 1)
        assert account.now == NOON

    def test_clock_stays_within_the_simulation(self) -> None:
        """A clock before or after the simulated time is refused."""
        account = create_account(profiles=20, campaigns=5)
        with pytest.raises(ValueError, match="runs only from 2025-10-16"):
            account.set_clock(NOON + 61 * DAY)
        with pytest.raises(ValueError, match="runs only from 2025-10-16"):
            create_account(NOON - 401 * DAY)
        assert account.now == NOON

    def test_messages_are_received_while_sending(self, account: Account) -> None:
        """Every message of a campaign is received while its status is ``sending``."""
        events = account.events
        codes = [account.company.code(name) for name in STATISTIC_METRICS["delivered"].values()]
        received = np.isin(events.metric, codes)
        for number, content in enumerate(events.contents):
            sent = events.sent[received & (events.variation == number)]
            if content.campaign is not None and len(sent):
                statuses = {content.campaign.status(content.message, int(at)) for at in sent}  # type: ignore[arg-type]
                assert statuses == {"sending"}
