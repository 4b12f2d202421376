{{ config(enabled=is_enabled(['findings'])) }}
with

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

events as (

    select
        account_id,
        metric_id,
        occurred_on,
        sum(event_count) as event_count
    from {{ ref('int_klaviyo__event_daily') }}
    where {{ in_all_months() }}
    group by account_id, metric_id, occurred_on

),

aggregates as (

    select
        account_id,
        metric_id,
        occurred_on,
        sum(event_count) as aggregated_count
    from {{ ref('stg_klaviyo__message_metric_daily') }}
    group by account_id, metric_id, occurred_on

),

first_events as (

    select
        account_id,
        min(occurred_on) as occurred_on
    from events
    group by account_id

),

aggregated_metrics as (

    select distinct
        account_id,
        metric_id
    from aggregates

),

-- The metrics that both sides have, over the days that both sides have completely: events may
-- arrive a week late, and the first day may be synced from noon on. None once `event` is left out:
-- int_klaviyo__event_daily keeps the rows of earlier runs.
compared as (

    select
        events.account_id,
        events.metric_id,
        min(first_events.occurred_on) as first_on,
        max({{ days_before('last_syncs.synced_on', 8) }}) as last_on

    from events
    inner join last_syncs on events.account_id = last_syncs.account_id
    inner join first_events on events.account_id = first_events.account_id
    inner join aggregated_metrics
        on events.account_id = aggregated_metrics.account_id
        and events.metric_id = aggregated_metrics.metric_id
    where {{ is_synced('event') | lower }}
    group by events.account_id, events.metric_id

),

days as (

    select
        account_id,
        metric_id,
        occurred_on
    from events
    union distinct
    select
        account_id,
        metric_id,
        occurred_on
    from aggregates

)

select
    days.account_id,
    days.metric_id,
    days.occurred_on,
    coalesce(events.event_count, 0) as event_count,
    coalesce(aggregates.aggregated_count, 0) as aggregated_count

from days
inner join compared
    on days.account_id = compared.account_id
    and days.metric_id = compared.metric_id
    and days.occurred_on > compared.first_on
    and days.occurred_on <= compared.last_on
left join events
    on days.account_id = events.account_id
    and days.metric_id = events.metric_id
    and days.occurred_on = events.occurred_on
left join aggregates
    on days.account_id = aggregates.account_id
    and days.metric_id = aggregates.metric_id
    and days.occurred_on = aggregates.occurred_on
