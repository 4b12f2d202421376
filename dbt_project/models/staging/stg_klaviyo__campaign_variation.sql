select
    ---------- ids
    account_id,
    id as campaign_variation_id,
    campaign_message_id,
    template_id,

    ---------- strings
    name as campaign_variation_name,
    channel,
    subject,
    preview_text,
    title,
    body,
    {{ subject_line('subject', 'title', 'body') }} as subject_line,
    from_email,
    from_label,
    reply_to_email,

    ---------- booleans
    is_deleted,

    ---------- timestamps
    send_time,
    created_at,
    updated_at,
    synced_at,

    ---------- json
    details

from {{ source_rows_with_deleted('campaign_variation') }}
