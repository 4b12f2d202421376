{{ config(**incremental_by_month()) }}
-- Beside int_klaviyo__conversion, so that the mart need not read all events for one column.
with

conversion_metrics as (

    select
        account_id,
        conversion_metric_id as metric_id
    from {{ ref('int_klaviyo__conversion_metric') }}
    union distinct
    select
        account_id,
        metric_id
    from {{ ref('stg_klaviyo__mapped_metric') }}
    where mapped_metric_id = 'refunded_sales' and metric_id is not null

),

events as (

    select
        events.account_id,
        events.event_id,
        events.metric_id,
        {{ occurred_month(utc_date('events.occurred_at')) }} as occurred_month,
        events.unique_id,
        events.synced_at

    from {{ ref('stg_klaviyo__event') }} as events
    inner join conversion_metrics
        on events.account_id = conversion_metrics.account_id
        and events.metric_id = conversion_metrics.metric_id
    {% if is_incremental() -%}
    where {{ in_affected_range('events.occurred_at', 1) }}
    {%- endif %}

)

select
    account_id,
    event_id,
    metric_id,
    occurred_month,
    nullif(unique_id, '') as order_number,
    synced_at

from events
{% if is_incremental() -%}
where occurred_month >= {{ affected_from_month() }}
{%- endif %}
