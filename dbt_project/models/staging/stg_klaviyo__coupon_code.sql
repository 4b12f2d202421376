select
    ---------- ids
    account_id,
    id as coupon_code_id,
    coupon_id,
    profile_id,

    ---------- strings
    unique_code,
    status,

    ---------- timestamps
    expires_at,
    synced_at

from {{ source_rows('coupon_code') }}
