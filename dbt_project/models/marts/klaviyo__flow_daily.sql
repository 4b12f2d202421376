{{ config(enabled=is_enabled(['messages'])) }}
select
    ---------- ids
    message_performance_key as flow_daily_key,
    account_id,
    flow_id,
    message_id,
    variation_id,
    conversion_metric_id,

    ---------- what was sent
    account_name,
    currency,
    flow_name,
    message_name,
    variation_name,
    is_ab_test,
    send_channel,
    conversion_metric_name,
    tag_names,
    is_archived,
    is_deleted,

    ---------- when it was sent
    sent_on,
    sent_week,

    ---------- counts and amounts
    {% for statistic in additive_statistics() -%}
    {{ statistic }},
    {% endfor -%}
    synced_at

from {{ ref('klaviyo__message_performance') }}
where message_type = 'flow'
