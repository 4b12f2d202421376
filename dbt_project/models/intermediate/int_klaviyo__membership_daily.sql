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
    where joined_on is not null
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

-- Members from before the first sync count on every day, and join on none.
audiences as (

    select
        account_id,
        audience_type,
        audience_id,
        min(coalesce(joined_on, first_synced_on)) as first_on,
        sum(case when joined_on is null then 1 else 0 end) as members_before
    from uncounted
    group by account_id, audience_type, audience_id

),

days as (

    select
        audiences.*,
        calendar.date_day as date
    from audiences
    inner join {{ ref('int_klaviyo__last_sync') }} as last_syncs
        on audiences.account_id = last_syncs.account_id
    inner join {{ ref('klaviyo__calendar') }} as calendar
        on calendar.date_day between audiences.first_on and last_syncs.synced_on

),

filled as (

    select
        days.account_id,
        days.audience_type,
        days.audience_id,
        days.date,
        days.members_before,
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
        members_before + sum(members_joined - members_left) over (
            partition by account_id, audience_type, audience_id
            order by date
            rows between unbounded preceding and current row
        ) as {{ dbt.type_bigint() }}
    ) as closing_members

from filled
