"""The marts say what the raw tables say, once, in the account's time, under the declared names."""

from datetime import date
from math import sqrt
from pathlib import Path
from statistics import NormalDist

import pytest

from streams import TABLES
from tests.warehouse import dbt, raw, shop


def test_every_number_is_counted_once(warehouse: Path) -> None:
    """Two conversion metrics, two variations and several days double nothing."""
    sums = dbt.query(
        warehouse,
        """
        select account_id, message_type, sum(delivered) as delivered, sum(conversion_value) as value
        from klaviyo__message_performance group by all order by all
        """,
    )

    assert sums == [
        {"account_id": shop.FR, "message_type": "campaign", "delivered": 0, "value": 0.0},
        {"account_id": shop.US, "message_type": "campaign", "delivered": 3900, "value": 1025.25},
        {"account_id": shop.US, "message_type": "flow", "delivered": 500, "value": 20.0},
    ]


def test_a_send_stands_on_the_accounts_own_day(warehouse: Path) -> None:
    """Half an hour before midnight is Sunday in New York and Tuesday in Paris."""
    sends = dbt.query(
        warehouse,
        """
        select distinct account_name, currency, sent_on, sent_weekday, sent_hour
        from klaviyo__message_performance where message_id = 'test' order by all
        """,
    )

    assert [tuple(send.values()) for send in sends] == [
        ("Boutique", "EUR", date(2026, 11, 3), 2, 0),
        ("Shop", "USD", date(2026, 11, 1), 7, 23),
    ]


def test_a_message_is_described_by_what_its_recipients_saw(warehouse: Path) -> None:
    """Variations keep their subjects, a text shows its first words, audiences have names."""
    messages = dbt.query(
        warehouse,
        f"""
        select subject_line, is_ab_test, audience_names, campaign_name, is_archived
        from klaviyo__message_performance
        where account_id = '{shop.US}' and campaign_id = 'launch'
        order by variation_id, message_id
        """,
    )

    assert [tuple(message.values()) for message in messages] == [
        ("Ping", False, None, "Launch", True),
        ("x" * 80, False, None, "Launch", True),
        ("Hello", True, "Newsletter, VIPs", "Launch", True),
        ('A "new" day', True, "Newsletter, VIPs", "Launch", True),
    ]


def test_what_klaviyo_lowered_is_shown_as_restated(warehouse: Path) -> None:
    """A day's part of a campaign is the change since the snapshot before, negative or not."""
    days = dbt.query(
        warehouse,
        """
        select date, is_restated, opens_unique, conversion_value, cumulative_conversion_value
        from klaviyo__campaign_daily order by date
        """,
    )

    assert [tuple(day.values()) for day in days] == [
        (date(2026, 11, 2), False, 350, 300.5, 300.5),
        (date(2026, 11, 9), True, 50, -50.0, 250.5),
    ]


def test_flows_have_a_row_per_send_date(warehouse: Path) -> None:
    """The daily mart of flows holds each day's sends with the flow's names."""
    days = dbt.query(
        warehouse,
        "select sent_on, flow_name, subject, delivered from klaviyo__flow_daily"
        " join (select message_performance_key, subject_line as subject"
        " from klaviyo__message_performance) on flow_daily_key = message_performance_key"
        " order by sent_on, delivered, subject",
    )

    assert [tuple(day.values()) for day in days] == [
        (date(2026, 11, 1), "Welcome", "Welcome in", 70),
        (date(2026, 11, 2), "Welcome", "Welcome in", 30),
        (date(2026, 11, 2), "Welcome", "Still 'here'?", 200),
        (date(2026, 11, 2), "Welcome", None, 200),
    ]


def test_the_extract_has_its_promised_columns(warehouse: Path) -> None:
    """Twelve names that flat reports rely on, with rates that are ratios of sums."""
    row = dbt.query(
        warehouse,
        """
        select date, campaign_id, campaign_name, send_time, subject_line, list_id,
            recipients, opens, clicks, unsubscribes, open_rate, click_rate
        from klaviyo__campaign_extract
        where date = '2026-11-01'
        """,
    )[0]

    assert (row["campaign_name"], row["list_id"], row["subject_line"]) == (
        "Launch",
        "news",
        "Hello",
    )
    assert (row["recipients"], row["opens"], row["clicks"]) == (1506, 700, 40)
    assert (row["open_rate"], row["click_rate"]) == (700 / 1500, 40 / 1500)


def test_health_names_every_raw_table_of_every_account(warehouse: Path) -> None:
    """A table without a row is a fact worth a row."""
    rows = dbt.query(warehouse, "select account_id, table_name from klaviyo__data_health")

    assert {(row["account_id"], row["table_name"]) for row in rows} == {
        (account, table) for account in (shop.US, shop.FR) for table in TABLES
    }


def test_a_table_that_no_sync_asked_for_is_not_synced(warehouse: Path) -> None:
    """Being listed in KLAVIYO_TABLES is not enough; what tells of syncs comes with the first."""
    rows = dbt.query(
        warehouse,
        f"""
        select table_name, is_synced, last_synced_at is not null as has_time
        from klaviyo__data_health
        where account_id = '{shop.US}'
            and table_name in ('campaign', 'sync_error', 'sync_report', 'tag')
        order by table_name
        """,
    )

    assert [tuple(row.values()) for row in rows] == [
        ("campaign", True, True),
        ("sync_error", True, True),
        ("sync_report", True, True),
        ("tag", False, False),
    ]


