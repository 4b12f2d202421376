{{ config(enabled=is_enabled(['people'])) }}
with

profiles as (select * from {{ ref('stg_klaviyo__profile') }}),

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

suppressions as (

    select
        account_id,
        profile_id,
        min(suppressed_at) as suppressed_at,
        {{ join_texts('reason') }} as suppression_reasons

    from {{ ref('stg_klaviyo__profile_suppression') }}
    where scope = 'global'
    group by account_id, profile_id

),

memberships as (

    select
        account_id,
        profile_id,
        sum(case when audience_type = 'list' then 1 else 0 end) as list_count,
        sum(case when audience_type = 'segment' then 1 else 0 end) as segment_count

    from {{ ref('int_klaviyo__membership') }}
    where not has_left
    group by account_id, profile_id

),

purchases as (

    select
        account_id,
        profile_id,
        sum(orders) as orders,
        -- Values in other currencies than the account's cannot be summed.
        sum(case when currency = account_currency then value end) as net_order_value,
        min(case when not is_refund then occurred_at end) as first_ordered_at,
        max(case when not is_refund then occurred_at end) as last_ordered_at

    from (
        select
            attributed_orders.*,
            accounts.preferred_currency as account_currency
        from {{ ref('klaviyo__attributed_order') }} as attributed_orders
        inner join accounts on attributed_orders.account_id = accounts.account_id
    ) as attributed_orders
    group by account_id, profile_id

)

select
    ---------- ids
    {{ surrogate_key(['profiles.account_id', 'profiles.profile_id']) }} as profile_key,
    profiles.account_id,
    profiles.profile_id,
    profiles.external_id,

    ---------- who
    profiles.email,
    profiles.phone_number,
    profiles.first_name,
    profiles.last_name,
    profiles.organization,
    profiles.title,
    profiles.address_1,
    profiles.address_2,
    profiles.zip,
    profiles.city,
    profiles.region,
    profiles.country,
    profiles.locale,
    profiles.timezone,

    ---------- account
    accounts.organization_name as account_name,
    accounts.preferred_currency as currency,

    ---------- consent
    {% for channel in [
        'email_marketing', 'sms_marketing', 'push_marketing', 'whatsapp_marketing',
    ] -%}
    profiles.{{ channel }}_consent,
    profiles.{{ channel }}_consent_at,
    {% endfor -%}
    suppressions.suppressed_at,
    suppressions.suppression_reasons,

    ---------- times
    profiles.created_at,
    cast({{ local_time('profiles.created_at', 'accounts.timezone') }} as date) as date,
    profiles.updated_at,
    profiles.last_event_at,

    ---------- what they bought, as far as events are synced
    purchases.first_ordered_at,
    purchases.last_ordered_at,
    cast(coalesce(purchases.orders, 0) as {{ dbt.type_bigint() }}) as order_count,
    purchases.net_order_value as profile_order_value,

    ---------- what Klaviyo predicts
    profiles.historic_clv,
    profiles.predicted_clv,
    profiles.churn_probability,
    profiles.expected_date_of_next_order,

    ---------- what may be summed
    cast(1 as {{ dbt.type_bigint() }}) as profiles,
    {% for name, column in [
        ('email_subscribers', 'email_marketing_can_receive'),
        ('sms_subscribers', 'sms_marketing_can_receive'),
        ('push_subscribers', 'push_marketing_can_receive'),
        ('whatsapp_subscribers', 'whatsapp_marketing_can_receive'),
    ] -%}
    cast(case when profiles.{{ column }} then 1 else 0 end as {{ dbt.type_bigint() }})
        as {{ name }},
    {% endfor -%}
    cast(case when suppressions.profile_id is null then 0 else 1 end as {{ dbt.type_bigint() }})
        as suppressed_profiles,
    cast(case when purchases.orders > 0 then 1 else 0 end as {{ dbt.type_bigint() }}) as buyers,
    cast(coalesce(memberships.list_count, 0) as {{ dbt.type_bigint() }}) as list_count,
    cast(coalesce(memberships.segment_count, 0) as {{ dbt.type_bigint() }}) as segment_count,
    profiles.synced_at

from profiles
inner join accounts on profiles.account_id = accounts.account_id
left join suppressions
    on profiles.account_id = suppressions.account_id
    and profiles.profile_id = suppressions.profile_id
left join memberships
    on profiles.account_id = memberships.account_id
    and profiles.profile_id = memberships.profile_id
left join purchases
    on profiles.account_id = purchases.account_id
    and profiles.profile_id = purchases.profile_id
