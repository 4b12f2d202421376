select
    ---------- ids
    account_id,
    id as flow_action_id,
    flow_id,

    ---------- strings
    type as action_type,
    status,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at,

    ---------- json
    definition

from {{ source_rows('flow_action') }}
