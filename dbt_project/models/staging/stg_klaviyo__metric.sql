select
    ---------- ids
    account_id,
    id as metric_id,
    integration_id,

    ---------- strings
    name as metric_name,
    integration_name,
    integration_category,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at

from {{ source_rows('metric') }}
