with

reported as (

    select
        account_id,
        conversion_metric_id
    from {{ ref('stg_klaviyo__campaign_performance') }}
    union distinct
    select
        account_id,
        conversion_metric_id
    from {{ ref('stg_klaviyo__flow_performance_daily') }}

),

metrics as (

    select
        account_id,
        metric_id,
        metric_name
    from {{ ref('stg_klaviyo__metric') }}
    union all
    select
        account_id,
        custom_metric_id as metric_id,
        custom_metric_name as metric_name
    from {{ ref('stg_klaviyo__custom_metric') }}

),

revenue as (

    select
        account_id,
        coalesce(metric_id, custom_metric_id) as metric_id
    from {{ ref('stg_klaviyo__mapped_metric') }}
    where mapped_metric_id = 'revenue'

),

-- The mapped revenue metric is a candidate without a report: an account may sync only events.
candidates as (

    select
        account_id,
        conversion_metric_id,
        1 as is_reported
    from reported
    union all
    select
        account_id,
        metric_id as conversion_metric_id,
        0 as is_reported
    from revenue

),

ranked as (

    select
        candidates.account_id,
        candidates.conversion_metric_id,
        row_number() over (
            partition by candidates.account_id
            order by
                candidates.is_reported desc,
                case
                    when candidates.conversion_metric_id = revenue.metric_id then 0 else 1
                end asc,
                candidates.conversion_metric_id asc
        ) as preference

    from candidates
    left join revenue on candidates.account_id = revenue.account_id

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
