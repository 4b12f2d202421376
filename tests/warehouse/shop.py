"""Two small accounts whose rows break a model that is not careful."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from streams import TABLES
from streams.catalog import AMOUNTS, COUNTS
from tests.warehouse.raw import Rows

# A user of Fivetran unticked one table, so it does not exist.
TABLE_NAMES = [name for name in TABLES if name != "tag_group"]
US, FR = "USshop", "FRshop"
ORDER, VIEWED, REFUND = "PlacedOrder", "AViewedProduct", "RefundedOrder"
PREVIOUS_SYNC = "2026-11-19T12:00:00Z"
# Each kind of tag in a template, between words; the last is cut off.
TAGS = (
    "{{ first_name|default:'there' }} {{person.last_order_date_utc}}"
    ' {{ event|lookup:"Item Name" }}'
    " {% if person.vip %}{{ person|lookup:'loyalty_tier'|default:'VIP' }}{%else%}you{% endif %}"
    " {% coupon_code 'CODE_10' %}, {10_%} [NEW_IN] {{ first_na"
)
MAIL, OPEN, CLICK, BOUNCE, TEXT, OFF = "RecMail", "Open", "Click", "Bounce", "RecText", "Unsub"
FORM = "FormCompleted"

# The numerator and denominator of each rate, from Klaviyo's glossary of statistics.
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


def statistics(**counts: float) -> dict[str, float]:
    """A report's statistics: the counts, and the rates as Klaviyo returns them.

    A rate with a denominator of 0 is 0, and so is what the channel does not count.
    """
    counts = dict.fromkeys([*COUNTS, *AMOUNTS], 0) | counts
    return counts | {name: _divide(counts, *parts) for name, parts in RATES.items()}


def _divide(counts: Mapping[str, float], numerator: str, denominator: str) -> float:
    return counts[numerator] / counts[denominator] if counts[denominator] else 0.0


def mail(delivered: int, opens: int, clicks: int, revenue: float = 0.0) -> dict[str, Any]:
    """A report's statistics of an email; every tenth click is an order."""
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
    """A report's statistics of a text message, which has no opens."""
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


def push(delivered: int, opens: int, revenue: float) -> dict[str, Any]:
    """A report's statistics of a push message, which has opens but no clicks and no spam."""
    return statistics(
        recipients=delivered + 20,
        delivered=delivered,
        opens=opens,
        opens_unique=opens,
        bounced=20,
        bounced_or_failed=20,
        conversions=1,
        conversion_uniques=1,
        conversion_value=revenue,
    )


def campaign(message: str, numbers: Mapping[str, Any], **others: str) -> dict[str, Any]:
    """A row of `campaign_performance`: campaign `launch` of the US account, by email."""
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
    """A row of `flow_performance_daily`: flow `welcome` of the US account, by email."""
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


def flow_period(
    kind: str, start: str, end: str, numbers: Mapping[str, Any], **others: str
) -> dict[str, Any]:
    """A row of `flow_performance_period`, of the same flow message as `flow`."""
    period = {"period_kind": kind, "period_start": start, "period_end": end}
    row = {name: value for name, value in flow("", numbers).items() if name != "date"}
    return {**row, **period, **others}


# Five people opened on both days of `flow_performance_daily`.
HELLO = mail(100, 45, 10, 20.0) | {"recipients": 106, "bounced": 6, "bounced_or_failed": 6}


def event(
    id_: str, metric: str | None, at: str, profile: str | None, **others: Any
) -> dict[str, Any]:
    """A row of `event` in the US account, at a time in UTC."""
    timestamp = f"{at}+00:00"
    return {
        "account_id": US,
        "id": id_,
        "metric_id": metric,
        "datetime": timestamp,
        "timestamp": int(datetime.fromisoformat(timestamp).timestamp()),
        "profile_id": profile,
        **others,
    }


