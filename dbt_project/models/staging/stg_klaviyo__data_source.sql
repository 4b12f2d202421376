select
    ---------- ids
    account_id,
    id as data_source_id,

    ---------- strings
    title,
    description,
    visibility,
    namespace,

    ---------- timestamps
    synced_at

from {{ source_rows('data_source') }}
