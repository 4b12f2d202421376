{{ config(**incremental_by_month(['account_id', 'profile_id'], 'all or none')) }}
{{ config(enabled=is_enabled(['people', 'findings'])) }}
{#- Every row is in the first month of BigQuery's partitions: a run replaces all rows or none. -#}
{%- set kinds = engagement_kinds().keys() | list -%}
{%- set is_made = is_history_made() -%}

with

accounts as (

    select
        account_id,
        synced_at,
        {{ first_of_month(days_before('synced_on', 62)) }} as closed_month
    from {{ ref('int_klaviyo__last_sync') }}

),

kinds as (

    {{ metrics_by_kind() }}

),

days as (

    select
        counts.account_id,
        counts.profile_id,
        kinds.kind,
        counts.occurred_on,
        counts.event_count - counts.machine_count as people_count,
        counts.synced_at

    from {{ ref('int_klaviyo__profile_daily') }} as counts
    inner join kinds
        on counts.account_id = kinds.account_id
        and counts.metric_id = kinds.metric_id
    inner join accounts on counts.account_id = accounts.account_id
    where
        counts.{{ in_all_months() if is_made else no_months() }}
        and counts.occurred_month <= accounts.closed_month

),

people as (

    select
        account_id,
        profile_id,
        {% for kind in kinds + ['ordered'] -%}
        max(case when kind = '{{ kind }}' and people_count > 0 then occurred_on end)
            as last_{{ kind }}_on,
        {% endfor -%}
        max(case when kind <> 'received' and people_count > 0 then occurred_on end)
            as last_active_on,
        min(case when kind = 'received' then occurred_on end) as first_received_on,
        max(synced_at) as synced_at

    from days
    group by account_id, profile_id

),

-- The row without a person says up to which month an account's history goes, and when it was made.
marked as (

    select * from people
    union all
    select
        account_id,
        '' as profile_id,
        {% for kind in kinds + ['ordered', 'active'] -%}
        cast(null as date) as last_{{ kind }}_on,
        {% endfor -%}
        cast(null as date) as first_received_on,
        synced_at
    from accounts
    where {{ is_made | lower }}

)

select
    marked.account_id,
    marked.profile_id,
    date '1960-01-01' as occurred_month,
    accounts.closed_month,
    {% for kind in kinds + ['ordered', 'active'] -%}
    marked.last_{{ kind }}_on,
    {% endfor -%}
    marked.first_received_on,
    marked.synced_at

from marked
inner join accounts on marked.account_id = accounts.account_id
