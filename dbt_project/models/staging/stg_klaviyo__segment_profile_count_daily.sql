select
    ---------- ids
    account_id,
    segment_id,

    ---------- numerics
    profile_count,

    ---------- dates
    date as date_day,

    ---------- timestamps
    synced_at

from {{ source_rows('segment_profile_count_daily') }}
