select
    ---------- ids
    account_id,
    flow_message_id,
    flow_id,

    ---------- strings
    name as parameter_name,
    value as parameter_value,

    ---------- timestamps
    synced_at

from {{ source_rows('flow_utm_parameter') }}
