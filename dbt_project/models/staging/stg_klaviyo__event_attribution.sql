select
    ---------- ids
    account_id,
    event_id,
    attribution_id,
    attributed_event_id,
    campaign_id,
    campaign_message_id,
    flow_id,
    flow_message_id,
    flow_message_variation_id,

    ---------- timestamps
    event_datetime as event_occurred_at,
    synced_at

from {{ source_rows('event_attribution') }}
