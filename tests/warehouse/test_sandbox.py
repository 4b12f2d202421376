"""A simulated Klaviyo account through connector and dbt: the marts equal Klaviyo's reports."""

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from klaviyo_sandbox.catalog.builder import COUPON_CODES
from looker import mart_table, semantic
from tests.fivetran import SCHEMA
from tests.warehouse import dbt, sandbox_account


@pytest.fixture(scope="module", name="sandbox_build")
def _sandbox_build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    return sandbox_account.build(tmp_path_factory.mktemp("sandbox"))


@pytest.mark.slow
def test_the_table_of_marts_has_their_rows(sandbox_build: tuple[Path, Any]) -> None:
    """`looker/MARTS.md` has each mart's rows, by `python -m tests.warehouse.sandbox_account`."""
    warehouse, _ = sandbox_build
    counted = json.loads(mart_table.ROWS.read_text())
    assert counted == sandbox_account.count_rows(warehouse, semantic.load().columns)


@pytest.mark.slow
def test_every_campaign_equals_klaviyos_report(sandbox_build: tuple[Path, Any]) -> None:
    """All 31 statistics of every message, channel and variation are equal to the last digit.

    The mart has NULL for the 0.0 of a statistic that the channel does not count.
    """
    warehouse, results = sandbox_build
    rows = dbt.query(warehouse, "from klaviyo__message_performance where message_type = 'campaign'")
    mart = {(row["campaign_id"], row["send_channel"], row["variation_id"]): row for row in rows}

    assert len(results) > 50
    for result in results:
        groupings = result["groupings"]
        row = mart[groupings["campaign_id"], groupings["send_channel"], groupings["variation"]]
        for name, value in result["statistics"].items():
            stored = row[name if name in row else f"klaviyo_{name}"]
            assert (0.0 if stored is None else stored) == value, (name, result)


def test_a_message_named_by_its_campaigns_id_has_its_name_and_date(
    sandbox_build: tuple[Path, Any],
) -> None:
    """Reports name most messages by their campaign; the mart has each message's name and date."""
    warehouse, results = sandbox_build
    named = [result["groupings"] for result in results]
    unnamed = dbt.query(
        warehouse,
        """
        select campaign_id from klaviyo__message_performance
        where message_type = 'campaign'
            and (sent_on is null or message_name is null or message_id = campaign_id)
        """,
    )

    assert sum(row["campaign_message_id"] == row["campaign_id"] for row in named) > 40
    assert unnamed == []


def test_the_days_of_a_campaign_sum_to_its_performance(sandbox_build: tuple[Path, Any]) -> None:
    """The days of a campaign first seen within a day of its send sum to its current numbers.

    What is known of the others, restated days included, does too.
    """
    warehouse, _ = sandbox_build
    differences = dbt.query(
        warehouse,
        """
        with days as (
            select message_id, variation_id, send_channel,
                count(*) as days, sum(delivered) as delivered, sum(clicks) as clicks,
                sum(conversions) as conversions, sum(newly_known_delivered) as known_delivered,
                sum(newly_known_conversion_value) as known_value,
                bool_or(is_first_snapshot and age <= 1) as is_whole
            from klaviyo__campaign_daily group by all
        )
        select count(*) as messages, max(days) as days, count(*) filter (is_whole) as whole,
            count(*) filter (
                is_whole and (
                    days.delivered is distinct from performance.delivered
                    or days.clicks is distinct from performance.clicks
                    or days.conversions is distinct from performance.conversions
                )
                or known_delivered is distinct from performance.delivered
                or abs(known_value - performance.conversion_value) > 0.005
            ) as wrong
        from klaviyo__message_performance as performance
        left join days using (message_id, variation_id, send_channel)
        where message_type = 'campaign'
        """,
    )[0]

    assert differences["messages"] > 50
    assert differences["days"] == 2
    assert 0 < differences["whole"] < differences["messages"]
    assert differences["wrong"] == 0


