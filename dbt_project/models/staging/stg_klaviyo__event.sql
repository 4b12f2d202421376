select
    ---------- ids
    account_id,
    id as event_id,
    metric_id,
    profile_id,
    unique_id,
    campaign_id,
    message_id,
    flow_id,
    variation_id,

    ---------- strings
    uuid,
    nullif(upper(trim(value_currency)), '') as value_currency,
    send_cohort,
    subject,
    campaign_name,
    url,
    email_domain,
    inbox_provider,
    client_name,
    client_type,
    client_os,
    bounce_type,

    ---------- numerics
    timestamp as occurred_at_seconds,
    -- No sum holds larger ones, and no shop has them.
    case when abs(value) < 1e100 then value end as value,

    ---------- booleans
    is_bot_click,
    is_machine_open,
    is_future,

    ---------- timestamps
    datetime as occurred_at,
    synced_at,

    ---------- json
    properties

from {{ source_rows('event') }}
