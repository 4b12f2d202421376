"""SQL of every measure, written by hand and independent of dbt's metrics.

A rate over several channels counts only the messages for which Klaviyo counts both of its parts.
"""

from tests.warehouse import shop


def sums(columns: str, prefix: str = "") -> dict[str, str]:
    """Measures that sum the column of their name."""
    return {f"{prefix}{name}": f"sum({name})" for name in columns.split()}


def ratio(numerator: str, denominator: str) -> str:
    """A ratio of sums over the rows that have both columns."""
    return (
        f"sum({numerator}) filter ({denominator} is not null)"
        f" / nullif(sum({denominator}) filter ({numerator} is not null), 0)"
    )


TEXTS = "send_channel = 'sms'"
RATES = {name: ratio(*parts) for name, parts in shop.RATES.items()} | {
    "text_message_roi": f"sum(conversion_value) filter ({TEXTS}) / sum(text_message_spend)",
}
MESSAGES = (
    RATES
    | sums(
        "recipients delivered opens opens_unique clicks clicks_unique bounced failed"
        " bounced_or_failed unsubscribe_uniques spam_complaints conversions conversion_uniques"
        " conversion_value text_message_spend text_message_credit_usage_amount"
        " message_segment_count_sum"
    )
    | {
        "open_tracked_delivered": "sum(delivered) filter (opens_unique is not null)",
        "open_tracked_clicks_unique": "sum(clicks_unique) filter (opens_unique is not null)",
        "click_tracked_delivered": "sum(delivered) filter (clicks_unique is not null)",
        "click_tracked_opens_unique": "sum(opens_unique) filter (clicks_unique is not null)",
        "bounce_tracked_recipients": "sum(recipients) filter (bounced is not null)",
        "failure_tracked_recipients": "sum(recipients) filter (failed is not null)",
        "unsubscribe_tracked_delivered": "sum(delivered) filter (unsubscribe_uniques is not null)",
        "spam_tracked_delivered": "sum(delivered) filter (spam_complaints is not null)",
        "text_message_conversion_value": f"sum(conversion_value) filter ({TEXTS})",
        "engagement_score": f"0.7 * ({RATES['open_rate']}) + 0.3 * ({RATES['click_rate']})",
    }
)

PERIODS = {
    "period_delivered": "sum(delivered)",
    "period_openers": "sum(opens_unique)",
    "period_clickers": "sum(clicks_unique)",
    "period_converters": "sum(conversion_uniques)",
    "period_unsubscribers": "sum(unsubscribe_uniques)",
    "period_open_tracked_delivered": MESSAGES["open_tracked_delivered"],
    "period_click_tracked_delivered": MESSAGES["click_tracked_delivered"],
    "period_click_tracked_openers": MESSAGES["click_tracked_opens_unique"],
    "period_open_tracked_clickers": MESSAGES["open_tracked_clicks_unique"],
    "period_unsubscribe_tracked_delivered": MESSAGES["unsubscribe_tracked_delivered"],
    "period_open_rate": RATES["open_rate"],
    "period_click_rate": RATES["click_rate"],
    "period_click_to_open_rate": RATES["click_to_open_rate"],
    "period_conversion_rate": RATES["conversion_rate"],
    "period_unsubscribe_rate": RATES["unsubscribe_rate"],
}

ATTRIBUTED = "attribution_method = 'klaviyo' and not is_refund"
ORDERS = {
    "orders": "count(*) filter (not is_refund)",
    "refunds": "count(*) filter (is_refund)",
    "klaviyo_orders": f"count(*) filter ({ATTRIBUTED})",
    "order_value": "sum(value) filter (not is_refund)",
    "refund_value": "sum(value) filter (is_refund)",
    "net_order_value": "sum(value)",
    "klaviyo_order_value": f"sum(value) filter ({ATTRIBUTED})",
    "last_touch_order_value": "sum(value) filter (attribution_method = 'last_touch')",
    "klaviyo_order_share": f"sum(value) filter ({ATTRIBUTED}) / sum(value) filter (not is_refund)",
}

