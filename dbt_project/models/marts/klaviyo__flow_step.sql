{{ config(enabled=is_enabled(['messages'])) }}
{%- set counts = [
    'recipients', 'delivered', 'open_tracked_delivered', 'click_tracked_delivered', 'opens_unique',
    'clicks_unique', 'unsubscribe_uniques', 'conversions', 'conversion_uniques',
] -%}

with

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

steps as (select * from {{ ref('int_klaviyo__flow_step') }}),

-- The versions of an A/B test have different recipients, so they add up.
messages as (

    select
        account_id,
        account_name,
        currency,
        flow_id,
        message_id,
        send_channel,
        period_kind,
        period_start,
        period_end,
        max(flow_name) as flow_name,
        max(message_name) as message_name,
        {% for column in counts -%}
        sum({{ column }}) as {{ column }},
        {% endfor -%}
        sum(conversion_value) as conversion_value,
        max(synced_at) as synced_at

    from {{ ref('klaviyo__flow_period') }}
    group by
        account_id, account_name, currency, flow_id, message_id, send_channel, period_kind,
        period_start, period_end

),

positioned as (

    select
        messages.*,
        steps.step_number,
        -- The messages of branches with one number are one step; without a number, each is its own.
        sum(messages.delivered) over (
            partition by
                messages.account_id,
                messages.flow_id,
                messages.period_kind,
                messages.period_start,
                steps.step_number,
                case when steps.step_number is null then messages.message_id end
        ) as delivered_of_step

    from messages
    left join steps
        on messages.account_id = steps.account_id
        and messages.flow_id = steps.flow_id
        and messages.message_id = steps.flow_message_id

)

select
    ---------- ids
    {{ surrogate_key([
        'positioned.account_id',
        'positioned.flow_id',
        'positioned.message_id',
        'positioned.send_channel',
        'positioned.period_kind',
        'positioned.period_start',
    ]) }} as flow_step_key,
    positioned.account_id,
    positioned.flow_id,
    positioned.message_id,

    ---------- the step
    positioned.account_name,
    positioned.currency,
    positioned.flow_name,
    positioned.step_number,
    positioned.message_name,
    positioned.send_channel,

    ---------- when it was sent
    positioned.period_kind,
    positioned.period_start,
    positioned.period_end,
    positioned.period_end < {{ days_before('last_syncs.synced_on', limit('attribution_days')) }}
        as is_final,

    ---------- what may be summed
    {% for column in counts -%}
    cast(positioned.{{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    positioned.conversion_value,
    cast(
        max(positioned.delivered_of_step) over (
            partition by
                positioned.account_id, positioned.flow_id, positioned.period_kind,
                positioned.period_start
        ) as {{ dbt.type_bigint() }}
    ) as largest_step_delivered,
    positioned.synced_at

from positioned
inner join last_syncs on positioned.account_id = last_syncs.account_id
