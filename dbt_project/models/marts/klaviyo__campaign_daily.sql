with

messages as (

    select * from {{ ref('klaviyo__message_performance') }}
    where message_type = 'campaign'

),

reports as (select * from {{ ref('int_klaviyo__message_report') }}),

snapshots as (

    select
        messages.account_id,
        messages.campaign_id,
        messages.message_id,
        messages.variation_id,
        messages.account_name,
        messages.currency,
        messages.campaign_name,
        messages.message_name,
        messages.variation_name,
        messages.send_channel,
        messages.subject_line,
        messages.sent_on,
        snapshots.snapshot_date,
        snapshots.synced_at,
        {% for statistic in additive_statistics() -%}
        snapshots.{{ statistic }} as cumulative_{{ statistic }},
        snapshots.{{ statistic }} - coalesce(lag(snapshots.{{ statistic }}) over message, 0)
            as {{ statistic }},
        {% endfor -%}
        row_number() over message = 1 as is_first_snapshot

    from {{ ref('stg_klaviyo__campaign_performance_daily') }} as snapshots
    inner join reports
        on snapshots.account_id = reports.account_id
        and snapshots.campaign_id = reports.campaign_id
        and snapshots.campaign_message_id = reports.reported_message_id
        and snapshots.variation_id = reports.variation_id
        and snapshots.send_channel = reports.send_channel
        and snapshots.conversion_metric_id = reports.conversion_metric_id
    inner join messages on reports.message_performance_key = messages.message_performance_key
    window message as (
        partition by messages.message_performance_key
        order by snapshots.snapshot_date
    )

)

select
    ---------- ids
    {{ surrogate_key(
        ['account_id', 'message_id', 'variation_id', 'send_channel', 'snapshot_date']
    ) }} as campaign_daily_key,
    account_id,
    campaign_id,
    message_id,
    variation_id,

    ---------- what was sent
    account_name,
    currency,
    campaign_name,
    message_name,
    variation_name,
    send_channel,
    subject_line,
    sent_on,

    ---------- the day
    snapshot_date as date,
    is_first_snapshot,
    (
        {% for statistic in additive_statistics() -%}
        coalesce({{ statistic }}, 0) < 0 {{ 'or' if not loop.last }}
        {% endfor -%}
    ) as is_restated,

    ---------- what the day added
    {% for statistic in additive_statistics() -%}
    {{ statistic }},
    {% endfor %}
    ---------- what stood at its end
    {% for statistic in additive_statistics() -%}
    cumulative_{{ statistic }},
    {% endfor -%}
    synced_at

from snapshots
