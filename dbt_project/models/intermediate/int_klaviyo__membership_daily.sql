with

memberships as (select * from {{ ref('int_klaviyo__membership') }}),

counted_segments as (

    select distinct
        account_id,
        segment_id
    from {{ ref('stg_klaviyo__segment_daily') }}

),

-- Klaviyo counts the members of most segments by day. Only the other segments are counted here.
uncounted as (

    select memberships.*
    from memberships
    left join counted_segments
        on memberships.account_id = counted_segments.account_id
        and memberships.audience_id = counted_segments.segment_id
        and memberships.audience_type = 'segment'
    where counted_segments.segment_id is null

),

changes as (

    select
        account_id,
        audience_type,
        audience_id,
        joined_on as date,
        1 as joined,
        0 as departed
    from uncounted
    union all
    select
        account_id,
        audience_type,
        audience_id,
        left_on as date,
        0 as joined,
        1 as departed
    from uncounted
    where has_left

),

daily_changes as (

    select
        account_id,
        audience_type,
        audience_id,
        date,
        sum(joined) as members_joined,
        sum(departed) as members_left

    from changes
    group by account_id, audience_type, audience_id, date

),

first_changes as (

    select
        account_id,
        audience_type,
        audience_id,
        min(date) as first_on
    from daily_changes
    group by account_id, audience_type, audience_id

),

days as (

    select
        first_changes.*,
        calendar.date_day as date
    from first_changes
    inner join {{ ref('int_klaviyo__last_sync') }} as last_syncs
        on first_changes.account_id = last_syncs.account_id
    inner join {{ ref('klaviyo__calendar') }} as calendar
        on calendar.date_day between first_changes.first_on and last_syncs.synced_on

),

filled as (

    select
        days.account_id,
        days.audience_type,
        days.audience_id,
        days.date,
        coalesce(daily_changes.members_joined, 0) as members_joined,
        coalesce(daily_changes.members_left, 0) as members_left

    from days
    left join daily_changes
        on days.account_id = daily_changes.account_id
        and days.audience_type = daily_changes.audience_type
        and days.audience_id = daily_changes.audience_id
        and days.date = daily_changes.date

)

select
    account_id,
    audience_type,
    audience_id,
    date,
    members_joined,
    members_left,
    cast(
        sum(members_joined - members_left) over (
            partition by account_id, audience_type, audience_id
            order by date
            rows between unbounded preceding and current row
        ) as {{ dbt.type_bigint() }}
    ) as closing_members

from filled
