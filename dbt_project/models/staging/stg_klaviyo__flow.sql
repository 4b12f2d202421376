select
    ---------- ids
    account_id,
    id as flow_id,

    ---------- strings
    name as flow_name,
    status,
    trigger_type,

    ---------- booleans
    is_archived,
    is_deleted,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at

from {{ source_rows_with_deleted('flow') }}
