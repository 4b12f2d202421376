"""The marts say what the raw tables say, once, in the account's time, under the declared names."""

from datetime import date
from pathlib import Path

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
        {"account_id": shop.US, "message_type": "campaign", "delivered": 3500, "value": 950.25},
        {"account_id": shop.US, "message_type": "flow", "delivered": 100, "value": 20.0},
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
        where account_id = '{shop.US}' and message_type = 'campaign' order by variation_id
        """,
    )

    assert [tuple(message.values()) for message in messages] == [
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
        " order by sent_on",
    )

    assert [tuple(day.values()) for day in days] == [
        (date(2026, 11, 1), "Welcome", "Welcome in", 70),
        (date(2026, 11, 2), "Welcome", "Welcome in", 30),
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

    assert tuple(row.values()) == (True, 5, date(2026, 11, 1), date(2026, 11, 3), 2, 3, 7)


def test_deleted_and_refused_records_are_told_apart(warehouse: Path) -> None:
    """A row marked as deleted is not counted; a record that could not be stored is."""
    row = dbt.query(
        warehouse,
        f"""
        select row_count, rows_refused from klaviyo__data_health
        where account_id = '{shop.US}' and table_name = 'campaign'
        """,
    )[0]

    assert row == {"row_count": 1, "rows_refused": 1}


def test_an_empty_warehouse_builds(tmp_path: Path) -> None:
    """Before anything is synced every mart is there, typed, and without rows."""
    warehouse = dbt.build(tmp_path, raw.write(tmp_path / "raw.db", {}))

    assert dbt.query(warehouse, "from klaviyo__message_performance") == []
    assert dbt.query(warehouse, "from klaviyo__campaign_extract") == []
    assert dbt.query(warehouse, "from klaviyo__data_health") == []
