"""The marts have each raw number once, in the account's time zone."""

from datetime import date
from math import sqrt
from pathlib import Path
from statistics import NormalDist

import pytest

from streams import TABLES
from tests.warehouse import dbt, raw, shop


def test_sums_count_every_report_row_once(warehouse: Path) -> None:
    """Two conversion metrics, two variations and several days do not duplicate a number."""
    sums = dbt.query(
        warehouse,
        """
        select account_id, message_type, sum(delivered) as delivered, sum(conversion_value) as value
        from klaviyo__message_performance group by all order by all
        """,
    )

    assert sums == [
        {"account_id": shop.FR, "message_type": "campaign", "delivered": 0, "value": 0.0},
        {"account_id": shop.US, "message_type": "campaign", "delivered": 3910, "value": 1025.25},
        {"account_id": shop.US, "message_type": "flow", "delivered": 520, "value": 20.0},
    ]


def test_a_send_date_is_in_the_accounts_time_zone(warehouse: Path) -> None:
    """A send half an hour before midnight is on Sunday in New York and on Tuesday in Paris."""
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


def test_a_message_has_the_subject_of_its_variation_and_its_audiences(warehouse: Path) -> None:
    """Each variation has its own subject, a text its first 80 characters, an audience its name."""
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


def test_the_tags_of_a_template_are_words(warehouse: Path) -> None:
    """A tag is the name of what it shows; conditions show nothing; other text is unchanged."""
    (message,) = dbt.query(
        warehouse,
        f"""
        select preview_text from klaviyo__message_performance
        where account_id = '{shop.US}' and variation_id = 'A'
        """,
    )

    assert message["preview_text"] == (
        "[first name] [last order date utc] [Item Name] [loyalty tier] / you [coupon code],"
        " {10_%} [NEW_IN] …"
    )


def test_a_report_that_names_the_campaign_is_of_its_message(warehouse: Path) -> None:
    """A report, an order and a day that name a message by its campaign's id have the message's."""
    messages = dbt.query(
        warehouse,
        "select message_id, sent_on from klaviyo__message_performance where campaign_id = 'before'",
    )
    orders = dbt.query(
        warehouse, "select message_id from klaviyo__attributed_order where event_id = 'sold'"
    )

    assert messages == [{"message_id": "old", "sent_on": date(2026, 10, 2)}]
    assert orders == [{"message_id": "old"}]


def test_of_two_names_of_a_message_the_newest_report_counts(warehouse: Path) -> None:
    """Klaviyo may change the form of ids: a message has one row, and one snapshot a day."""
    (message,) = dbt.query(
        warehouse,
        "select delivered, opens_unique from klaviyo__message_performance where message_id = 'old'",
    )
    days = dbt.query(
        warehouse,
        """
        select date, opens_unique, cumulative_opens_unique from klaviyo__campaign_daily
        where message_id = 'old' order by date
        """,
    )

    assert tuple(message.values()) == (100, 50)
    assert [tuple(day.values()) for day in days] == [
        (date(2026, 11, 18), None, 30),
        (date(2026, 11, 20), 20, 50),
    ]


def test_a_statistic_that_a_channel_does_not_count_is_null(warehouse: Path) -> None:
    """The 0 of a text's opens, a push's clicks and an email's spend in Klaviyo's report is NULL."""
    messages = dbt.query(
        warehouse,
        """
        select send_channel, sum(opens) as opens, sum(clicks_unique) as clicks,
            sum(text_message_spend) as spend, max(klaviyo_open_rate) as open_rate,
            sum(text_message_conversion_value) as text_value
        from klaviyo__message_performance where campaign_id = 'launch' and account_id = 'USshop'
        group by all order by all
        """,
    )

    assert [tuple(message.values()) for message in messages] == [
        ("email", 1400, 40, None, 0.6, None),
        ("push-notification", 30, None, None, 0.1, None),
        ("sms", None, 150, 40.0, None, 600.0),
    ]


