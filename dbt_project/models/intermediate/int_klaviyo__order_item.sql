{{ config(enabled=is_enabled(['orders'])) }}
with

orders as (

    select * from {{ ref('int_klaviyo__order_content') }}
    where {{ in_all_months() }} and items is not null

),

items as (

    {{ json_items('orders', ['account_id', 'event_id'], 'items') }}

),

named as (

    select
        account_id,
        event_id,
        position,
        {{ item_text(['ProductID', 'product_id', 'ProductId']) }} as named_id,
        {{ item_text(['SKU', 'sku']) }} as sku,
        {{ item_text(['ProductName', 'Name', 'title', 'name']) }} as product_name,
        {{ item_quantity(['Quantity', 'quantity']) }} as units,
        {{ item_number(['ItemPrice', 'price', 'Price']) }} as price,
        {{ item_number(['RowTotal', 'LineTotal', 'line_price']) }} as line_value
    from items

),

catalog_items as (select * from {{ ref('stg_klaviyo__catalog_item') }}),

-- An order names a product of the catalogue, or one of its variants, by its id in the shop.
catalog_ids as (

    select
        account_id,
        external_id as named_id,
        min(catalog_item_id) as catalog_item_id
    from catalog_items
    where external_id is not null
    group by account_id, external_id

),

variant_ids as (

    select
        account_id,
        external_id as named_id,
        min(catalog_item_id) as catalog_item_id
    from {{ ref('stg_klaviyo__catalog_variant') }}
    where external_id is not null
    group by account_id, external_id

)

select
    named.account_id,
    named.event_id,
    named.position,
    coalesce(catalog_items.external_id, named.named_id, named.sku, named.product_name)
        as product_id,
    coalesce(catalog_ids.catalog_item_id, variant_ids.catalog_item_id) as catalog_item_id,
    named.sku,
    coalesce(catalog_items.title, named.product_name) as product_name,
    named.units,
    coalesce(named.line_value, named.price * named.units) as value

from named
left join catalog_ids
    on named.account_id = catalog_ids.account_id
    and named.named_id = catalog_ids.named_id
left join variant_ids
    on named.account_id = variant_ids.account_id
    and named.named_id = variant_ids.named_id
left join catalog_items
    on named.account_id = catalog_items.account_id
    and coalesce(catalog_ids.catalog_item_id, variant_ids.catalog_item_id)
    = catalog_items.catalog_item_id
where coalesce(named.named_id, named.sku, named.product_name) is not null
