select
    ---------- ids
    account_id,
    id as tag_group_id,

    ---------- strings
    name as tag_group_name,

    ---------- booleans
    is_exclusive,
    is_default,

    ---------- timestamps
    synced_at

from {{ source_rows('tag_group') }}
