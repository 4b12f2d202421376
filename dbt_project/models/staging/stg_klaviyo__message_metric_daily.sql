select
    ---------- ids
    account_id,
    metric_id,
    message_id,
    flow_id,

    ---------- strings
    channel,

    ---------- numerics
    count as event_count,
    unique_count,
    sum_value,

    ---------- dates
    date as occurred_on,

    ---------- timestamps
    synced_at

from {{ source_rows('message_metric_daily') }}
