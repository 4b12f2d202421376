{#- Lists the metrics of orders that are no longer the account's conversion metric: after another
    choice the months that no run replaced keep the orders of the former one. Run
    `dbt build --full-refresh`. -#}
{{ config(
    severity='warn', enabled=is_enabled(['message_details', 'orders', 'people', 'findings'])
) }}

select
    orders.account_id,
    orders.metric_id,
    count(*) as order_count
from {{ ref('int_klaviyo__conversion') }} as orders
left join {{ ref('int_klaviyo__conversion_metric') }} as chosen
    on orders.account_id = chosen.account_id
    and orders.metric_id = chosen.conversion_metric_id
where orders.{{ in_all_months() }} and not orders.is_refund and chosen.account_id is null
group by orders.account_id, orders.metric_id
