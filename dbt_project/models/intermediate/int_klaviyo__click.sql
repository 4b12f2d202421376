{{ config(**incremental_by_month()) }}

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

    select
        events.*,
        clicked_metrics.send_channel,
        {{ occurred_month(utc_date('events.occurred_at')) }} as occurred_month

    from {{ ref('stg_klaviyo__event') }} as events
    inner join clicked_metrics
        on events.account_id = clicked_metrics.account_id
        and events.metric_id = clicked_metrics.metric_id
    {% if is_incremental() -%}
    where {{ in_affected_range('events.occurred_at', 1) }}
    {%- endif %}

)

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
{% if is_incremental() -%}
where occurred_month >= {{ affected_from_month() }}
{%- endif %}
