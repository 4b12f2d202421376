select
    ---------- ids
    account_id,
    id as flow_message_id,
    flow_id,
    flow_action_id,
    template_id,

    ---------- strings
    name as flow_message_name,
    action_type,
    subject,
    preview_text,
    title,
    body,
    {{ subject_line('subject', 'title', 'body') }} as subject_line,
    from_email,
    from_label,

    ---------- booleans
    is_deleted,

    ---------- timestamps
    created_at,
    updated_at,
    synced_at,

    ---------- json
    definition

from {{ source_rows_with_deleted('flow_message') }}
