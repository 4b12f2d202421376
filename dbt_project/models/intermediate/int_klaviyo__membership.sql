with

lists as (select * from {{ ref('stg_klaviyo__list_profile') }}),

segments as (select * from {{ ref('stg_klaviyo__segment_profile') }}),

memberships as (

    select
        account_id,
        'list' as audience_type,
        list_id as audience_id,
        profile_id,
        joined_at,
        left_at,
        has_left,
        synced_at
    from lists
    union all
    select
        account_id,
        'segment' as audience_type,
        segment_id as audience_id,
        profile_id,
        joined_at,
        left_at,
        has_left,
        synced_at
    from segments

),

accounts as (select * from {{ ref('stg_klaviyo__account') }})

select
    memberships.account_id,
    memberships.audience_type,
    memberships.audience_id,
    memberships.profile_id,
    memberships.has_left,
    -- Without a join time from Klaviyo, the profile joins when a sync first finds it.
    cast(
        {{ local_time(
            'coalesce(memberships.joined_at, memberships.synced_at)', 'accounts.timezone'
        ) }} as date
    ) as joined_on,
    cast({{ local_time('memberships.left_at', 'accounts.timezone') }} as date) as left_on,
    memberships.synced_at

from memberships
inner join accounts on memberships.account_id = accounts.account_id
