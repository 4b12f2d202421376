{{ config(enabled=is_enabled(['orders'])) }}
with

attributed_orders as (select * from {{ ref('klaviyo__attributed_order') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

sums as (

    select
        account_id,
        account_name,
        currency,
        date,
        sum(orders) as orders,
        sum(refunds) as refunds,
        sum(order_value) as order_value,
        sum(refund_value) as refund_value,
        sum(value) as net_value,
        sum(klaviyo_orders) as credited_orders,
        sum(klaviyo_order_value) as credited_order_value,
        sum(case when attribution_method = 'klaviyo' then value end) as credited_net_value,
        {% for type in ['campaign', 'flow'] -%}
        sum(case when message_type = '{{ type }}' then klaviyo_orders else 0 end)
            as {{ type }}_orders,
        sum(case when message_type = '{{ type }}' then klaviyo_order_value end)
            as {{ type }}_order_value,
        sum(
            case when message_type = '{{ type }}' and attribution_method = 'klaviyo' then value end
        ) as {{ type }}_net_value,
        {% endfor -%}
        sum(last_touch_order_value) as last_touch_order_value,
        max(synced_at) as synced_at

    from attributed_orders
    where date is not null
    group by account_id, account_name, currency, date

)

select
    ---------- ids
    {{ surrogate_key(['sums.account_id', 'sums.date', 'sums.currency']) }} as revenue_daily_key,
    sums.account_id,

    ---------- the day
    sums.account_name,
    sums.currency,
    sums.date,
    sums.date < last_syncs.synced_on as is_complete,

    ---------- the whole shop
    cast(sums.orders as {{ dbt.type_bigint() }}) as orders,
    cast(sums.refunds as {{ dbt.type_bigint() }}) as refunds,
    sums.order_value,
    sums.refund_value,
    sums.net_value,

    ---------- what Klaviyo credits to messages
    {% for source in ['credited', 'campaign', 'flow'] -%}
    cast(sums.{{ source }}_orders as {{ dbt.type_bigint() }}) as {{ source }}_orders,
    sums.{{ source }}_order_value,
    sums.{{ source }}_net_value,
    {% endfor %}
    ---------- what only the last touch credits
    sums.last_touch_order_value,
    sums.synced_at

from sums
inner join last_syncs on sums.account_id = last_syncs.account_id
