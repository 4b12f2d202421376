select
    ---------- ids
    account_id,
    id as review_id,
    catalog_item_id,
    product_external_id,

    ---------- strings
    review_type,
    status,
    title,
    content,
    smart_quote,
    author,
    email,
    product_name,
    product_url,
    reply,

    ---------- numerics
    rating,

    ---------- booleans
    is_verified,

    ---------- timestamps
    replied_at,
    created_at,
    updated_at,
    synced_at,

    ---------- json
    images

from {{ source_rows('review') }}
