-- One row per customer of the shop. The four systems share the e-mail address, here in lower case.
with

orders as (
    select
        lower(customers.email) as email,
        min(customers.klaviyo_profile_id) as profile_id,
        count(*) as orders,
        sum(orders.total) as ordered
    from {{ source('shop', 'orders') }} as orders
    inner join {{ source('shop', 'customers') }} as customers on orders.customer_id = customers.id
    where not orders._deleted and not customers._deleted
    group by lower(customers.email)
),

credited as (
    -- An event may be credited to several messages: it is one order all the same.
    select distinct
        account_id,
        event_id
    from {{ source('klaviyo', 'event_attribution') }}
    where not _deleted
),

attributed as (
    select
        events.profile_id,
        count(*) as attributed_orders,
        sum(events.value) as attributed_revenue
    from {{ source('klaviyo', 'event') }} as events
    inner join credited on events.account_id = credited.account_id and events.id = credited.event_id
    inner join {{ source('klaviyo', 'metric') }} as metric
        on events.account_id = metric.account_id and events.metric_id = metric.id
    where metric.name = 'Placed Order' and not events._deleted
    group by events.profile_id
),

refunds as (
    select
        charge,
        sum(amount) as amount
    from {{ source('payments', 'refunds') }}
    where status = 'succeeded' and not _deleted
    group by charge
),

payments as (
    -- Stripe's amounts are in the smallest unit of the currency.
    select
        lower(customers.email) as email,
        sum(charges.amount) / 100.0 as paid,
        coalesce(sum(refunds.amount), 0) / 100.0 as refunded
    from {{ source('payments', 'charges') }} as charges
    inner join {{ source('payments', 'customers') }} as customers on charges.customer = customers.id
    left join refunds on charges.id = refunds.charge
    where charges.status = 'succeeded' and not charges._deleted
    group by lower(customers.email)
),

contacts as (
    select
        lower(contact.email) as email,
        min(crm_account.name) as crm_account,
        min(crm_account.industry) as industry
    from {{ source('crm', 'contact') }} as contact
    inner join {{ source('crm', 'account') }} as crm_account on contact.accountid = crm_account.id
    where not contact._deleted and not crm_account._deleted
    group by lower(contact.email)
)

select
    orders.email,
    coalesce(contacts.crm_account, '(not in the CRM)') as crm_account,
    coalesce(contacts.industry, '') as industry,
    orders.orders,
    orders.ordered,
    coalesce(attributed.attributed_orders, 0) as attributed_orders,
    coalesce(attributed.attributed_revenue, 0) as attributed_revenue,
    coalesce(payments.paid, 0) as paid,
    coalesce(payments.refunded, 0) as refunded
from orders
left join attributed on orders.profile_id = attributed.profile_id
left join payments on orders.email = payments.email
left join contacts on orders.email = contacts.email
