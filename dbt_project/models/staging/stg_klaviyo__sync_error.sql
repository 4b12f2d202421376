select
    ---------- ids
    account_id,
    id as sync_error_id,
    sync_id,
    record_id,

    ---------- strings
    table_name,
    reason,

    ---------- timestamps
    synced_at

from {{ source_rows('sync_error') }}
