select
    ---------- ids
    account_id,
    sync_id,

    ---------- strings
    table_name,

    ---------- numerics
    rows_written,
    rows_deleted,
    rows_refused,
    requests,
    throttled,
    seconds_waited,

    ---------- timestamps
    started_at,
    min_event_at,
    max_event_at,
    synced_at

from {{ source_rows('sync_report') }}