def test_what_klaviyo_deleted_keeps_its_name_and_date(warehouse: Path) -> None:
    """A deleted campaign keeps name, subject and date; a flow that no sync saw has the report's."""
    deleted = dbt.query(
        warehouse,
        """
        select campaign_name, flow_name, message_name, subject_line, sent_on, is_deleted, delivered
        from klaviyo__message_performance
        where campaign_id = 'deleted' or flow_id = 'unseen' order by sent_on desc
        """,
    )

    assert [tuple(message.values()) for message in deleted] == [
        ("Deleted", None, "Forgotten", "Bye", date(2026, 11, 4), True, 10),
        (None, "Past", None, None, date(2026, 11, 3), None, 20),
    ]


def test_a_range_of_dates_has_every_message(warehouse: Path) -> None:
    """Sums with and without a filter of dates are equal, whatever Klaviyo deleted since."""
    sums = dbt.query(
        warehouse,
        "select sum(delivered) as whole, sum(delivered) filter (sent_on > '2026-01-01') as dated"
        " from klaviyo__message_performance",
    )

    assert sums == [{"whole": 4430, "dated": 4430}]


def test_a_lowered_report_gives_a_negative_restated_day(warehouse: Path) -> None:
    """A day of a campaign is the difference of two snapshots, which may be negative."""
    days = dbt.query(
        warehouse,
        """
        select date, is_restated, opens_unique, conversion_value, cumulative_conversion_value
        from klaviyo__campaign_daily where campaign_id = 'launch' order by date
        """,
    )

    assert [tuple(day.values()) for day in days] == [
        (date(2026, 11, 2), False, 350, 300.5, 300.5),
        (date(2026, 11, 9), True, 50, -50.0, 250.5),
    ]


def test_flow_daily_has_one_row_per_send_date(warehouse: Path) -> None:
    """The daily mart of flows has each day's sends with the names of flow and message."""
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
        (date(2026, 11, 3), "Past", None, 20),
    ]


def test_the_extract_has_its_twelve_columns(warehouse: Path) -> None:
    """Flat reports rely on twelve column names; the rates are ratios of sums."""
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


def test_data_health_has_one_row_per_account_and_raw_table(warehouse: Path) -> None:
    """A raw table without rows has a row in the mart, too."""
    rows = dbt.query(warehouse, "select account_id, table_name from klaviyo__data_health")

    assert {(row["account_id"], row["table_name"]) for row in rows} == {
        (account, table) for account in (shop.US, shop.FR) for table in TABLES
    }


def test_a_selected_table_that_no_sync_requested_is_not_synced(warehouse: Path) -> None:
    """A selected table counts as synced after a sync; the tables about syncs always do."""
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


def test_data_health_has_the_counts_of_one_last_sync(warehouse: Path) -> None:
    """Rows and requests are of one sync, the last; the used quota is of the account's whole day."""
    row = dbt.query(
        warehouse,
        f"""
        select is_test_account, row_count, data_from, data_to, last_rows_written, last_requests,
            report_quota_used_today
        from klaviyo__data_health
        where account_id = '{shop.US}' and table_name = 'campaign_performance'
        """,
    )[0]

    assert tuple(row.values()) == (True, 9, date(2026, 10, 2), date(2026, 11, 4), 2, 3, 49)


def test_one_quota_is_for_all_tables_that_a_report_fills(warehouse: Path) -> None:
    """Requests for either table of the flow values report use up the same 225 a day."""
    rows = dbt.query(
        warehouse,
        f"""
        select table_name, report_quota_used_today, report_quota from klaviyo__data_health
        where account_id = '{shop.US}' and table_name like 'flow_performance%'
        order by table_name
        """,
    )

    assert [tuple(row.values()) for row in rows] == [
        ("flow_performance", 12, 225),
        ("flow_performance_daily", None, 225),
        ("flow_performance_period", None, None),
    ]


