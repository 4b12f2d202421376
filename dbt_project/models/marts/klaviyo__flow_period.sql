{{ config(enabled=is_enabled(['messages'])) }}
with

reports as (select * from {{ ref('stg_klaviyo__flow_performance_period') }}),

conversion_metrics as (select * from {{ ref('int_klaviyo__conversion_metric') }}),

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

flows as (select * from {{ ref('stg_klaviyo__flow') }}),

flow_messages as (

    select
        account_id,
        flow_message_id,
        max(flow_message_name) as flow_message_name
    from {{ ref('int_klaviyo__flow_variation') }}
    group by account_id, flow_message_id

),

tag_names as (select * from {{ ref('int_klaviyo__tag_names') }})

select
    ---------- ids
    {{ surrogate_key([
        'reports.account_id',
        'reports.flow_id',
        'reports.flow_message_id',
        'reports.variation_id',
        'reports.send_channel',
        'reports.period_kind',
        'reports.period_start',
    ]) }} as flow_period_key,
    reports.account_id,
    reports.flow_id,
    reports.flow_message_id as message_id,
    reports.variation_id,
    reports.conversion_metric_id,

    ---------- what was sent
    accounts.organization_name as account_name,
    accounts.preferred_currency as currency,
    coalesce(flows.flow_name, reports.flow_name) as flow_name,
    coalesce(flow_messages.flow_message_name, reports.flow_message_name) as message_name,
    nullif(reports.variation_name, '') as variation_name,
    reports.send_channel,
    conversion_metrics.conversion_metric_name,
    tag_names.tag_names,
    flows.is_archived,

    ---------- when it was sent
    reports.period_kind,
    reports.period_start,
    reports.period_end,

    ---------- counts and amounts
    {% for statistic in additive_statistics() -%}
    reports.{{ statistic }},
    {% endfor %}
    ---------- what rates divide: only where the channel counts both parts
    {{ tracked_statistics('reports') }},

    ---------- rates as Klaviyo returned them
    {% for statistic in ratio_statistics() -%}
    reports.{{ statistic }} as klaviyo_{{ statistic }},
    {% endfor -%}

    reports.synced_at

from reports
inner join conversion_metrics
    on reports.account_id = conversion_metrics.account_id
    and reports.conversion_metric_id = conversion_metrics.conversion_metric_id
left join accounts on reports.account_id = accounts.account_id
left join flows
    on reports.account_id = flows.account_id
    and reports.flow_id = flows.flow_id
left join flow_messages
    on reports.account_id = flow_messages.account_id
    and reports.flow_message_id = flow_messages.flow_message_id
left join tag_names
    on reports.account_id = tag_names.account_id
    and reports.flow_id = tag_names.tagged_id
