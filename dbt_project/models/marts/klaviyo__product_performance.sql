{{ config(materialized='table') }}
{{ config(enabled=is_enabled(['orders'])) }}

with

categories as (

    select
        links.account_id,
        links.catalog_item_id,
        {{ join_texts('categories.catalog_category_name') }} as category_names

    from {{ ref('stg_klaviyo__catalog_category_item') }} as links
    inner join {{ ref('stg_klaviyo__catalog_category') }} as categories
        on links.account_id = categories.account_id
        and links.catalog_category_id = categories.catalog_category_id
    group by links.account_id, links.catalog_item_id

),

orders as (

    select * from {{ ref('klaviyo__attributed_order') }}
    where not is_refund

),

-- An order may have a product in several items, such as two sizes.
ordered_products as (

    select
        account_id,
        event_id,
        product_id,
        max(catalog_item_id) as catalog_item_id,
        max(product_name) as product_name,
        sum(units) as units,
        sum(value) as value
    from {{ ref('int_klaviyo__order_item') }}
    group by account_id, event_id, product_id

),

sums as (

    select
        orders.account_id,
        orders.account_name,
        orders.date,
        orders.currency,
        orders.attribution_method,
        orders.message_type,
        orders.campaign_id,
        orders.flow_id,
        orders.message_id,
        ordered_products.product_id,
        max(orders.campaign_name) as campaign_name,
        max(orders.flow_name) as flow_name,
        max(orders.message_name) as message_name,
        max(ordered_products.catalog_item_id) as catalog_item_id,
        max(ordered_products.product_name) as product_name,
        count(*) as product_orders,
        sum(orders.klaviyo_orders) as klaviyo_product_orders,
        sum(ordered_products.units) as units,
        sum(ordered_products.value) as value,
        sum(
            case
                when orders.attribution_method = 'klaviyo' then ordered_products.value
                when {{ is_selected('event_attribution') | lower }} then 0
            end
        ) as klaviyo_value,
        max(orders.synced_at) as synced_at

    from ordered_products
    inner join orders
        on ordered_products.account_id = orders.account_id
        and ordered_products.event_id = orders.event_id
    group by
        orders.account_id, orders.account_name, orders.date, orders.currency,
        orders.attribution_method, orders.message_type, orders.campaign_id, orders.flow_id,
        orders.message_id, ordered_products.product_id

)

select
    ---------- ids
    {{ surrogate_key([
        'sums.account_id', 'sums.date', 'sums.currency', 'sums.attribution_method',
        'sums.campaign_id', 'sums.flow_id', 'sums.message_id', 'sums.product_id',
    ]) }} as product_performance_key,
    sums.account_id,
    sums.product_id,
    sums.catalog_item_id,
    sums.campaign_id,
    sums.flow_id,
    sums.message_id,

    ---------- what was bought
    sums.account_name,
    sums.currency,
    sums.product_name,
    categories.category_names,
    catalog_items.url as product_url,
    catalog_items.price as catalog_price,
    catalog_items.is_published,
    sums.catalog_item_id is not null as is_in_catalog,
    sums.date,

    ---------- who is credited
    sums.attribution_method,
    sums.message_type,
    sums.campaign_name,
    sums.flow_name,
    sums.message_name,

    ---------- what may be summed
    cast(sums.product_orders as {{ dbt.type_bigint() }}) as product_orders,
    cast(sums.klaviyo_product_orders as {{ dbt.type_bigint() }}) as klaviyo_product_orders,
    sums.units,
    sums.value,
    sums.klaviyo_value,
    sums.synced_at

from sums
left join {{ ref('stg_klaviyo__catalog_item') }} as catalog_items
    on sums.account_id = catalog_items.account_id
    and sums.catalog_item_id = catalog_items.catalog_item_id
left join categories
    on sums.account_id = categories.account_id
    and sums.catalog_item_id = categories.catalog_item_id