def test_the_extract_has_the_ninety_days_before_the_last_sync(
    sandbox_build: tuple[Path, Any],
) -> None:
    """The extract has all campaigns sent since 6 September, counted from the account's clock."""
    warehouse, _ = sandbox_build
    extract = dbt.query(warehouse, "select campaign_id, date from klaviyo__campaign_extract")
    sends = dbt.query(
        warehouse,
        "select distinct campaign_id, sent_on as date from klaviyo__message_performance"
        " where message_type = 'campaign'",
    )
    recent = [send for send in sends if send["date"] >= date(2026, 9, 6)]

    assert 0 < len(recent) < len(sends)
    assert sorted(map(str, extract)) == sorted(map(str, recent))


def test_events_equal_klaviyos_aggregates(sandbox_build: tuple[Path, Any]) -> None:
    """No settled day of a metric and no campaign with closed attribution windows differs."""
    warehouse, _ = sandbox_build
    health = dbt.query(
        warehouse,
        "select table_name, rows_compared, rows_different from klaviyo__data_health"
        " where rows_compared is not null order by table_name",
    )

    assert [row["table_name"] for row in health] == ["event", "event_attribution"]
    assert all(row["rows_compared"] > 40 and row["rows_different"] == 0 for row in health)


def test_each_variation_has_the_revenue_of_klaviyos_report(sandbox_build: tuple[Path, Any]) -> None:
    """The orders that are credited to a variation sum to the value in its report."""
    warehouse, _ = sandbox_build
    variations = dbt.query(
        warehouse,
        """
        select tests.conversion_value, coalesce(sum(orders.klaviyo_order_value), 0) as credited
        from klaviyo__subject_line_test as tests
        left join klaviyo__attributed_order as orders using (message_id, variation_id)
        where tests.message_type = 'campaign' and tests.sent_on <= '2026-11-04'
        group by tests.subject_line_test_key, tests.conversion_value
        """,
    )

    assert sum(row["credited"] > 0 for row in variations) > 3
    assert all(row["credited"] == row["conversion_value"] for row in variations)


def test_the_winner_is_the_version_that_got_the_rest(sandbox_build: tuple[Path, Any]) -> None:
    """A test with a share for the winner has one winner, which got that share and an even part."""
    warehouse, _ = sandbox_build
    messages = dbt.query(
        warehouse,
        """
        select
            message_id, any_value(winner_share) as share, any_value(variation_count) as versions,
            count(*) filter (is_winner) as winners,
            max(recipient_share) filter (is_winner) as of_winner
        from klaviyo__subject_line_test where message_type = 'campaign' group by message_id
        """,
    )
    decided = [message for message in messages if message["share"]]

    assert len(messages) > len(decided) > 1
    assert all(message["winners"] == bool(message["share"]) for message in messages)
    for message in decided:
        expected = message["share"] + (1 - message["share"]) / message["versions"]
        assert message["of_winner"] == pytest.approx(expected, abs=0.1)


def test_periods_add_up_to_their_days_except_people(sandbox_build: tuple[Path, Any]) -> None:
    """All that is counted but people equals the sum of the days; people are fewer, never more."""
    warehouse, _ = sandbox_build
    sums = ("recipients", "delivered", "bounced", "failed", "spam_complaints", "conversions")
    people = ("opens_unique", "clicks_unique", "unsubscribe_uniques", "conversion_uniques")
    names = (*sums, *people, "conversion_value")
    periods = dbt.query(
        warehouse,
        f"""
        select period_kind, count(*) as messages,
            bool_and({" and ".join(f"{n} is not distinct from day_{n}" for n in sums)}) as is_equal,
            bool_and(abs(conversion_value - day_conversion_value) < 0.005) as is_equal_value,
            bool_and({" and ".join(f"coalesce({n} <= day_{n}, true)" for n in people)}) as is_fewer,
            sum(day_opens_unique) - sum(opens_unique) as counted_twice
        from (
            select periods.*,
                {", ".join(f"sum(days.{n}) as day_{n}" for n in names)}
            from klaviyo__flow_period as periods
            join klaviyo__flow_daily as days
                on periods.message_id = days.message_id
                and periods.variation_id = days.variation_id
                and periods.send_channel = days.send_channel
                and days.sent_on between period_start and period_end
            where period_end >= '2026-11-04'  -- of the last sync, as the days are
            group by all
        )
        group by period_kind
        """,
    )

    assert sorted(row["period_kind"] for row in periods) == [
        "last_30_days", "last_365_days", "last_7_days", "last_90_days", "month"
    ]  # fmt: skip
    assert all(row["is_equal"] and row["is_equal_value"] and row["is_fewer"] for row in periods)
    assert {row["period_kind"] for row in periods if row["counted_twice"]} >= {"last_365_days"}


