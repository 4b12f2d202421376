with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

campaign_messages as (select * from {{ ref('stg_klaviyo__campaign_message') }}),

conversion_metrics as (select * from {{ ref('int_klaviyo__conversion_metric') }}),

campaign_reports as (

    select
        reports.*,
        campaign_messages.send_time as sent_at,
        {{ local_time('campaign_messages.send_time', 'accounts.timezone') }} as sent_at_local

    from {{ ref('stg_klaviyo__campaign_performance') }} as reports
    left join accounts on reports.account_id = accounts.account_id
    left join campaign_messages
        on reports.account_id = campaign_messages.account_id
        and reports.campaign_message_id = campaign_messages.campaign_message_id

),

flow_reports as (select * from {{ ref('stg_klaviyo__flow_performance_daily') }}),

reports as (

    select
        account_id,
        'campaign' as message_type,
        campaign_id,
        cast(null as {{ dbt.type_string() }}) as flow_id,
        campaign_message_id as message_id,
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
        flow_message_id as message_id,
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
