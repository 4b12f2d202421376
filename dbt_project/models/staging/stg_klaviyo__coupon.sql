select
    ---------- ids
    account_id,
    id as coupon_id,
    external_id,

    ---------- strings
    description,

    ---------- timestamps
    synced_at,

    ---------- json
    monitor_configuration

from {{ source_rows('coupon') }}
