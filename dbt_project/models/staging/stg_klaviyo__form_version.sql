select
    ---------- ids
    account_id,
    id as form_version_id,
    form_id,

    ---------- strings
    variation_name,
    form_type,
    status,
    ab_test_variation,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at

from {{ source_rows('form_version') }}
