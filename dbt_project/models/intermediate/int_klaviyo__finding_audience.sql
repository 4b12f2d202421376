{{ config(enabled=is_enabled(['findings'])) }}
{%- set grew, shrank = 'audience_grew', 'audience_shrank' -%}
{%- set limits = finding_rule(grew).limits -%}

with

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

days as (

    select
        growth.*,
        last_syncs.synced_on,
        growth.date >= {{ days_before('last_syncs.synced_on', limits.days) }} as is_recent
    from {{ ref('klaviyo__audience_growth') }} as growth
    inner join last_syncs on growth.account_id = last_syncs.account_id
    -- Segments change with every campaign, by their definition.
    where growth.audience_type in ('list', 'channel') and growth.date < last_syncs.synced_on

),

first_days as (

    select
        account_id,
        audience_type,
        audience_id,
        min(date) as first_day
    from {{ ref('klaviyo__audience_growth') }}
    group by account_id, audience_type, audience_id

),

changes as (

    select
        account_id,
        audience_type,
        audience_id,
        synced_on,
        max(audience_name) as audience_name,
        max(date) as date,
        {% for column in ['members_joined', 'members_left'] -%}
        cast(sum(case when is_recent then {{ column }} else 0 end) as {{ type_double() }})
            as {{ column }},
        cast(sum(case when is_recent then 0 else {{ column }} end) as {{ type_double() }})
            as usual_{{ column }},
        {% endfor -%}
        max(closing_members) as members
    from days
    where date >= {{ days_before('synced_on', 2 * limits.days) }}
    group by account_id, audience_type, audience_id, synced_on

),

-- Both periods are whole.
compared as (

    select
        changes.*,
        changes.members_joined - changes.members_left as net,
        changes.usual_members_joined - changes.usual_members_left as usual_net

    from changes
    inner join first_days
        on changes.account_id = first_days.account_id
        and changes.audience_type = first_days.audience_type
        and changes.audience_id = first_days.audience_id
    where first_days.first_day <= {{ days_before('changes.synced_on', 2 * limits.days) }}

)

select
    account_id,
    case when net > usual_net then '{{ grew }}' else '{{ shrank }}' end as rule_id,
    audience_type || ':' || audience_id as subject_id,
    coalesce(audience_name, audience_id) as subject,
    cast(null as {{ dbt.type_string() }}) as campaign_name,
    cast(null as {{ dbt.type_string() }}) as flow_name,
    net as figure,
    usual_net as comparison,
    members_joined + members_left as sample_size,
    date,
    abs(net - usual_net) as weight

from compared
where
    abs(net - usual_net) >= {{ limits.people }}
    and abs(net - usual_net) >= {{ limits.share }} * coalesce(members, 0)
    -- The variance of a difference of counts is their sum.
    and abs(net - usual_net) >= {{ limits.z }} * sqrt(
        members_joined + members_left + usual_members_joined + usual_members_left
    )
    and (
        (net > usual_net and net > 0)
        -- A list has no leavers before its second sync.
        or (net < usual_net and net < 0 and usual_members_left > 0)
    )
