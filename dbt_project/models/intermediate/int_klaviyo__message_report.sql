{%- set named_by = ['variation_id', 'campaign_message_id'] -%}
with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

conversion_metrics as (select * from {{ ref('int_klaviyo__conversion_metric') }}),

campaign_sends as (

    select
        reports.*,
        {{ message_id('reports', named_by, 'campaign_message_id') }} as message_id,
        coalesce(by_variation_id.sent_at, by_campaign_message_id.sent_at) as sent_at

    from {{ ref('stg_klaviyo__campaign_performance') }} as reports
    {{ join_message_ids('reports', named_by) }}
),

-- If Klaviyo changes how its report names a message, the row under the former name stays.
ranked_sends as (

    select
        *,
        row_number() over (
            partition by
                account_id, campaign_id, message_id, variation_id, send_channel,
                conversion_metric_id
            order by synced_at desc, campaign_message_id asc
        ) as recency
    from campaign_sends

),

campaign_reports as (

    select
        ranked_sends.*,
        {{ local_time('ranked_sends.sent_at', 'accounts.timezone') }} as sent_at_local
    from ranked_sends
    left join accounts on ranked_sends.account_id = accounts.account_id
    where ranked_sends.recency = 1

),

flow_reports as (select * from {{ ref('stg_klaviyo__flow_performance_daily') }}),

reports as (

    select
        account_id,
        'campaign' as message_type,
        campaign_id,
        cast(null as {{ dbt.type_string() }}) as flow_id,
        cast(null as {{ dbt.type_string() }}) as flow_name,
        message_id,
        campaign_message_id as reported_message_id,
        campaign_message_name as message_name,
        variation_id,
        variation_name,
        send_channel,
        conversion_metric_id,
        sent_at,
        cast(sent_at_local as date) as sent_on,
        cast(extract(hour from sent_at_local) as {{ dbt.type_int() }}) as sent_hour,
        {{ (additive_statistics() + ratio_statistics()) | join(',\n        ') }},
        synced_at

    from campaign_reports

    union all

    select
        account_id,
        'flow' as message_type,
        cast(null as {{ dbt.type_string() }}) as campaign_id,
        flow_id,
        flow_name,
        flow_message_id as message_id,
        flow_message_id as reported_message_id,
        flow_message_name as message_name,
        variation_id,
        variation_name,
        send_channel,
        conversion_metric_id,
        cast(null as {{ type_timestamptz() }}) as sent_at,
        sent_on,
        cast(null as {{ dbt.type_int() }}) as sent_hour,
        {{ (additive_statistics() + ratio_statistics()) | join(',\n        ') }},
        synced_at

    from flow_reports

)

select
    {{ surrogate_key([
        'reports.account_id',
        'reports.message_type',
        'reports.message_id',
        'reports.variation_id',
        'reports.send_channel',
        'reports.sent_on',
    ]) }} as message_performance_key,
    reports.*,
    conversion_metrics.conversion_metric_name

from reports
inner join conversion_metrics
    on reports.account_id = conversion_metrics.account_id
    and reports.conversion_metric_id = conversion_metrics.conversion_metric_id
