-- How long after a touch a conversion is credited to its message: Klaviyo's defaults for accounts
-- made since 9 October 2024 (help.klaviyo.com, "Understanding attribution"). Opened WhatsApp is
-- also called Read WhatsApp.
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
    -- A campaign's events carry the id of the campaign where a flow's carry that of the message.
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
    metrics.metric_name in ('{{ hours | join("', '") }}')
    -- A machine that opens or clicks a mail has persuaded nobody.
    and not coalesce(events.is_machine_open, false)
    and not coalesce(events.is_bot_click, false)
