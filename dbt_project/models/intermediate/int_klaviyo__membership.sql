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

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

dated as (

    select
        memberships.*,
        cast({{ local_time('memberships.joined_at', 'accounts.timezone') }} as date) as joined_on,
        cast({{ local_time('memberships.left_at', 'accounts.timezone') }} as date) as left_on,
        cast({{ local_time('memberships.synced_at', 'accounts.timezone') }} as date) as synced_on

    from memberships
    inner join accounts on memberships.account_id = accounts.account_id

),

first_seen as (

    select
        *,
        min(synced_on) over (
            partition by account_id, audience_type, audience_id
        ) as first_synced_on
    from dated

)

select
    account_id,
    audience_type,
    audience_id,
    profile_id,
    has_left,
    -- Without a join time from Klaviyo, the profile joins when a sync first finds it, unless that
    -- sync is the audience's first, or the row says only when the profile left.
    case
        when joined_on is not null then joined_on
        when synced_on > first_synced_on and not has_left then synced_on
    end as joined_on,
    left_on,
    first_synced_on,
    synced_at

from first_seen
