-- In a campaign report `campaign_message_id` is the id of the campaign, as is `$message` in the
-- events of a campaign (recorded at revision 2024-10-15). A variation names its message, too, and
-- has a send time of its own if the campaign tests send times.
with

messages as (select * from {{ ref('stg_klaviyo__campaign_message') }}),

named as (

    select
        account_id,
        campaign_message_id as named_id,
        campaign_message_id,
        send_time
    from messages
    union distinct
    select
        messages.account_id,
        variations.campaign_variation_id as named_id,
        messages.campaign_message_id,
        coalesce(variations.send_time, messages.send_time) as send_time
    from {{ ref('stg_klaviyo__campaign_variation') }} as variations
    inner join messages
        on variations.account_id = messages.account_id
        and variations.campaign_message_id = messages.campaign_message_id
    union distinct
    select
        account_id,
        campaign_id as named_id,
        campaign_message_id,
        send_time
    from messages
    where campaign_id is not null

),

-- A message without a send time has no results if another message of the campaign has one.
ranked as (

    select
        *,
        rank() over (
            partition by account_id, named_id
            order by case when send_time is null then 1 else 0 end
        ) as preference
    from named

)

select
    account_id,
    named_id,
    case when count(*) = 1 then min(campaign_message_id) end as campaign_message_id,
    min(send_time) as sent_at

from ranked
where preference = 1
group by account_id, named_id
