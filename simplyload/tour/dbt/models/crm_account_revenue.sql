-- One row per account of the CRM: what its contacts ordered and paid, and Klaviyo's share.
select
    crm_account,
    min(industry) as industry,
    count(*) as customers,
    sum(orders) as orders,
    round(sum(ordered), 2) as ordered,
    sum(attributed_orders) as attributed_orders,
    round(sum(attributed_revenue), 2) as attributed_revenue,
    round(sum(paid), 2) as paid,
    round(sum(refunded), 2) as refunded
from {{ ref('customer_revenue') }}
group by crm_account
