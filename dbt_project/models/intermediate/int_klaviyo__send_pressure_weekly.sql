{{ config(**incremental_by_month(cluster_by=['account_id', 'week_start'])) }}
{{ config(enabled=is_enabled(['people'])) }}
{%- set from_month = affected_from_month() if is_incremental() else none -%}
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

{#- A week is in the month of its last day, so an event of an affected month is in no week of a
    month before: an incremental run reads the six days before the affected months too. -#}
{%- set days = 6 -%}
{%- set key = ['account_id', 'week_start', 'occurred_month', 'messages_per_week'] -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

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
    where profile_days.{{ in_months_read(days, from_month) }}
    group by
        profile_days.account_id, profile_days.profile_id,
        {{ iso_week_start('profile_days.occurred_on') }}

),

banded as (

    select
        *,
        {{ occurred_month(days_before('week_start', -days)) }} as occurred_month,
        case
            when messages <= 1 then '1'
            when messages <= 2 then '2'
            when messages <= 3 then '3'
            when messages <= 5 then '4 to 5'
            when messages <= 9 then '6 to 9'
            else '10 and more'
        end as messages_per_week
    from weeks
    where messages > 0

),

-- The currency is empty if it is the account's.
purchases as (

    select
        conversions.account_id,
        conversions.profile_id,
        {{ iso_week_start(
            'cast(' ~ local_time('conversions.occurred_at', 'accounts.timezone') ~ ' as date)'
        ) }} as week_start,
        coalesce(conversions.value_currency, '') as currency,
        count(*) as orders,
        sum(conversions.value) as order_value,
        max(conversions.synced_at) as synced_at

    from {{ ref('int_klaviyo__conversion') }} as conversions
    inner join accounts on conversions.account_id = accounts.account_id
    where conversions.{{ in_months_read(days, from_month) }} and not conversions.is_refund
    group by
        conversions.account_id, conversions.profile_id,
        {{ iso_week_start(
            'cast(' ~ local_time('conversions.occurred_at', 'accounts.timezone') ~ ' as date)'
        ) }},
        coalesce(conversions.value_currency, '')

),

rows_of_people as (

    select
        {{ key | join(',\n        ') }},
        '' as currency,
        1 as recipient_weeks,
        {% for column in counts -%}
        {{ column }},
        {% endfor -%}
        case when unsubscribes > 0 then 1 else 0 end as unsubscribed_people,
        0 as orders,
        null as order_value,
        synced_at
    from banded
    union all
    select
        {% for column in key -%}
        banded.{{ column }},
        {% endfor -%}
        purchases.currency,
        0 as recipient_weeks,
        {% for column in counts -%}
        0 as {{ column }},
        {% endfor -%}
        0 as unsubscribed_people,
        purchases.orders,
        purchases.order_value,
        purchases.synced_at

    from purchases
    inner join banded
        on purchases.account_id = banded.account_id
        and purchases.profile_id = banded.profile_id
        and purchases.week_start = banded.week_start

)

select
    {{ key | join(',\n    ') }},
    currency,
    sum(recipient_weeks) as recipient_weeks,
    {% for column in counts.keys() | list + ['unsubscribed_people', 'orders'] -%}
    sum({{ column }}) as {{ column }},
    {% endfor -%}
    sum(order_value) as order_value,
    max(synced_at) as synced_at

from rows_of_people
{% if is_incremental() -%}
where occurred_month >= {{ from_month }}
{%- endif %}
group by {{ key | join(', ') }}, currency
