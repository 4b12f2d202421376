{{ config(**incremental_by_month()) }}
-- An order without products or codes has a row too: the newest row bounds what the next incremental
-- run reads.
with

conversion_metrics as (select * from {{ ref('int_klaviyo__conversion_metric') }}),

orders as (

    select
        events.*,
        {{ occurred_month(utc_date('events.occurred_at')) }} as occurred_month

    from {{ ref('stg_klaviyo__event') }} as events
    inner join conversion_metrics
        on events.account_id = conversion_metrics.account_id
        and events.metric_id = conversion_metrics.conversion_metric_id
    {% if is_incremental() -%}
    where {{ in_affected_range('events.occurred_at', 1) }}
    {%- endif %}

)

select
    account_id,
    event_id,
    metric_id,
    occurred_month,
    {{ json_array('properties', order_item_paths()) }} as items,
    {{ json_array('properties', order_code_list_paths()) }} as discount_codes,
    coalesce(
        {%- for name in order_code_names() %}
        {{ normalized_code(json_text('properties', [name])) }} {{- ',' if not loop.last }}
        {%- endfor %}
    ) as discount_code,
    synced_at

from orders
{% if is_incremental() -%}
where occurred_month >= {{ affected_from_month() }}
{%- endif %}
