with

reported as (

    select account_id, conversion_metric_id from {{ ref('stg_klaviyo__campaign_performance') }}
    union distinct
    select account_id, conversion_metric_id from {{ ref('stg_klaviyo__flow_performance_daily') }}

),

metrics as (

    select account_id, metric_id, metric_name from {{ ref('stg_klaviyo__metric') }}
    union all
    select account_id, custom_metric_id, custom_metric_name
    from {{ ref('stg_klaviyo__custom_metric') }}

),

revenue as (

    select account_id, coalesce(metric_id, custom_metric_id) as metric_id
    from {{ ref('stg_klaviyo__mapped_metric') }}
    where mapped_metric_id = 'revenue'

),

ranked as (

    select
        reported.account_id,
        reported.conversion_metric_id,
        row_number() over (
            partition by reported.account_id
            order by
                case when reported.conversion_metric_id = revenue.metric_id then 0 else 1 end,
                reported.conversion_metric_id
        ) as preference

    from reported
    left join revenue on reported.account_id = revenue.account_id

)

select
    ranked.account_id,
    ranked.conversion_metric_id,
    metrics.metric_name as conversion_metric_name

from ranked
left join metrics
    on ranked.account_id = metrics.account_id
    and ranked.conversion_metric_id = metrics.metric_id
where ranked.preference = 1
