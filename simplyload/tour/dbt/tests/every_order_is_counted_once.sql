-- The joins neither lose nor double an order or a payment.
select 'order' as what
where
    (select sum(orders) from {{ ref('crm_account_revenue') }})
    != (
        select count(*) from {{ source('shop', 'orders') }}
        where not _deleted
    )

union all

select 'payment' as what
where
    (select sum(paid) from {{ ref('crm_account_revenue') }}) != (
        select round(sum(amount) / 100.0, 2) from {{ source('payments', 'charges') }}
        where status = 'succeeded' and not _deleted
    )
