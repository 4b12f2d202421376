{{ config(enabled=is_compatible()) }}
with

campaigns as (
    select * from {{ ref('stg_klaviyo__campaign') }}
    where not is_deleted
),

-- The package has one message per campaign with one variation: the first ones.
messages as (

    select
        *,
        row_number() over (
            partition by account_id, campaign_id
            order by send_time nulls last, campaign_message_id
        ) as preference

    from {{ ref('stg_klaviyo__campaign_message') }}
    where not is_deleted

),

variations as (

    select
        *,
        row_number() over (
            partition by account_id, campaign_message_id order by campaign_variation_id
        ) as preference

    from {{ ref('stg_klaviyo__campaign_variation') }}
    where not is_deleted

)

select
    campaigns.account_id,
    campaigns.campaign_id as id,
    campaigns.campaign_name as name,
    messages.channel as campaign_type,
    variations.subject_line as subject,
    variations.from_email,
    variations.from_label as from_name,
    variations.template_id as email_template_id,
    messages.status,
    cast(null as {{ dbt.type_string() }}) as status_id,
    messages.status as status_label,
    campaigns.created_at as created,
    campaigns.updated_at as updated,
    messages.send_time,
    case when messages.status = 'sent' then messages.send_time end as sent_at,
    case when messages.status = 'scheduled' then messages.send_time end as scheduled,
    campaigns.is_archived as archived,
    campaigns.synced_at as _fivetran_synced,
    false as _fivetran_deleted

from campaigns
left join messages
    on campaigns.account_id = messages.account_id
    and campaigns.campaign_id = messages.campaign_id
    and messages.preference = 1
left join variations
    on messages.account_id = variations.account_id
    and messages.campaign_message_id = variations.campaign_message_id
    and variations.preference = 1
