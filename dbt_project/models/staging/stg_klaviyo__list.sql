select
    ---------- ids
    account_id,
    id as list_id,

    ---------- strings
    name as list_name,
    opt_in_process,

    ---------- booleans
    is_deleted,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at

from {{ source_rows_with_deleted('list') }}
