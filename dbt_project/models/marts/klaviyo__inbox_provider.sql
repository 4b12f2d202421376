{{ config(enabled=is_enabled(['audience', 'findings'])) }}
{%- set metric_columns = {
    'Received Email': 'delivered',
    'Opened Email': 'opens',
    'Clicked Email': 'clicks',
    'Bounced Email': 'bounced',
    'Unsubscribed from Email Marketing': 'unsubscribes',
    'Marked Email as Spam': 'spam_complaints',
} -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

metrics as (

    select * from {{ ref('stg_klaviyo__metric') }}
    where metric_name in (
        {%- for name in metric_columns %}
        '{{ name }}'{{ ',' if not loop.last }}
        {%- endfor %}
    )

),

counted_days as (

    select distinct
        account_id,
        occurred_on,
        inbox_provider
    from {{ ref('stg_klaviyo__inbox_provider_daily') }}

),

-- Klaviyo returns no zeros. On a day that it counted for a provider, a missing metric is zero.
zeros as (

    select
        counted_days.account_id,
        metrics.metric_id,
        counted_days.occurred_on,
        counted_days.inbox_provider
    from counted_days
    inner join metrics on counted_days.account_id = metrics.account_id

),

counts as (

    select
        account_id,
        metric_id,
        occurred_on,
        inbox_provider,
        event_count,
        unique_count,
        null as synced_event_count,
        null as machine_opens,
        null as bot_clicks,
        synced_at
    from {{ ref('stg_klaviyo__inbox_provider_daily') }}
    union all
    select
        account_id,
        metric_id,
        occurred_on,
        inbox_provider,
        null as event_count,
        null as unique_count,
        event_count as synced_event_count,
        machine_opens,
        bot_clicks,
        synced_at
    from {{ ref('int_klaviyo__event_daily') }}
    where {{ in_all_months() }}
    union all
    select
        account_id,
        metric_id,
        occurred_on,
        inbox_provider,
        0 as event_count,
        0 as unique_count,
        null as synced_event_count,
        null as machine_opens,
        null as bot_clicks,
        null as synced_at
    from zeros

),

summed as (

    select
        counts.account_id,
        coalesce(nullif(counts.inbox_provider, ''), 'Unknown') as inbox_provider,
        counts.occurred_on as date,
        {% for name, column in metric_columns.items() -%}
        sum(case when metrics.metric_name = '{{ name }}' then counts.event_count end)
            as {{ column }},
        {% endfor -%}
        sum(case when metrics.metric_name = 'Opened Email' then counts.unique_count end)
            as opens_unique,
        sum(case when metrics.metric_name = 'Clicked Email' then counts.unique_count end)
            as clicks_unique,
        sum(case when metrics.metric_name = 'Opened Email' then counts.synced_event_count end)
            as synced_opens,
        sum(case when metrics.metric_name = 'Opened Email' then counts.machine_opens end)
            as machine_opens,
        sum(case when metrics.metric_name = 'Clicked Email' then counts.synced_event_count end)
            as synced_clicks,
        sum(case when metrics.metric_name = 'Clicked Email' then counts.bot_clicks end)
            as bot_clicks,
        max(counts.synced_at) as synced_at

    from counts
    inner join metrics
        on counts.account_id = metrics.account_id
        and counts.metric_id = metrics.metric_id
    group by 1, 2, 3

)

select
    ---------- ids
    {{ surrogate_key(['summed.account_id', 'summed.inbox_provider', 'summed.date']) }}
        as inbox_provider_key,
    summed.account_id,

    ---------- mailbox provider and date
    accounts.organization_name as account_name,
    summed.inbox_provider,
    summed.date,

    ---------- counts by event date
    cast(coalesce(summed.delivered, 0) + coalesce(summed.bounced, 0) as {{ dbt.type_bigint() }})
        as attempts,
    {% for column in metric_columns.values() | list + [
        'opens_unique', 'clicks_unique', 'synced_opens', 'machine_opens', 'synced_clicks',
        'bot_clicks',
    ] -%}
    cast(summed.{{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    summed.synced_at

from summed
inner join accounts on summed.account_id = accounts.account_id
