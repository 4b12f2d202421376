select
    ---------- ids
    account_id,

    ---------- strings
    id as usage_type,
    unit,

    ---------- numerics
    usage_used,
    usage_max,

    ---------- dates
    date as date_day,

    ---------- timestamps
    period_start,
    period_end,
    as_of,
    synced_at

from {{ source_rows('billing_usage_daily') }}
