{{ config(enabled=is_enabled(['findings'])) }}
{%- set stopped, idle, ahead = 'flow_stopped', 'flow_message_idle', 'flow_message_ahead' -%}
{%- set stop = finding_rule(stopped).limits -%}
{%- set ahead_limits = finding_rule(ahead).limits -%}
{%- set idle_limits = finding_rule(idle).limits -%}
{%- set by_flow = 'partition by account_id, flow_id, send_channel' -%}
{%- set by_account = 'partition by account_id, send_channel' -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

-- Accounts whose flow report is of the day of the last sync: only then has a flow stopped.
current_reports as (

    select
        health.account_id,
        last_syncs.synced_on
    from {{ ref('klaviyo__data_health') }} as health
    inner join accounts on health.account_id = accounts.account_id
    inner join last_syncs on health.account_id = last_syncs.account_id
    where
        health.table_name = 'flow_performance_daily'
        and cast({{ local_time('health.last_synced_at', 'accounts.timezone') }} as date)
        = last_syncs.synced_on

),

sends as (

    select messages.*
    from {{ ref('klaviyo__message_performance') }} as messages
    where messages.message_type = 'flow' and messages.recipients > 0

),

flows as (

    select
        sends.account_id,
        sends.flow_id,
        max(sends.flow_name) as flow_name,
        max(sends.sent_on) as last_sent_on,
        sum(
            case
                when sends.sent_on < {{ days_before('current_reports.synced_on', stop.days) }}
                    then sends.recipients
            end
        ) as usual_recipients,
        count(distinct sends.sent_on) as active_days,
        sum(
            case
                when sends.sent_on >= {{ days_before('current_reports.synced_on', stop.days) }}
                    then sends.recipients
                else 0
            end
        ) as recent_recipients

    from sends
    inner join current_reports on sends.account_id = current_reports.account_id
    where
        sends.sent_on
        >= {{ days_before('current_reports.synced_on', stop.days + stop.usual_days) }}
        and not coalesce(sends.is_archived, false)
        and not coalesce(sends.is_deleted, false)
    group by sends.account_id, sends.flow_id

),

final_sends as (

    select sends.*
    from sends
    inner join last_syncs on sends.account_id = last_syncs.account_id
    where
        sends.sent_on < {{ days_before('last_syncs.synced_on', attribution_days()) }}
        and sends.sent_on
        >= {{ days_before('last_syncs.synced_on', attribution_days() + ahead_limits.days) }}

),

last_sends as (

    select
        account_id,
        message_id,
        send_channel,
        max(sent_on) as last_sent_on
    from sends
    group by account_id, message_id, send_channel

),

messages as (

    select
        account_id,
        flow_id,
        message_id,
        send_channel,
        max(flow_name) as flow_name,
        coalesce(max(message_name), message_id) as message_name,
        max(sent_on) as sent_on,
        cast(sum(delivered) as {{ type_double() }}) as delivered,
        cast(sum(conversions) as {{ type_double() }}) as conversions,
        sum(conversion_value) as conversion_value
    from final_sends
    group by account_id, flow_id, message_id, send_channel

),

-- Each message beside the other messages of its flow, and the account's other flows.
compared as (

    select
        *,
        {% for column in ['delivered', 'conversions', 'conversion_value'] -%}
        sum({{ column }}) over ({{ by_flow }}) - {{ column }} as sibling_{{ column }},
        sum({{ column }}) over ({{ by_account }})
        - sum({{ column }}) over ({{ by_flow }}) as other_{{ column }},
        {% endfor -%}
        message_name || ' (' || coalesce(flow_name, flow_id) || ')' as subject

    from messages

),

active as (

    select
        compared.*,
        compared.delivered * case
            when compared.sibling_delivered >= {{ idle_limits.delivered }}
                then compared.sibling_conversions / nullif(compared.sibling_delivered, 0)
            else compared.other_conversions / nullif(compared.other_delivered, 0)
        end as expected_orders

    from compared
    inner join last_sends
        on compared.account_id = last_sends.account_id
        and compared.message_id = last_sends.message_id
        and compared.send_channel = last_sends.send_channel
    inner join last_syncs on compared.account_id = last_syncs.account_id
    where
        last_sends.last_sent_on
        >= {{ days_before('last_syncs.synced_on', idle_limits.sending_days) }}

),

rates as (

    select
        *,
        conversion_value / nullif(delivered, 0) as revenue_per_recipient,
        sibling_conversion_value / nullif(sibling_delivered, 0) as sibling_revenue_per_recipient,
        {{ two_proportion_z(
            'conversions', 'delivered', 'sibling_conversions', 'sibling_delivered'
        ) }} as z_score
    from active

)

select
    account_id,
    '{{ stopped }}' as rule_id,
    flow_id as subject_id,
    coalesce(flow_name, flow_id) as subject,
    cast(null as {{ dbt.type_string() }}) as campaign_name,
    flow_name,
    cast(0 as {{ type_double() }}) as figure,
    cast(usual_recipients as {{ type_double() }}) as comparison,
    usual_recipients as sample_size,
    last_sent_on as date,
    cast(usual_recipients as {{ type_double() }}) as weight

from flows
where
    recent_recipients = 0
    and usual_recipients >= {{ stop.recipients }}
    and active_days >= {{ stop.active_days }}
union all
select
    account_id,
    '{{ idle }}' as rule_id,
    message_id || ':' || send_channel as subject_id,
    subject,
    cast(null as {{ dbt.type_string() }}) as campaign_name,
    flow_name,
    cast(0 as {{ type_double() }}) as figure,
    expected_orders as comparison,
    delivered as sample_size,
    sent_on as date,
    expected_orders as weight

from rates
where
    conversions = 0
    and delivered >= {{ idle_limits.delivered }}
    and expected_orders >= {{ idle_limits.orders }}
union all
select
    account_id,
    '{{ ahead }}' as rule_id,
    message_id || ':' || send_channel as subject_id,
    subject,
    cast(null as {{ dbt.type_string() }}) as campaign_name,
    flow_name,
    revenue_per_recipient as figure,
    sibling_revenue_per_recipient as comparison,
    delivered as sample_size,
    sent_on as date,
    conversion_value as weight

from rates
where
    conversions >= {{ ahead_limits.orders }}
    and sibling_delivered >= {{ ahead_limits.delivered }}
    and sibling_revenue_per_recipient > 0
    and revenue_per_recipient >= {{ ahead_limits.factor }} * sibling_revenue_per_recipient
    and z_score >= {{ ahead_limits.z }}