INBOX_PROVIDERS = (
    sums("delivered opens_unique clicks_unique bounced unsubscribes spam_complaints", "inbox_")
    | sums("synced_opens machine_opens synced_clicks bot_clicks")
    | {
        "inbox_attempts": "sum(coalesce(delivered, 0) + coalesce(bounced, 0))",
        "inbox_open_rate": "sum(opens_unique) / sum(delivered)",
        "inbox_click_rate": "sum(clicks_unique) / sum(delivered)",
        "inbox_bounce_rate": "sum(bounced) / sum(coalesce(delivered, 0) + coalesce(bounced, 0))",
        "inbox_unsubscribe_rate": "sum(unsubscribes) / sum(delivered)",
        "inbox_spam_complaint_rate": "sum(spam_complaints) / sum(delivered)",
        "machine_open_share": "sum(machine_opens) / sum(synced_opens)",
        "bot_click_share": "sum(bot_clicks) / sum(synced_clicks)",
    }
)

PROFILES = sums(
    "email_subscribers sms_subscribers push_subscribers whatsapp_subscribers profile_order_value"
) | {
    "profiles": "count(*)",
    "suppressed_profiles": "count(suppression_reasons)",
    "buyers": "count(*) filter (order_count > 0)",
    "email_subscriber_share": "sum(email_subscribers) / count(*)",
    "suppressed_share": "count(suppression_reasons) / count(*)",
    "buyer_share": "count(*) filter (order_count > 0) / count(*)",
}

TESTS = {
    "tested_recipients": "sum(recipients)",
    "tested_opens_unique": "sum(opens_unique)",
    "tested_clicks_unique": "sum(clicks_unique)",
    "tested_open_sample": "sum(delivered) filter (opens_unique is not null)",
    "tested_click_sample": "sum(delivered) filter (clicks_unique is not null)",
    "tested_conversion_value": "sum(conversion_value)",
    "tested_open_rate": ratio("opens_unique", "delivered"),
    "tested_click_rate": ratio("clicks_unique", "delivered"),
}

HEALTH = sums(
    "rows_refused rows_compared rows_different last_requests last_rows_written"
    " report_quota_used_today report_quota"
) | {
    "raw_rows": "sum(row_count)",
    "report_quota_share": "sum(report_quota_used_today) / sum(report_quota)",
}

PRODUCTS = {
    "product_orders": "sum(product_orders)",
    "klaviyo_product_orders": "sum(product_orders) filter (attribution_method = 'klaviyo')",
    "product_units": "sum(units)",
    "product_value": "sum(value)",
    "klaviyo_product_value": "sum(value) filter (attribution_method = 'klaviyo')",
    "klaviyo_product_share": "sum(value) filter (attribution_method = 'klaviyo') / sum(value)",
}

COUPONS = {
    "coupon_codes": "sum(codes)",
    "coupon_codes_issued": "sum(codes_issued)",
    "coupon_codes_used": "sum(codes_used)",
    "coupon_use_share": "sum(codes_used) / nullif(sum(codes_issued), 0)",
    "coupon_orders": "sum(orders)",
    "klaviyo_coupon_orders": "sum(klaviyo_orders)",
    "coupon_order_value": "sum(order_value)",
    "klaviyo_coupon_order_value": "sum(klaviyo_order_value)",
}

REACTIONS = "greatest(last_opened_on, last_clicked_on, last_ordered_on)"
ACTIVE = f"count(*) filter ({REACTIONS} > date - 30)"
CANDIDATES = "count(sunset_reason)"
ENGAGEMENT = {
    "people": "count(*)",
    "active_people": ACTIVE,
    "sunset_candidates": CANDIDATES,
    "emails_90_days": "sum(emails_90_days)",
    "clicks_90_days": "sum(clicks_90_days)",
    "active_share": f"{ACTIVE} / count(*)",
    "sunset_share": f"{CANDIDATES} / count(*)",
    "clicks_per_email": "sum(clicks_90_days) / nullif(sum(emails_90_days), 0)",
}