def test_health_tells_of_the_last_sync(warehouse: Path) -> None:
    """Rows and requests are the last sync's; the quota is the day's, in the account's zone."""
    row = dbt.query(
        warehouse,
        f"""
        select is_test_account, row_count, data_from, data_to, last_rows_written, last_requests,
            report_quota_used_today
        from klaviyo__data_health
        where account_id = '{shop.US}' and table_name = 'campaign_performance'
        """,
    )[0]

    assert tuple(row.values()) == (True, 7, date(2026, 10, 2), date(2026, 11, 3), 2, 3, 7)


def test_deleted_and_refused_records_are_told_apart(warehouse: Path) -> None:
    """A row marked as deleted is not counted; a record that could not be stored is."""
    row = dbt.query(
        warehouse,
        f"""
        select row_count, rows_refused from klaviyo__data_health
        where account_id = '{shop.US}' and table_name = 'campaign'
        """,
    )[0]

    assert row == {"row_count": 2, "rows_refused": 1}


def test_health_compares_events_with_klaviyos_own_count(warehouse: Path) -> None:
    """It says how much could be compared, and how much of that differs."""
    rows = dbt.query(
        warehouse,
        """
        select table_name, rows_compared, rows_different, last_synced_on
        from klaviyo__data_health where rows_compared is not null order by table_name
        """,
    )

    assert [tuple(row.values()) for row in rows] == [
        ("event", 5, 0, date(2026, 11, 20)),
        ("event_attribution", 1, 0, date(2026, 11, 20)),
    ]


def test_a_list_is_counted_from_its_members(warehouse: Path) -> None:
    """Each day opens as the last one closed; a leaver counts from when a sync noticed."""
    days = dbt.query(
        warehouse,
        """
        select date, opening_members, members_joined, members_left, closing_members,
            current_members
        from klaviyo__audience_growth where audience_id = 'news' order by date
        """,
    )

    assert [tuple(day.values()) for day in days] == [
        (date(2026, 11, 15), 0, 3, 0, 3, None),
        (date(2026, 11, 16), 3, 0, 0, 3, None),
        (date(2026, 11, 17), 3, 0, 0, 3, None),
        (date(2026, 11, 18), 3, 0, 1, 2, None),
        (date(2026, 11, 19), 2, 0, 0, 2, None),
        (date(2026, 11, 20), 2, 1, 0, 3, 3),
    ]


def test_orders_say_who_credits_whom(warehouse: Path) -> None:
    """Klaviyo's word first, then the last touch to the second; refunds and negatives stay so."""
    orders = dbt.query(
        warehouse,
        """
        select event_id, attribution_method, message_id, variation_id, touch_metric_name, value,
            currency
        from klaviyo__attributed_order order by occurred_at, event_id
        """,
    )

    assert [tuple(order.values()) for order in orders] == [
        ("sold", "klaviyo", "old", None, "Opened Email", 30.0, "USD"),
        ("buyA", "klaviyo", "test", "A", "Opened Email", 1000.0, "USD"),
        ("orphan", "klaviyo", "second", None, None, -49.95, "USD"),
        ("back", "klaviyo", "test", "A", "Opened Email", -100.0, "USD"),
        ("intime", "last_touch", "hello", None, "Received Text Message", 20.0, "EUR"),
        ("toolate", "none", None, None, None, 7.0, "USD"),
        ("nobody", "none", None, None, None, None, "USD"),
        ("ahead", "none", None, None, None, 1.0, "USD"),
    ]


def test_the_shares_of_a_test_are_compared_as_statisticians_do(warehouse: Path) -> None:
    """Interval and score of 400 of 1,000 against 300 of 500, by the textbooks' formulas."""
    rows = dbt.query(
        warehouse,
        """
        select open_rate_low, open_rate_high, open_z_score, open_result
        from klaviyo__subject_line_test where message_id = 'test' and variation_id = 'A'
        """,
    )
    z = NormalDist().inv_cdf(0.975)
    middle, half = (400 + z**2 / 2), z * sqrt(400 * 600 / 1000 + z**2 / 4)
    pooled = 700 / 1500

    assert [tuple(row.values()) for row in rows] == [
        (
            pytest.approx((middle - half) / (1000 + z**2)),
            pytest.approx((middle + half) / (1000 + z**2)),
            pytest.approx(-0.2 / sqrt(pooled * (1 - pooled) * (1 / 1000 + 1 / 500))),
            "worse",
        )
    ]


def test_an_empty_warehouse_builds(tmp_path: Path) -> None:
    """Before anything is synced every mart is there, typed, and without rows."""
    warehouse = dbt.build(tmp_path, raw.write(tmp_path / "raw.db", {}))

    assert dbt.query(warehouse, "from klaviyo__message_performance") == []
    assert dbt.query(warehouse, "from klaviyo__campaign_extract") == []
    assert dbt.query(warehouse, "from klaviyo__data_health") == []
