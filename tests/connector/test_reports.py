"""The numbers: asked for as Klaviyo allows, restated when Klaviyo restates them, never lost."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import account as accounts
import pytest
from api import ConfigurationError, ContractError, TransientError
from streams import STATISTICS
from werkzeug import Request, Response

from tests.connector.scripted import DAY, NOON, Asked, ScriptedAccount, Sync, resource, run

CAMPAIGNS = "/api/campaign-values-reports"
FLOWS = "/api/flow-values-reports"
FLOW_DAYS = "/api/flow-series-reports"
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


def windows(asked: list[Asked]) -> list[tuple[date, date]]:
    """The days that requests for reports are about."""
    frames = [one.body["timeframe"] for one in asked]
    return [(_day(frame["start"]), _day(frame["end"])) for frame in frames]


def _day(time: str) -> date:
    return datetime.fromisoformat(time).date()


def days(asked: list[Asked]) -> set[date]:
    """Every day that requests for reports are about."""
    return {a + n * DAY for a, b in windows(asked) for n in range((b - a).days + 1)}


def since(first: date, last: date) -> set[date]:
    """Every day from `first` to `last`."""
    return {first + n * DAY for n in range((last - first).days + 1)}


def spent(_: Request) -> Response:
    """Klaviyo's answer when the day's reports are used up."""
    return Response("{}", 429, {"Retry-After": "40000"})


class TestQuestion:
    """What is asked of Klaviyo."""

    def test_a_report_is_asked_for_whole_days_of_the_account(self, shop: ScriptedAccount) -> None:
        """All statistics, told apart by message, channel and variation; both days included."""
        run(tables="campaign_performance")
        (asked,) = shop.asked_of(CAMPAIGNS)
        assert asked.body["timeframe"] == {
            "start": "2026-10-31T00:00:00",
            "end": "2026-11-20T23:59:59",
        }
        assert asked.body["statistics"] == STATISTICS
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
        assert [one.body["conversion_metric_id"] for one in shop.asked_of(CAMPAIGNS)] == ids

    def test_metrics_of_one_name_are_all_asked_for(self, shop: ScriptedAccount) -> None:
        """Two shops of one account both call theirs Placed Order."""
        shop.documents["/api/metrics"].append(resource("metric", "PO2", name="Placed Order"))
        run(tables="campaign_performance", conversion_metrics="Placed Order")
        asked = {one.body["conversion_metric_id"] for one in shop.asked_of(CAMPAIGNS)}
        assert asked == {"PO", "PO2"}

    def test_an_unknown_conversion_metric_ends_the_sync(self, shop: ScriptedAccount) -> None:
        """A misspelt name is not left out in silence."""
        done = run(tables="campaign_performance", conversion_metrics="Placed Ordr")
        assert isinstance(done.error, ConfigurationError)
        assert "conversion_metrics" in str(done.error)
        assert shop.asked_of(CAMPAIGNS) == []

    def test_days_are_those_of_the_accounts_zone(self, shop: ScriptedAccount) -> None:
        """D8: at half past eleven in New York it is not yet tomorrow."""
        shop.now = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
        done = run(tables="campaign_performance,campaign_performance_daily")
        assert done.error is None
        assert max(days(shop.asked_of(CAMPAIGNS))) == date(2026, 11, 20)


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
        assert len(shop.asked_of(CAMPAIGNS)) == 2
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

    def test_a_snapshot_is_taken_on_each_day_of_change(self, shop: ScriptedAccount) -> None:
        """One row a day, from the same answer: the day's last numbers, dated in account time."""
        opens = iter([40, 41, 42, 42])  # two syncs a day
        shop.reports[CAMPAIGNS] = lambda _: sends(recipients=100, opens=next(opens))
        done = Sync()
        taken: dict[str, int] = {}
        for _ in range(4):
            done = run(done.state, tables=self.TABLES)
            snapshots = done.rows("campaign_performance_daily")
            taken |= {row["snapshot_date"]: row["opens"] for row in snapshots}
            shop.now += timedelta(hours=8)
        assert taken == {"2026-11-20": 41, "2026-11-21": 42}
        assert len(shop.asked_of(CAMPAIGNS)) == 4

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
        assert len(shop.asked_of(FLOW_DAYS)) == 200
        assert any("quota" in warning for warning in first.warnings)
        shop.now += DAY
        run(first.state, tables=self.TABLES, conversion_metrics=metrics)
        whole = since(TODAY - 15 * 365 * DAY, TODAY + DAY)
        for metric in metrics.split(","):
            asked = shop.asked_of(FLOW_DAYS)
            mine = [one for one in asked if one.body["conversion_metric_id"] == metric]
            assert days(mine) == whole

    def test_the_day_is_counted_across_syncs(
        self, shop: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A second sync of the day has only what the first one left; a new day begins anew."""
        monkeypatch.setattr(accounts, "OUR_SHARE", 3)
        begun(shop, 300)  # five windows of 60 days
        first = run(tables=self.TABLES)
        second = run(first.state, tables=self.TABLES)
        assert len(shop.asked_of(FLOW_DAYS)) == 3
        shop.now += DAY
        run(second.state, tables=self.TABLES)
        assert len(shop.asked_of(FLOW_DAYS)) == 6

    def test_a_sync_that_fails_has_counted_what_it_asked(
        self, shop: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was asked before the end counts, however the sync ended."""
        monkeypatch.setattr(accounts, "OUR_SHARE", 4)
        begun(shop, 150)
        shop.refuse("/api/events", 401)
        chosen = f"{self.TABLES},event"
        first = run(tables=chosen)
        assert first.error
        run(first.state, tables=chosen)
        assert len(shop.asked_of(FLOW_DAYS)) <= 4

    def test_klaviyos_own_word_on_the_quota_is_believed(self, shop: ScriptedAccount) -> None:
        """Other keys may have used it up: no more of that report until Klaviyo allows it."""
        shop.answers[FLOW_DAYS] = spent
        chosen = f"{self.TABLES},flow_performance"
        first = run(tables=chosen)
        assert first.error is None
        assert any("quota" in warning for warning in first.warnings)
        assert len(shop.asked_of(FLOWS)) == 1
        second = run(first.state, tables=chosen)
        assert len(shop.asked_of(FLOW_DAYS)) == 1
        shop.now += DAY
        del shop.answers[FLOW_DAYS]
        run(second.state, tables=chosen)
        assert since(TODAY - 20 * DAY, TODAY) <= days(shop.asked_of(FLOW_DAYS)[1:])

    def test_a_wait_beyond_all_time_is_no_crash(self, shop: ScriptedAccount) -> None:
        """H1: a Retry-After of a billion years is a spent quota."""
        shop.refuse(FLOW_DAYS, 429, Retry_After="99999999999999999")
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
        """Where numbers stood, a zero is news."""
        begun(shop, 2)
        shop.reports[FLOW_DAYS] = self.flow_days(recipients=[5, 0, 7])
        first = run(tables="flow_performance_daily")
        shop.reports[FLOW_DAYS] = self.flow_days(recipients=[5, 0, 0])
        second = run(first.state, tables="flow_performance_daily")
        rows = [(r["date"], r["recipients"]) for r in second.rows("flow_performance_daily")]
        assert rows == [("2026-11-20", 0)]

    def test_every_page_of_a_report_counts(self, shop: ScriptedAccount) -> None:
        """A report of two pages is read to its end."""
        page = '{{"data": {{"attributes": {{"results": [{}]}}}}, "links": {{"next": {}}}}}'
        result = '{{"groupings": {{"campaign_id": "{}", "campaign_message_id": "m",'
        result += ' "send_channel": "sms"}}, "statistics": {{"clicks": 1}}}}'

        def answer(request: Request) -> Response:
            if "page_cursor" in request.args:
                return Response(page.format(result.format("two"), "null"))
            return Response(page.format(result.format("one"), '"https://x/?page_cursor=2"'))

        shop.answers[CAMPAIGNS] = answer
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
        (asked,) = shop.asked_of(AGGREGATES)
        assert asked.body["timezone"] == "America/New_York"
        assert asked.body["filter"] == [
            "greater-or-equal(datetime,2026-10-31T00:00:00)",
            "less-than(datetime,2026-11-21T00:00:00)",
        ]

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
        shop.answers[path] = lambda _: Response('{"data": {"attributes": {}}, "links": {}}')
        first = run(tables=table)
        assert isinstance(first.error, ContractError)
        del shop.answers[path]
        before = len(shop.asked_of(path))
        run(first.state, tables=table)
        assert len(shop.asked_of(path)) > before

    @pytest.mark.parametrize(
        "results",
        [
            {"results": [None]},
            {"results": [{"groupings": None, "statistics": {}}]},
            {"results": [{"statistics": {"opens": 1}}]},
            {"results": [{"groupings": {"campaign_id": "c"}}]},
            {"results": {"a": 1}},
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
        shop.refuse(CAMPAIGNS, 400, "This metric does not support querying for values data.")
        done = run(tables="campaign_performance,flow_performance,flow_performance_daily")
        assert isinstance(done.error, ContractError)
        assert shop.asked_of(FLOWS)
        assert shop.asked_of(FLOW_DAYS)

    def test_a_window_that_failed_is_asked_for_again(self, shop: ScriptedAccount) -> None:
        """Klaviyo was down: the next sync of the same day asks for the whole window."""
        begun(shop, 300)
        shop.refuse(CAMPAIGNS, 503)
        first = run(tables="campaign_performance")
        assert isinstance(first.error, TransientError)
        shop.answers.clear()
        before = len(shop.asked_of(CAMPAIGNS))
        run(first.state, tables="campaign_performance")
        assert days(shop.asked_of(CAMPAIGNS)[before:]) == since(TODAY - 300 * DAY, TODAY)
