select
    ---------- ids
    account_id,
    id as segment_id,

    ---------- strings
    name as segment_name,

    ---------- booleans
    is_active,
    is_processing,
    is_starred,
    is_deleted,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at,

    ---------- json
    definition

from {{ source_rows_with_deleted('segment') }}
