"""The numbers: asked for as Klaviyo allows, restated when Klaviyo restates them, never lost."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from werkzeug import Request, Response

from api import ConfigurationError, ContractError, TransientError
from streams import quota
from streams.catalog import STATISTICS
from tests.connector.scripted import (
    DAY,
    NOON,
    ReceivedRequest,
    ScriptedAccount,
    ScriptedRun,
    resource,
    run,
)

CAMPAIGNS = "/api/campaign-values-reports"
FLOWS = "/api/flow-values-reports"
FLOW_DAYS = "/api/flow-series-reports"
SEGMENT_DAYS, FORM_DAYS = "/api/segment-series-reports", "/api/form-series-reports"
AGGREGATES = "/api/metric-aggregates"
TODAY = NOON.date()


@pytest.fixture(name="shop")
def _shop(account: ScriptedAccount) -> ScriptedAccount:
    """An account with one metric that stands for revenue and a campaign of 20 days ago."""
    account.documents["/api/metrics"] = [
        resource("metric", "PO", name="Placed Order"),
        resource("metric", "RO", name="Refunded Order"),
        resource("metric", "OE", name="Opened Email"),
    ]
    account.documents["/api/mapped-metrics"] = [
        resource("mapped-metric", "revenue", {"metric": "PO"})
    ]
    begun(account, 20)
    return account


def begun(account: ScriptedAccount, days: int) -> None:
    """Let the account's first campaign be of some days ago."""
    created = (NOON - days * DAY).isoformat()
    account.documents["/api/campaigns"] = [
        resource("campaign", "c", definition={"archived": False}, created_at=created)
    ]


def sends(**statistics: float) -> dict[str, Any]:
    """A report of one campaign message."""
    groupings = {"campaign_id": "c", "campaign_message_id": "m", "send_channel": "email"}
    return {"results": [{"groupings": groupings | {"variation": None}, "statistics": statistics}]}


def sent(recipients: dict[date, int]) -> Callable[[Any], Any]:
    """A report of one message that was sent to so many on some days, as a window shows it."""

    def report(body: Any) -> Any:
        frame = body["timeframe"]
        shown = [
            n for day, n in recipients.items() if frame["start"] <= f"{day}T12" <= frame["end"]
        ]
        return sends(recipients=sum(shown), opens=len(shown)) if shown else {}

    return report


def windows(asked: list[ReceivedRequest]) -> list[tuple[date, date]]:
    """The days that requests for reports are about."""
    frames = [one.body["timeframe"] for one in asked]
    return [(_day(frame["start"]), _day(frame["end"])) for frame in frames]


def _day(time: str) -> date:
    return datetime.fromisoformat(time).date()


def days(asked: list[ReceivedRequest]) -> set[date]:
    """Every day that requests for reports are about."""
    return {a + n * DAY for a, b in windows(asked) for n in range((b - a).days + 1)}


def since(first: date, last: date) -> set[date]:
    """Every day from `first` to `last`."""
    return {first + n * DAY for n in range((last - first).days + 1)}


def refused(request: Request, name: str) -> Response | None:
    """Klaviyo's answer to a question about Refunded Order, which `name` asks for."""
    metric_id = json.loads(request.get_data())["data"]["attributes"][name]
    return Response('{"errors": [{"detail": "unsupported"}]}', 400) if metric_id == "RO" else None


def spent(_: Request) -> Response:
    """Klaviyo's answer when the day's reports are used up."""
    return Response("{}", 429, {"Retry-After": "40000"})


