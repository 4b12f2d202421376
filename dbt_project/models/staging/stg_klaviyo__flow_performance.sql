select
    ---------- ids
    account_id,
    flow_id,
    flow_message_id,
    variation as variation_id,
    conversion_metric_id,

    ---------- strings
    send_channel,
    flow_name,
    flow_message_name,
    variation_name,

    ---------- numerics
    {{ counted_statistics() }},

    ---------- dates
    window_start,
    window_end,

    ---------- timestamps
    synced_at

from {{ source_rows('flow_performance') }}
