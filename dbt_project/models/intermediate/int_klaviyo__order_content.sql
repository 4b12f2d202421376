{{ config(**incremental_by_month()) }}
{{ config(enabled=is_enabled(['orders'])) }}
-- An order without products or codes has a row too: the newest row bounds what the next incremental
-- run reads.
with

conversion_metrics as (

    select
        account_id,
        conversion_metric_id as metric_id
    from {{ ref('int_klaviyo__conversion_metric') }}

),

orders as (

    {{ affected_events('conversion_metrics') }}

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