class TestQuestion:
    """What is asked of Klaviyo."""

    def test_a_report_is_asked_for_whole_days_of_the_account(self, shop: ScriptedAccount) -> None:
        """All statistics, told apart by message, channel and variation; both days included."""
        run(tables="campaign_performance")
        (asked,) = shop.requests_to(CAMPAIGNS)
        assert asked.body["timeframe"] == {
            "start": "2026-10-31T00:00:00",
            "end": "2026-11-20T23:59:59",
        }
        assert asked.body["statistics"] == [*STATISTICS]
        assert asked.body["conversion_metric_id"] == "PO"
        assert {"campaign_id", "campaign_message_id", "send_channel", "variation"} <= {
            *asked.body["group_by"]
        }

    @pytest.mark.parametrize(
        ("chosen", "ids"),
        [
            ("", ["PO"]),
            ("Refunded Order", ["RO"]),
            ("RO", ["RO"]),
            ("Placed Order,RO", ["PO", "RO"]),
        ],
    )
    def test_every_conversion_metric_is_asked_for(
        self, shop: ScriptedAccount, chosen: str, ids: list[str]
    ) -> None:
        """By name or id; without a choice the metric that the account maps to revenue."""
        run(tables="campaign_performance", conversion_metrics=chosen)
        assert [one.body["conversion_metric_id"] for one in shop.requests_to(CAMPAIGNS)] == ids

    def test_metrics_of_one_name_are_all_asked_for(self, shop: ScriptedAccount) -> None:
        """Two shops of one account both call theirs Placed Order."""
        shop.documents["/api/metrics"].append(resource("metric", "PO2", name="Placed Order"))
        run(tables="campaign_performance", conversion_metrics="Placed Order")
        asked = {one.body["conversion_metric_id"] for one in shop.requests_to(CAMPAIGNS)}
        assert asked == {"PO", "PO2"}

    def test_an_unknown_conversion_metric_ends_the_sync(self, shop: ScriptedAccount) -> None:
        """A misspelt name is not left out in silence."""
        done = run(tables="campaign_performance", conversion_metrics="Placed Ordr")
        assert isinstance(done.error, ConfigurationError)
        assert "conversion_metrics" in str(done.error)
        assert shop.requests_to(CAMPAIGNS) == []

    @pytest.mark.parametrize("removed", [0, 1], ids=["Placed Order is used", "none is"])
    def test_revenue_that_is_mapped_to_a_custom_metric_is_told(
        self, shop: ScriptedAccount, removed: int
    ) -> None:
        """Reports count another metric then, or none; a choice in conversion_metrics settles it."""
        mapped = resource("mapped-metric", "revenue", {"custom-metric": "CM"})
        shop.documents["/api/mapped-metrics"] = [mapped]
        del shop.documents["/api/metrics"][:removed]
        told = run(tables="campaign_performance").warnings
        assert ["custom metric" in warning for warning in told] == [True]
        assert told[0].count("skipped campaign_performance") == removed
        assert run(tables="campaign_performance", conversion_metrics="RO").warnings == []

    @pytest.mark.parametrize("tables", ["reporting", "segment_daily,form_daily"])
    @pytest.mark.parametrize("campaigns", [0, 1])
    def test_segments_and_forms_older_than_any_campaign_are_asked_for(
        self, shop: ScriptedAccount, tables: str, campaigns: int
    ) -> None:
        """The oldest thing that has numbers tells the first day, whatever tables are chosen."""
        del shop.documents["/api/campaigns"][campaigns:]
        first = TODAY - 700 * DAY
        shop.documents["/api/segments"] = [
            resource("segment", "s", created=f"{first}T00:00:00Z", updated=f"{TODAY}T00:00:00Z")
        ]
        shop.documents["/api/forms"] = [
            resource("form", "f", created_at=f"{first}T00:00:00Z", updated_at=f"{TODAY}T00:00:00Z")
        ]
        run(tables=tables)
        for path in (SEGMENT_DAYS, FORM_DAYS):
            assert days(shop.requests_to(path)) == since(first, TODAY)

    def test_days_are_those_of_the_accounts_zone(self, shop: ScriptedAccount) -> None:
        """D8: at half past eleven in New York it is not yet tomorrow."""
        shop.now = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
        done = run(tables="campaign_performance,campaign_performance_daily")
        assert done.error is None
        assert max(days(shop.requests_to(CAMPAIGNS))) == date(2026, 11, 20)


