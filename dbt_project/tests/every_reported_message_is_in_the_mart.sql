{#- Lists messages that Klaviyo reports, but not for the account's one conversion metric. They are
    missing from klaviyo__message_performance. Sync that metric, too (conversion_metrics). -#}
{{ config(severity='warn', enabled=is_enabled(['messages', 'findings'])) }}

with

message_ids as (select * from {{ ref('int_klaviyo__campaign_message_id') }}),

reported as (

    select
        reports.account_id,
        coalesce(
            by_variation.campaign_message_id,
            by_message.campaign_message_id,
            reports.campaign_message_id
        ) as message_id
    from {{ ref('stg_klaviyo__campaign_performance') }} as reports
    left join message_ids as by_variation
        on reports.account_id = by_variation.account_id
        and reports.variation_id = by_variation.named_id
    left join message_ids as by_message
        on reports.account_id = by_message.account_id
        and reports.campaign_message_id = by_message.named_id
    union distinct
    select
        account_id,
        flow_message_id as message_id
    from {{ ref('stg_klaviyo__flow_performance_daily') }}

),

in_mart as (

    select distinct
        account_id,
        message_id
    from {{ ref('klaviyo__message_performance') }}

)

select
    reported.account_id,
    reported.message_id
from reported
left join in_mart
    on reported.account_id = in_mart.account_id
    and reported.message_id = in_mart.message_id
where in_mart.message_id is null
