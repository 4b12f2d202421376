select
    ---------- ids
    account_id,
    id as custom_object_type_id,

    ---------- strings
    title,
    description,
    status,
    namespace,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at

from {{ source_rows('custom_object_type') }}
