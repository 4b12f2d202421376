select
    ---------- ids
    account_id,
    id as campaign_id,

    ---------- strings
    name as campaign_name,
    builder,
    color,
    description,
    send_timezone,
    send_strategy,

    ---------- booleans
    is_archived,
    is_deleted,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at,

    ---------- json
    definition

from {{ source_rows_with_deleted('campaign') }}
