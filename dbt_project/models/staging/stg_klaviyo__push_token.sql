select
    ---------- ids
    account_id,
    id as push_token_id,
    profile_id,

    ---------- strings
    platform,
    vendor,
    enablement_status,
    background,
    app_name,
    app_version,
    os_name,
    os_version,

    ---------- timestamps
    created_at,
    recorded_at,
    synced_at,

    ---------- json
    metadata

from {{ source_rows('push_token') }}
