"""The sandbox's accounts: of several shapes, and with changes between two syncs."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from api import ContractError
from tests.loader import Loader, Row
from tests.sandbox_server import KEY, Sandbox, run_sandbox

ACCOUNT: dict[str, Any] = {
    "now": "2026-11-16T15:00:00Z",
    "campaigns": 60,
    "profiles": 150,
    "no_limits": True,
}
CAMPAIGNS, FLOWS, FLOW_DAYS = "campaign_performance", "flow_performance", "flow_performance_daily"
REPORTS = f"{CAMPAIGNS},{FLOWS},{FLOW_DAYS}"
MESSAGES = "campaign_message,campaign_variation"
DAY = 86_400


@pytest.fixture(name="usual", scope="module")
def _usual() -> Iterator[Sandbox]:
    with run_sandbox(**ACCOUNT) as sandbox:
        yield sandbox


@pytest.fixture(name="sandbox")
def _sandbox(usual: Sandbox) -> Sandbox:
    """The usual account in its first state."""
    usual.reset()
    return usual


def connect(sandbox: Sandbox, tables: str, **settings: str) -> Loader:
    """A connection that has not synced yet."""
    return Loader(sandbox.url, {"api_key": KEY, "tables": tables, **settings})


def find_metric(sandbox: Sandbox, name: str) -> str:
    """The id of a metric."""
    metrics = sandbox.all("/api/metrics")
    return next(str(metric["id"]) for metric in metrics if metric["attributes"]["name"] == name)


def sum_of(rows: list[Row], statistic: str) -> float:
    """The sum of a statistic over rows."""
    return sum(row[statistic] or 0 for row in rows)


class TestMessages:
    """Messages of campaigns, and their variations."""

    def test_every_sent_message_has_a_send_time(self, sandbox: Sandbox) -> None:
        """Where each variation has its own, it is the earliest of them."""
        done = connect(sandbox, MESSAGES).sync()
        messages = {row["id"]: row for row in done.rows("campaign_message")}
        assert all(row["send_time"] for row in messages.values() if row["status"] == "sent")
        own = defaultdict(list)
        for row in done.rows("campaign_variation"):
            if row["send_time"]:
                own[row["campaign_message_id"]].append(row["send_time"])
        strategies = {messages[message]["send_strategy"] for message in own}
        assert strategies == {"send_time_optimization", "ab_send_time_test"}
        assert {m: min(times) for m, times in own.items()} == {
            m: messages[m]["send_time"] for m in own
        }

    def test_both_ways_to_variations_give_the_same_rows(self, sandbox: Sandbox) -> None:
        """Klaviyo includes them in the listing, or refuses that and has them at each message."""
        included = connect(sandbox, MESSAGES).sync()
        assert not any(r["path"].endswith("/campaign-variations") for r in sandbox.log())
        sandbox.fault("variations400")
        requested = connect(sandbox, MESSAGES).sync()
        assert requested.content() == included.content()
        # Once by the trial before the first truncate, once by the sync.
        assert sum(request["status"] == 400 for request in sandbox.log()) == 2
        requested.sync()
        assert requested.written.keys() <= {"sync_report"}


class TestConversions:
    """Which metric's conversions the reports count."""

    def test_a_metric_without_values_has_conversions_but_no_money(self, sandbox: Sandbox) -> None:
        """Klaviyo refuses the money of some metrics; the rest is asked for again."""
        whole = connect(sandbox, CAMPAIGNS).sync()
        sandbox.fault("values400")
        done = connect(sandbox, CAMPAIGNS).sync()
        rows, expected = done.rows(CAMPAIGNS), whole.rows(CAMPAIGNS)
        for name in ("opens_unique", "conversions"):
            assert sum_of(rows, name) == sum_of(expected, name) > 0
        assert {row["conversion_value"] for row in rows} == {None}
        assert len(done.warnings) == 1

    def test_events_of_a_metric_that_klaviyo_refuses(self, sandbox: Sandbox) -> None:
        """The other metrics' events arrive; the error names the metric and the setting."""
        refused = find_metric(sandbox, "Viewed Form")
        sandbox.fault("metric400", query=refused)
        done = connect(sandbox, "event", event_metrics="Viewed Form,Placed Order")
        with pytest.raises(ContractError, match="'Viewed Form' of event_metrics: leave it out"):
            done.sync()
        assert {row["metric_id"] for row in done.rows("event")} == {
            find_metric(sandbox, "Placed Order")
        }

    def test_a_remapped_revenue_metric_gets_its_history(self, sandbox: Sandbox) -> None:
        """All rows of the new metric are as a first sync has them; those of the old one stay."""
        done = connect(sandbox, REPORTS).sync()
        old, new = (find_metric(sandbox, name) for name in ("Placed Order", "Ordered Product"))
        before = {table: done.rows(table) for table in REPORTS.split(",")}
        sandbox.map_metric("revenue", new)
        fresh = connect(sandbox, REPORTS).sync()
        done.sync()
        for table, rows in before.items():
            by_metric = defaultdict(list)
            for row in done.rows(table):
                by_metric[row["conversion_metric_id"]].append(row)
            assert by_metric[old] == rows
            assert sum_of(by_metric[new], "conversion_value") == pytest.approx(
                sum_of(fresh.rows(table), "conversion_value")
            )
            assert len(by_metric[new]) == len(fresh.rows(table)) > 0