REVENUE = {
    "shop_orders": "sum(orders)",
    "shop_revenue": "sum(order_value)",
    "shop_refunds": "sum(refund_value)",
    "shop_net_revenue": "sum(coalesce(order_value, 0) + coalesce(refund_value, 0))",
    "credited_revenue": "sum(credited_order_value)",
    "credited_net_revenue": "sum(credited_net_value)",
    "campaign_revenue": "sum(campaign_order_value)",
    "flow_revenue": "sum(flow_order_value)",
    "credited_revenue_share": "sum(credited_order_value) / sum(order_value)",
    "credited_net_revenue_share": "sum(credited_net_value) / sum(net_value)",
    "campaign_revenue_share": "sum(campaign_order_value) / sum(order_value)",
    "flow_revenue_share": "sum(flow_order_value) / sum(order_value)",
    "shop_order_size": "sum(order_value) / sum(orders)",
}

STEPS = {
    "step_delivered": "sum(delivered)",
    "step_openers": "sum(opens_unique)",
    "step_clickers": "sum(clicks_unique)",
    "step_orders": "sum(conversions)",
    "step_revenue": "sum(conversion_value)",
    "step_open_sample": MESSAGES["open_tracked_delivered"],
    "step_click_sample": MESSAGES["click_tracked_delivered"],
    "largest_step_delivered": "sum(largest_step_delivered)",
    "step_share_of_largest": "sum(delivered) / sum(largest_step_delivered)",
    "step_open_rate": RATES["open_rate"],
    "step_click_rate": RATES["click_rate"],
}

FORMS = sums("views submits closes qualified_visits", "form_") | {
    "form_submit_rate": "sum(submits) / sum(views)",
    "form_close_rate": "sum(closes) / sum(views)",
    "form_view_rate": "sum(views) / sum(qualified_visits)",
}

FORM_VERSIONS = sums("views submits closes", "form_version_") | {
    "form_version_submit_rate": "sum(submits) / sum(views)",
    "form_version_close_rate": "sum(closes) / sum(views)",
}

ALERTS = {
    "deliverability_alerts": "count(*) filter (alert_level in ('warning', 'critical'))",
    "critical_alerts": "count(*) filter (alert_level = 'critical')",
}

PATTERNS = {
    "pattern_emails": "sum(emails)",
    "pattern_delivered": "sum(delivered)",
    "pattern_opens_unique": "sum(opens_unique)",
    "pattern_clicks_unique": "sum(clicks_unique)",
    "pattern_revenue": "sum(conversion_value)",
    "pattern_open_rate": "sum(opens_unique) / sum(delivered)",
    "pattern_click_rate": "sum(clicks_unique) / sum(delivered)",
    "pattern_revenue_per_email": "sum(conversion_value) / sum(delivered)",
}

WINDOWS = (30, 60, 90)
COHORTS = {
    "cohort_buyers": "sum(buyers)",
    "cohort_orders": "sum(orders)",
    "cohort_net_value": "sum(net_value)",
    "cohort_net_value_90_days": "sum(net_value_90_days)",
    **{f"cohort_buyers_{days}_days": f"sum(buyers_{days}_days)" for days in WINDOWS},
    **sums(" ".join(f"repeat_buyers_{days}_days" for days in WINDOWS)),
    **{
        f"repeat_rate_{days}_days": ratio(f"repeat_buyers_{days}_days", f"buyers_{days}_days")
        for days in WINDOWS
    },
    "lifetime_value_per_buyer": "sum(net_value) / sum(buyers)",
    "value_per_buyer_90_days": "sum(net_value_90_days) / nullif(sum(buyers_90_days), 0)",
}

