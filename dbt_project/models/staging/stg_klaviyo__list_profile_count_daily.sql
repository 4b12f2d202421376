select
    ---------- ids
    account_id,
    list_id,

    ---------- numerics
    profile_count,

    ---------- dates
    date as date_day,

    ---------- timestamps
    synced_at

from {{ source_rows('list_profile_count_daily') }}
