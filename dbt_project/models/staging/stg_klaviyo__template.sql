select
    ---------- ids
    account_id,
    id as template_id,

    ---------- strings
    name as template_name,
    editor_type,
    html,
    text,
    amp,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at

from {{ source_rows('template') }}
