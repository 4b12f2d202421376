-- Former members are kept with the time when a sync noticed it: growth is counted from it.
select
    ---------- ids
    account_id,
    segment_id,
    profile_id,

    ---------- booleans
    is_deleted as has_left,

    ---------- timestamps
    joined_group_at as joined_at,
    case when is_deleted then _fivetran_synced end as left_at,
    synced_at

from {{ source_rows_with_deleted('segment_profile') }}
