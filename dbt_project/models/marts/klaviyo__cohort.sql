{{ config(enabled=is_enabled(['orders'])) }}
{%- set windows = [30, 60, 90] -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

lists as (select * from {{ ref('stg_klaviyo__list') }}),

forms as (select * from {{ ref('stg_klaviyo__form') }}),

orders as (

    select
        attributed_orders.*,
        last_syncs.synced_on
    from {{ ref('klaviyo__attributed_order') }} as attributed_orders
    inner join {{ ref('int_klaviyo__last_sync') }} as last_syncs
        on attributed_orders.account_id = last_syncs.account_id
    where
        attributed_orders.profile_id is not null
        and attributed_orders.date <= last_syncs.synced_on

),

ranked as (

    select
        *,
        row_number() over (
            partition by account_id, profile_id order by occurred_at, event_id
        ) as order_rank
    from orders
    where not is_refund

),

-- The list that a buyer joined first of all, before the first order.
joined as (

    select
        ranked.account_id,
        ranked.profile_id,
        memberships.list_id,
        row_number() over (
            partition by ranked.account_id, ranked.profile_id
            order by memberships.joined_at, memberships.list_id
        ) as join_rank

    from ranked
    inner join {{ ref('stg_klaviyo__list_profile') }} as memberships
        on ranked.account_id = memberships.account_id
        and ranked.profile_id = memberships.profile_id
        and ranked.occurred_at >= memberships.joined_at
    where ranked.order_rank = 1

),

-- The form that a buyer submitted first of all, before the first order.
submitted as (

    select
        ranked.account_id,
        ranked.profile_id,
        submissions.form_id,
        row_number() over (
            partition by ranked.account_id, ranked.profile_id
            order by submissions.occurred_at, submissions.form_id
        ) as form_rank

    from ranked
    inner join {{ ref('int_klaviyo__form_submission') }} as submissions
        on ranked.account_id = submissions.account_id
        and ranked.profile_id = submissions.profile_id
        and ranked.occurred_at >= submissions.occurred_at
    where
        ranked.order_rank = 1
        and submissions.form_id is not null
        and submissions.{{ in_all_months() }}

),

buyers as (

    select
        firsts.account_id,
        firsts.profile_id,
        firsts.currency,
        firsts.date as first_on,
        firsts.synced_on,
        coalesce(firsts.message_type, 'none') as first_source,
        firsts.flow_id as first_flow_id,
        firsts.flow_name as first_flow_name,
        joined.list_id as first_list_id,
        submitted.form_id as first_form_id,
        firsts.value as first_value,
        seconds.date as second_on

    from ranked as firsts
    left join ranked as seconds
        on firsts.account_id = seconds.account_id
        and firsts.profile_id = seconds.profile_id
        and seconds.order_rank = 2
    left join joined
        on firsts.account_id = joined.account_id
        and firsts.profile_id = joined.profile_id
        and joined.join_rank = 1
    left join submitted
        on firsts.account_id = submitted.account_id
        and firsts.profile_id = submitted.profile_id
        and submitted.form_rank = 1
    where firsts.order_rank = 1

),

-- Only in the currency of the first order: two currencies are not added.
spent as (

    select
        buyers.account_id,
        buyers.profile_id,
        sum(orders.orders) as orders,
        sum(orders.value) as net_value,
        {% for window in windows -%}
        sum(
            case
                when orders.date <= {{ days_before('buyers.first_on', -window) }}
                    then orders.value
            end
        ) as net_value_{{ window }}_days,
        {% endfor -%}
        max(orders.synced_at) as synced_at

    from buyers
    inner join orders
        on buyers.account_id = orders.account_id
        and buyers.profile_id = orders.profile_id
        and buyers.currency = orders.currency
    where orders.date >= buyers.first_on
    group by buyers.account_id, buyers.profile_id

),

-- A buyer counts in a window once its days are over, in the rate's numerator and denominator.
measured as (

    select
        buyers.*,
        {% for window in windows -%}
        {%- set is_over = 'buyers.first_on < ' ~ days_before('buyers.synced_on', window) -%}
        case when {{ is_over }} then 1 else 0 end as buyers_{{ window }}_days,
        case
            when
                {{ is_over }}
                and buyers.second_on <= {{ days_before('buyers.first_on', -window) }}
                then 1
            else 0
        end as repeat_buyers_{{ window }}_days,
        case when {{ is_over }} then spent.net_value_{{ window }}_days end
            as net_value_{{ window }}_days,
        {% endfor -%}
        spent.orders,
        spent.net_value,
        spent.synced_at

    from buyers
    left join spent
        on buyers.account_id = spent.account_id
        and buyers.profile_id = spent.profile_id

),

sums as (

    select
        account_id,
        currency,
        {{ first_of_month('first_on') }} as first_order_month,
        first_source,
        first_flow_id,
        first_list_id,
        first_form_id,
        max(first_flow_name) as first_flow_name,
        count(*) as buyers,
        sum(orders) as orders,
        sum(first_value) as first_order_value,
        sum(net_value) as net_value,
        {% for window in windows -%}
        sum(buyers_{{ window }}_days) as buyers_{{ window }}_days,
        sum(repeat_buyers_{{ window }}_days) as repeat_buyers_{{ window }}_days,
        sum(net_value_{{ window }}_days) as net_value_{{ window }}_days,
        {% endfor -%}
        max(synced_at) as synced_at

    from measured
    group by
        account_id, currency, {{ first_of_month('first_on') }}, first_source, first_flow_id,
        first_list_id, first_form_id

)

select
    ---------- ids
    {{ surrogate_key([
        'sums.account_id', 'sums.currency', 'sums.first_order_month', 'sums.first_source',
        'sums.first_flow_id', 'sums.first_list_id', 'sums.first_form_id',
    ]) }} as cohort_key,
    sums.account_id,
    sums.first_flow_id,
    sums.first_list_id,
    sums.first_form_id,

    ---------- the cohort
    accounts.organization_name as account_name,
    sums.currency,
    sums.first_order_month,
    sums.first_source,
    sums.first_flow_name,
    coalesce(lists.list_name, sums.first_list_id) as first_list_name,
    coalesce(forms.form_name, sums.first_form_id) as first_form_name,

    ---------- what may be summed
    cast(sums.buyers as {{ dbt.type_bigint() }}) as buyers,
    cast(sums.orders as {{ dbt.type_bigint() }}) as orders,
    sums.first_order_value,
    sums.net_value,
    {% for window in windows -%}
    cast(sums.buyers_{{ window }}_days as {{ dbt.type_bigint() }}) as buyers_{{ window }}_days,
    cast(sums.repeat_buyers_{{ window }}_days as {{ dbt.type_bigint() }})
        as repeat_buyers_{{ window }}_days,
    sums.net_value_{{ window }}_days,
    {% endfor -%}
    sums.synced_at

from sums
inner join accounts on sums.account_id = accounts.account_id
left join lists
    on sums.account_id = lists.account_id
    and sums.first_list_id = lists.list_id
left join forms
    on sums.account_id = forms.account_id
    and sums.first_form_id = forms.form_id
