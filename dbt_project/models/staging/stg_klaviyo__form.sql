select
    ---------- ids
    account_id,
    id as form_id,

    ---------- strings
    name as form_name,
    status,

    ---------- booleans
    is_ab_test,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at

from {{ source_rows('form') }}
