select
    ---------- ids
    account_id,
    custom_object_type_id,
    id as custom_object_record_id,

    ---------- timestamps
    synced_at,

    ---------- json
    properties

from {{ source_rows('custom_object_record') }}
