{{ config(**incremental_by_month()) }}
{{ config(enabled=is_enabled(['message_details'])) }}
{%- set from_month = affected_from_month() if is_incremental() else none -%}
{#- An incremental run reads the events of this number of days before the months that it replaces. A
    person whose same event is longer ago counts again. -#}
{%- set days = 30 -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

metrics as (

    select
        account_id,
        metric_id
    from {{ ref('stg_klaviyo__metric') }}
    where metric_name in (
        'Received Email', 'Opened Email', 'Clicked Email', 'Bounced Email', 'Marked Email as Spam'
    )

),

events as (

    select
        events.account_id,
        events.campaign_id,
        events.metric_id,
        events.occurred_at_seconds,
        events.synced_at,
        coalesce(events.inbox_provider, '') as inbox_provider,
        cast({{ local_time('events.occurred_at', 'accounts.timezone') }} as date) as occurred_on,
        lag(events.occurred_at_seconds) over (
            partition by
                events.account_id,
                events.campaign_id,
                events.metric_id,
                coalesce(events.profile_id, events.event_id)
            order by events.occurred_at_seconds, events.event_id
        ) as previous_at_seconds

    from {{ ref('stg_klaviyo__event') }} as events
    inner join accounts on events.account_id = accounts.account_id
    inner join metrics
        on events.account_id = metrics.account_id
        and events.metric_id = metrics.metric_id
    where
        events.campaign_id is not null
        and events.flow_id is null
        and not coalesce(events.is_bot_click, false)
        {% if is_incremental() -%}
        and {{ in_affected_range('events.occurred_at', days + 2, from_month) }}
        {%- endif %}

)

select
    account_id,
    campaign_id,
    metric_id,
    inbox_provider,
    occurred_on,
    {{ occurred_month('occurred_on') }} as occurred_month,
    sum(
        case
            when occurred_at_seconds - previous_at_seconds <= {{ days * 24 * 60 * 60 }} then 0
            else 1
        end
    ) as people,
    max(synced_at) as synced_at

from events
{% if is_incremental() -%}
where {{ occurred_month('occurred_on') }} >= {{ from_month }}
{%- endif %}
group by account_id, campaign_id, metric_id, inbox_provider, occurred_on
