select
    ---------- ids
    account_id,
    segment_id,

    ---------- numerics
    total_members,
    members_added,
    members_removed,
    net_members_changed,

    ---------- dates
    date as date_day,

    ---------- timestamps
    synced_at

from {{ source_rows('segment_daily') }}
