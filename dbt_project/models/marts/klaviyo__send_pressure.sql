{#- A rate covers only channels that count its numerator: texts have no opens, push no clicks. -#}
{%- set counts = {
    'messages': ['Received Email', 'Received Text Message', 'Received Push', 'Received WhatsApp'],
    'open_tracked_messages': ['Received Email', 'Received Push', 'Received WhatsApp'],
    'click_tracked_messages': ['Received Email', 'Received Text Message', 'Received WhatsApp'],
    'opens': ['Opened Email', 'Opened Push', 'Opened WhatsApp', 'Read WhatsApp'],
    'clicks': ['Clicked Email', 'Clicked Text Message', 'Clicked WhatsApp'],
    'unsubscribes': [
        'Unsubscribed from Email Marketing', 'Unsubscribed from Text Messaging Marketing',
    ],
    'spam_complaints': ['Marked Email as Spam'],
} -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

metrics as (select * from {{ ref('stg_klaviyo__metric') }}),

-- A bot's click is no click of the person, an open by a machine no open.
weeks as (

    select
        profile_days.account_id,
        profile_days.profile_id,
        {{ iso_week_start('profile_days.occurred_on') }} as week_start,
        {% for column, names in counts.items() -%}
        sum(
            case
                when
                    metrics.metric_name in (
                        {%- for name in names %}
                        '{{ name }}'{{ ',' if not loop.last }}
                        {%- endfor %}
                    )
                    then profile_days.event_count - profile_days.machine_count
                else 0
            end
        ) as {{ column }},
        {% endfor -%}
        max(profile_days.synced_at) as synced_at

    from {{ ref('int_klaviyo__profile_daily') }} as profile_days
    inner join metrics
        on profile_days.account_id = metrics.account_id
        and profile_days.metric_id = metrics.metric_id
    inner join last_syncs on profile_days.account_id = last_syncs.account_id
    where {{ in_all_months() }} and profile_days.occurred_on <= last_syncs.synced_on
    group by
        profile_days.account_id, profile_days.profile_id,
        {{ iso_week_start('profile_days.occurred_on') }}

),

-- Only in the account's currency: two currencies are not added.
purchases as (

    select
        attributed_orders.account_id,
        attributed_orders.profile_id,
        {{ iso_week_start('attributed_orders.date') }} as week_start,
        sum(attributed_orders.orders) as orders,
        sum(
            case
                when attributed_orders.currency = accounts.preferred_currency
                    then attributed_orders.order_value
            end
        ) as order_value

    from {{ ref('klaviyo__attributed_order') }} as attributed_orders
    inner join accounts on attributed_orders.account_id = accounts.account_id
    group by
        attributed_orders.account_id, attributed_orders.profile_id,
        {{ iso_week_start('attributed_orders.date') }}

),

banded as (

    select
        weeks.*,
        coalesce(purchases.orders, 0) as orders,
        purchases.order_value,
        case
            when weeks.messages <= 1 then '1'
            when weeks.messages <= 2 then '2'
            when weeks.messages <= 3 then '3'
            when weeks.messages <= 5 then '4 to 5'
            when weeks.messages <= 9 then '6 to 9'
            else '10 and more'
        end as messages_per_week

    from weeks
    left join purchases
        on weeks.account_id = purchases.account_id
        and weeks.profile_id = purchases.profile_id
        and weeks.week_start = purchases.week_start
    where weeks.messages > 0

),

sums as (

    select
        account_id,
        week_start,
        messages_per_week,
        count(*) as recipient_weeks,
        {% for column in counts.keys() | list + ['orders', 'order_value'] -%}
        sum({{ column }}) as {{ column }},
        {% endfor -%}
        sum(case when unsubscribes > 0 then 1 else 0 end) as unsubscribed_people,
        max(synced_at) as synced_at
    from banded
    group by account_id, week_start, messages_per_week

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
    cast(sums.recipient_weeks as {{ dbt.type_bigint() }}) as recipient_weeks,
    {% for column in counts.keys() | list + ['unsubscribed_people', 'orders'] -%}
    cast(sums.{{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    sums.order_value,
    sums.synced_at

from sums
inner join accounts on sums.account_id = accounts.account_id
inner join last_syncs on sums.account_id = last_syncs.account_id
