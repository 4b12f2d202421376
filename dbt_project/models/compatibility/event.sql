{{ config(enabled=is_compatible()) }}
with

events as (select * from {{ ref('stg_klaviyo__event') }}),

metrics as (select * from {{ ref('stg_klaviyo__metric') }}),

attributions as (

    select
        account_id,
        event_id,
        attributed_event_id,
        row_number() over (partition by account_id, event_id order by attribution_id) as preference

    from {{ ref('stg_klaviyo__event_attribution') }}

)

select
    events.account_id,
    events.event_id as id,
    events.profile_id as person_id,
    events.metric_id,
    events.campaign_id,
    events.flow_id,
    case when events.flow_id is not null then events.message_id end as flow_message_id,
    events.variation_id as _variation,
    events.occurred_at as timestamp,
    events.occurred_at as datetime,
    metrics.metric_name as type,
    events.uuid,
    events.value as property_value,
    -- The JSON of Klaviyo's API since September 2025, as far as the package reads it.
    '{"relationships": {"attributed-event": {"data": {"type": "event", "id": "'
    || attributions.attributed_event_id || '"}}}}' as property_attribution,
    events.synced_at as _fivetran_synced,
    false as _fivetran_deleted

from events
left join metrics
    on events.account_id = metrics.account_id
    and events.metric_id = metrics.metric_id
left join attributions
    on events.account_id = attributions.account_id
    and events.event_id = attributions.event_id
    and attributions.preference = 1
