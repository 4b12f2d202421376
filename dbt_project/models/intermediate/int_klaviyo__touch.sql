-- The attribution windows, limits whose defaults are Klaviyo's for accounts created since
-- 9 October 2024 (help.klaviyo.com, "Understanding attribution"). Opened WhatsApp is also named
-- Read WhatsApp.
{%- set hours = {
    'Opened Email': limit('email_open_hours'),
    'Clicked Email': limit('email_click_hours'),
    'Clicked Text Message': limit('text_click_hours'),
    'Received Text Message': limit('text_received_hours'),
    'Opened Push': limit('push_open_hours'),
    'Clicked WhatsApp': limit('whatsapp_click_hours'),
    'Opened WhatsApp': limit('whatsapp_open_hours'),
    'Read WhatsApp': limit('whatsapp_open_hours'),
} %}

with

events as (select * from {{ ref('stg_klaviyo__event') }}),

metrics as (select * from {{ ref('stg_klaviyo__metric') }})

select
    events.account_id,
    events.event_id,
    events.profile_id,
    events.metric_id,
    events.campaign_id,
    events.flow_id,
    -- In an event of a campaign, message_id is the id of the campaign, not of the message.
    case when events.flow_id is not null then events.message_id end as flow_message_id,
    events.variation_id,
    events.occurred_at,
    events.occurred_at_seconds,
    3600 * case metrics.metric_name
        {%- for name, window in hours.items() %}
        when '{{ name }}' then {{ window }}
        {%- endfor %}
    end as window_seconds,
    events.synced_at

from events
inner join metrics
    on events.account_id = metrics.account_id
    and events.metric_id = metrics.metric_id
where
    metrics.metric_name in (
        {%- for name in hours %}
        '{{ name }}'{{ ',' if not loop.last }}
        {%- endfor %}
    )
    -- An open or click by a machine is no touch.
    and not coalesce(events.is_machine_open, false)
    and not coalesce(events.is_bot_click, false)
