select
    ---------- ids
    account_id,
    id as custom_metric_id,

    ---------- strings
    name as custom_metric_name,
    aggregation_method,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at,

    ---------- json
    metric_groups

from {{ source_rows('custom_metric') }}
