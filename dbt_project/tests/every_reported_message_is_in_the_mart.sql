{#- Lists messages that Klaviyo reports, but not for the account's one conversion metric. They are
    missing from klaviyo__message_performance. Sync that metric, too (conversion_metrics). -#}
{{ config(severity='warn') }}

with

reported as (

    select
        account_id,
        campaign_message_id as message_id
    from {{ ref('stg_klaviyo__campaign_performance') }}
    union distinct
    select
        account_id,
        flow_message_id as message_id
    from {{ ref('stg_klaviyo__flow_performance_daily') }}

),

messages as (

    select
        reports.account_id,
        reports.reported_message_id
    from {{ ref('int_klaviyo__message_report') }} as reports
    inner join {{ ref('klaviyo__message_performance') }} as mart
        on reports.message_performance_key = mart.message_performance_key

)

select
    reported.account_id,
    reported.message_id
from reported
left join messages
    on reported.account_id = messages.account_id
    and reported.message_id = messages.reported_message_id
where messages.reported_message_id is null
