select
    ---------- ids
    account_id,
    id as brand_id,

    ---------- strings
    type as brand_type,
    name as brand_name,

    ---------- timestamps
    synced_at,

    ---------- json
    attributes

from {{ source_rows('brand') }}
