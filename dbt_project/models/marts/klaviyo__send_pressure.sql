{{ config(enabled=is_enabled(['people'])) }}
{%- set counts = [
    'recipient_weeks', 'messages', 'open_tracked_messages', 'click_tracked_messages', 'opens', 'clicks',
    'unsubscribes', 'spam_complaints', 'unsubscribed_people', 'orders',
] -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

-- Value only in the account's currency: two currencies are not added.
sums as (

    select
        weeks.account_id,
        weeks.week_start,
        weeks.messages_per_week,
        {% for column in counts -%}
        sum(weeks.{{ column }}) as {{ column }},
        {% endfor -%}
        sum(
            case when weeks.currency in ('', accounts.preferred_currency) then weeks.order_value end
        ) as order_value,
        max(weeks.synced_at) as synced_at

    from {{ ref('int_klaviyo__send_pressure_weekly') }} as weeks
    inner join accounts on weeks.account_id = accounts.account_id
    inner join last_syncs on weeks.account_id = last_syncs.account_id
    where weeks.{{ in_all_months() }} and weeks.week_start <= last_syncs.synced_on
    group by weeks.account_id, weeks.week_start, weeks.messages_per_week

)

select
    ---------- ids
    {{ surrogate_key(['sums.account_id', 'sums.week_start', 'sums.messages_per_week']) }}
        as send_pressure_key,
    sums.account_id,

    ---------- how many messages in which week
    accounts.organization_name as account_name,
    accounts.preferred_currency as currency,
    sums.week_start,
    {{ days_before('sums.week_start', -7) }} <= last_syncs.synced_on as is_complete,
    sums.messages_per_week,

    ---------- what may be summed
    {% for column in counts -%}
    cast(sums.{{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    case
        when sums.orders = 0 and accounts.preferred_currency is not null then 0
        else sums.order_value
    end as order_value,
    sums.synced_at

from sums
inner join accounts on sums.account_id = accounts.account_id
inner join last_syncs on sums.account_id = last_syncs.account_id