class TestRestatement:
    """Klaviyo's numbers change for a long time; ours follow."""

    TABLES = "campaign_performance,campaign_performance_daily"

    def test_restated_numbers_replace_the_old_ones(self, shop: ScriptedAccount) -> None:
        """The same key gets the new numbers, as one complete row."""
        shop.reports[CAMPAIGNS] = lambda _: sends(recipients=100, opens=40, open_rate=0.4)
        first = run(tables=self.TABLES)
        shop.reports[CAMPAIGNS] = lambda _: sends(recipients=100, opens=41, open_rate=0.41)
        second = run(first.state, tables=self.TABLES)
        (old,) = first.rows("campaign_performance")
        (new,) = second.rows("campaign_performance")
        assert (old["opens"], new["opens"], new["open_rate"]) == (40, 41, 0.41)
        assert new["variation"] == ""
        assert new["clicks"] is None

    def test_unchanged_numbers_are_not_written_again(self, shop: ScriptedAccount) -> None:
        """Rows written are billed."""
        shop.reports[CAMPAIGNS] = lambda _: sends(recipients=100, opens=40)
        first = run(tables=self.TABLES)
        shop.now += DAY
        second = run(first.state, tables=self.TABLES)
        assert len(shop.requests_to(CAMPAIGNS)) == 2
        assert second.rows("campaign_performance") == []
        assert second.rows("campaign_performance_daily") == []

    def test_a_window_that_cuts_a_send_does_not_overwrite_the_whole(
        self, shop: ScriptedAccount
    ) -> None:
        """A send spread over days, half of it outside the window, keeps its fuller numbers."""
        begun(shop, 400)
        parts: dict[bool, Any] = {
            True: sends(recipients=1_000, opens=400),  # asked for with the day of the send
            False: sends(recipients=300, opens=150),
        }
        sent = TODAY - 35 * DAY
        shop.reports[CAMPAIGNS] = lambda body: parts[_day(body["timeframe"]["start"]) <= sent]
        first = run(tables=self.TABLES)
        hot = run(first.state, tables=self.TABLES)
        assert hot.rows("campaign_performance") == []
        assert first.rows("campaign_performance")[-1]["opens"] == 400

    def test_a_send_at_the_far_edge_of_the_daily_windows_stays_whole(
        self, shop: ScriptedAccount
    ) -> None:
        """A send spread over days keeps its numbers while its days fall out of sight one by one."""
        begun(shop, 1_000)
        day = TODAY - 359 * DAY
        shop.reports[CAMPAIGNS] = sent({day: 600, day + DAY: 300, day + 2 * DAY: 100})
        done = ScriptedRun()
        stands = []
        for _ in range(20):  # three weeks of daily syncs, and what each left standing
            done = run(done.state, tables=self.TABLES)
            stands += [row["recipients"] for row in done.rows("campaign_performance")[-1:]]
            shop.now += DAY
        assert set(stands) == {1_000}

    @pytest.mark.parametrize("age", [20, 1_000])
    def test_fewer_recipients_are_believed_the_next_day(
        self, shop: ScriptedAccount, age: int
    ) -> None:
        """Klaviyo restates recipients too, of an old account as of a new one."""
        begun(shop, age)
        shop.reports[CAMPAIGNS] = lambda _: sends(recipients=1_000, opens=400)
        first = run(tables=self.TABLES)
        shop.reports[CAMPAIGNS] = lambda _: sends(recipients=999, opens=700)
        shop.now += DAY
        second = run(first.state, tables=self.TABLES)
        (new,) = second.rows("campaign_performance")
        assert (new["recipients"], new["opens"]) == (999, 700)

    def test_a_snapshot_is_taken_on_each_day_of_change(self, shop: ScriptedAccount) -> None:
        """One row a day, from the same answer: the day's last numbers, dated in account time."""
        opens = iter([40, 41, 42, 42])  # two syncs a day
        shop.reports[CAMPAIGNS] = lambda _: sends(recipients=100, opens=next(opens))
        done = ScriptedRun()
        taken: dict[str, int] = {}
        for _ in range(4):
            done = run(done.state, tables=self.TABLES)
            snapshots = done.rows("campaign_performance_daily")
            taken |= {row["snapshot_date"]: row["opens"] for row in snapshots}
            shop.now += timedelta(hours=8)
        assert taken == {"2026-11-20": 41, "2026-11-21": 42}
        assert len(shop.requests_to(CAMPAIGNS)) == 4

    def test_the_snapshots_alone_can_be_chosen(self, shop: ScriptedAccount) -> None:
        """A chosen table is filled, whether or not the one beside it is chosen too."""
        shop.reports[CAMPAIGNS] = lambda _: sends(recipients=100)
        done = run(tables="campaign_performance_daily")
        assert len(done.rows("campaign_performance_daily")) == 1
        assert done.rows("campaign_performance") == []


