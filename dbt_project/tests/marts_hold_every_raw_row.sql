{{ config(
    enabled=is_enabled(['messages']) and is_enabled(['audience']) and is_enabled(['orders'])
    and is_enabled(['people'])
) }}
{#- Compares the rows of raw tables with the rows of their marts, for each account. A mart that
    drops or duplicates rows, or list members, is listed with both counts. -#}
with

-- A report may have named a message in two ways, of which the marts keep the newest.
campaign_reports as (

    select distinct
        reports.account_id,
        reports.campaign_id,
        coalesce(ids.campaign_message_id, reports.campaign_message_id) as message_id,
        reports.variation_id,
        reports.send_channel,
        reports.conversion_metric_id
    from {{ ref('stg_klaviyo__campaign_performance') }} as reports
    left join {{ ref('int_klaviyo__campaign_message_id') }} as ids
        on reports.account_id = ids.account_id
        and reports.campaign_message_id = ids.named_id

),

reports as (

    select
        account_id,
        conversion_metric_id
    from campaign_reports
    union all
    select
        account_id,
        conversion_metric_id
    from {{ ref('stg_klaviyo__flow_performance_daily') }}

),

counts as (

    select
        'klaviyo__message_performance' as mart,
        reports.account_id,
        count(*) as in_raw,
        0 as in_mart
    from reports
    inner join {{ ref('int_klaviyo__conversion_metric') }} as conversion_metrics
        on reports.account_id = conversion_metrics.account_id
        and reports.conversion_metric_id = conversion_metrics.conversion_metric_id
    group by reports.account_id
    union all
    select
        'klaviyo__message_performance' as mart,
        account_id,
        0 as in_raw,
        count(*) as in_mart
    from {{ ref('klaviyo__message_performance') }}
    group by account_id

    {% set conversion_metrics = ref('int_klaviyo__conversion_metric') -%}
    {% for mart, raw in [
        ('klaviyo__flow_period', ref('stg_klaviyo__flow_performance_period')
            ~ ' inner join ' ~ conversion_metrics ~ ' using (account_id, conversion_metric_id)'),
        ('klaviyo__attributed_order', ref('int_klaviyo__conversion') ~ ' where ' ~ in_all_months()),
        ('klaviyo__profile', ref('stg_klaviyo__profile')),
        ('klaviyo__form_daily', ref('stg_klaviyo__form_daily')),
        ('klaviyo__form_version_daily', ref('stg_klaviyo__form_version_daily')),
    ] -%}
    union all
    select
        '{{ mart }}' as mart,
        account_id,
        count(*) as in_raw,
        0 as in_mart
    from {{ raw }}
    group by account_id
    union all
    select
        '{{ mart }}' as mart,
        account_id,
        0 as in_raw,
        count(*) as in_mart
    from {{ ref(mart) }}
    group by account_id
    {% endfor -%}

    union all
    select
        'klaviyo__audience_growth' as mart,
        account_id,
        count(*) as in_raw,
        0 as in_mart
    from {{ ref('stg_klaviyo__segment_daily') }}
    group by account_id
    union all
    select
        'klaviyo__audience_growth' as mart,
        account_id,
        0 as in_raw,
        count(*) as in_mart
    from {{ ref('klaviyo__audience_growth') }}
    where counted_from = 'segment_daily'
    group by account_id

    union all
    select
        'members of lists' as mart,
        account_id,
        count(*) as in_raw,
        0 as in_mart
    from {{ ref('stg_klaviyo__list_profile') }}
    where not has_left
    group by account_id
    union all
    select
        'members of lists' as mart,
        account_id,
        0 as in_raw,
        sum(current_members) as in_mart
    from {{ ref('klaviyo__audience_growth') }}
    where counted_from = 'list_profile'
    group by account_id

    union all
    select
        'klaviyo__revenue_daily' as mart,
        account_id,
        count(*) as in_raw,
        0 as in_mart
    from {{ ref('int_klaviyo__conversion') }}
    where {{ in_all_months() }} and occurred_at is not null
    group by account_id
    union all
    select
        'klaviyo__revenue_daily' as mart,
        account_id,
        0 as in_raw,
        sum(orders + refunds) as in_mart
    from {{ ref('klaviyo__revenue_daily') }}
    group by account_id

    union all
    select
        'recipients of klaviyo__flow_step' as mart,
        account_id,
        sum(recipients) as in_raw,
        0 as in_mart
    from {{ ref('klaviyo__flow_period') }}
    group by account_id
    union all
    select
        'recipients of klaviyo__flow_step' as mart,
        account_id,
        0 as in_raw,
        sum(recipients) as in_mart
    from {{ ref('klaviyo__flow_step') }}
    group by account_id

    union all
    select
        'klaviyo__cohort' as mart,
        orders.account_id,
        count(distinct orders.profile_id) as in_raw,
        0 as in_mart
    from {{ ref('klaviyo__attributed_order') }} as orders
    inner join {{ ref('int_klaviyo__last_sync') }} as last_syncs
        on orders.account_id = last_syncs.account_id
    where not orders.is_refund and orders.date <= last_syncs.synced_on
    group by orders.account_id
    union all
    select
        'klaviyo__cohort' as mart,
        account_id,
        0 as in_raw,
        sum(buyers) as in_mart
    from {{ ref('klaviyo__cohort') }}
    group by account_id

    union all
    select
        'klaviyo__product_performance' as mart,
        items.account_id,
        count(distinct items.event_id || '=' || items.product_id) as in_raw,
        0 as in_mart
    from {{ ref('int_klaviyo__order_item') }} as items
    group by items.account_id
    union all
    select
        'klaviyo__product_performance' as mart,
        account_id,
        0 as in_raw,
        sum(product_orders) as in_mart
    from {{ ref('klaviyo__product_performance') }}
    group by account_id
    union all
    select
        'klaviyo__coupon_performance' as mart,
        account_id,
        count(*) as in_raw,
        0 as in_mart
    from {{ ref('stg_klaviyo__coupon_code') }}
    where coupon_id is not null
    group by account_id
    union all
    select
        'klaviyo__coupon_performance' as mart,
        account_id,
        0 as in_raw,
        sum(codes) as in_mart
    from {{ ref('klaviyo__coupon_performance') }}
    group by account_id

)

select
    mart,
    account_id,
    sum(in_raw) as raw_rows,
    sum(in_mart) as mart_rows
from counts
group by mart, account_id
having sum(in_raw) <> sum(in_mart)
