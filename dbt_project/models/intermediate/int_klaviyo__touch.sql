-- The attribution windows in hours: Klaviyo's defaults for accounts created since 9 October 2024
-- (help.klaviyo.com, "Understanding attribution"). Opened WhatsApp is also named Read WhatsApp.
{%- set hours = {
    'Opened Email': 120,
    'Clicked Email': 120,
    'Clicked Text Message': 120,
    'Received Text Message': 12,
    'Opened Push': 24,
    'Clicked WhatsApp': 120,
    'Opened WhatsApp': 12,
    'Read WhatsApp': 12,
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
