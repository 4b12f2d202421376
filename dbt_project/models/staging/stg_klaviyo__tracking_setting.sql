select
    ---------- ids
    account_id,
    id as tracking_setting_id,

    ---------- booleans
    is_auto_added,

    ---------- timestamps
    synced_at,

    ---------- json
    utm_source,
    utm_medium,
    utm_campaign,
    utm_id,
    utm_term,
    custom_parameters

from {{ source_rows('tracking_setting') }}
