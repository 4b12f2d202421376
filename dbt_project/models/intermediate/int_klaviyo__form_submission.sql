{{ config(**incremental_by_month()) }}
{{ config(enabled=is_enabled(['orders'])) }}
-- Beside klaviyo__cohort, so that the mart need not read the properties of all events. The names of
-- Klaviyo's metrics of people, and their property: klaviyo-swift-sdk, IAFNativeBridgeEventTests.
with

form_metrics as (

    select
        account_id,
        metric_id
    from {{ ref('stg_klaviyo__metric') }}
    where
        metric_name in (
            'Submitted Form', 'Form submitted by profile', 'Form completed by profile'
        )

),

events as (

    {{ affected_events('form_metrics') }}

)

select
    account_id,
    event_id,
    metric_id,
    profile_id,
    nullif({{ json_text('properties', ['form_id']) }}, '') as form_id,
    occurred_at,
    occurred_month,
    synced_at

from events
union all
-- The newest row bounds what the next incremental run reads, also of an account without forms. In
-- the first month of BigQuery's partitions.
select
    account_id,
    '' as event_id,
    cast(null as {{ dbt.type_string() }}) as metric_id,
    cast(null as {{ dbt.type_string() }}) as profile_id,
    cast(null as {{ dbt.type_string() }}) as form_id,
    cast(null as {{ type_timestamptz() }}) as occurred_at,
    date '1960-01-01' as occurred_month,
    synced_at
from {{ ref('int_klaviyo__last_sync') }}
