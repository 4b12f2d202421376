select
    ---------- ids
    account_id,
    id as image_id,

    ---------- strings
    name as image_name,
    image_url,
    format as image_format,

    ---------- numerics
    size as size_bytes,

    ---------- booleans
    is_hidden,

    ---------- timestamps
    updated_at,
    synced_at

from {{ source_rows('image') }}
