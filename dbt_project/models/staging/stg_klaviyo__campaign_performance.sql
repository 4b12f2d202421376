select
    ---------- ids
    account_id,
    campaign_id,
    campaign_message_id,
    variation as variation_id,
    conversion_metric_id,

    ---------- strings
    send_channel,
    campaign_message_name,
    variation_name,

    ---------- numerics
    {{ counted_statistics() }},

    ---------- timestamps
    synced_at

from {{ source_rows('campaign_performance') }}