PRESSURE = {
    "recipient_weeks": "sum(recipient_weeks)",
    "pressure_messages": "sum(messages)",
    "pressure_open_sample": "sum(open_tracked_messages)",
    "pressure_click_sample": "sum(click_tracked_messages)",
    "pressure_opens": "sum(opens)",
    "pressure_clicks": "sum(clicks)",
    "pressure_unsubscribed": "sum(unsubscribed_people)",
    "pressure_order_value": "sum(order_value)",
    "messages_per_person_week": "sum(messages) / sum(recipient_weeks)",
    "opens_per_message": "sum(opens) / nullif(sum(open_tracked_messages), 0)",
    "clicks_per_message": "sum(clicks) / nullif(sum(click_tracked_messages), 0)",
    "weekly_unsubscribe_rate": "sum(unsubscribed_people) / sum(recipient_weeks)",
    "order_value_per_person_week": "sum(order_value) / sum(recipient_weeks)",
}

ACCOUNTS = {
    **{f"account_{name}": f"sum({name})" for name in ("recipients", "delivered", "conversions")},
    "account_revenue": "sum(conversion_value)",
    "account_campaign_revenue": "sum(campaign_conversion_value)",
    "account_flow_revenue": "sum(flow_conversion_value)",
    "days_without_rate": "sum(days_without_rate)",
}

PROVIDERS = sums("attempts delivered bounced openers clickers spam_complaints", "provider_") | {
    "provider_open_rate": "sum(openers) / nullif(sum(delivered), 0)",
    "provider_click_rate": "sum(clickers) / nullif(sum(delivered), 0)",
    "provider_bounce_rate": "sum(bounced) / nullif(sum(attempts), 0)",
    "provider_spam_complaint_rate": "sum(spam_complaints) / nullif(sum(delivered), 0)",
}

LINKS = {
    "link_clicks": "sum(clicks)",
    "link_bot_clicks": "sum(bot_clicks)",
    "link_clickers": "sum(clickers)",
    "link_orders": "sum(orders)",
    "link_order_value": "sum(order_value)",
    "link_order_rate": "sum(orders) / nullif(sum(clickers), 0)",
    "link_revenue_per_click": "sum(order_value) / nullif(sum(clicks), 0)",
}

RFM = {
    "rfm_buyers": "count(*)",
    "rfm_earlier_buyers": "count(previous_rfm_group)",
    "rfm_improved_buyers": "count(*) filter (movement = 'improved')",
    "rfm_declined_buyers": "count(*) filter (movement = 'declined')",
    "rfm_orders": "sum(orders)",
    "rfm_net_value": "sum(net_value)",
    "rfm_improved_share": "sum(improved_buyers) / nullif(sum(earlier_buyers), 0)",
    "rfm_declined_share": "sum(declined_buyers) / nullif(sum(earlier_buyers), 0)",
    "rfm_value_per_buyer": "sum(net_value) / sum(buyers)",
}

MEASURES = {
    "account_daily": ACCOUNTS,
    "attributed_order": ORDERS,
    "audience_growth": sums("members_joined members_left net_members_joined current_members"),
    "campaign_daily": sums(
        "delivered opens_unique clicks_unique unsubscribe_uniques conversions conversion_value",
        "day_",
    )
    | {
        "delivered_so_far": "sum(newly_known_delivered)",
        "conversion_value_so_far": "sum(newly_known_conversion_value)",
        "revenue_per_recipient_so_far": (
            "sum(newly_known_conversion_value) / nullif(sum(newly_known_delivered), 0)"
        ),
    },
    "campaign_provider": PROVIDERS,
    "cohort": COHORTS,
    "coupon_performance": COUPONS,
    "data_health": HEALTH,
    "deliverability_alert": ALERTS,
    "engagement": ENGAGEMENT,
    "finding": {"finding_sample_size": "sum(sample_size)"},
    "flow_period": PERIODS,
    "flow_step": STEPS,
    "form_daily": FORMS,
    "form_version_daily": FORM_VERSIONS,
    "inbox_provider": INBOX_PROVIDERS,
    "link_performance": LINKS,
    "message_performance": MESSAGES,
    "product_performance": PRODUCTS,
    "profile": PROFILES,
    "revenue_daily": REVENUE,
    "rfm": RFM,
    "send_pressure": PRESSURE,
    "subject_line_pattern": PATTERNS,
    "subject_line_test": TESTS,
}
