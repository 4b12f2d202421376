select
    ---------- ids
    account_id,
    id as catalog_category_id,
    external_id,

    ---------- strings
    name as catalog_category_name,

    ---------- timestamps
    updated_at,
    synced_at

from {{ source_rows('catalog_category') }}
