{{ config(enabled=is_compatible()) }}
select
    account_id,
    metric_id as id,
    metric_name as name,
    integration_id,
    integration_name,
    integration_category,
    created_at as created,
    updated_at as updated,
    synced_at as _fivetran_synced,
    false as _fivetran_deleted

from {{ ref('stg_klaviyo__metric') }}
