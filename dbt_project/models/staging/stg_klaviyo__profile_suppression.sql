select
    ---------- ids
    account_id,
    profile_id,

    ---------- strings
    scope,
    reason,

    ---------- timestamps
    suppressed_at,
    synced_at

from {{ source_rows('profile_suppression') }}
