select
    ---------- ids
    account_id,
    id as catalog_item_id,
    external_id,

    ---------- strings
    title,
    description,
    url,
    image_url,
    image_thumbnail_url,

    ---------- numerics
    price,

    ---------- booleans
    is_published,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at,

    ---------- json
    images,
    custom_metadata

from {{ source_rows('catalog_item') }}
