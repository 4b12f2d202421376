select
    ---------- ids
    account_id,
    id as campaign_audience_id,
    campaign_id,

    ---------- strings
    name as campaign_audience_name,

    ---------- numerics
    priority,

    ---------- booleans
    is_deleted,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at,

    ---------- json
    included,
    excluded

from {{ source_rows_with_deleted('campaign_audience') }}
