{{ config(**mart_incremental_by_month()) }}
{{ config(enabled=is_enabled(['message_details', 'orders', 'people'])) }}
{%- set restated = in_restated_months() -%}
{#- A touch names its campaign, in a test its variation; Klaviyo's credit also a message. -#}
{%- set named_by = ['variation_id', 'campaign_message_id', 'campaign_id'] -%}

with

conversions as (
    select * from {{ ref('int_klaviyo__conversion') }}
    where {{ restated }}
),

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

order_numbers as (
    select * from {{ ref('int_klaviyo__order_number') }}
    where {{ restated }}
),

metrics as (select * from {{ ref('stg_klaviyo__metric') }}),

campaigns as (select * from {{ ref('stg_klaviyo__campaign') }}),

campaign_messages as (select * from {{ ref('stg_klaviyo__campaign_message') }}),

flows as (select * from {{ ref('stg_klaviyo__flow') }}),

flow_messages as (

    select
        account_id,
        flow_message_id,
        max(flow_message_name) as flow_message_name
    from {{ ref('int_klaviyo__flow_variation') }}
    group by account_id, flow_message_id

),

orders as (

    select
        conversions.*,
        accounts.organization_name as account_name,
        coalesce(conversions.value_currency, accounts.preferred_currency) as currency,
        cast({{ local_time('conversions.occurred_at', 'accounts.timezone') }} as date) as date,
        metrics.metric_name,
        touch_metrics.metric_name as touch_metric_name,
        coalesce(
            conversions.flow_message_id,
            {{ message_id('conversions', named_by, 'campaign_message_id') }}
        ) as message_id

    from conversions
    inner join accounts on conversions.account_id = accounts.account_id
    left join metrics
        on conversions.account_id = metrics.account_id
        and conversions.metric_id = metrics.metric_id
    left join metrics as touch_metrics
        on conversions.account_id = touch_metrics.account_id
        and conversions.touch_metric_id = touch_metrics.metric_id
    {{ join_message_ids('conversions', named_by) }}
)

select
    ---------- ids
    {{ surrogate_key(['orders.account_id', 'orders.event_id']) }} as attributed_order_key,
    orders.account_id,
    orders.event_id,
    orders.profile_id,
    orders.metric_id,
    orders.touch_event_id,
    orders.campaign_id,
    orders.flow_id,
    orders.message_id,
    orders.variation_id,
    order_numbers.order_number,

    ---------- what was bought
    orders.account_name,
    orders.currency,
    orders.metric_name,
    orders.is_refund,
    orders.occurred_at,
    orders.date,
    orders.occurred_month,
    orders.value,

    ---------- who is credited
    orders.attribution_method,
    orders.touch_metric_name,
    orders.touched_at,
    case
        when orders.flow_id is not null then 'flow'
        when orders.campaign_id is not null then 'campaign'
    end as message_type,
    campaigns.campaign_name,
    flows.flow_name,
    coalesce(campaign_messages.campaign_message_name, flow_messages.flow_message_name)
        as message_name,

    ---------- what may be summed
    {% set credited = "orders.attribution_method = 'klaviyo' and not orders.is_refund" -%}
    cast(case when orders.is_refund then 0 else 1 end as {{ dbt.type_bigint() }}) as orders,
    cast(case when orders.is_refund then 1 else 0 end as {{ dbt.type_bigint() }}) as refunds,
    cast(case when {{ credited }} then 1 else 0 end as {{ dbt.type_bigint() }}) as klaviyo_orders,
    case when not orders.is_refund then orders.value end as order_value,
    case when orders.is_refund then orders.value end as refund_value,
    case when {{ credited }} then orders.value end as klaviyo_order_value,
    case when orders.attribution_method = 'last_touch' then orders.value end
        as last_touch_order_value,
    orders.synced_at

from orders
left join order_numbers
    on orders.account_id = order_numbers.account_id
    and orders.event_id = order_numbers.event_id
left join campaigns
    on orders.account_id = campaigns.account_id
    and orders.campaign_id = campaigns.campaign_id
left join campaign_messages
    on orders.account_id = campaign_messages.account_id
    and orders.message_id = campaign_messages.campaign_message_id
left join flows
    on orders.account_id = flows.account_id
    and orders.flow_id = flows.flow_id
left join flow_messages
    on orders.account_id = flow_messages.account_id
    and orders.message_id = flow_messages.flow_message_id
