select
    ---------- ids
    account_id,
    campaign_id,
    tag_id,

    ---------- timestamps
    synced_at

from {{ source_rows('campaign_tag') }}
