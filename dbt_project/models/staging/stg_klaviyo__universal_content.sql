select
    ---------- ids
    account_id,
    id as universal_content_id,

    ---------- strings
    name as universal_content_name,
    content_type,
    block_type,
    screenshot_url,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at,

    ---------- json
    definition

from {{ source_rows('universal_content') }}
