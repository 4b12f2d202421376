{{ config(enabled=is_compatible()) }}
select
    account_id,
    flow_id as id,
    flow_name as name,
    status,
    trigger_type,
    created_at as created,
    updated_at as updated,
    is_archived as archived,
    synced_at as _fivetran_synced,
    false as _fivetran_deleted

from {{ ref('stg_klaviyo__flow') }}
where not is_deleted
