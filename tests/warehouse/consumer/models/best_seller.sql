select
    products.product_name,
    coupons.coupon_name,
    sum(products.units) as units
from {{ ref('klaviyo__product_performance') }} as products
left join {{ ref('klaviyo_warehouse', 'klaviyo__coupon_performance') }} as coupons
    on products.account_id = coupons.account_id
    and products.date = coupons.date
group by 1, 2
