with

performance as (

    select
        account_id,
        conversion_metric_id,
        conversion_value,
        synced_at
    from {{ ref('stg_klaviyo__campaign_performance') }}
    union all
    select
        account_id,
        conversion_metric_id,
        conversion_value,
        synced_at
    from {{ ref('stg_klaviyo__flow_performance_daily') }}

),

reported as (

    select
        account_id,
        conversion_metric_id,
        case when sum(conversion_value) > 0 then 1 else 0 end as has_value,
        max({{ utc_date('synced_at') }}) as written_on
    from performance
    group by account_id, conversion_metric_id

),

-- The rows of a metric that the connector no longer requests stay as they are. Rows of all metrics
-- that it requests change together, with each open of an email.
last_written as (

    select
        account_id,
        max(written_on) as written_on
    from reported
    group by account_id

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
        reported.account_id,
        reported.conversion_metric_id,
        1 as is_reported,
        case
            when reported.written_on >= {{ days_before('last_written.written_on', 1) }} then 1
            else 0
        end as is_requested,
        reported.has_value
    from reported
    inner join last_written on reported.account_id = last_written.account_id
    union all
    select
        account_id,
        metric_id as conversion_metric_id,
        0 as is_reported,
        0 as is_requested,
        0 as has_value
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
                candidates.is_requested desc,
                case
                    when candidates.conversion_metric_id = revenue.metric_id then 0 else 1
                end asc,
                candidates.has_value desc,
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