class TestFlowMessages:
    """Messages of flows."""

    def test_the_message_of_a_content_test_has_its_row(self, sandbox: Sandbox) -> None:
        """Each reported message of a flow has one, also where a test's main action sends it."""
        done = connect(sandbox, f"flow_action,flow_message,{FLOWS}").sync()
        messages = {row["id"]: row for row in done.rows("flow_message")}
        assert {row["flow_message_id"] for row in done.rows(FLOWS)} <= messages.keys()
        tested = [row for row in messages.values() if row["action_type"] == "ab-test"]
        assert tested
        actions = {row["id"]: row["definition"] for row in done.rows("flow_action")}
        for row in tested:
            main = actions[row["flow_action_id"]]["data"]["main_action"]["data"]["message"]
            assert (row["id"], row["subject"]) == (main["id"], main["subject_line"])


class TestUnits:
    """An account whose time zone changes."""

    TABLES = (
        f"account,{REPORTS},flow_performance_period,message_metric_daily,inbox_provider_daily,"
        "segment_daily,form_daily,form_version_daily"
    )

    @pytest.mark.parametrize(
        "zone",
        [
            pytest.param("Asia/Tokyo", id="east"),
            pytest.param("Pacific/Honolulu", id="west", marks=pytest.mark.chaos),
        ],
    )
    def test_days_that_are_no_longer_requested_keep_whole_counts(
        self, sandbox: Sandbox, zone: str
    ) -> None:
        """The first day of a window is a day of the account, and no day before it is touched."""
        sandbox.change_settings(timezone=zone)
        tables = "message_metric_daily,inbox_provider_daily"
        done = connect(sandbox, tables, start_date="2026-07-01").sync()
        for _ in range(3):
            sandbox.advance(DAY)
            done.sync()
        fresh = connect(sandbox, tables, start_date="2026-07-01").sync()
        assert done.content() == fresh.content()

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("zone", "start_date"),
        [
            pytest.param("Asia/Tokyo", "2026-07-01", id="east", marks=pytest.mark.chaos),
            pytest.param("Pacific/Honolulu", "2026-09-03", id="west"),
        ],
    )
    def test_a_change_of_the_zone_leaves_no_row_behind(
        self, sandbox: Sandbox, zone: str, start_date: str
    ) -> None:
        """Each table is as a first sync in the new zone has it, however old its rows are."""
        done = connect(sandbox, self.TABLES, start_date=start_date).sync()
        done.ignores_unknown = True
        sandbox.change_settings(timezone=zone)
        (warning,) = done.sync().warnings
        assert f"no longer America/New_York, USD but {zone}, USD" in warning
        assert (
            done.content() == connect(sandbox, self.TABLES, start_date=start_date).sync().content()
        )
        assert done.sync().warnings == []
        assert not done.deleted

    @pytest.mark.slow
    def test_a_change_of_the_zone_survives_a_spent_quota_and_a_second_change(
        self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However the requests spread over days, no row of either former zone is left behind."""
        start_date = "2026-07-01"  # more requests than a day's share
        done = connect(sandbox, self.TABLES, start_date=start_date).sync()
        done.ignores_unknown = True
        for zone in ("Asia/Tokyo", "Pacific/Honolulu"):
            sandbox.advance(2 * DAY)
            sandbox.change_settings(timezone=zone)
            with monkeypatch.context() as patch:
                patch.setattr("streams.quota.OUR_SHARE", 2 / 225)
                done.sync()
            assert [warning for warning in done.warnings if "flow-series-reports: " in warning]
        for _ in range(3):
            sandbox.advance(DAY)
            done.sync()
        fresh = connect(sandbox, self.TABLES, start_date=start_date).sync()
        assert done.content() == fresh.content()
        assert "former" not in str(done.state)
