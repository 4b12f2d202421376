with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

segment_days as (select * from {{ ref('stg_klaviyo__segment_daily') }}),

-- Klaviyo counts segments by day itself; who is in one is asked only where it does not.
memberships as (

    select memberships.*
    from {{ ref('int_klaviyo__membership') }} as memberships
    left join (select distinct account_id, segment_id from segment_days) as counted_segments
        on memberships.account_id = counted_segments.account_id
        and memberships.audience_id = counted_segments.segment_id
        and memberships.audience_type = 'segment'
    where counted_segments.segment_id is null

),

changes as (

    select account_id, audience_type, audience_id, joined_on as date, 1 as joined, 0 as departed
    from memberships
    union all
    select account_id, audience_type, audience_id, left_on, 0, 1
    from memberships
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

    select account_id, audience_type, audience_id, min(date) as first_on
    from daily_changes
    group by account_id, audience_type, audience_id

),

member_days as (

    select
        first_changes.account_id,
        first_changes.audience_type,
        first_changes.audience_id,
        calendar.date_day as date,
        coalesce(daily_changes.members_joined, 0) as members_joined,
        coalesce(daily_changes.members_left, 0) as members_left,
        sum(
            coalesce(daily_changes.members_joined, 0) - coalesce(daily_changes.members_left, 0)
        ) over (
            partition by
                first_changes.account_id,
                first_changes.audience_type,
                first_changes.audience_id
            order by calendar.date_day
            rows between unbounded preceding and current row
        ) as closing_members

    from first_changes
    inner join last_syncs on first_changes.account_id = last_syncs.account_id
    inner join {{ ref('klaviyo__calendar') }} as calendar
        on calendar.date_day between first_changes.first_on and last_syncs.synced_on
    left join daily_changes
        on first_changes.account_id = daily_changes.account_id
        and first_changes.audience_type = daily_changes.audience_type
        and first_changes.audience_id = daily_changes.audience_id
        and calendar.date_day = daily_changes.date

),

channel_days as (

    select
        counts.account_id,
        case
            when metrics.metric_name like '%Email%' then 'email'
            when metrics.metric_name like '%Text Message%' then 'sms'
        end as audience_id,
        counts.occurred_on as date,
        sum(case when metrics.metric_name like 'Subscribed%' then counts.event_count else 0 end)
            as members_joined,
        sum(case when metrics.metric_name like 'Unsubscribed%' then counts.event_count else 0 end)
            as members_left

    from {{ ref('stg_klaviyo__message_metric_daily') }} as counts
    inner join {{ ref('stg_klaviyo__metric') }} as metrics
        on counts.account_id = metrics.account_id
        and counts.metric_id = metrics.metric_id
    where
        metrics.metric_name in (
            'Subscribed to Email Marketing', 'Unsubscribed from Email Marketing',
            'Subscribed to Text Message Marketing', 'Unsubscribed from Text Message Marketing'
        )
    group by 1, 2, 3

),

days as (

    select
        account_id,
        'segment' as audience_type,
        segment_id as audience_id,
        date_day as date,
        members_added as members_joined,
        members_removed as members_left,
        total_members as closing_members,
        'segment_daily' as counted_from
    from segment_days
    union all
    select
        account_id,
        audience_type,
        audience_id,
        date,
        members_joined,
        members_left,
        closing_members,
        audience_type || '_profile'
    from member_days
    union all
    select
        account_id,
        'channel',
        audience_id,
        date,
        members_joined,
        members_left,
        null,
        'message_metric_daily'
    from channel_days

),

audiences as (

    select account_id, 'list' as audience_type, list_id as audience_id, list_name as audience_name
    from {{ ref('stg_klaviyo__list') }}
    union all
    select account_id, 'segment', segment_id, segment_name
    from {{ ref('stg_klaviyo__segment') }}
    union all
    select account_id, 'channel', 'email', 'Email marketing' from accounts
    union all
    select account_id, 'channel', 'sms', 'Text message marketing' from accounts

)

select
    ---------- ids
    {{ surrogate_key(
        ['days.account_id', 'days.audience_type', 'days.audience_id', 'days.date']
    ) }} as audience_growth_key,
    days.account_id,
    days.audience_id,

    ---------- which audience, when
    accounts.organization_name as account_name,
    days.audience_type,
    audiences.audience_name,
    days.counted_from,
    days.date,

    ---------- members
    cast(
        days.closing_members - days.members_joined + days.members_left as {{ dbt.type_bigint() }}
    ) as opening_members,
    cast(days.members_joined as {{ dbt.type_bigint() }}) as members_joined,
    cast(days.members_left as {{ dbt.type_bigint() }}) as members_left,
    cast(days.members_joined - days.members_left as {{ dbt.type_bigint() }})
        as net_members_joined,
    cast(days.closing_members as {{ dbt.type_bigint() }}) as closing_members,
    cast(
        case
            when days.date = max(days.date) over (
                partition by days.account_id, days.audience_type, days.audience_id
            ) then days.closing_members
        end as {{ dbt.type_bigint() }}
    ) as current_members

from days
inner join accounts on days.account_id = accounts.account_id
left join audiences
    on days.account_id = audiences.account_id
    and days.audience_type = audiences.audience_type
    and days.audience_id = audiences.audience_id
