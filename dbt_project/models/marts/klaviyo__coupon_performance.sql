{{ config(materialized='table') }}
{{ config(enabled=is_enabled(['orders'])) }}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

coupons as (select * from {{ ref('stg_klaviyo__coupon') }}),

codes as (

    select
        account_id,
        coupon_id,
        coalesce(status, '') as status,
        {{ normalized_code('unique_code') }} as code,
        synced_at
    from {{ ref('stg_klaviyo__coupon_code') }}
    where coupon_id is not null

),

contents as (

    select * from {{ ref('int_klaviyo__order_content') }}
    where {{ in_all_months() }}

),

entered_lists as (

    select * from contents
    where discount_codes is not null

),

entered_items as (

    {{ json_items('entered_lists', ['account_id', 'event_id'], 'discount_codes') }}

),

entered as (

    select
        account_id,
        event_id,
        coalesce(
            {{ normalized_code(json_text('item', ['code'])) }},
            {{ normalized_code(json_text('item')) }}
        ) as code
    from entered_items
    union distinct
    select
        account_id,
        event_id,
        discount_code as code
    from contents
    where discount_code is not null

),

-- Two codes of one coupon in an order are one use of the coupon.
uses as (

    select distinct
        entered.account_id,
        entered.event_id,
        codes.coupon_id

    from entered
    inner join codes
        on entered.account_id = codes.account_id
        and entered.code = codes.code

),

orders as (

    select
        uses.account_id,
        uses.coupon_id,
        orders.date,
        orders.currency,
        0 as codes,
        0 as codes_issued,
        0 as codes_used,
        orders.orders,
        orders.klaviyo_orders,
        orders.order_value,
        orders.klaviyo_order_value,
        orders.synced_at

    from uses
    inner join {{ ref('klaviyo__attributed_order') }} as orders
        on uses.account_id = orders.account_id
        and uses.event_id = orders.event_id
    where not orders.is_refund

),

-- A deleted coupon may still have codes.
coupon_codes as (

    select
        account_id,
        coupon_id,
        status,
        synced_at
    from codes
    union all
    select
        account_id,
        coupon_id,
        null as status,
        synced_at
    from coupons

),

-- The codes as of the last sync: on its day, so that a sum over days counts each once.
counted_codes as (

    select
        coupon_codes.account_id,
        coupon_codes.coupon_id,
        last_syncs.synced_on as date,
        accounts.preferred_currency as currency,
        count(coupon_codes.status) as codes,
        sum(case when coupon_codes.status in ('ASSIGNED_TO_PROFILE', 'USED') then 1 else 0 end)
            as codes_issued,
        sum(case when coupon_codes.status = 'USED' then 1 else 0 end) as codes_used,
        0 as orders,
        0 as klaviyo_orders,
        cast(null as {{ type_double() }}) as order_value,
        cast(null as {{ type_double() }}) as klaviyo_order_value,
        max(coupon_codes.synced_at) as synced_at

    from coupon_codes
    inner join accounts on coupon_codes.account_id = accounts.account_id
    inner join {{ ref('int_klaviyo__last_sync') }} as last_syncs
        on coupon_codes.account_id = last_syncs.account_id
    group by
        coupon_codes.account_id, coupon_codes.coupon_id, last_syncs.synced_on,
        accounts.preferred_currency

),

parts as (

    select * from orders
    union all
    select * from counted_codes

)

select
    ---------- ids
    {{ surrogate_key([
        'parts.account_id', 'parts.coupon_id', 'parts.date', 'parts.currency',
    ]) }} as coupon_performance_key,
    parts.account_id,
    parts.coupon_id,

    ---------- coupon
    max(accounts.organization_name) as account_name,
    parts.currency,
    coalesce(max(coupons.external_id), parts.coupon_id) as coupon_name,
    max(coupons.description) as coupon_description,
    parts.date,

    ---------- what may be summed
    {% for column in ['codes', 'codes_issued', 'codes_used', 'orders', 'klaviyo_orders'] -%}
    cast(sum(parts.{{ column }}) as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    sum(parts.order_value) as order_value,
    sum(parts.klaviyo_order_value) as klaviyo_order_value,
    max(parts.synced_at) as synced_at

from parts
inner join accounts on parts.account_id = accounts.account_id
left join coupons
    on parts.account_id = coupons.account_id
    and parts.coupon_id = coupons.coupon_id
group by parts.account_id, parts.coupon_id, parts.date, parts.currency
