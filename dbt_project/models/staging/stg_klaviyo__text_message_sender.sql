select
    ---------- ids
    account_id,
    id as text_message_sender_id,

    ---------- strings
    sender_type,
    sender_identifier,
    status,
    forwarding_number,

    ---------- timestamps
    created_at,
    synced_at,

    ---------- json
    sender_details

from {{ source_rows('text_message_sender') }}
