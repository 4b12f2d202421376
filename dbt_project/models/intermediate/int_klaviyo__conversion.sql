{{ config(pre_hook="{{ join_without_loops() }}", **incremental_by_month()) }}
{{ config(enabled=is_enabled(['message_details', 'orders', 'people', 'findings'])) }}
{%- set from_month = affected_from_month() if is_incremental() else none -%}
{#- The touches of the 90 days before the affected months are read too: no attribution window of
    Klaviyo is longer. -#}
{%- set incremental_filter -%}
{%- if is_incremental() -%} where {{ in_affected_range('occurred_at', 90, from_month) }} {%- endif -%}
{%- endset %}

with

events as (

    select
        *,
        {{ occurred_month(utc_date('occurred_at')) }} as occurred_month
    from {{ ref('stg_klaviyo__event') }}
    {{ incremental_filter }}

),

attributions as (

    select * from {{ ref('stg_klaviyo__event_attribution') }}
    {% if is_incremental() -%}
    where {{ in_affected_range('event_occurred_at', 1, from_month) }}
    {%- endif %}

),

touches as (

    select * from {{ ref('int_klaviyo__touch') }}
    {{ incremental_filter }}

),

order_metrics as (select * from {{ ref('int_klaviyo__conversion_metric') }}),

-- A metric of orders stays one if it is also mapped to refunds.
conversion_metrics as (

    select
        account_id,
        conversion_metric_id as metric_id,
        false as is_refund
    from order_metrics
    union all
    select
        refund_metrics.account_id,
        refund_metrics.metric_id,
        true as is_refund

    from {{ ref('stg_klaviyo__mapped_metric') }} as refund_metrics
    left join order_metrics
        on refund_metrics.account_id = order_metrics.account_id
        and refund_metrics.metric_id = order_metrics.conversion_metric_id
    where
        refund_metrics.mapped_metric_id = 'refunded_sales'
        and refund_metrics.metric_id is not null
        and order_metrics.account_id is null

),

conversions as (

    select
        events.account_id,
        events.event_id,
        events.profile_id,
        events.metric_id,
        conversion_metrics.is_refund,
        case when conversion_metrics.is_refund then -abs(events.value) else events.value end
            as value,
        events.value_currency,
        events.occurred_at,
        events.occurred_at_seconds,
        events.occurred_month,
        events.synced_at

    from events
    inner join conversion_metrics
        on events.account_id = conversion_metrics.account_id
        and events.metric_id = conversion_metrics.metric_id
    {% if is_incremental() -%}
    where events.occurred_month >= {{ from_month }}
    {%- endif %}

),

-- Klaviyo's attribution names the message, so it is valid without the event of the touch.
klaviyo_credits as (

    select
        attributions.account_id,
        attributions.event_id,
        attributions.attributed_event_id as touch_event_id,
        touch_events.metric_id as touch_metric_id,
        touch_events.occurred_at as touched_at,
        coalesce(attributions.campaign_id, touch_events.campaign_id) as campaign_id,
        attributions.campaign_message_id,
        coalesce(attributions.flow_id, touch_events.flow_id) as flow_id,
        attributions.flow_message_id,
        coalesce(attributions.flow_message_variation_id, touch_events.variation_id)
            as variation_id,
        row_number() over (
            partition by attributions.account_id, attributions.event_id
            order by touch_events.occurred_at desc nulls last, attributions.attribution_id asc
        ) as preference

    from attributions
    inner join conversions
        on attributions.account_id = conversions.account_id
        and attributions.event_id = conversions.event_id
    left join events as touch_events
        on attributions.account_id = touch_events.account_id
        and attributions.attributed_event_id = touch_events.event_id

),

-- The last touch before an order. A refund has none: only Klaviyo's attribution credits a refund.
last_touches as (

    select
        conversions.account_id,
        conversions.event_id,
        touches.event_id as touch_event_id,
        touches.metric_id as touch_metric_id,
        touches.occurred_at as touched_at,
        touches.campaign_id,
        touches.flow_id,
        touches.flow_message_id,
        touches.variation_id,
        row_number() over (
            partition by conversions.account_id, conversions.event_id
            order by touches.occurred_at_seconds desc, touches.event_id desc
        ) as preference

    from conversions
    inner join touches
        on conversions.account_id = touches.account_id
        and conversions.profile_id = touches.profile_id
        and conversions.occurred_at_seconds >= touches.occurred_at_seconds
        and conversions.occurred_at_seconds
        <= touches.occurred_at_seconds + touches.window_seconds
    left join klaviyo_credits
        on conversions.account_id = klaviyo_credits.account_id
        and conversions.event_id = klaviyo_credits.event_id
    where klaviyo_credits.event_id is null and not conversions.is_refund

)

select
    conversions.account_id,
    conversions.event_id,
    conversions.profile_id,
    conversions.metric_id,
    conversions.is_refund,
    conversions.value,
    conversions.value_currency,
    conversions.occurred_at,
    conversions.occurred_month,
    case
        when klaviyo_credits.event_id is not null then 'klaviyo'
        when last_touches.event_id is not null then 'last_touch'
        else 'none'
    end as attribution_method,
    {% for column in [
        'touch_event_id', 'touch_metric_id', 'touched_at', 'campaign_id', 'flow_id',
        'flow_message_id', 'variation_id',
    ] -%}
    coalesce(klaviyo_credits.{{ column }}, last_touches.{{ column }}) as {{ column }},
    {% endfor -%}
    klaviyo_credits.campaign_message_id,
    conversions.synced_at

from conversions
left join klaviyo_credits
    on conversions.account_id = klaviyo_credits.account_id
    and conversions.event_id = klaviyo_credits.event_id
    and klaviyo_credits.preference = 1
left join last_touches
    on conversions.account_id = last_touches.account_id
    and conversions.event_id = last_touches.event_id
    and last_touches.preference = 1
