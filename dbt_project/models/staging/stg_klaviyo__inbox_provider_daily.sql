select
    ---------- ids
    account_id,
    metric_id,

    ---------- strings
    inbox_provider,

    ---------- numerics
    count as event_count,
    unique_count,

    ---------- dates
    date as occurred_on,

    ---------- timestamps
    synced_at

from {{ source_rows('inbox_provider_daily') }}