def test_a_table_without_the_rows_of_the_last_sync_is_not_synced(warehouse: Path) -> None:
    """Fivetran keeps a table that a user unticks, and leaves out what later syncs write to it."""
    rows = dbt.query(
        warehouse,
        f"""
        select table_name, row_count, last_rows_written, is_synced from klaviyo__data_health
        where account_id = '{shop.US}' and table_name in ('campaign_performance', 'template')
        order by table_name
        """,
    )

    assert [tuple(row.values()) for row in rows] == [
        ("campaign_performance", 9, 2, True),
        ("template", 1, 1, False),
    ]


def test_deleted_rows_and_refused_records_are_counted_separately(warehouse: Path) -> None:
    """A deleted row is not in the row count, and a refused record has its own count."""
    row = dbt.query(
        warehouse,
        f"""
        select row_count, rows_refused from klaviyo__data_health
        where account_id = '{shop.US}' and table_name = 'campaign'
        """,
    )[0]

    assert row == {"row_count": 2, "rows_refused": 1}


def test_data_health_counts_compared_and_different_rows(warehouse: Path) -> None:
    """The reconciled tables have the number of compared rows and of those that differ."""
    rows = dbt.query(
        warehouse,
        """
        select table_name, rows_compared, rows_different, last_synced_on
        from klaviyo__data_health where rows_compared is not null order by table_name
        """,
    )

    assert [tuple(row.values()) for row in rows] == [
        ("event", 6, 0, date(2026, 11, 20)),
        ("event_attribution", 1, 0, date(2026, 11, 20)),
    ]


def test_a_list_is_counted_from_its_memberships(warehouse: Path) -> None:
    """A day opens as the day before closes; a member leaves on the day of the sync that sees it."""
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


def test_an_order_has_its_attribution_method_and_message(warehouse: Path) -> None:
    """Klaviyo's attribution comes first, then the last touch; refunds are negative."""
    orders = dbt.query(
        warehouse,
        """
        select event_id, attribution_method, message_id, variation_id, touch_metric_name, value,
            currency
        from klaviyo__attributed_order order by occurred_at, event_id
        """,
    )

    assert [tuple(order.values()) for order in orders] == [
        ("settled", "none", None, None, None, 11.0, "USD"),
        ("sold", "klaviyo", "old", None, "Opened Email", 30.0, "USD"),
        ("kept", "none", None, None, None, 8.0, "USD"),
        ("buyA", "klaviyo", "test", "A", "Opened Email", 1000.0, "USD"),
        ("orphan", "klaviyo", "second", None, None, -49.95, "USD"),
        ("back", "klaviyo", "test", "A", "Opened Email", -100.0, "USD"),
        ("intime", "last_touch", "hello", None, "Received Text Message", 20.0, "EUR"),
        ("toolate", "none", None, None, None, 7.0, "USD"),
        ("nobody", "none", None, None, None, None, "USD"),
        ("ahead", "none", None, None, None, 1.0, "USD"),
    ]


def test_a_days_revenue_is_that_of_its_orders(warehouse: Path) -> None:
    """Each sum of a day and currency equals that of its orders and refunds."""
    days = dbt.query(
        warehouse,
        """
        select date, currency, orders, refunds, order_value, refund_value, credited_order_value
        from klaviyo__revenue_daily order by date, currency
        """,
    )
    orders = dbt.query(
        warehouse,
        """
        select date, currency, sum(orders) as orders, sum(refunds) as refunds,
            sum(order_value) as order_value, sum(refund_value) as refund_value,
            sum(klaviyo_order_value) as credited_order_value
        from klaviyo__attributed_order group by date, currency order by date, currency
        """,
    )

    assert days == orders != []


def test_a_flow_has_its_steps_in_order(warehouse: Path) -> None:
    """The messages of a flow have the order of its actions, waits left out, beside the largest."""
    steps = dbt.query(
        warehouse,
        """
        select step_number, message_id, delivered, largest_step_delivered from klaviyo__flow_step
        where period_kind = 'month' order by step_number
        """,
    )

    assert [tuple(step.values()) for step in steps] == [
        (1, "hello", 100, 200),
        (2, "second", 200, 200),
    ]


