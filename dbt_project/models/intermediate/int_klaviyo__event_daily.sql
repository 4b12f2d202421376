{{ config(**incremental_by_month()) }}
{{ config(enabled=is_enabled(['audience', 'findings'])) }}
{%- set from_month = affected_from_month() if is_incremental() else none -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

events as (

    select
        events.*,
        cast({{ local_time('events.occurred_at', 'accounts.timezone') }} as date) as occurred_on

    from {{ ref('stg_klaviyo__event') }} as events
    inner join accounts on events.account_id = accounts.account_id
    where
        events.metric_id is not null
        and events.occurred_at is not null
        {% if is_incremental() -%}
        and {{ in_affected_range('events.occurred_at', 1, from_month) }}
        {%- endif %}

)

select
    account_id,
    metric_id,
    occurred_on,
    {{ occurred_month('occurred_on') }} as occurred_month,
    coalesce(inbox_provider, '') as inbox_provider,
    count(*) as event_count,
    sum(case when is_machine_open then 1 else 0 end) as machine_opens,
    sum(case when is_bot_click then 1 else 0 end) as bot_clicks,
    max(synced_at) as synced_at

from events
{% if is_incremental() -%}
where {{ occurred_month('occurred_on') }} >= {{ from_month }}
{%- endif %}
group by account_id, metric_id, occurred_on, coalesce(inbox_provider, '')
