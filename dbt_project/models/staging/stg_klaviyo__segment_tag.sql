select
    ---------- ids
    account_id,
    segment_id,
    tag_id,

    ---------- timestamps
    synced_at

from {{ source_rows('segment_tag') }}
