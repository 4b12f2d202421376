{{ config(severity='warn', enabled=is_enabled(['messages', 'findings'])) }}
{#- Lists campaigns with results and without a send date, although a sync has seen their messages.
    They are missing in every range of dates. A campaign that Klaviyo deleted before the first sync
    has no known date; the test of stg_klaviyo__campaign_performance warns of it. -#}
with

synced as (

    select distinct
        account_id,
        campaign_id
    from {{ ref('stg_klaviyo__campaign_message') }}

)

select messages.*
from {{ ref('klaviyo__message_performance') }} as messages
inner join synced
    on messages.account_id = synced.account_id
    and messages.campaign_id = synced.campaign_id
where messages.sent_on is null and messages.recipients > 0
