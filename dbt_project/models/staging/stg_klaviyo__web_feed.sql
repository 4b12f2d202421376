select
    ---------- ids
    account_id,
    id as web_feed_id,

    ---------- strings
    name as web_feed_name,
    url,
    request_method,
    content_type,
    status,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at

from {{ source_rows('web_feed') }}
