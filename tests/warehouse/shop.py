"""Two small accounts, written by hand to go wrong wherever a model is careless."""

from collections.abc import Mapping
from typing import Any

from tests.warehouse.raw import Rows

US, FR = "USshop", "FRshop"
ORDER, VIEWED = "PlacedOrder", "AViewedProduct"

# Klaviyo's glossary of statistics: what each rate divides.
RATES = {
    "open_rate": ("opens_unique", "delivered"),
    "click_rate": ("clicks_unique", "delivered"),
    "click_to_open_rate": ("clicks_unique", "opens_unique"),
    "conversion_rate": ("conversion_uniques", "delivered"),
    "delivery_rate": ("delivered", "recipients"),
    "bounce_rate": ("bounced", "recipients"),
    "failed_rate": ("failed", "recipients"),
    "bounced_or_failed_rate": ("bounced_or_failed", "recipients"),
    "unsubscribe_rate": ("unsubscribe_uniques", "delivered"),
    "spam_complaint_rate": ("spam_complaints", "delivered"),
    "revenue_per_recipient": ("conversion_value", "delivered"),
    "average_order_value": ("conversion_value", "conversions"),
    "text_message_roi": ("conversion_value", "text_message_spend"),
}


def statistics(**counts: float) -> dict[str, float | None]:
    """A report's statistics: the counts, and the rates as Klaviyo returns them.

    A rate of nothing is 0; a rate of what the channel does not count is null.
    """
    return counts | {name: _rate(counts, *parts) for name, parts in RATES.items()}


def _rate(counts: Mapping[str, float], numerator: str, denominator: str) -> float | None:
    if numerator not in counts or denominator not in counts:
        return None
    return counts[numerator] / counts[denominator] if counts[denominator] else 0.0


def mail(delivered: int, opens: int, clicks: int, revenue: float = 0.0) -> dict[str, Any]:
    """What a report says of a mail; every tenth click is an order."""
    return statistics(
        recipients=delivered + 3,
        delivered=delivered,
        opens=opens * 2,
        opens_unique=opens,
        clicks=clicks + 1,
        clicks_unique=clicks,
        bounced=3,
        failed=0,
        bounced_or_failed=3,
        unsubscribes=2,
        unsubscribe_uniques=1,
        spam_complaints=1,
        conversions=clicks // 10,
        conversion_uniques=clicks // 10,
        conversion_value=revenue,
    )


def text(delivered: int, clicks: int, revenue: float, spend: float) -> dict[str, Any]:
    """What a report says of a text message, which has no opens."""
    return statistics(
        recipients=delivered + 5,
        delivered=delivered,
        clicks=clicks,
        clicks_unique=clicks,
        bounced=0,
        failed=5,
        bounced_or_failed=5,
        unsubscribes=4,
        unsubscribe_uniques=4,
        spam_complaints=0,
        conversions=2,
        conversion_uniques=2,
        conversion_value=revenue,
        message_segment_count_sum=delivered * 2,
        text_message_spend=spend,
        text_message_credit_usage_amount=spend * 100,
    )


def campaign(message: str, numbers: Mapping[str, Any], **others: str) -> dict[str, Any]:
    """A row of `campaign_performance`: of the campaign `launch` in the US account, by mail."""
    return {
        "account_id": US,
        "campaign_id": "launch",
        "campaign_message_id": message,
        "send_channel": "email",
        "conversion_metric_id": ORDER,
        **numbers,
        **others,
    }


def flow(sent_on: str, numbers: Mapping[str, Any], **others: str) -> dict[str, Any]:
    """A row of `flow_performance_daily`: of the flow `welcome` in the US account, by mail."""
    return {
        "account_id": US,
        "flow_id": "welcome",
        "flow_message_id": "hello",
        "send_channel": "email",
        "variation": "only",
        "conversion_metric_id": ORDER,
        "date": sent_on,
        **numbers,
        **others,
    }


ACCOUNTS: Rows = [
    {
        "account_id": US,
        "organization_name": "Shop",
        "timezone": "America/New_York",
        "preferred_currency": "USD",
        "is_test_account": True,
    },
    {
        "account_id": FR,
        "organization_name": "Boutique",
        "timezone": "Europe/Paris",
        "preferred_currency": "EUR",
        "is_test_account": False,
    },
]

