{{ config(enabled=is_enabled(['findings'])) }}
{#- The ids that name a campaign's message, as in klaviyo__attributed_order. -#}
{%- set named_by = ['variation_id', 'campaign_message_id', 'campaign_id'] -%}

with

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

first_events as (

    select
        account_id,
        min(occurred_on) as first_on
    from {{ ref('int_klaviyo__event_daily') }}
    where {{ in_all_months() }}
    group by account_id

),

attributed_accounts as (

    select distinct account_id
    from {{ ref('stg_klaviyo__event_attribution') }}

),

-- Of an account without one of the two tables nothing is compared: no order of it is credited.
-- Only campaigns, because a flow never ends. The attribution windows close within a month of the
-- send, except for emails that are opened weeks later.
reported as (

    select
        messages.account_id,
        messages.message_id,
        max(messages.conversion_metric_id) as conversion_metric_id,
        sum(messages.conversions) as reported_orders,
        sum(messages.conversion_value) as reported_value

    from {{ ref('klaviyo__message_performance') }} as messages
    inner join last_syncs on messages.account_id = last_syncs.account_id
    inner join first_events on messages.account_id = first_events.account_id
    inner join attributed_accounts on messages.account_id = attributed_accounts.account_id
    where
        {{ is_synced('event') | lower }}
        and messages.message_type = 'campaign'
        and messages.sent_on > first_events.first_on
        and messages.sent_on <= {{ days_before('last_syncs.synced_on', 30) }}
    group by messages.account_id, messages.message_id

),

months as (
    select * from {{ ref('int_klaviyo__order_monthly') }}
    where {{ in_all_months() }}
),

credited as (

    select
        months.account_id,
        months.metric_id,
        months.klaviyo_orders,
        months.klaviyo_order_value,
        coalesce(
            months.flow_message_id,
            {{ message_id('months', named_by, 'campaign_message_id') }}
        ) as message_id

    from months
    {{ join_message_ids('months', named_by) }}
),

orders as (

    select
        account_id,
        message_id,
        metric_id,
        sum(klaviyo_orders) as credited_orders,
        sum(klaviyo_order_value) as credited_value

    from credited
    group by account_id, message_id, metric_id

)

select
    reported.account_id,
    reported.message_id,
    coalesce(orders.credited_orders, 0) as credited_orders,
    reported.reported_orders,
    coalesce(orders.credited_value, 0) as credited_value,
    reported.reported_value,
    -- Klaviyo's reports have no conversions, or no values, of some metrics.
    coalesce(coalesce(orders.credited_orders, 0) <> reported.reported_orders, false)
    or coalesce(abs(coalesce(orders.credited_value, 0) - reported.reported_value) > 0.005, false)
        as is_different

from reported
left join orders
    on reported.account_id = orders.account_id
    and reported.message_id = orders.message_id
    and reported.conversion_metric_id = orders.metric_id
