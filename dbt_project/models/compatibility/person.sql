{{ config(enabled=is_compatible()) }}
select
    account_id,
    profile_id as id,
    address_1,
    address_2,
    city,
    country,
    email,
    first_name,
    last_name,
    organization,
    phone_number,
    region,
    timezone,
    title,
    zip,
    latitude,
    longitude,
    created_at as created,
    updated_at as updated,
    last_event_at as last_event_date,
    synced_at as _fivetran_synced,
    false as _fivetran_deleted

from {{ ref('stg_klaviyo__profile') }}
