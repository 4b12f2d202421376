select
    ---------- ids
    account_id,
    list_id,
    tag_id,

    ---------- timestamps
    synced_at

from {{ source_rows('list_tag') }}