ROWS: dict[str, Rows] = {
    "account": ACCOUNTS,
    "metric": [
        {"account_id": US, "id": ORDER, "name": "Placed Order"},
        {"account_id": US, "id": VIEWED, "name": "Viewed Product"},
        {"account_id": FR, "id": ORDER, "name": "Placed Order"},
    ],
    "mapped_metric": [{"account_id": US, "id": "revenue", "metric_id": ORDER}],
    "campaign": [
        {"account_id": US, "id": "launch", "name": "Launch", "is_archived": True},
        {"account_id": US, "id": "deleted", "name": "Deleted", "_fivetran_deleted": True},
        {"account_id": FR, "id": "launch", "name": "Lancement", "is_archived": False},
    ],
    "campaign_audience": [
        {"account_id": US, "id": "all", "campaign_id": "launch", "included": ["news", "vip"]}
    ],
    "list": [{"account_id": US, "id": "news", "name": "Newsletter"}],
    "segment": [{"account_id": US, "id": "vip", "name": "VIPs"}],
    "campaign_message": [
        {
            "account_id": US,
            "id": "test",
            "campaign_id": "launch",
            "audience_id": "all",
            "send_time": "2026-11-02T04:30:00Z",  # a Sunday evening in New York
        },
        {
            "account_id": US,
            "id": "text",
            "campaign_id": "launch",
            "send_time": "2026-11-03T15:00:00Z",
        },
        {
            "account_id": FR,
            "id": "test",
            "campaign_id": "launch",
            "send_time": "2026-11-02T23:30:00Z",  # Tuesday in Paris already
        },
    ],
    "campaign_variation": [
        {"account_id": US, "id": "A", "campaign_message_id": "test", "subject": "Hello"},
        {"account_id": US, "id": "B", "campaign_message_id": "test", "subject": 'A "new" day'},
        {"account_id": US, "id": "C", "campaign_message_id": "text", "body": "x" * 200},
    ],
    "flow": [{"account_id": US, "id": "welcome", "name": "Welcome"}],
    "flow_message": [
        {"account_id": US, "id": "hello", "flow_id": "welcome", "subject": "Welcome in"}
    ],
    "campaign_performance": [
        campaign("test", mail(1000, 400, 30, 250.5), variation="A"),
        campaign("test", mail(500, 300, 10, 99.75), variation="B"),
        campaign("test", mail(1000, 400, 30, 9.0), variation="A", conversion_metric_id=VIEWED),
        campaign("test", mail(500, 300, 10, 9.0), variation="B", conversion_metric_id=VIEWED),
        campaign("text", text(2000, 150, 600.0, 40.0), send_channel="sms"),
        campaign("test", mail(0, 0, 0), account_id=FR),
    ],
    "campaign_performance_daily": [
        campaign("test", mail(1000, 350, 20, 300.5), variation="A", snapshot_date="2026-11-02"),
        campaign("test", mail(1000, 400, 30, 250.5), variation="A", snapshot_date="2026-11-09"),
    ],
    "flow_performance_daily": [
        flow("2026-11-01", mail(70, 40, 10, 20.0)),
        flow("2026-11-02", mail(30, 10, 0, 0.0)),
        flow("2026-11-02", mail(30, 10, 0, 5.0), conversion_metric_id=VIEWED),
    ],
    "sync_report": [
        {
            "account_id": US,
            "sync_id": sync,
            "table_name": table,
            "started_at": started_at,
            "rows_written": rows,
            "requests": requests,
        }
        for sync, table, started_at, rows, requests in (
            ("1", "campaign_performance", "2026-11-19T12:00:00Z", 5, 50),
            ("2", "campaign_performance", "2026-11-20T05:30:00Z", 4, 4),
            ("3", "campaign_performance", "2026-11-20T09:00:00Z", 2, 3),
            ("3", "campaign", "2026-11-20T09:00:00Z", 1, 2),
        )
    ],
    "sync_error": [
        {"account_id": US, "id": "e", "table_name": "campaign", "reason": "campaign without id"}
    ],
}
