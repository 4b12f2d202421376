{{ config(**incremental_by_month()) }}
{{ config(enabled=is_enabled(['message_details'])) }}

{%- set counted_once = [
    'account_id', 'profile_id', 'campaign_id', 'flow_id', 'flow_message_id', 'variation_id',
    'send_channel', 'link',
] %}

with

clicked_metrics as (

    select
        account_id,
        metric_id,
        case metric_name
            when 'Clicked Email' then 'email'
            when 'Clicked Text Message' then 'sms'
            else 'whatsapp'
        end as send_channel
    from {{ ref('stg_klaviyo__metric') }}
    where metric_name in ('Clicked Email', 'Clicked Text Message', 'Clicked WhatsApp')

),

events as (

    {{ affected_events('clicked_metrics', ['send_channel']) }}

),

clicks as (

    select
        account_id,
        event_id,
        metric_id,
        send_channel,
        profile_id,
        campaign_id,
        flow_id,
        -- In an event of a campaign, message_id is the id of the campaign, not of the message.
        case when flow_id is not null then message_id end as flow_message_id,
        variation_id,
        occurred_at,
        occurred_month,
        -- What follows ? or # differs between people, and may identify them.
        nullif(
            {{ dbt.split_part(dbt.split_part('url', "'?'", 1), "'#'", 1) }}, ''
        ) as link,
        coalesce(is_bot_click, false) as is_bot_click,
        synced_at
    from events

)

select
    *,
    case
        when not is_bot_click and profile_id is not null and occurred_at is not null
            then {{ surrogate_key(counted_once) }}
    end as clicker_key

from clicks
