{{ config(enabled=is_enabled(['orders'])) }}
{%- set measures = ['recency', 'frequency', 'monetary'] -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

snapshots as (

    select
        account_id,
        synced_on as as_of,
        true as is_current
    from last_syncs
    union all
    select
        account_id,
        {{ days_before('synced_on', limit('rfm_days')) }} as as_of,
        false as is_current
    from last_syncs

),

-- Only in the account's currency: two currencies are not added.
totals as (

    select
        purchases.account_id,
        purchases.profile_id,
        snapshots.is_current,
        snapshots.as_of,
        max(case when not purchases.is_refund then purchases.date end) as last_ordered_on,
        sum(purchases.orders) as orders,
        sum(case when purchases.currency = accounts.preferred_currency then purchases.value end)
            as net_value,
        max(purchases.synced_at) as synced_at

    from {{ ref('klaviyo__attributed_order') }} as purchases
    inner join accounts on purchases.account_id = accounts.account_id
    inner join snapshots on purchases.account_id = snapshots.account_id
    where purchases.profile_id is not null and purchases.date <= snapshots.as_of
    group by purchases.account_id, purchases.profile_id, snapshots.is_current, snapshots.as_of

),

-- The more, the better. In whole cents: the last digit of a sum depends on the order of addition.
measured as (

    select
        *,
        -{{ days_between('last_ordered_on', 'as_of') }} as recency_value,
        orders as frequency_value,
        round(100 * coalesce(net_value, 0)) as monetary_value
    from totals
    where orders > 0

),

ranked as (

    select
        *,
        {% for measure in measures -%}
        rank() over (partition by account_id order by {{ measure }}_value) as {{ measure }}_rank,
        {% endfor -%}
        count(*) over (partition by account_id) as buyers
    from measured
    where is_current

),

-- Both snapshots are scored by the limits of the current one, so a person moves only by own orders.
limits as (

    select
        account_id,
        {% for measure in measures -%}
        {% for third in [1, 2] -%}
        min(
            case
                when 3 * ({{ measure }}_rank - 1) >= {{ third }} * (buyers - 1)
                    then {{ measure }}_value
            end
        ) as {{ measure }}_limit_{{ third }},
        {% endfor -%}
        {% endfor -%}
        max(buyers) as buyers
    from ranked
    group by account_id

),

scored as (

    select
        {% for measure in measures -%}
        case
            when measured.{{ measure }}_value >= limits.{{ measure }}_limit_2 then 3
            when measured.{{ measure }}_value >= limits.{{ measure }}_limit_1 then 2
            else 1
        end as {{ measure }}_score,
        {% endfor -%}
        measured.*
    from measured
    inner join limits on measured.account_id = limits.account_id

),

ordered as (

    select
        *,
        case
            when recency_score = 3 and frequency_score >= 2 and monetary_score = 3 then 6
            when recency_score >= 2 and frequency_score >= 2 then 5
            when recency_score = 3 then 4
            when recency_score = 2 then 3
            when frequency_score >= 2 or monetary_score = 3 then 2
            else 1
        end as group_order
    from scored

),

named as (

    select
        *,
        case group_order
            when 6 then 'champions'
            when 5 then 'loyal'
            when 4 then 'recent'
            when 3 then 'needs attention'
            when 2 then 'at risk'
            else 'inactive'
        end as rfm_group
    from ordered

),

moved as (

    select
        buyers.*,
        earlier.rfm_group as previous_rfm_group,
        case
            when earlier.group_order is null then 'new'
            when buyers.group_order > earlier.group_order then 'improved'
            when buyers.group_order < earlier.group_order then 'declined'
            else 'unchanged'
        end as movement

    from named as buyers
    left join named as earlier
        on buyers.account_id = earlier.account_id
        and buyers.profile_id = earlier.profile_id
        and not earlier.is_current
    where buyers.is_current

)

select
    ---------- ids
    {{ surrogate_key(['moved.account_id', 'moved.profile_id']) }} as rfm_key,
    moved.account_id,
    moved.profile_id,

    ---------- who, as of when
    accounts.organization_name as account_name,
    accounts.preferred_currency as currency,
    moved.as_of as date,
    moved.last_ordered_on,

    ---------- the judgement
    {% for measure in measures -%}
    cast(moved.{{ measure }}_score as {{ dbt.type_int() }}) as {{ measure }}_score,
    {% endfor -%}
    moved.rfm_group,
    moved.previous_rfm_group,
    moved.movement,

    ---------- what may be summed
    cast(1 as {{ dbt.type_bigint() }}) as buyers,
    cast(case when moved.movement = 'new' then 0 else 1 end as {{ dbt.type_bigint() }})
        as earlier_buyers,
    {% for movement in ['improved', 'declined'] -%}
    cast(case when moved.movement = '{{ movement }}' then 1 else 0 end as {{ dbt.type_bigint() }})
        as {{ movement }}_buyers,
    {% endfor -%}
    cast(moved.orders as {{ dbt.type_bigint() }}) as orders,
    moved.net_value,
    moved.synced_at

from moved
inner join accounts on moved.account_id = accounts.account_id