def test_bounces_above_the_limit_are_an_alert(warehouse: Path) -> None:
    """Of the last seven whole days, 10 bounces in 300 emails are above 2 %."""
    alerts = dbt.query(
        warehouse,
        """
        select inbox_provider, recent_count, recent_emails, previous_count, previous_emails
        from klaviyo__deliverability_alert
        where alert_rule = 'bounce_rate' and alert_level = 'warning' order by inbox_provider
        """,
    )

    assert [tuple(alert.values()) for alert in alerts] == [
        ("All", 10, 300, 10, 105),
        ("Gmail", 10, 300, 10, 100),
    ]


def test_a_forms_versions_do_not_multiply_its_days(warehouse: Path) -> None:
    """A form has one row a day with the kinds of its versions, and a deleted one keeps its rows."""
    days = dbt.query(
        warehouse,
        """
        select form_name, form_types, is_complete, views, submits from klaviyo__form_daily
        order by form_name, date
        """,
    )

    assert [tuple(day.values()) for day in days] == [
        ("Pop-up", "flyout, popup", True, 20, 2),
        ("Pop-up", "flyout, popup", False, 10, 0),
        ("removed", None, True, 4, 1),
    ]


def test_an_order_has_the_number_of_the_shop(warehouse: Path) -> None:
    """Finance finds an order by the id that the shop's integration gave it."""
    numbers = dbt.query(
        warehouse,
        "select event_id, order_number from klaviyo__attributed_order where order_number <> ''",
    )

    assert numbers == [{"event_id": "sold", "order_number": "#1001"}]


def test_a_product_is_that_of_the_catalogue_by_message(warehouse: Path) -> None:
    """The catalogue names a product by its id or a variant's; another one keeps its own name."""
    products = dbt.query(
        warehouse,
        """
        select message_id, product_id, product_name, category_names, catalog_price, is_in_catalog,
            units, value, klaviyo_value
        from klaviyo__product_performance order by date, product_id
        """,
    )

    assert [tuple(product.values()) for product in products] == [
        ("old", "T-1", "Tea", None, None, False, 1.0, 6.0, 6.0),
        ("old", "mug", "Mug", "Kitchen", 12.0, True, 2.0, 24.0, 24.0),
        ("test", "mug", "Mug", "Kitchen", 12.0, True, 1.0, 1000.0, 1000.0),
    ]


def test_a_coupon_has_its_orders_by_day_and_its_codes_once(warehouse: Path) -> None:
    """An order with two codes of a coupon is one; the codes are those of the last sync."""
    coupons = dbt.query(
        warehouse,
        """
        select date, codes, codes_issued, codes_used, orders, klaviyo_orders, order_value
        from klaviyo__coupon_performance where coupon_name = 'HELLO' order by date
        """,
    )

    assert [tuple(coupon.values()) for coupon in coupons] == [
        (date(2026, 10, 3), 0, 0, 0, 1, 1, 30.0),
        (date(2026, 11, 1), 0, 0, 0, 1, 1, 1000.0),
        (date(2026, 11, 20), 3, 2, 2, 0, 0, None),
    ]


def test_an_ab_test_has_wilson_intervals_and_z_scores(warehouse: Path) -> None:
    """400 of 1,000 against 300 of 500 opens gives the values of the textbook formulas."""
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


@pytest.mark.chaos
def test_an_empty_warehouse_builds(tmp_path: Path) -> None:
    """Before the first sync every mart exists with its types and without rows."""
    empty = raw.write(tmp_path / "raw.db", {})
    warehouse = dbt.build(tmp_path, empty, *dbt.WITHOUT_UNIT_TESTS)

    assert dbt.query(warehouse, "from klaviyo__message_performance") == []
    assert dbt.query(warehouse, "from klaviyo__campaign_extract") == []
    assert dbt.query(warehouse, "from klaviyo__data_health") == []
