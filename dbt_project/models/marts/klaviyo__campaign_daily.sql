{{ config(enabled=is_enabled(['messages', 'findings'])) }}
{%- set named_by = ['variation_id', 'campaign_message_id'] -%}
{#- What campaigns are compared by at an age. -#}
{%- set compared = [
    'recipients', 'delivered', 'opens_unique', 'clicks_unique', 'conversions', 'conversion_value',
] -%}
{%- set message =
    'partition by messages.message_performance_key order by snapshots.snapshot_date'
-%}

with

messages as (

    select * from {{ ref('klaviyo__message_performance') }}
    where message_type = 'campaign'

),

-- If Klaviyo changes how its report names a message, a day may have a snapshot under each name.
ranked_snapshots as (

    select
        messages.message_performance_key,
        reports.*,
        row_number() over (
            partition by messages.message_performance_key, reports.snapshot_date
            order by reports.synced_at desc, reports.campaign_message_id asc
        ) as recency

    from {{ ref('stg_klaviyo__campaign_performance_daily') }} as reports
    {{ join_message_ids('reports', named_by) -}}
    inner join messages
        on reports.account_id = messages.account_id
        and reports.campaign_id = messages.campaign_id
        and reports.variation_id = messages.variation_id
        and reports.send_channel = messages.send_channel
        and reports.conversion_metric_id = messages.conversion_metric_id
        and messages.message_id = {{ message_id('reports', named_by, 'campaign_message_id') }}

),

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
        lag(snapshots.{{ statistic }}) over ({{ message }}) as previous_{{ statistic }},
        {% endfor -%}
        {{ days_between('messages.sent_on', 'snapshots.snapshot_date') }} as age,
        row_number() over ({{ message }}) = 1 as is_first_snapshot

    from ranked_snapshots as snapshots
    inner join messages on snapshots.message_performance_key = messages.message_performance_key
    where snapshots.recency = 1

),

-- What the first snapshot of an older message has is no change of that day.
changes as (

    select
        {% for statistic in additive_statistics() -%}
        case
            when not is_first_snapshot or age <= 1
                then cumulative_{{ statistic }} - coalesce(previous_{{ statistic }}, 0)
        end as {{ statistic }},
        {% endfor -%}
        *
    from snapshots

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
    cast(age as {{ dbt.type_bigint() }}) as age,
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
    ---------- what the row adds to what is known: at the first snapshot, all until then
    {% for statistic in compared -%}
    case when is_first_snapshot then cumulative_{{ statistic }} else {{ statistic }} end
        as newly_known_{{ statistic }},
    {% endfor %}
    ---------- what stood at its end
    {% for statistic in additive_statistics() -%}
    cumulative_{{ statistic }},
    {% endfor -%}
    synced_at

from changes
