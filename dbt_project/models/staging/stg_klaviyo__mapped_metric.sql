select
    ---------- ids
    account_id,
    id as mapped_metric_id,
    metric_id,
    custom_metric_id,

    ---------- timestamps
    updated_at,
    synced_at

from {{ source_rows('mapped_metric') }}
