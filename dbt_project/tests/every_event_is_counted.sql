{#- Lists accounts of which raw events are in no month of int_klaviyo__event_daily: such as those of
    a connection that was added to `klaviyo_sources` after its first sync, since a run replaces the
    months since the newest row of all accounts. Run `dbt build --full-refresh`. What a sync wrote
    after the models were built is left out. -#}
{{ config(severity='warn', enabled=is_enabled(['audience', 'findings'])) }}
with

counted as (

    select
        account_id,
        sum(event_count) as event_count,
        max(synced_at) as synced_at
    from {{ ref('int_klaviyo__event_daily') }}
    where {{ in_all_months() }}
    group by account_id

),

newest as (select max(synced_at) as synced_at from counted),

raw_events as (

    select
        events.account_id,
        count(*) as event_count
    from {{ ref('stg_klaviyo__event') }} as events
    inner join newest on events.synced_at <= newest.synced_at
    where
        events.metric_id is not null
        and events.occurred_at >= {{ utc_midnight("date '1960-01-02'") }}
    group by events.account_id

)

select
    raw_events.account_id,
    raw_events.event_count as raw_events,
    coalesce(counted.event_count, 0) as counted_events
from raw_events
left join counted on raw_events.account_id = counted.account_id
where raw_events.event_count > coalesce(counted.event_count, 0)
