{#- Rows of raw tables against rows of the marts made of them, for each account: a mart that drops
    or doubles rows, or members, is listed with both counts. -#}
with

counts as (

    select 'klaviyo__message_performance' as mart, account_id, count(*) as in_raw, 0 as in_mart
    from (
        select account_id, conversion_metric_id from {{ ref('stg_klaviyo__campaign_performance') }}
        union all
        select account_id, conversion_metric_id
        from {{ ref('stg_klaviyo__flow_performance_daily') }}
    ) as reports
    inner join {{ ref('int_klaviyo__conversion_metric') }} as conversion_metrics
        using (account_id, conversion_metric_id)
    group by account_id
    union all
    select 'klaviyo__message_performance', account_id, 0, count(*)
    from {{ ref('klaviyo__message_performance') }}
    group by account_id

    {% for mart, raw in [
        ('klaviyo__attributed_order', ref('int_klaviyo__conversion') ~ ' where ' ~ in_all_months()),
        ('klaviyo__profile', ref('stg_klaviyo__profile')),
    ] -%}
    union all
    select '{{ mart }}', account_id, count(*), 0 from {{ raw }} group by account_id
    union all
    select '{{ mart }}', account_id, 0, count(*) from {{ ref(mart) }} group by account_id
    {% endfor -%}

    union all
    select 'klaviyo__audience_growth', account_id, count(*), 0
    from {{ ref('stg_klaviyo__segment_daily') }}
    group by account_id
    union all
    select 'klaviyo__audience_growth', account_id, 0, count(*)
    from {{ ref('klaviyo__audience_growth') }}
    where counted_from = 'segment_daily'
    group by account_id

    union all
    select 'members of lists', account_id, count(*), 0
    from {{ ref('stg_klaviyo__list_profile') }}
    where not has_left
    group by account_id
    union all
    select 'members of lists', account_id, 0, sum(current_members)
    from {{ ref('klaviyo__audience_growth') }}
    where counted_from = 'list_profile'
    group by account_id

)

select mart, account_id, sum(in_raw) as raw_rows, sum(in_mart) as mart_rows
from counts
group by mart, account_id
having sum(in_raw) <> sum(in_mart)
