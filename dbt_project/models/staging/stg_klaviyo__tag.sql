select
    ---------- ids
    account_id,
    id as tag_id,
    tag_group_id,

    ---------- strings
    name as tag_name,

    ---------- timestamps
    synced_at

from {{ source_rows('tag') }}
