select
    ---------- ids
    account_id,
    id as campaign_message_id,
    campaign_id,
    audience_id,

    ---------- strings
    name as campaign_message_name,
    status,
    channel,
    send_strategy,
    ab_winner_metric,

    ---------- numerics
    recipient_percentage,
    {{ json_number('definition', ['ab_test', 'winner_percentage']) }} as ab_winner_percentage,

    ---------- booleans
    is_tracking_opens,
    is_tracking_clicks,
    is_deleted,

    ---------- timestamps
    send_time,
    created_at,
    updated_at,
    synced_at,

    ---------- json
    send_times,
    definition

from {{ source_rows_with_deleted('campaign_message') }}
