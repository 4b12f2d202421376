select
    ---------- ids
    account_id,
    catalog_category_id,
    catalog_item_id,

    ---------- timestamps
    synced_at

from {{ source_rows('catalog_category_item') }}
