{{ config(enabled=is_enabled(['people', 'findings'])) }}
{%- set windows = [30, 60, 90, 180] -%}
{%- set longest = [windows | max, limit('sunset_days') | int] | max -%}
{%- set history = ref('int_klaviyo__profile_history') -%}
{%- set kinds = engagement_kinds().keys() | list -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

profiles as (select * from {{ ref('stg_klaviyo__profile') }}),

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
        counts.machine_count,
        last_syncs.synced_on,
        counts.synced_at

    from {{ ref('int_klaviyo__profile_daily') }} as counts
    inner join kinds
        on counts.account_id = kinds.account_id
        and counts.metric_id = kinds.metric_id
    inner join last_syncs on counts.account_id = last_syncs.account_id
    where
        counts.{{ in_open_months(history, longest) }}
        and counts.occurred_on <= last_syncs.synced_on

),

-- The history has the closed months. Of a day in both, the first and the last are the same.
seen as (

    select
        account_id,
        profile_id,
        {% for kind in kinds + ['ordered', 'active'] -%}
        last_{{ kind }}_on,
        {% endfor -%}
        first_received_on,
        synced_at
    from {{ history }}
    where {{ in_all_months() }} and profile_id <> ''
    union all
    select
        account_id,
        profile_id,
        {% for kind in kinds + ['ordered'] -%}
        case
            when kind = '{{ kind }}' and people_count > 0 then occurred_on
        end as last_{{ kind }}_on,
        {% endfor -%}
        case when kind <> 'received' and people_count > 0 then occurred_on end as last_active_on,
        case when kind = 'received' then occurred_on end as first_received_on,
        synced_at
    from days

),

recency as (

    select
        account_id,
        profile_id,
        {% for kind in kinds + ['ordered', 'active'] -%}
        max(last_{{ kind }}_on) as last_{{ kind }}_on,
        {% endfor -%}
        min(first_received_on) as first_received_on,
        max(synced_at) as synced_at
    from seen
    group by account_id, profile_id

),

-- A person is only called inactive where the synced events would show the contrary.
observed as (

    select
        account_id,
        min(first_received_on) as received_since,
        max(case when last_opened_on is not null then 1 else 0 end) as has_opens
    from recency
    group by account_id

),

recent as (

    select
        account_id,
        profile_id,
        {% for kind, column in [
            ('received', 'emails'), ('opened', 'opens'), ('clicked', 'clicks'),
            ('ordered', 'orders'),
        ] -%}
        {% for window in windows -%}
        sum(
            case
                when kind = '{{ kind }}' and occurred_on > {{ days_before('synced_on', window) }}
                    then people_count
                else 0
            end
        ) as {{ column }}_{{ window }}_days,
        {% endfor -%}
        {% endfor -%}
        sum(
            case
                when
                    kind = 'received'
                    and occurred_on > {{ days_before('synced_on', limit('sunset_days')) }}
                    then people_count
                else 0
            end
        ) as sunset_emails,
        sum(
            case
                when
                    kind = 'opened'
                    and occurred_on > {{ days_before('synced_on', limit('sunset_days')) }}
                    then machine_count
                else 0
            end
        ) as sunset_machine_opens

    from days
    where occurred_on > {{ days_before('synced_on', longest) }}
    group by account_id, profile_id

),

people as (

    select
        account_id,
        profile_id
    from recency
    union distinct
    select
        account_id,
        profile_id
    from profiles

),

judged as (

    select
        people.account_id,
        people.profile_id,
        accounts.organization_name as account_name,
        last_syncs.synced_on as date,
        profiles.email_marketing_consent,
        profiles.email_marketing_can_receive as can_receive_email,
        {% for kind in kinds + ['ordered', 'active'] -%}
        recency.last_{{ kind }}_on,
        {% endfor -%}
        {% for column in ['emails', 'opens', 'clicks', 'orders'] -%}
        {% for window in windows -%}
        cast(coalesce(recent.{{ column }}_{{ window }}_days, 0) as {{ dbt.type_bigint() }})
            as {{ column }}_{{ window }}_days,
        {% endfor -%}
        {% endfor -%}
        case
            when recency.last_active_on > {{ days_before('last_syncs.synced_on', 30) }}
                then 'active'
            when recency.last_active_on > {{ days_before('last_syncs.synced_on', 90) }} then 'warm'
            when recency.last_active_on > {{ days_before('last_syncs.synced_on', 180) }}
                then 'cooling'
            when recency.last_active_on is not null then 'lapsed'
            when recency.last_received_on is not null then 'never active'
            else 'not mailed'
        end as engagement_tier,
        case
            when
                coalesce(profiles.email_marketing_can_receive, true)
                and observed.has_opens = 1
                and observed.received_since
                <= {{ days_before('last_syncs.synced_on', limit('sunset_days')) }}
                and recency.first_received_on
                <= {{ days_before('last_syncs.synced_on', limit('sunset_days')) }}
                and coalesce(recent.sunset_emails, 0) >= {{ limit('sunset_emails') }}
                and coalesce(
                    recency.last_active_on
                    <= {{ days_before('last_syncs.synced_on', limit('sunset_days')) }},
                    true
                )
                then case
                    when recent.sunset_machine_opens > 0 then 'machine opens only'
                    when recency.last_active_on is null then 'never active'
                    else 'lapsed'
                end
        end as sunset_reason,
        coalesce(recency.synced_at, profiles.synced_at) as synced_at

    from people
    inner join accounts on people.account_id = accounts.account_id
    inner join last_syncs on people.account_id = last_syncs.account_id
    left join observed on people.account_id = observed.account_id
    left join recency
        on people.account_id = recency.account_id
        and people.profile_id = recency.profile_id
    left join recent
        on people.account_id = recent.account_id
        and people.profile_id = recent.profile_id
    left join profiles
        on people.account_id = profiles.account_id
        and people.profile_id = profiles.profile_id

)

select
    ---------- ids
    {{ surrogate_key(['account_id', 'profile_id']) }} as engagement_key,
    account_id,
    profile_id,

    ---------- who, as of when
    account_name,
    email_marketing_consent,
    can_receive_email,
    date,

    ---------- when they last did what
    {% for kind in kinds + ['ordered', 'active'] -%}
    last_{{ kind }}_on,
    {% endfor %}
    ---------- the judgement
    engagement_tier,
    sunset_reason is not null as is_sunset_candidate,
    sunset_reason,

    ---------- what may be summed
    cast(1 as {{ dbt.type_bigint() }}) as people,
    cast(case when engagement_tier = 'active' then 1 else 0 end as {{ dbt.type_bigint() }})
        as active_people,
    cast(case when sunset_reason is null then 0 else 1 end as {{ dbt.type_bigint() }})
        as sunset_candidates,
    {% for column in ['emails', 'opens', 'clicks', 'orders'] -%}
    {% for window in windows -%}
    {{ column }}_{{ window }}_days,
    {% endfor -%}
    {% endfor -%}
    synced_at

from judged
