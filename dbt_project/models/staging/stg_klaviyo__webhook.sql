select
    ---------- ids
    account_id,
    id as webhook_id,

    ---------- strings
    name as webhook_name,
    description,
    endpoint_url,

    ---------- booleans
    is_enabled,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at

from {{ source_rows('webhook') }}
