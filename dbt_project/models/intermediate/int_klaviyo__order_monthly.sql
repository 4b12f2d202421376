{{ config(**incremental_by_month()) }}
{{ config(enabled=is_enabled(['findings'])) }}
{%- set from_month = affected_from_month() if is_incremental() else none -%}
{#- Without message_id, which a campaign that is synced later changes. -#}
{%- set key = [
    'account_id', 'metric_id', 'occurred_month', 'campaign_id', 'flow_id', 'flow_message_id',
    'variation_id', 'campaign_message_id',
] -%}
-- What is credited to nothing has a row too: the newest row bounds what the next incremental run
-- reads.
with

conversions as (

    select
        *,
        attribution_method = 'klaviyo' and not is_refund as is_credited
    from {{ ref('int_klaviyo__conversion') }}
    where {{ in_months_read(0, from_month) }}

)

select
    {{ surrogate_key(key) }} as order_monthly_key,
    {{ key | join(',\n    ') }},
    sum(case when is_credited then 1 else 0 end) as klaviyo_orders,
    sum(case when is_credited then value end) as klaviyo_order_value,
    max(synced_at) as synced_at

from conversions
group by
    {{ key | join(',\n    ') }}