def test_every_period_has_all_of_its_messages(sandbox_build: tuple[Path, Any]) -> None:
    """No message with results in the days of a period is missing in the period."""
    warehouse, _ = sandbox_build
    missing = dbt.query(
        warehouse,
        """
        with ranges as (
            select distinct period_kind, period_start, period_end from klaviyo__flow_period
        )
        select distinct period_kind, period_start, days.message_id
        from ranges
        join klaviyo__flow_daily as days on days.sent_on between period_start and period_end
        anti join klaviyo__flow_period as periods
            using (period_kind, period_start, message_id)
        where period_end >= '2026-11-04'
        """,
    )

    assert missing == []


def test_products_and_coupons_add_up_to_the_orders(sandbox_build: tuple[Path, Any]) -> None:
    """The value of all products is that of all orders; every code of an order is of its coupon."""
    warehouse, _ = sandbox_build
    (sums,) = dbt.query(
        warehouse,
        """
        select
            (select sum(value) from klaviyo__product_performance) as products,
            (select bool_and(is_in_catalog) from klaviyo__product_performance) as is_in_catalog,
            (select sum(order_value) from klaviyo__attributed_order) as orders,
            (select sum(codes) from klaviyo__coupon_performance) as codes,
            (select sum(orders) from klaviyo__coupon_performance) as coupon_orders,
            (select count(discount_code) from klaviyo_intermediate.int_klaviyo__order_content)
                as orders_with_code
        """,
    )

    assert sums["products"] == pytest.approx(sums["orders"])
    assert sums["is_in_catalog"]
    assert sums["codes"] == COUPON_CODES
    assert sums["coupon_orders"] == sums["orders_with_code"] > 5


@pytest.mark.slow
def test_a_buyer_is_in_the_cohort_of_the_first_form(sandbox_build: tuple[Path, Any]) -> None:
    """First-time buyers by first form are those that the raw events of the forms give."""
    warehouse, _ = sandbox_build
    ordered = dbt.query(
        warehouse,
        """
        select profile_id, min(occurred_at) as at from klaviyo__attributed_order
        where date <= (select max(last_synced_on) from klaviyo__data_health)
        group by profile_id having bool_or(not is_refund)
        """,
    )
    with duckdb.connect(str(warehouse.with_name("raw.db")), read_only=True) as connection:
        submissions = connection.sql(
            f"""
            select profile_id, datetime, properties ->> 'form_id'
            from {SCHEMA}.event join {SCHEMA}.metric on metric.id = event.metric_id
            where metric.name = 'Submitted Form' order by datetime
            """
        ).fetchall()
    expected = Counter(
        next(
            (form for who, at, form in submissions if who == row["profile_id"] and at <= row["at"]),
            None,
        )
        for row in ordered
    )
    found = dbt.query(
        warehouse,
        "select first_form_id, sum(buyers) as n from klaviyo__cohort group by first_form_id",
    )

    assert {row["first_form_id"]: row["n"] for row in found} == expected
    assert len(expected) > 1


def test_the_documented_queries_give_the_documented_rows(sandbox_build: tuple[Path, Any]) -> None:
    """Each query of docs/queries.md gives the table below it, read on the day of this account."""
    warehouse, _ = sandbox_build
    document = (dbt.ROOT / "docs" / "queries.md").read_text()
    queries = re.findall(r"```sql\n(.+?)```\n\n((?:\|[^\n]+\n)+)", document, re.DOTALL)
    assert len(queries) == 4
    for sql, table in queries:
        rows = dbt.query(warehouse, sql.replace("current_date", "date '2026-12-04'"))
        lines = [list(rows[0]), *(list(map(str, row.values())) for row in rows)]
        shown = re.findall(r"^\| (.+) \|$", table, re.MULTILINE)
        assert shown == [" | ".join(line) for line in lines], sql
