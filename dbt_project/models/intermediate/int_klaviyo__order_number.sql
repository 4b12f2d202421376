{{ config(**incremental_by_month()) }}
{{ config(enabled=is_enabled(['message_details', 'orders', 'people'])) }}
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

    {{ affected_events('conversion_metrics') }}

)

select
    account_id,
    event_id,
    metric_id,
    occurred_month,
    nullif(unique_id, '') as order_number,
    synced_at

from events
