select
    ---------- ids
    account_id,

    ---------- strings
    organization_name,
    default_sender_name,
    default_sender_email,
    website_url,
    industry,
    timezone,
    nullif(upper(trim(preferred_currency)), '') as preferred_currency,
    public_api_key,
    locale,
    source_relation,

    ---------- booleans
    is_test_account,

    ---------- timestamps
    synced_at

from {{ source_rows('account') }}
