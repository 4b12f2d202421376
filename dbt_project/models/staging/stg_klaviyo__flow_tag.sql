select
    ---------- ids
    account_id,
    flow_id,
    tag_id,

    ---------- timestamps
    synced_at

from {{ source_rows('flow_tag') }}