class TestQuota:
    """A quota that is used up never loses a window."""

    TABLES = "flow_performance_daily"

    def test_two_hundred_reports_a_day_and_the_rest_the_day_after(
        self, shop: ScriptedAccount
    ) -> None:
        """Fifteen years of three metrics are more than a day allows: two days cover them all."""
        begun(shop, 15 * 365)
        metrics = "PO,RO,OE"
        first = run(tables=self.TABLES, conversion_metrics=metrics)
        assert first.error is None
        assert len(shop.requests_to(FLOW_DAYS)) == 200
        assert any("quota" in warning for warning in first.warnings)
        shop.now += DAY
        run(first.state, tables=self.TABLES, conversion_metrics=metrics)
        whole = since(TODAY - 15 * 365 * DAY, TODAY + DAY)
        for metric in metrics.split(","):
            asked = shop.requests_to(FLOW_DAYS)
            mine = [one for one in asked if one.body["conversion_metric_id"] == metric]
            assert days(mine) == whole

    def test_the_day_is_counted_across_syncs(
        self, shop: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A second sync of the day has only what the first one left; a new day begins anew."""
        monkeypatch.setattr(quota, "OUR_SHARE", 3)
        begun(shop, 300)  # five windows of 60 days
        first = run(tables=self.TABLES)
        second = run(first.state, tables=self.TABLES)
        assert len(shop.requests_to(FLOW_DAYS)) == 3
        shop.now += DAY
        run(second.state, tables=self.TABLES)
        assert len(shop.requests_to(FLOW_DAYS)) == 6

    def test_a_sync_that_fails_has_counted_what_it_asked(
        self, shop: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was asked before the end counts, however the sync ended."""
        monkeypatch.setattr(quota, "OUR_SHARE", 4)
        begun(shop, 150)
        shop.fail_with("/api/events", 401)
        chosen = f"{self.TABLES},event"
        first = run(tables=chosen)
        assert first.error
        run(first.state, tables=chosen)
        assert len(shop.requests_to(FLOW_DAYS)) <= 4

    def test_klaviyos_own_word_on_the_quota_is_believed(self, shop: ScriptedAccount) -> None:
        """Other keys may have used it up: no more of that report until Klaviyo allows it."""
        shop.responses[FLOW_DAYS] = spent
        chosen = f"{self.TABLES},flow_performance"
        first = run(tables=chosen)
        assert first.error is None
        assert any("quota" in warning for warning in first.warnings)
        assert len(shop.requests_to(FLOWS)) == 1
        second = run(first.state, tables=chosen)
        assert len(shop.requests_to(FLOW_DAYS)) == 1
        shop.now += DAY
        del shop.responses[FLOW_DAYS]
        run(second.state, tables=chosen)
        assert since(TODAY - 20 * DAY, TODAY) <= days(shop.requests_to(FLOW_DAYS)[1:])

    def test_a_wait_beyond_all_time_is_no_crash(self, shop: ScriptedAccount) -> None:
        """H1: a Retry-After of a billion years is a spent quota."""
        shop.fail_with(FLOW_DAYS, 429, Retry_After="99999999999999999")
        done = run(tables=self.TABLES)
        assert done.error is None
        assert any("quota" in warning for warning in done.warnings)


class TestSeries:
    """Reports by day."""

    @staticmethod
    def flow_days(**statistics: list[float]) -> Callable[[Any], Any]:
        """A daily series of one flow message, from the window's first day on."""

        def report(body: Any) -> Any:
            start = _day(body["timeframe"]["start"])
            length = len(next(iter(statistics.values())))
            groupings = {"flow_id": "f", "flow_message_id": "m", "send_channel": "email"}
            return {
                "results": [{"groupings": groupings, "statistics": statistics}],
                "date_times": [f"{start + n * DAY}T00:00:00+00:00" for n in range(length)],
            }

        return report

    def test_a_series_is_cut_into_its_days(self, shop: ScriptedAccount) -> None:
        """One row per day with its own numbers; days on which nothing happened make no row."""
        begun(shop, 2)
        shop.reports[FLOW_DAYS] = self.flow_days(recipients=[5, 0, 7], opens=[2, 0, 3])
        done = run(tables="flow_performance_daily")
        rows = [
            (r["date"], r["recipients"], r["opens"]) for r in done.rows("flow_performance_daily")
        ]
        assert rows == [("2026-11-18", 5, 2), ("2026-11-20", 7, 3)]

    def test_a_day_restated_to_nothing_becomes_nothing(self, shop: ScriptedAccount) -> None:
        """A day whose numbers are gone is deleted, as one on which nothing happened has no row."""
        begun(shop, 2)
        shop.reports[FLOW_DAYS] = self.flow_days(recipients=[5, 0, 7])
        first = run(tables="flow_performance_daily")
        shop.reports[FLOW_DAYS] = self.flow_days(recipients=[5, 0, 0])
        second = run(first.state, tables="flow_performance_daily")
        (gone,) = second.deleted("flow_performance_daily")
        (row,) = [r for r in first.rows("flow_performance_daily") if r["date"] == "2026-11-20"]
        assert gone.items() <= row.items()
        assert second.rows("flow_performance_daily") == []

    def test_what_a_rolling_report_no_longer_shows_is_deleted(self, shop: ScriptedAccount) -> None:
        """A variation that was sent to nobody for a year has no numbers of that year."""
        both = [sends(recipients=9)["results"][0] for _ in "AB"]
        for variation, result in zip("AB", both, strict=True):
            groupings = {"flow_id": "f", "flow_message_id": "m", "send_channel": "email"}
            result["groupings"] = groupings | {"variation": variation}
        shop.reports[FLOWS] = lambda _: {"results": both}
        first = run(tables="flow_performance")
        shop.reports[FLOWS] = lambda _: {"results": both[:1]}
        second = run(first.state, tables="flow_performance")
        assert [keys["variation"] for keys in second.deleted("flow_performance")] == ["B"]

    def test_every_page_of_a_report_counts(self, shop: ScriptedAccount) -> None:
        """A report of two pages is read to its end."""
        page = '{{"data": {{"attributes": {{"results": [{}]}}}}, "links": {{"next": {}}}}}'
        result = '{{"groupings": {{"campaign_id": "{}", "campaign_message_id": "m",'
        result += ' "send_channel": "sms"}}, "statistics": {{"clicks": 1}}}}'

        def answer(request: Request) -> Response:
            if "page_cursor" in request.args:
                return Response(page.format(result.format("two"), "null"))
            return Response(page.format(result.format("one"), '"https://x/?page_cursor=2"'))

        shop.responses[CAMPAIGNS] = answer
        done = run(tables="campaign_performance")
        assert [row["campaign_id"] for row in done.rows("campaign_performance")] == ["one", "two"]


class TestAggregates:
    """Counts by event date."""

    @staticmethod
    def answer(body: Any) -> Any:
        """Three opens and two of one message on one day, by whatever it is grouped."""
        return {
            "dates": ["2026-11-19T05:00:00+00:00", "2026-11-20T05:00:00+00:00"],  # midnights there
            "data": [
                {
                    "dimensions": ["m", *[""] * (len(body["by"]) - 1)],
                    "measurements": {"count": [0, 3], "unique": [0, 2], "sum_value": [0.0, 9.5]},
                }
            ],
        }

    def test_counts_stand_under_their_day_message_and_channel(self, shop: ScriptedAccount) -> None:
        """The account's day, the metric and its channel; a day without events makes no row."""
        shop.reports[AGGREGATES] = self.answer
        done = run(tables="message_metric_daily", conversion_metrics="PO")
        opened = [r for r in done.rows("message_metric_daily") if r["metric_id"] == "OE"]
        assert len(opened) == 1
        assert {k: v for k, v in opened[0].items() if k not in ("account_id", "synced_at")} == {
            "metric_id": "OE", "date": "2026-11-20", "message_id": "m", "flow_id": "",
            "channel": "email", "count": 3, "unique_count": 2, "sum_value": 9.5,
        }  # fmt: skip

    def test_bounds_are_days_of_the_account(self, shop: ScriptedAccount) -> None:
        """Half-open, from the first day to the end of today, in the account's zone."""
        run(tables="inbox_provider_daily")
        (asked,) = shop.requests_to(AGGREGATES)
        assert asked.body["timezone"] == "America/New_York"
        assert asked.body["filter"] == [
            "greater-or-equal(datetime,2026-10-31T00:00:00)",
            "less-than(datetime,2026-11-21T00:00:00)",
        ]

    @staticmethod
    def credited(message: str, *days: date) -> Callable[[Any], Any]:
        """One order on each of some days, credited to a message."""
        ones = [1] * len(days)

        def answer(body: Any) -> Any:
            group = {
                "dimensions": [message, *[""] * (len(body["by"]) - 1)],
                "measurements": {"count": ones, "unique": ones, "sum_value": ones},
            }
            return {"dates": [f"{day}T05:00:00+00:00" for day in days], "data": [group]}

        return answer

    def test_what_is_credited_to_another_message_is_taken_from_the_first(
        self, shop: ScriptedAccount
    ) -> None:
        """A group that Klaviyo shows no more is deleted on the days that were asked for."""
        begun(shop, 100)
        earlier, recent = TODAY - 20 * DAY, TODAY - DAY
        shop.reports[AGGREGATES] = self.credited("A", earlier, recent)
        first = run(tables="message_metric_daily", conversion_metrics="PO")
        shop.reports[AGGREGATES] = self.credited("B", recent)
        second = run(first.state, tables="message_metric_daily", conversion_metrics="PO")
        gone = second.deleted("message_metric_daily")
        assert {(keys["message_id"], keys["date"]) for keys in gone} == {("A", str(recent))}
        assert {keys["metric_id"] for keys in gone} == {"PO", "OE"}
        assert {row["message_id"] for row in second.rows("message_metric_daily")} == {"B"}

    def test_days_that_are_asked_for_no_more_are_forgotten(self, shop: ScriptedAccount) -> None:
        """The state does not grow with the years."""
        begun(shop, 100)
        settled, recent = TODAY - 60 * DAY, TODAY - DAY
        shop.reports[AGGREGATES] = self.credited("A", settled, recent)
        state = json.dumps(run(tables="message_metric_daily").state)
        assert str(recent) in state
        assert str(settled) not in state

    def test_a_window_that_was_answered_in_part_deletes_nothing(
        self, shop: ScriptedAccount
    ) -> None:
        """H10: what a broken answer does not show may well stand in Klaviyo."""
        shop.reports[AGGREGATES] = self.credited("A", TODAY)
        first = run(tables="message_metric_daily")
        shop.responses[AGGREGATES] = lambda _: Response(
            '{"data": {"attributes": {"dates": [], "data": [null]}}, "links": {}}'
        )
        second = run(first.state, tables="message_metric_daily")
        assert isinstance(second.error, ContractError)
        assert second.deleted("message_metric_daily") == []

    def test_no_row_is_written_from_two_questions(self, shop: ScriptedAccount) -> None:
        """A message metric that also counts as a conversion is not counted over itself."""
        shop.reports[AGGREGATES] = self.answer
        done = run(tables="message_metric_daily", conversion_metrics="Opened Email")
        rows = done.rows("message_metric_daily")
        keys = [(r["metric_id"], r["date"], r["message_id"], r["flow_id"]) for r in rows]
        assert len(keys) == len(set(keys))


class TestBroken:
    """What Klaviyo's contract excludes is never taken for no results."""

    @pytest.mark.parametrize(
        ("path", "table"),
        [(CAMPAIGNS, "campaign_performance"), (AGGREGATES, "message_metric_daily")],
    )
    def test_an_answer_without_results_is_not_an_empty_one(
        self, shop: ScriptedAccount, path: str, table: str
    ) -> None:
        """H10: the window stays to be asked for, and the sync says what was wrong."""
        shop.responses[path] = lambda _: Response('{"data": {"attributes": {}}, "links": {}}')
        first = run(tables=table)
        assert isinstance(first.error, ContractError)
        del shop.responses[path]
        before = len(shop.requests_to(path))
        run(first.state, tables=table)
        assert len(shop.requests_to(path)) > before

    @pytest.mark.parametrize(
        "results",
        [
            {"results": [None]},
            {"results": [{"groupings": None, "statistics": {}}]},
            {"results": [{"statistics": {"opens": 1}}]},
            {"results": [{"groupings": {"campaign_id": "c"}}]},
            {"results": {"a": 1}},
            {"results": [{"groupings": {"campaign_id": "c"}, "statistics": None}]},
            {"results": [{"groupings": {"campaign_id": "c"}, "statistics": []}]},
            {"results": [{"groupings": {"campaign_id": "c"}, "statistics": "x"}]},
        ],
    )
    def test_malformed_results_end_in_one_line(self, shop: ScriptedAccount, results: Any) -> None:
        """S1: a ContractError that names the endpoint, not a crash."""
        shop.reports[CAMPAIGNS] = lambda _: results
        done = run(tables="campaign_performance")
        assert isinstance(done.error, ContractError)
        assert CAMPAIGNS in str(done.error)

    def test_a_report_that_is_refused_does_not_stop_the_others(self, shop: ScriptedAccount) -> None:
        """One metric may not be reportable: the other reports arrive, then the sync fails."""
        shop.fail_with(CAMPAIGNS, 400, "This metric does not support querying for values data.")
        done = run(tables="campaign_performance,flow_performance,flow_performance_daily")
        assert isinstance(done.error, ContractError)
        assert shop.requests_to(FLOWS)
        assert shop.requests_to(FLOW_DAYS)

    @pytest.mark.parametrize("chosen", ["Placed Order,RO", "RO,Placed Order"])
    def test_a_metric_that_is_refused_does_not_stop_the_others(
        self, shop: ScriptedAccount, chosen: str
    ) -> None:
        """All history of the other metrics arrives; the error names the one that is refused."""
        begun(shop, 1_000)
        shop.responses[CAMPAIGNS] = lambda request: refused(request, "conversion_metric_id")
        done = run(tables="campaign_performance", conversion_metrics=chosen)
        asked = shop.requests_to(CAMPAIGNS)
        assert since(TODAY - 1_000 * DAY, TODAY) == days(
            [one for one in asked if one.body["conversion_metric_id"] == "PO"]
        )
        assert isinstance(done.error, ContractError)
        assert str(done.error).endswith("metric RO")

    def test_a_refused_message_metric_does_not_stop_the_others(self, shop: ScriptedAccount) -> None:
        """Aggregates of many metrics are asked of one address; a quota they have none."""
        shop.responses[AGGREGATES] = lambda request: refused(request, "metric_id")
        run(tables="message_metric_daily", conversion_metrics="RO,PO")
        asked = [one.body["metric_id"] for one in shop.requests_to(AGGREGATES)]
        assert set(asked) == {"OE", "RO", "PO"}

    def test_a_report_that_is_down_does_not_keep_the_others(self, shop: ScriptedAccount) -> None:
        """One address that never answers; the sync fails in the end, and names it."""
        begun(shop, 20)
        shop.fail_with(CAMPAIGNS, 503)
        done = run()
        assert isinstance(done.error, TransientError)
        assert CAMPAIGNS in str(done.error)
        for path in (FLOWS, FLOW_DAYS, AGGREGATES):
            assert shop.requests_to(path), path

    def test_what_a_window_that_broke_off_has_written_is_known(self, shop: ScriptedAccount) -> None:
        """It stands in the warehouse: if Klaviyo never shows it again it is deleted."""
        begun(shop, 20)
        whole = {"results": sends()["results"], "date_times": []}
        body = json.dumps({"data": {"attributes": whole}, "links": {"next": "?page_cursor=2"}})
        shop.responses[FLOWS] = lambda request: Response(body, 400 if request.query_string else 200)
        first = run(tables="flow_performance")
        assert first.rows("flow_performance")
        shop.responses.clear()
        shop.now += DAY
        second = run(first.state, tables="flow_performance")
        assert len(second.deleted("flow_performance")) == 1

    def test_a_window_that_failed_is_asked_for_again(self, shop: ScriptedAccount) -> None:
        """Klaviyo was down: the next sync of the same day asks for the whole window."""
        begun(shop, 300)
        shop.fail_with(CAMPAIGNS, 503)
        first = run(tables="campaign_performance")
        assert isinstance(first.error, TransientError)
        shop.responses.clear()
        before = len(shop.requests_to(CAMPAIGNS))
        run(first.state, tables="campaign_performance")
        assert days(shop.requests_to(CAMPAIGNS)[before:]) == since(TODAY - 300 * DAY, TODAY)