def attribution(event_id: str, touch: str, **message: str) -> dict[str, Any]:
    """A row of `event_attribution` in the US account."""
    row = {"account_id": US, "event_id": event_id, "attribution_id": f"{event_id}-{touch}"}
    return row | {"attributed_event_id": touch, **message}


def aggregate(metric: str, day: str, events: int, **others: str) -> dict[str, Any]:
    """A row of `message_metric_daily` or `inbox_provider_daily` in the US account."""
    numbers = {"count": events, "unique_count": events}
    return {"account_id": US, "metric_id": metric, "date": day, **numbers, **others}


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

# What an attribution names.
OF_TEST = {"campaign_id": "launch", "campaign_message_id": "test"}
OF_FLOW = {"flow_id": "welcome", "flow_message_id": "second"}

# An order of a month that no later sync affects.
UNAFFECTED = event("settled", ORDER, "2026-07-31 23:59:59", "bob", value=11.0)

ROWS: dict[str, Rows] = {
    "account": ACCOUNTS,
    "metric": [
        {"account_id": US, "id": ORDER, "name": "Placed Order"},
        {"account_id": US, "id": VIEWED, "name": "Viewed Product"},
        {"account_id": US, "id": REFUND, "name": "Refunded Order"},
        {"account_id": US, "id": MAIL, "name": "Received Email"},
        {"account_id": US, "id": OPEN, "name": "Opened Email"},
        {"account_id": US, "id": CLICK, "name": "Clicked Email"},
        {"account_id": US, "id": BOUNCE, "name": "Bounced Email"},
        {"account_id": US, "id": TEXT, "name": "Received Text Message"},
        {"account_id": US, "id": OFF, "name": "Unsubscribed from Email Marketing"},
        {"account_id": US, "id": FORM, "name": "Form completed by profile"},
        {"account_id": FR, "id": ORDER, "name": "Placed Order"},
    ],
    "mapped_metric": [
        {"account_id": US, "id": "revenue", "metric_id": ORDER},
        {"account_id": US, "id": "refunded_sales", "metric_id": REFUND},
        {"account_id": US, "id": "cancelled_sales"},
    ],
    "campaign": [
        {"account_id": US, "id": "launch", "name": "Launch", "is_archived": True},
        {"account_id": US, "id": "before", "name": "Before", "is_archived": False},
        {"account_id": US, "id": "deleted", "name": "Deleted", "_fivetran_deleted": True},
        {"account_id": FR, "id": "launch", "name": "Lancement", "is_archived": False},
    ],
    "campaign_audience": [
        {"account_id": US, "id": "all", "campaign_id": "launch", "included": ["news", "vip"]}
    ],
    "list": [{"account_id": US, "id": "news", "name": "Newsletter"}],
    "list_profile": [
        {
            "account_id": US,
            "list_id": "news",
            "profile_id": profile,
            "joined_group_at": joined,
            # A member whose time of joining is unknown is found by a later sync than the others.
            "synced_at": "2026-11-16T09:00:00Z" if joined else "2026-11-20T09:00:00Z",
            "_fivetran_deleted": left is not None,
            "_fivetran_synced": left or "2026-11-20T09:00:00Z",
        }
        for profile, joined, left in (
            ("ann", "2026-11-15T12:00:00Z", None),
            ("bob", "2026-11-16T04:59:59Z", None),  # the evening of the 15th in New York
            ("cid", "2026-11-15T12:00:00Z", "2026-11-18T12:00:00Z"),
            ("dee", None, None),
        )
    ],
    "segment": [{"account_id": US, "id": "vip", "name": "VIPs"}],
    "segment_daily": [
        {
            "account_id": US,
            "segment_id": "vip",
            "date": day,
            "total_members": total,
            "members_added": added,
            "members_removed": removed,
            "net_members_changed": added - removed,
        }
        for day, total, added, removed in (("2026-11-18", 5, 2, 0), ("2026-11-19", 4, 1, 2))
    ],
    "segment_profile": [
        {"account_id": US, "segment_id": "vip", "profile_id": "ann"},
        {
            "account_id": US,
            "segment_id": "new",
            "profile_id": "bob",
            "joined_group_at": "2026-11-19T12:00:00Z",
        },
    ],
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
            "account_id": US,
            "id": "push",
            "campaign_id": "launch",
            "send_time": "2026-11-03T16:00:00Z",
        },
        {
            "account_id": US,
            "id": "old",
            "campaign_id": "before",
            "send_time": "2026-10-02T15:00:00Z",
        },
        {
            "account_id": US,
            "id": "forgotten",
            "campaign_id": "deleted",
            "name": "Forgotten",
            "send_time": "2026-11-04T15:00:00Z",
            "_fivetran_deleted": True,
        },
        {
            "account_id": FR,
            "id": "test",
            "campaign_id": "launch",
            "send_time": "2026-11-02T23:30:00Z",  # Tuesday in Paris already
        },
    ],
    "campaign_variation": [
        {
            "account_id": US,
            "id": "A",
            "campaign_message_id": "test",
            "subject": "Hello",
            "preview_text": TAGS,
        },
        {"account_id": US, "id": "B", "campaign_message_id": "test", "subject": 'A "new" day'},
        {"account_id": US, "id": "C", "campaign_message_id": "text", "body": "x" * 200},
        {"account_id": US, "id": "D", "campaign_message_id": "push", "title": "Ping"},
        {
            "account_id": US,
            "id": "E",
            "campaign_message_id": "forgotten",
            "subject": "Bye",
            "_fivetran_deleted": True,
        },
    ],
    "flow": [{"account_id": US, "id": "welcome", "name": "Welcome"}],
    "flow_action": [
        {
            "account_id": US,
            "id": "wait",
            "flow_id": "welcome",
            "definition": {"data": {}, "links": {"next": "test"}},
        },
        {
            "account_id": US,
            "id": "send",
            "flow_id": "welcome",
            "definition": {"links": {"next": "wait"}},
        },
        {
            "account_id": US,
            "id": "test",
            "flow_id": "welcome",
            "definition": {
                "links": {"next": None},
                "data": {
                    "current_experiment": {
                        "variations": [
                            {
                                "id": version,
                                "data": {
                                    "message": {
                                        "id": "second",
                                        "name": "Second",
                                        "subject_line": subject,
                                        "preview_text": None,
                                    }
                                },
                            }
                            for version, subject in (("F1", "Still 'here'?"), ("F2", ""))
                        ]
                    }
                },
            },
        },
    ],
    "flow_message": [
        {
            "account_id": US,
            "id": "hello",
            "flow_id": "welcome",
            "flow_action_id": "send",
            "subject": "Welcome in",
        },
        {"account_id": US, "id": "second", "flow_id": "welcome", "flow_action_id": "test"},
    ],
    "campaign_performance": [
        campaign("test", mail(1000, 400, 30, 250.5), variation="A"),
        campaign("test", mail(500, 300, 10, 99.75), variation="B"),
        campaign("test", mail(1000, 400, 30, 9.0), variation="A", conversion_metric_id=VIEWED),
        campaign("test", mail(500, 300, 10, 9.0), variation="B", conversion_metric_id=VIEWED),
        campaign("text", text(2000, 150, 600.0, 40.0), send_channel="sms"),
        campaign("push", push(300, 30, 45.0), send_channel="push-notification"),
        # Klaviyo names the only message of a campaign by the campaign's id.
        campaign("before", mail(100, 50, 10, 30.0), campaign_id="before"),
        # An earlier sync's report named it by its own id.
        campaign("old", mail(90, 40, 8, 20.0), campaign_id="before", synced_at=PREVIOUS_SYNC),
        campaign("deleted", mail(10, 5, 0), campaign_id="deleted"),
        campaign("test", mail(0, 0, 0), account_id=FR),
    ],
    "campaign_performance_daily": [
        campaign("test", mail(1000, 350, 20, 300.5), variation="A", snapshot_date="2026-11-02"),
        campaign("test", mail(1000, 400, 30, 250.5), variation="A", snapshot_date="2026-11-09"),
        *(
            campaign(name, mail(100, opens, 0), campaign_id="before", **on)
            for name, opens, on in (
                ("old", 30, {"snapshot_date": "2026-11-18", "synced_at": PREVIOUS_SYNC}),
                ("old", 40, {"snapshot_date": "2026-11-20", "synced_at": PREVIOUS_SYNC}),
                ("before", 50, {"snapshot_date": "2026-11-20"}),
            )
        ),
    ],
    "flow_performance_daily": [
        flow("2026-11-01", mail(70, 40, 10, 20.0)),
        flow("2026-11-02", mail(30, 10, 0, 0.0)),
        flow("2026-11-02", mail(30, 10, 0, 5.0), conversion_metric_id=VIEWED),
        flow("2026-11-02", mail(200, 80, 30), flow_message_id="second", variation="F1"),
        flow("2026-11-02", mail(200, 40, 10), flow_message_id="second", variation="F2"),
        flow(
            "2026-11-03", mail(20, 4, 0), flow_id="unseen", flow_name="Past", flow_message_id="bye"
        ),
    ],
    "flow_performance_period": [
        flow_period("month", "2026-11-01", "2026-11-18", HELLO),
        flow_period("last_30_days", "2026-10-22", "2026-11-20", HELLO),
        flow_period(
            "month",
            "2026-11-01",
            "2026-11-18",
            mail(200, 80, 30),
            flow_message_id="second",
            variation="F1",
        ),
        flow_period(
            "month", "2026-11-01", "2026-11-18", mail(30, 10, 0, 5.0), conversion_metric_id=VIEWED
        ),
    ],
    "event": [
        UNAFFECTED,
        event("first", VIEWED, "2026-10-01 12:00:00", "ann"),
        event("mail", MAIL, "2026-10-02 15:00:00", "ann", inbox_provider="Gmail"),
        event(
            "open", OPEN, "2026-10-02 16:00:00", "ann", campaign_id="before", message_id="before"
        ),
        event(
            "sold",
            ORDER,
            "2026-10-03 12:00:00",
            "ann",
            value=30.0,
            value_currency="USD",
            unique_id="#1001",
            properties={
                "Items": [
                    {"ProductID": "mug", "ProductName": "A mug", "Quantity": 2, "RowTotal": 24},
                    {"SKU": "T-1", "ProductName": "Tea", "ItemPrice": "6.00"},
                ],
                "DiscountCode": "hello1",
            },
        ),
        event("kept", ORDER, "2026-10-31 23:59:59", "bob", value=8.0, value_currency=" "),
        # In an A/B test: the open that Klaviyo credits, and a later open by a machine.
        event(
            "openA",
            OPEN,
            "2026-11-02 05:00:00",
            "ann",
            campaign_id="launch",
            message_id="launch",
            variation_id="A",
            inbox_provider="Gmail",
            is_machine_open=False,
        ),
        event(
            "openM",
            OPEN,
            "2026-11-02 05:00:01",
            "ann",
            campaign_id="launch",
            message_id="launch",
            variation_id="B",
            inbox_provider="Gmail",
            is_machine_open=True,
        ),
        event(
            "buyA",
            ORDER,
            "2026-11-02 04:59:59",
            "ann",
            value=1e3,
            value_currency="USD",
            properties={
                "Items": ["A mug"],
                "Discount Codes": ["HELLO1", "HELLO2", "OTHER"],
                "$extra": {"line_items": [{"product_id": "mug-L", "quantity": 1, "price": "1e3"}]},
            },
        ),
        event("popup", FORM, "2026-10-01 11:59:00", "ann", properties={"form_id": "popup"}),
        event("back", REFUND, "2026-11-04 12:00:00", "ann", value=100.0),
        event("orphan", ORDER, "2026-11-03 12:00:00", "bob", value=-49.95),
        # Without attribution: a text exactly 12 hours before an order, and a second more.
        event("text", TEXT, "2026-11-05 00:00:00", "cid", flow_id="welcome", message_id="hello"),
        event("intime", ORDER, "2026-11-05 12:00:00", "cid", value=20.0, value_currency="eur"),
        event("toolate", ORDER, "2026-11-05 12:00:01", "cid", value=7.0),
        event("nobody", ORDER, "2026-11-06 12:00:00", None, value=1.7e308),
        event("bot", CLICK, "2026-11-06 12:00:00", "cid", is_bot_click=True, inbox_provider=""),
        event(
            "tea",
            CLICK,
            "2026-11-07 12:00:00",
            "bob",
            campaign_id="launch",
            message_id="launch",
            variation_id="A",
            url="https://shop.example/tea?utm_source=launch",
        ),
        event("gone", ORDER, "2026-11-06 13:00:00", "cid", value=5.0, _fivetran_deleted=True),
        event("noone", "DeletedMetric", "2026-11-07 12:00:00", "cid"),
        event("nameless", None, "2026-11-07 12:00:00", "cid"),
        event("ahead", ORDER, "2027-11-07 12:00:00", "ann", value=1.0, is_future=True),
    ],
    "event_attribution": [
        # Written before the column event_datetime existed.
        attribution("sold", "open", campaign_id="before", campaign_message_id="before"),
        *(
            attribution(order, touch, event_datetime=f"{at}+00:00", **message)
            for order, touch, at, message in (
                ("buyA", "openA", "2026-11-02 04:59:59", OF_TEST),
                ("orphan", "missing", "2026-11-03 12:00:00", OF_FLOW),
                ("back", "openA", "2026-11-04 12:00:00", OF_TEST),
            )
        ),
    ],
    "message_metric_daily": [
        aggregate(MAIL, "2026-10-02", 1, message_id="before"),
        aggregate(OPEN, "2026-10-02", 1, message_id="before"),
        aggregate(OPEN, "2026-11-02", 2, message_id="launch"),
        aggregate(OFF, "2026-11-02", 3, message_id="launch"),
        aggregate(TEXT, "2026-11-04", 1, flow_id="welcome", message_id="hello"),
        aggregate(CLICK, "2026-11-06", 1),
        aggregate(CLICK, "2026-11-07", 1),
    ],
    "inbox_provider_daily": [
        aggregate(MAIL, "2026-11-02", 90, inbox_provider="Gmail"),
        aggregate(BOUNCE, "2026-11-02", 10, inbox_provider="Gmail"),
        aggregate(OPEN, "2026-11-02", 2, inbox_provider="Gmail"),
        aggregate(MAIL, "2026-11-02", 5),
        aggregate(MAIL, "2026-11-19", 290, inbox_provider="Gmail"),
        aggregate(BOUNCE, "2026-11-19", 10, inbox_provider="Gmail"),
    ],
    "form": [{"account_id": US, "id": "popup", "name": "Pop-up", "status": "live"}],
    "form_version": [
        {"account_id": US, "id": version, "form_id": "popup", "form_type": kind}
        for version, kind in (("1", "popup"), ("2", "flyout"), ("3", "popup"))
    ],
    "form_daily": [
        {
            "account_id": US,
            "form_id": form,
            "date": day,
            "viewed_form": views,
            "viewed_form_uniques": views - 1,
            "submits": submits,
            "closed_form": views - submits,
            "qualified_form": views + 5,
            "submit_rate": submits / views,
        }
        for form, day, views, submits in (
            ("popup", "2026-11-19", 20, 2),
            ("popup", "2026-11-20", 10, 0),
            ("removed", "2026-11-19", 4, 1),
        )
    ],
    "form_version_daily": [
        {
            "account_id": US,
            "form_id": form,
            "form_version_id": version,
            "date": day,
            "viewed_form": views,
            "submits": submits,
            "closed_form": views - submits,
        }
        for form, version, day, views, submits in (
            ("popup", "1", "2026-11-19", 12, 2),
            ("popup", "2", "2026-11-19", 8, 0),
            ("popup", "1", "2026-11-20", 10, 0),
            ("removed", "9", "2026-11-19", 4, 1),
        )
    ],
    "profile": [
        {
            "account_id": US,
            "id": "ann",
            "email": "ann@example.com",
            "country": "France",
            "created_at": "2026-11-01T03:59:59Z",  # the last second of October in New York
            "email_marketing_consent": "SUBSCRIBED",
            "email_marketing_can_receive": True,
            "properties": {"favourite": "tea"},
            "historic_clv": 1030.0,
        },
        {"account_id": US, "id": "bob", "email_marketing_can_receive": False},
        {"account_id": US, "id": "cid", "created_at": "2026-11-01T04:00:00Z"},
        {"account_id": US, "id": "erased", "_fivetran_deleted": True},
    ],
    "profile_suppression": [
        {
            "account_id": US,
            "profile_id": "bob",
            "scope": scope,
            "reason": reason,
            "suppressed_at": "2026-11-10T12:00:00Z",
        }
        for scope, reason in (
            ("global", "UNSUBSCRIBE"),
            ("global", "HARD_BOUNCE"),
            ("news", "USER_SUPPRESSED"),
        )
    ],
    "catalog_item": [
        {"account_id": US, "id": "item-mug", "external_id": "mug", "title": "Mug", "price": 12.0}
    ],
    "catalog_variant": [
        {"account_id": US, "id": "mug-L", "external_id": "mug-L", "catalog_item_id": "item-mug"}
    ],
    "catalog_category": [{"account_id": US, "id": "kitchen", "name": "Kitchen"}],
    "catalog_category_item": [
        {"account_id": US, "catalog_category_id": "kitchen", "catalog_item_id": "item-mug"}
    ],
    "coupon": [{"account_id": US, "id": "hello", "external_id": "HELLO", "description": "10 %"}],
    "coupon_code": [
        {"account_id": US, "id": code, "coupon_id": "hello", "unique_code": code, "status": status}
        for code, status in (("HELLO1", "USED"), ("HELLO2", "USED"), ("HELLO3", "UNASSIGNED"))
    ],
    "template": [
        {
            "account_id": US,
            "id": "T",
            "name": "Hello",
            "html": "<p>{{ name }}</p>",
            "synced_at": PREVIOUS_SYNC,  # the row of the last sync did not arrive
        }
    ],
    "sync_report": [
        {
            "account_id": account,
            "sync_id": sync,
            "table_name": table,
            "started_at": started_at,
            "rows_written": rows,
            "requests": requests,
        }
        for account, sync, table, started_at, rows, requests in (
            (US, "1", "campaign_performance", "2026-11-19T12:00:00Z", 5, 50),
            (US, "2", "campaign_performance", "2026-11-20T05:30:00Z", 4, 4),
            # Two syncs at the same instant.
            (US, "2b", "campaign_performance", "2026-11-20T09:00:00Z", 9, 42),
            (US, "3", "campaign_performance", "2026-11-20T09:00:00Z", 2, 3),
            (US, "3", "campaign", "2026-11-20T09:00:00Z", 1, 2),
            (US, "3", "template", "2026-11-20T09:00:00Z", 1, 1),
            (US, "3", "flow_performance", "2026-11-20T09:00:00Z", 0, 5),
            (US, "3", "flow_performance_period", "2026-11-20T09:00:00Z", 0, 7),
            (US, "3", "event", "2026-11-20T09:00:00Z", 9, 3),
            (FR, "3", "event", "2026-11-20T09:00:00Z", 9, 3),
        )
    ],
    "sync_error": [
        {"account_id": US, "id": "e", "table_name": "campaign", "reason": "campaign without id"}
    ],
}
